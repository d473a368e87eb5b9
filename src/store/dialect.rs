//! What differs from database to database: its backend, its functions, its words for failures.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::connection::Connection;
use super::error::StoreError;

pub type Backend = diesel::sqlite::Sqlite;

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Lists the tables, each in a column `value`.
pub const TABLES: &str = "SELECT name AS value FROM sqlite_master WHERE type = 'table' ORDER BY name";

/// What stands before and after an item to make it the content that it holds.
pub const CONTENT_OF: (&str, &str) = ("json_extract(", ", '$.content')");

#[diesel::declare_sql_function]
extern "SQL" {
    /// Always true; counts the rows it is asked about. Registered by `history::page_counted` only.
    fn touched(message_id: BigInt) -> Bool;
}

/// Registers `touched` on a connection, for tests and benchmarks.
pub fn count_rows(
    connection: &mut Connection,
    mut count: impl FnMut() + Send + std::panic::UnwindSafe + 'static,
) -> Result<(), StoreError> {
    touched_utils::register_nondeterministic_impl(connection, move |_: i64| {
        count();
        true
    })?;
    Ok(())
}

/// `expression IN (any of a list)`, the list bound as one value: of any length, and always the same statement,
/// so that it is prepared once.
pub struct AnyOf<E> {
    expression: E,
    list: String,
}

/// Whether an expression is one of some values, which are numbers or texts.
pub fn any_of<E, T: serde::Serialize>(expression: E, values: impl IntoIterator<Item = T>) -> AnyOf<E> {
    let values: Vec<T> = values.into_iter().collect();
    // Numbers and texts in a list have nothing that can fail.
    AnyOf { expression, list: serde_json::to_string(&values).unwrap_or_default() }
}

impl<E> Expression for AnyOf<E> {
    type SqlType = Bool;
}

impl<E: AppearsOnTable<T>, T> AppearsOnTable<T> for AnyOf<E> {}

impl<E, G> ValidGrouping<G> for AnyOf<E> {
    type IsAggregate = is_aggregate::Never;
}

impl<E> QueryId for AnyOf<E> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<E: QueryFragment<Backend>> QueryFragment<Backend> for AnyOf<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        self.expression.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.list)?;
        out.push_sql("))");
        Ok(())
    }
}

/// A statement whose plan is wanted instead of its rows.
struct Explain<Q>(Q);

impl<Q: QueryFragment<Backend>> QueryFragment<Backend> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("EXPLAIN QUERY PLAN ");
        self.0.walk_ast(out.reborrow())
    }
}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Explain<Q> {
    type SqlType = (Integer, Integer, Integer, Text);
}

impl<Q> RunQueryDsl<Connection> for Explain<Q> {}

/// What the database says of how it would run a statement, a line for each step.
pub fn explain<Q: QueryFragment<Backend>>(
    connection: &mut Connection,
    statement: Q,
) -> Result<Vec<String>, StoreError> {
    let steps: Vec<(i32, i32, i32, String)> = Explain(statement).load(connection)?;
    Ok(steps.into_iter().map(|step| step.3).collect())
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match &error {
            Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Self::ReadOnly,
            Error::DatabaseError(_, information) => failure(information.message()),
            other => failure(&other.to_string()),
        }
    }
}

/// What a sentence of SQLite's means; diesel gives no code with them.
pub fn failure(sentence: &str) -> StoreError {
    if sentence.contains("locked") || sentence.contains("busy") {
        StoreError::Busy
    } else if sentence.contains("disk is full") {
        StoreError::Full
    } else if sentence.contains("readonly database") {
        StoreError::ReadOnly
    } else {
        StoreError::Failed(sentence.to_owned())
    }
}
