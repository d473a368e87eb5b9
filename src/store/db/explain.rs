//! How scans start, and, for tests and benchmarks of the planner, how a database runs a statement and how many rows it
//! examines; knows no query.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer, Text};

use crate::store::Connection;
use crate::store::db::connection::{Backend, on_each};
use crate::store::db::pinned::RowCount;
#[cfg(feature = "postgres")]
use crate::store::db::postgres;
use crate::store::db::sqlite::row_wanted;
use crate::store::error::StoreError;
use crate::store::schema::whatsapp_logs;

/// A statement about WhatsApp log rows that is still being built.
pub type Logs<'a> = whatsapp_logs::BoxedQuery<'a, Backend>;

#[diesel::declare_sql_function]
extern "SQL" {
    /// Always true; counts the rows that it is called for. Only `RowCounter::start` registers it.
    fn row_examined(number: BigInt) -> Bool;
}

/// Starts a statement about WhatsApp log rows. On SQLite, every row is counted against the current query's budget, which
/// can cancel the statement. On PostgreSQL, a statement is cancelled from another connection.
pub fn logs<'a>(is_server: bool) -> Logs<'a> {
    let logs = whatsapp_logs::table.into_boxed();
    if is_server { logs } else { logs.filter(row_wanted(whatsapp_logs::created_at)) }
}

/// Counts the rows of messages, or of the WhatsApp log, that a connection examines.
pub struct RowCounter {
    /// The count on SQLite, where a function of ours is called for every row.
    rows: Option<Arc<AtomicU64>>,
    #[cfg(feature = "postgres")]
    before: u64,
}

impl RowCounter {
    pub fn start(connection: &mut Connection) -> Result<Self, StoreError> {
        on_each!(
            connection,
            |file| {
                let rows = Arc::new(AtomicU64::new(0));
                let counter = Arc::clone(&rows);
                row_examined_utils::register_nondeterministic_impl(file, move |_: i64| {
                    counter.fetch_add(1, Ordering::Relaxed);
                    true
                })?;
                Ok(Self {
                    rows: Some(rows),
                    #[cfg(feature = "postgres")]
                    before: 0,
                })
            },
            |server| Ok(Self { rows: None, before: postgres::fetched(server)? })
        )
    }

    /// How a scan of messages counts its rows.
    pub fn row_count(&self) -> RowCount {
        if self.rows.is_some() { RowCount::Examined } else { RowCount::None }
    }

    /// Starts a statement about WhatsApp log rows, which counts them. The first condition is evaluated first, for every
    /// row that the index yields.
    pub fn logs<'a>(&self) -> Logs<'a> {
        let logs = whatsapp_logs::table.into_boxed();
        if self.rows.is_some() { logs.filter(row_examined(whatsapp_logs::created_at)) } else { logs }
    }

    pub fn rows(&self, connection: &mut Connection) -> Result<u64, StoreError> {
        on_each!(
            connection,
            |_file| Ok(self.rows.as_ref().map_or(0, |rows| rows.load(Ordering::Relaxed))),
            |server| Ok(postgres::fetched(server)?.saturating_sub(self.before))
        )
    }
}

/// A statement that returns its plan instead of its rows.
struct Explain<Q, T> {
    prefix: &'static str,
    statement: Q,
    sql_type: std::marker::PhantomData<T>,
}

impl<Q: QueryFragment<Backend>, T> QueryFragment<Backend> for Explain<Q, T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql(self.prefix);
        self.statement.walk_ast(out.reborrow())
    }
}

impl<Q, T> QueryId for Explain<Q, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q, T> Query for Explain<Q, T> {
    type SqlType = T;
}

impl<Q, T> RunQueryDsl<Connection> for Explain<Q, T> {}

/// The database's plan for a statement, one line for each step.
pub fn explain<Q: QueryFragment<Backend>>(
    connection: &mut Connection,
    statement: Q,
) -> Result<Vec<String>, StoreError> {
    if !connection.is_server() {
        type Step = (Integer, Integer, Integer, Text);
        let explain =
            Explain::<_, Step> { prefix: "EXPLAIN QUERY PLAN ", statement, sql_type: std::marker::PhantomData };
        let steps: Vec<(i32, i32, i32, String)> = explain.load(connection)?;
        return Ok(steps.into_iter().map(|step| step.3).collect());
    }
    let explain = Explain::<_, Text> { prefix: "EXPLAIN (COSTS OFF) ", statement, sql_type: std::marker::PhantomData };
    Ok(explain.load(connection)?)
}
