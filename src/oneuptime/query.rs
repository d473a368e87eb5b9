//! A query's operators, read into conditions that cannot be wrong (docs/oneuptime.md §5); knows no SQL.

use super::OneUptimeError;
use super::columns::{Meant, field};
use super::value::{self, Typed};
use crate::model::fold::{LONGEST_PATTERN, Pattern};
use crate::model::log_query::{Comparison, Condition, Operand, Predicate, Searched};
use crate::model::whatsapp_log::ColumnType;
use crate::model::wire;

/// How many conditions one query may have: more than there are columns.
const MOST_CONDITIONS: usize = 100;
/// How many columns all its searches together may look through, each of which is a walk over the rows.
const MOST_SEARCHED: usize = 50;

/// Reads a `query`.
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
            let of_each = |condition: &Condition| match condition {
                Condition::AnyMatches(searched, _) => searched.len(),
                Condition::On(..) => 0,
            };
            if conditions.iter().map(of_each).sum::<usize>() > MOST_SEARCHED {
                let sentence = format!("Query must search at most {MOST_SEARCHED} columns with MultiSearch.");
                return Err(OneUptimeError::Bad(sentence));
            }
            continue;
        }
        let meant = field(&name).ok_or_else(|| unknown(&name))?.meant();
        match meant {
            // The key's own project takes its place, which every row has.
            Meant::Project if name == "projectId" => {}
            Meant::Project => {
                let tests = Reader { name: &name, kind: ColumnType::Id }.tests(raw.get(), typed)?;
                let own = Operand::Text(project_id.to_owned());
                conditions.extend(tests.iter().any(|test| !test.holds_for(&own)).then_some(Condition::NEVER));
            }
            Meant::Hidden => return Err(OneUptimeError::Hidden("query", name)),
            Meant::Never(kind) => {
                let tests = Reader { name: &name, kind }.tests(raw.get(), typed)?;
                conditions.extend(tests.iter().any(|test| !test.holds_for_null()).then_some(Condition::NEVER));
            }
            Meant::Column(column) => {
                let tests = Reader { name: &name, kind: column.kind() }.tests(raw.get(), typed)?;
                conditions.extend(tests.into_iter().map(|test| Condition::On(column, test)));
            }
        }
    }
    Ok(conditions)
}

fn unknown(name: &str) -> OneUptimeError {
    OneUptimeError::Bad(format!("Invalid column on WhatsApp Log - {name}. Column does not exist."))
}

/// A text in any of several columns; its own name says nothing. An empty text is no condition.
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
        let one = match field(&name).ok_or_else(|| unknown(&name))?.meant() {
            Meant::Column(column) => Searched::Column(column),
            Meant::Project => Searched::Project(project_id.to_owned()),
            Meant::Hidden => return Err(OneUptimeError::Hidden("query", name)),
            // Nothing is found where there never is a value.
            Meant::Never(_) => continue,
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

/// Reads the condition on one column.
struct Reader<'a> {
    name: &'a str,
    kind: ColumnType,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> OneUptimeError {
        OneUptimeError::Bad(format!("Invalid query on WhatsApp Log - {}: {what}.", self.name))
    }

    /// A stretch between two ends is two tests, anything else one.
    fn tests(&self, raw: &str, typed: Option<Typed<'_>>) -> Result<Vec<Predicate>, OneUptimeError> {
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
        let or_null = |test| Predicate::OrNull(Box::new(test));
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
            // On columns of one value, all of them is any of them.
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

    /// Each value of a list once.
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
        form(&text).ok_or_else(|| self.wrong(&format!("its value must have at most {LONGEST_PATTERN} characters")))
    }
}
