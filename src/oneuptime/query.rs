//! Parses the operators of a `query` into valid conditions (docs/oneuptime.md §5); knows no SQL.

use super::OneUptimeError;
use super::columns::{ConditionTarget, field};
use super::value::{self, Typed};
use crate::model::fold::{MAX_PATTERN_CHARS, Pattern};
use crate::model::log_query::{Comparison, Condition, Operand, Predicate, SearchTarget};
use crate::model::whatsapp_log::ColumnType;
use crate::model::wire;

/// The maximum number of conditions in one query: more than there are columns.
const MOST_CONDITIONS: usize = 100;
/// The maximum number of columns in all MultiSearches of a query together: each one is compared for every scanned row.
const MOST_SEARCHED: usize = 50;

/// Parses a `query`.
pub fn parse(raw: &str, project_id: &str) -> Result<Vec<Condition>, OneUptimeError> {
    let fields = value::object(raw).ok_or_else(|| OneUptimeError::bad("Query must be an object."))?;
    if fields.len() > MOST_CONDITIONS {
        return Err(OneUptimeError::Bad(format!("Query must have at most {MOST_CONDITIONS} conditions.")));
    }
    let mut conditions = Vec::new();
    for (name, raw) in fields {
        let typed = Typed::read(raw.get());
        if let Some(search) = typed.as_ref().filter(|typed| typed.of_type == "MultiSearch") {
            conditions.extend(multi_search(&name, search, project_id)?);
            let searched_columns = |condition: &Condition| match condition {
                Condition::AnyMatches(searched, _) => searched.len(),
                Condition::On(..) => 0,
            };
            if conditions.iter().map(searched_columns).sum::<usize>() > MOST_SEARCHED {
                let sentence = format!("Query must search at most {MOST_SEARCHED} columns with MultiSearch.");
                return Err(OneUptimeError::Bad(sentence));
            }
            continue;
        }
        let condition_target = field(&name).ok_or_else(|| unknown(&name))?.condition_target();
        match condition_target {
            // The key's own project replaces it, and every row belongs to that.
            ConditionTarget::Project if name == "projectId" => {}
            ConditionTarget::Project => {
                let predicates = Reader { name: &name, kind: ColumnType::Id }.predicates(raw.get(), typed)?;
                let own_id = Operand::Text(project_id.to_owned());
                conditions.extend(predicates.iter().any(|one| !one.holds_for(&own_id)).then_some(Condition::NEVER));
            }
            ConditionTarget::Hidden => return Err(OneUptimeError::Hidden("query", name)),
            ConditionTarget::Never(kind) => {
                let predicates = Reader { name: &name, kind }.predicates(raw.get(), typed)?;
                conditions.extend(predicates.iter().any(|one| !one.holds_for_null()).then_some(Condition::NEVER));
            }
            ConditionTarget::Column(column) => {
                let predicates = Reader { name: &name, kind: column.kind() }.predicates(raw.get(), typed)?;
                conditions.extend(predicates.into_iter().map(|predicate| Condition::On(column, predicate)));
            }
        }
    }
    Ok(conditions)
}

fn unknown(name: &str) -> OneUptimeError {
    OneUptimeError::Bad(format!("Invalid column on WhatsApp Log - {name}. Column does not exist."))
}

/// A search for a text in any of several columns. `name` is only used in errors; an empty text is no condition.
fn multi_search(name: &str, search: &Typed<'_>, project_id: &str) -> Result<Option<Condition>, OneUptimeError> {
    let reader = Reader { name, kind: ColumnType::Text };
    let pattern = reader.pattern(search.get("value"), Pattern::contains)?;
    let is_empty = search.get("value").and_then(value::text).is_some_and(|text| text.is_empty());
    let fields = search.get("fields").and_then(wire::array);
    let fields = fields.filter(|fields| !fields.is_empty());
    let fields = fields.ok_or_else(|| reader.wrong("its fields must be a list of columns"))?;
    let mut searched = Vec::new();
    for raw in fields {
        let name = wire::text(raw.get()).ok_or_else(|| reader.wrong("its fields must be a list of columns"))?;
        let one = match field(&name).ok_or_else(|| unknown(&name))?.condition_target() {
            ConditionTarget::Column(column) => SearchTarget::Column(column),
            ConditionTarget::Project => SearchTarget::Project(project_id.to_owned()),
            ConditionTarget::Hidden => return Err(OneUptimeError::Hidden("query", name)),
            // A column that never has a value never matches.
            ConditionTarget::Never(_) => continue,
        };
        if !searched.contains(&one) {
            searched.push(one);
        }
    }
    Ok(match (is_empty, searched.is_empty()) {
        (true, _) => None,
        (false, true) => Some(Condition::NEVER),
        (false, false) => Some(Condition::AnyMatches(searched, pattern)),
    })
}

/// Parses the condition on one column.
struct Reader<'a> {
    name: &'a str,
    kind: ColumnType,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> OneUptimeError {
        OneUptimeError::Bad(format!("Invalid query on WhatsApp Log - {}: {what}.", self.name))
    }

    /// A range becomes two predicates, anything else one.
    fn predicates(&self, raw: &str, typed: Option<Typed<'_>>) -> Result<Vec<Predicate>, OneUptimeError> {
        match typed {
            Some(typed) if typed.of_type == "InBetween" => {
                let start = self.value(typed.get("startValue"), "its startValue")?;
                let end = self.value(typed.get("endValue"), "its endValue")?;
                Ok(vec![
                    Predicate::Compare(Comparison::GreaterOrEqual, start),
                    Predicate::Compare(Comparison::LessOrEqual, end),
                ])
            }
            Some(typed) if !typed.is_wrapper() => Ok(vec![self.operator(&typed)?]),
            _ if raw == "null" => Ok(vec![Predicate::IsNull]),
            _ if raw.starts_with('[') => Ok(vec![Predicate::OneOf(self.list(Some(raw))?)]),
            _ => Ok(vec![Predicate::OneOf(vec![self.value(Some(raw), "its value")?])]),
        }
    }

    fn operator(&self, typed: &Typed<'_>) -> Result<Predicate, OneUptimeError> {
        use Comparison::{Different, Greater, GreaterOrEqual, Less, LessOrEqual};
        let value = || self.value(typed.get("value"), "its value");
        let list = || self.list(typed.get("value"));
        let pattern = |form| self.pattern(typed.get("value"), form);
        let or_null = |predicate| Predicate::OrNull(Box::new(predicate));
        Ok(match typed.of_type.as_str() {
            "EqualTo" => Predicate::OneOf(vec![value()?]),
            "NotEqual" => Predicate::Compare(Different, value()?),
            "EqualToOrNull" => or_null(Predicate::OneOf(vec![value()?])),
            "IsNull" => Predicate::IsNull,
            "NotNull" => Predicate::IsNotNull,
            "GreaterThan" => Predicate::Compare(Greater, value()?),
            "GreaterThanOrEqual" => Predicate::Compare(GreaterOrEqual, value()?),
            "LessThan" => Predicate::Compare(Less, value()?),
            "LessThanOrEqual" => Predicate::Compare(LessOrEqual, value()?),
            "GreaterThanOrNull" => or_null(Predicate::Compare(Greater, value()?)),
            "LessThanOrNull" => or_null(Predicate::Compare(Less, value()?)),
            "Search" => Predicate::Matches(pattern(Pattern::contains)?),
            "StartsWith" => Predicate::Matches(pattern(Pattern::starts_with)?),
            "EndsWith" => Predicate::Matches(pattern(Pattern::ends_with)?),
            "NotContains" => Predicate::DoesNotMatch(pattern(Pattern::contains)?),
            // For a column with a single value, `IncludesAll` means the same as `Includes`.
            "Includes" | "IncludesAll" => Predicate::OneOf(list()?),
            "IncludesNone" => Predicate::NoneOf(list()?),
            _ => return Err(self.wrong("its _type is not an operator")),
        })
    }

    fn value(&self, raw: Option<&str>, what: &str) -> Result<Operand, OneUptimeError> {
        let wanted = match self.kind {
            ColumnType::Id => "a UUID",
            ColumnType::Integer => "an integer",
            ColumnType::Instant => "an ISO 8601 date",
            ColumnType::Text => "a text",
        };
        raw.and_then(|raw| value::value(raw, self.kind)).ok_or_else(|| self.wrong(&format!("{what} must be {wanted}")))
    }

    /// The distinct values of a list.
    fn list(&self, raw: Option<&str>) -> Result<Vec<Operand>, OneUptimeError> {
        let elements = raw.and_then(wire::array).ok_or_else(|| self.wrong("its value must be a list"))?;
        let values = elements.iter().map(|raw| self.value(Some(raw.get()), "each value of its list"));
        let mut values = values.collect::<Result<Vec<_>, _>>()?;
        values.sort();
        values.dedup();
        Ok(values)
    }

    fn pattern(&self, raw: Option<&str>, form: fn(&str) -> Option<Pattern>) -> Result<Pattern, OneUptimeError> {
        let text = raw.and_then(value::text).ok_or_else(|| self.wrong("its value must be a text"))?;
        form(&text).ok_or_else(|| self.wrong(&format!("its value must have at most {MAX_PATTERN_CHARS} characters")))
    }
}
