//! What differs from database to database: its backend, its functions, its words for failures.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Integer, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::connection::Connection;
use super::error::StoreError;

pub type Backend = diesel::sqlite::Sqlite;

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Lists the tables, each in a column `value`.
pub const TABLES: &str = "SELECT name AS value FROM sqlite_master WHERE type = 'table' ORDER BY name";

/// How many values one statement may bind, with room for its other conditions.
pub const LIST_LIMIT: usize = 10_000;

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
        let text = match &error {
            Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => return Self::ReadOnly,
            Error::DatabaseError(_, information) => information.message().to_owned(),
            other => other.to_string(),
        };
        // SQLite's own sentences; diesel gives no code with them.
        if text.contains("locked") || text.contains("busy") {
            Self::Busy
        } else if text.contains("disk is full") {
            Self::Full
        } else if text.contains("readonly database") {
            Self::ReadOnly
        } else {
            Self::Failed(text)
        }
    }
}
