//! Finds the page of a `LogQuery` and the exact count by running its plan; knows no index.

use diesel::dsl::count_star;
use diesel::prelude::*;
use uuid::Uuid;

use super::counts::Countable;
use super::plan::{self, QueryPlan, expected_rows};
use super::scan::{NewStatement, Scan};
use crate::model::log_query::Projection;
use crate::model::{LogFilter, LogQuery, WhatsAppLog};
use crate::store::db::explain::{self, RowCounter, explain};
use crate::store::error::StoreError;
use crate::store::parts::{PAGE_BYTES, PART_BYTES};
use crate::store::schema::whatsapp_logs;
use crate::store::{Budget, Connection};

/// The rows of a page, in order, and the number of rows on all pages together.
#[derive(Debug, PartialEq, Eq)]
pub struct LogPage {
    pub count: i64,
    pub rows: PageRows,
}

/// The requested part of the rows.
#[derive(Debug, PartialEq, Eq)]
pub enum PageRows {
    Ids(Vec<Uuid>),
    /// The rows, and the ids of the page's other rows, if the rows are so long that no more were read.
    Whole(Vec<WhatsAppLog>, Vec<Uuid>),
}

/// The page of a query, read from one snapshot of the store; fails if it costs more than its budget.
pub fn page(connection: &mut Connection, query: &LogQuery, budget: &Budget) -> Result<LogPage, StoreError> {
    let is_server = connection.is_server();
    page_from(connection, query, budget, &|| explain::logs(is_server))
}

/// The same page, and the exact number of rows that were examined to find and count it, except those of the page
/// itself. For tests and benchmarks: counting costs a call for each row.
pub fn page_counted(connection: &mut Connection, query: &LogQuery) -> Result<(LogPage, u64), StoreError> {
    let counter = RowCounter::start(connection)?;
    let page = page_from(connection, query, &Budget::default(), &|| counter.logs())?;
    Ok((page, counter.rows(connection)?))
}

/// The database's own plan of the statement that finds the page's ids.
pub fn database_plan(connection: &mut Connection, query: &LogQuery) -> Result<Vec<String>, StoreError> {
    let start = || whatsapp_logs::table.into_boxed();
    let QueryPlan { scan, is_in_order, .. } = plan::plan(connection, query, &Budget::default(), &start)?;
    let ids = scan.ordered(&query.sort, is_in_order, (None, None), start()).select(whatsapp_logs::id);
    explain(connection, ids.limit(query.limit).offset(query.skip))
}

/// How many rows match a filter.
pub fn count(connection: &mut Connection, filter: &LogFilter, budget: &Budget) -> Result<i64, StoreError> {
    let is_server = connection.is_server();
    count_from(connection, filter, budget, &|| explain::logs(is_server))
}

fn count_from<'a>(
    connection: &mut Connection,
    filter: &'a LogFilter,
    budget: &Budget,
    start: NewStatement<'_, 'a>,
) -> Result<i64, StoreError> {
    if filter.is_impossible() {
        return Ok(0);
    }
    if let Some(countable) = Countable::of(filter) {
        return countable.total(connection, start);
    }
    let scan = Scan::of_all(filter);
    budget.expect_small(None)?;
    budget.expect_rows(expected_rows(connection, filter, scan.target)?)?;
    let found = scan.statement((None, None), start());
    Ok(found.select(count_star()).first(connection)?)
}

fn page_from<'a>(
    connection: &mut Connection,
    query: &'a LogQuery,
    budget: &Budget,
    start: NewStatement<'_, 'a>,
) -> Result<LogPage, StoreError> {
    let empty = |count| {
        let rows = if query.wanted == Projection::Ids {
            PageRows::Ids(Vec::new())
        } else {
            PageRows::Whole(Vec::new(), Vec::new())
        };
        LogPage { count, rows }
    };
    if query.filter.is_impossible() {
        return Ok(empty(0));
    }
    let QueryPlan { scan, is_in_order, count, range, skip } = plan::plan(connection, query, budget, start)?;
    if let Some(count) = count.filter(|count| *count <= query.skip) {
        return Ok(empty(count));
    }
    let found = scan
        .ordered(&query.sort, is_in_order, range, start())
        .select(whatsapp_logs::id)
        .limit(query.limit)
        .offset(skip);
    let ids: Vec<String> = found.load(connection)?;
    let found = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let count = match count {
        Some(count) => count,
        // On the last page, the count follows from the page itself.
        None if found < query.limit && (found > 0 || skip == 0) => skip + found,
        None => count_from(connection, &query.filter, budget, start)?,
    };
    let mut ids = ids.iter().map(|id| super::row::uuid(id)).collect::<Result<Vec<_>, _>>()?;
    let Projection::Rows { message_text } = query.wanted else {
        return Ok(LogPage { count, rows: PageRows::Ids(ids) });
    };
    let (rows, read) = super::first_of(connection, query.filter.tenant(), &ids, message_text, PAGE_BYTES)?;
    Ok(LogPage { count, rows: PageRows::Whole(rows, ids.split_off(read)) })
}

/// The next rows of a page that is being sent, and how many of the ids they cover.
pub fn next(
    connection: &mut Connection,
    query: &LogQuery,
    ids: &[Uuid],
) -> Result<(Vec<WhatsAppLog>, usize), StoreError> {
    let message_text = matches!(query.wanted, Projection::Rows { message_text: true });
    super::first_of(connection, query.filter.tenant(), ids, message_text, PART_BYTES)
}
