//! Turns conditions on WhatsApp log rows into SQL with bound values; chooses no index.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text};

use super::columns::{Index, Named, name};
use crate::model::fold::Pattern;
use crate::model::log_query::{Comparison, Condition, Operand, Predicate, SearchTarget};
use crate::model::whatsapp_log::{Column, ColumnType};
use crate::store::db::connection::Backend;
use crate::store::db::fragments::{AnyOf, DialectSql, InstantText, any_of};
use crate::store::db::text::encode;
use crate::store::schema::{whatsapp_log_days, whatsapp_logs};

/// A value to bind.
enum BoundValue {
    Integer(i64),
    Text(String),
}

impl BoundValue {
    fn new(value: &Operand) -> Self {
        match value {
            Operand::Integer(value) => Self::Integer(*value),
            Operand::Text(text) => Self::Text(encode(text).into_owned()),
        }
    }

    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        match self {
            Self::Integer(value) => out.push_bind_param::<BigInt, _>(value),
            Self::Text(text) => out.push_bind_param::<Text, _>(text),
        }
    }
}

/// The text that a pattern is matched against.
enum Haystack {
    /// The case-folded form, or the text itself if that is the same.
    Folded(&'static str, Named),
    Id(Named),
    Integer(Named),
    Instant(InstantText),
    Constant(String),
}

impl Haystack {
    fn new(column: Column) -> Self {
        let named = Named { column, bare: true };
        match column {
            Column::ToNumber => Self::Folded("folded_to_number", named),
            Column::FromNumber => Self::Folded("folded_from_number", named),
            Column::MessageText => Self::Folded("folded_message_text", named),
            Column::StatusMessage => Self::Folded("folded_status_message", named),
            Column::WhatsAppMessageId => Self::Folded("folded_whatsapp_message_id", named),
            Column::Status => Self::Folded("folded_status", named),
            Column::Id | Column::Related(_) => Self::Id(named),
            Column::Version | Column::Cost => Self::Integer(named),
            Column::CreatedAt | Column::UpdatedAt => Self::Instant(InstantText(name(column))),
        }
    }

    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        match self {
            Self::Folded(folded, named) => {
                out.push_sql("coalesce(");
                out.push_identifier(folded)?;
                out.push_sql(", ");
                named.walk_ast(out.reborrow())?;
                out.push_sql(")");
            }
            Self::Id(named) => named.walk_ast(out.reborrow())?,
            Self::Integer(named) => {
                out.push_sql("CAST(");
                named.walk_ast(out.reborrow())?;
                out.push_sql(" AS TEXT)");
            }
            Self::Instant(text) => text.walk_ast(out.reborrow())?,
            Self::Constant(text) => {
                out.push_sql("CAST(");
                out.push_bind_param::<Text, _>(text)?;
                out.push_sql(" AS TEXT)");
            }
        }
        Ok(())
    }
}

/// One condition, with its values to bind.
enum SqlCondition {
    Null(Named, &'static str),
    Compare(Named, &'static str, BoundValue),
    In(AnyOf<Named>),
    NotIn(AnyOf<Named>),
    Like(Vec<Haystack>, String),
    Unlike(Named, Haystack, String),
    OrNull(Named, Box<SqlCondition>),
}

impl SqlCondition {
    fn new(condition: &Condition, index: Index) -> Self {
        match condition {
            Condition::On(column, predicate) => {
                let is_scanned =
                    matches!(index, Index::Values(scanned) | Index::SingleValue(scanned) if scanned == *column);
                Self::of(Named { column: *column, bare: index.names(*column) }, predicate, is_scanned)
            }
            Condition::AnyMatches(searched, pattern) => {
                let haystack = |searched: &SearchTarget| match searched {
                    SearchTarget::Column(column) => Haystack::new(*column),
                    SearchTarget::Project(id) => Haystack::Constant(id.clone()),
                };
                Self::Like(searched.iter().map(haystack).collect(), pattern.as_str().to_owned())
            }
        }
    }

    fn of(named: Named, predicate: &Predicate, is_scanned: bool) -> Self {
        let pattern = |pattern: &Pattern| pattern.as_str().to_owned();
        match predicate {
            Predicate::IsNull => Self::Null(named, " IS NULL"),
            Predicate::IsNotNull => Self::Null(named, " IS NOT NULL"),
            Predicate::OneOf(values) => match values.as_slice() {
                [only] => Self::Compare(named, " = ", BoundValue::new(only)),
                several => Self::In(if is_scanned { list(named, several) } else { list(named, several).as_filter() }),
            },
            Predicate::NoneOf(values) => Self::NotIn(list(named, values).as_filter()),
            Predicate::Compare(comparison, value) => {
                let operator = match comparison {
                    Comparison::Less => " < ",
                    Comparison::LessOrEqual => " <= ",
                    Comparison::Greater => " > ",
                    Comparison::GreaterOrEqual => " >= ",
                    Comparison::Different => " <> ",
                };
                Self::Compare(named, operator, BoundValue::new(value))
            }
            Predicate::Matches(like) => Self::Like(vec![Haystack::new(named.column)], pattern(like)),
            Predicate::DoesNotMatch(like) => Self::Unlike(named, Haystack::new(named.column), pattern(like)),
            Predicate::OrNull(predicate) => Self::OrNull(named, Box::new(Self::of(named, predicate, false))),
        }
    }

    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        match self {
            Self::Null(named, sql) => {
                QueryFragment::<Backend>::walk_ast(named, out.reborrow())?;
                out.push_sql(sql);
            }
            Self::Compare(named, operator, value) => {
                QueryFragment::<Backend>::walk_ast(named, out.reborrow())?;
                out.push_sql(operator);
                value.push(&mut out)?;
            }
            Self::In(list) => list.walk_ast(out.reborrow())?,
            Self::NotIn(list) => {
                out.push_sql("NOT (");
                list.walk_ast(out.reborrow())?;
                out.push_sql(")");
            }
            Self::Like(haystacks, pattern) => {
                for (position, haystack) in haystacks.iter().enumerate() {
                    if position > 0 {
                        out.push_sql(" OR ");
                    }
                    like(haystack, pattern, out.reborrow())?;
                }
            }
            Self::Unlike(named, haystack, pattern) => {
                QueryFragment::<Backend>::walk_ast(named, out.reborrow())?;
                out.push_sql(" IS NULL OR NOT (");
                like(haystack, pattern, out.reborrow())?;
                out.push_sql(")");
            }
            Self::OrNull(named, condition) => {
                QueryFragment::<Backend>::walk_ast(named, out.reborrow())?;
                out.push_sql(" IS NULL OR (");
                condition.push(out.reborrow())?;
                out.push_sql(")");
            }
        }
        Ok(())
    }

    /// Whether programs use it so often that caching its statements as prepared ones is worthwhile.
    fn is_common(&self) -> bool {
        let (Self::Compare(named, ..) | Self::In(AnyOf { expression: named, .. })) = self else { return false };
        matches!(
            named.column,
            Column::Id
                | Column::Status
                | Column::CreatedAt
                | Column::UpdatedAt
                | Column::ToNumber
                | Column::WhatsAppMessageId
        )
    }
}

fn list(named: Named, values: &[Operand]) -> AnyOf<Named> {
    let integers: Vec<i64> = values.iter().filter_map(integer).collect();
    let texts: Vec<String> = values.iter().filter_map(text).collect();
    match named.column.kind() {
        ColumnType::Integer | ColumnType::Instant => any_of(named, &integers),
        ColumnType::Id | ColumnType::Text => any_of(named, &texts),
    }
}

fn integer(value: &Operand) -> Option<i64> {
    if let Operand::Integer(value) = value { Some(*value) } else { None }
}

fn text(value: &Operand) -> Option<String> {
    if let Operand::Text(text) = value { Some(encode(text).into_owned()) } else { None }
}

/// Whether a haystack matches a pattern. PostgreSQL reads this escape the same way under all settings.
fn like<'b>(haystack: &'b Haystack, pattern: &'b String, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
    const BEFORE: &DialectSql = &DialectSql { on_file: "text_like(", on_server: "" };
    const BETWEEN: &DialectSql = &DialectSql { on_file: ", ", on_server: " LIKE " };
    const AFTER: &DialectSql = &DialectSql { on_file: ")", on_server: r" ESCAPE E'\\'" };
    BEFORE.walk_ast(out.reborrow())?;
    haystack.push(out.reborrow())?;
    BETWEEN.walk_ast(out.reborrow())?;
    out.push_bind_param::<Text, _>(pattern)?;
    AFTER.walk_ast(out)
}

/// A statement with more conditions than this, or with an uncommon one, is not cached as a prepared one.
const MAX_PREPARED_CONDITIONS: usize = 2;

/// All conditions of a statement.
pub struct Where(Vec<SqlCondition>);

impl Where {
    pub fn new<'c>(conditions: impl IntoIterator<Item = &'c Condition>, index: Index) -> Self {
        Self(conditions.into_iter().map(|condition| SqlCondition::new(condition, index)).collect())
    }
}

impl Expression for Where {
    type SqlType = Bool;
}

impl AppearsOnTable<whatsapp_logs::table> for Where {}
impl AppearsOnTable<whatsapp_log_days::table> for Where {}

impl<G> ValidGrouping<G> for Where {
    type IsAggregate = is_aggregate::Never;
}

impl QueryId for Where {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for Where {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        // Callers choose their conditions, so caching every prepared statement would fill the memory of the gateway and
        // of the database.
        if self.0.len() > MAX_PREPARED_CONDITIONS || !self.0.iter().all(SqlCondition::is_common) {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("(");
        for (position, condition) in self.0.iter().enumerate() {
            out.push_sql(if position > 0 { ") AND (" } else { "" });
            condition.push(out.reborrow())?;
        }
        out.push_sql(if self.0.is_empty() { "1 = 1)" } else { ")" });
        Ok(())
    }
}
