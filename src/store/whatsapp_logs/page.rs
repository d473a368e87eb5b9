//! Answers a `LogQuery` with one page and the exact count; chooses the walk itself, as `history` does for messages.
//!
//! | the query names | the walk | index |
//! |---|---|---|
//! | ids, WhatsApp message ids, a relation's ids, numbers | the rows with these values | the column's |
//! | a time of `updatedAt`, or sorts by it | by `updatedAt` | `whatsapp_logs_by_update` |
//! | statuses, or the key's senders | their rows, or by time where those are too many to sort | the column's |
//! | anything else | by `createdAt` | `whatsapp_logs_by_time` |
//!
//! What asks for statuses and a time only is counted by days (`counts`); anything else is counted along its walk.

use diesel::dsl::count_star;
use diesel::prelude::*;
use uuid::Uuid;

use super::columns::OrderBy;
use super::counts::{self, Countable, Stretch};
use super::walk::{Start, Walk, Window, gives_the_order, statement};
use crate::model::log_query::Wanted;
use crate::model::whatsapp_log::Column;
use crate::model::{LogFilter, LogQuery, WhatsAppLog};
use crate::store::db::explain::{self, Counting, Logs, explain};
use crate::store::error::StoreError;
use crate::store::parts::{PAGE_BYTES, PART_BYTES};
use crate::store::schema::whatsapp_logs;
use crate::store::{Budget, Connection};

/// Beyond how many rows a page finds its day by the counts instead of walking to it.
const LONG_SKIP: i64 = 1000;

/// The rows of a page, in order, and how many there are on all pages together.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    pub count: i64,
    pub rows: Rows,
}

/// What was asked for of the rows.
#[derive(Debug, PartialEq, Eq)]
pub enum Rows {
    Ids(Vec<Uuid>),
    /// And the ids of those that follow, where they are so long that no more were read.
    Whole(Vec<WhatsAppLog>, Vec<Uuid>),
}

/// The page that a query asks for, read from one state of the store; fails where it costs more than its budget.
pub fn page(connection: &mut Connection, query: &LogQuery, budget: &Budget) -> Result<Page, StoreError> {
    let is_server = connection.is_server();
    page_from(connection, query, budget, &|| explain::logs(is_server))
}

/// The same page, and the exact number of rows that were looked at to find and count it, those of the page itself
/// aside. For tests and benchmarks: the counting costs a call for each row.
pub fn page_counted(connection: &mut Connection, query: &LogQuery) -> Result<(Page, u64), StoreError> {
    let counting = Counting::start(connection)?;
    let page = page_from(connection, query, &Budget::default(), &|| counting.logs())?;
    Ok((page, counting.rows(connection)?))
}

/// How the database would run the statement that finds the page's ids, in its own words.
pub fn plan(connection: &mut Connection, query: &LogQuery) -> Result<Vec<String>, StoreError> {
    let Way { walk, .. } = way(connection, query, &Budget::default(), &|| whatsapp_logs::table.into_boxed())?;
    let ids = ordered(query, walk, (None, None), whatsapp_logs::table.into_boxed()).select(whatsapp_logs::id);
    explain(connection, ids.limit(query.limit).offset(query.skip))
}

/// How many rows a filter lets through.
pub fn count(connection: &mut Connection, filter: &LogFilter, budget: &Budget) -> Result<i64, StoreError> {
    let is_server = connection.is_server();
    count_from(connection, filter, budget, &|| explain::logs(is_server))
}

fn count_from<'a>(
    connection: &mut Connection,
    filter: &'a LogFilter,
    budget: &Budget,
    start: Start<'_, 'a>,
) -> Result<i64, StoreError> {
    if filter.is_impossible() {
        return Ok(0);
    }
    if let Some(countable) = Countable::of(filter) {
        return countable.total(connection, start);
    }
    let walk = Walk::of_all(filter);
    budget.expect_rows(rows_of(connection, filter, walk)?)?;
    let found = statement(filter, walk, (None, None), start());
    Ok(found.select(count_star()).first(connection)?)
}

/// How to find a page.
struct Way {
    walk: Walk,
    /// How many rows there are, where the days' counts tell.
    count: Option<i64>,
    /// For a page far from the beginning of an order by time: how many of the rows lie where.
    stretches: Vec<Stretch>,
}

/// How many rows a walk leads along, as far as the days' counts tell; a column with few rows for each value is taken to
/// have few.
fn rows_of(connection: &mut Connection, filter: &LogFilter, walk: Walk) -> Result<i64, StoreError> {
    match walk {
        Walk::Values(column) if column != Column::Status => Ok(0),
        _ => Countable::around(filter).about(connection),
    }
}

fn way<'a>(
    connection: &mut Connection,
    query: &'a LogQuery,
    budget: &Budget,
    start: Start<'_, 'a>,
) -> Result<Way, StoreError> {
    let filter = &query.filter;
    let along_sort = match query.sort.first().map(|key| key.column) {
        Some(Column::CreatedAt) => Some(Walk::Time),
        Some(Column::UpdatedAt) => Some(Walk::Updates),
        _ => None,
    };
    let walk = Walk::of_all(filter);
    let Some(countable) = Countable::of(filter) else {
        let is_bounded = filter.conditions.iter().any(|condition| condition.on(Column::CreatedAt).is_some());
        let walk = if walk == Walk::Time && !is_bounded { along_sort.unwrap_or(walk) } else { walk };
        // All of them are counted.
        budget.expect_rows(rows_of(connection, filter, walk)?)?;
        return Ok(Way { walk, count: None, stretches: Vec::new() });
    };
    let (stretches, count) = if query.skip > LONG_SKIP && along_sort == Some(Walk::Time) {
        let stretches = countable.stretches(connection, start)?;
        let count = stretches.iter().map(|stretch| stretch.logs).sum();
        (stretches, count)
    } else {
        (Vec::new(), countable.total(connection, start)?)
    };
    let walk = match along_sort {
        Some(along_sort) if !gives_the_order(walk.index(filter), &query.sort) => {
            // Sorting takes all that match; walking in order takes what lies between as many as are wanted.
            let all = i128::from(counts::all(connection, filter.tenant())?);
            let wanted = i128::from(query.skip.saturating_add(query.limit));
            let matching = i128::from(count);
            let (along, looked_at) = if matching * matching > all * wanted {
                (along_sort, all * wanted / matching.max(1))
            } else {
                (walk, matching)
            };
            budget.expect_rows(i64::try_from(looked_at.min(all)).unwrap_or(i64::MAX))?;
            along
        }
        _ if gives_the_order(walk.index(filter), &query.sort) => {
            let is_walked_to = stretches.is_empty();
            budget.expect_rows(if is_walked_to { query.skip.saturating_add(query.limit).min(count) } else { 0 })?;
            walk
        }
        _ => {
            // All of them are sorted.
            budget.expect_rows(count)?;
            walk
        }
    };
    Ok(Way { walk, count: Some(count), stretches })
}

fn page_from<'a>(
    connection: &mut Connection,
    query: &'a LogQuery,
    budget: &Budget,
    start: Start<'_, 'a>,
) -> Result<Page, StoreError> {
    let empty = |count| {
        let rows =
            if query.wanted == Wanted::Ids { Rows::Ids(Vec::new()) } else { Rows::Whole(Vec::new(), Vec::new()) };
        Page { count, rows }
    };
    if query.filter.is_impossible() {
        return Ok(empty(0));
    }
    let Way { walk, count, stretches } = way(connection, query, budget, start)?;
    if let Some(count) = count.filter(|count| *count <= query.skip) {
        return Ok(empty(count));
    }
    let (mut window, mut skip) = ((None, None), query.skip);
    if !stretches.is_empty() {
        (window, skip) = landing(stretches, skip, query.limit, query.sort[0].descending);
    }
    let found = ordered(query, walk, window, start()).select(whatsapp_logs::id).limit(query.limit).offset(skip);
    let ids: Vec<String> = found.load(connection)?;
    let found = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let count = match count {
        Some(count) => count,
        // The last page tells the count by itself.
        None if found < query.limit && (found > 0 || skip == 0) => skip + found,
        None => count_from(connection, &query.filter, budget, start)?,
    };
    let mut ids = ids.iter().map(|id| super::row::uuid(id)).collect::<Result<Vec<_>, _>>()?;
    let Wanted::Rows { message_text } = query.wanted else {
        return Ok(Page { count, rows: Rows::Ids(ids) });
    };
    let (rows, read) = super::first_of(connection, query.filter.tenant(), &ids, message_text, PAGE_BYTES)?;
    Ok(Page { count, rows: Rows::Whole(rows, ids.split_off(read)) })
}

/// The next rows of a page that is being sent, and how many of the ids they are of.
pub fn next(
    connection: &mut Connection,
    query: &LogQuery,
    ids: &[Uuid],
) -> Result<(Vec<WhatsAppLog>, usize), StoreError> {
    let message_text = matches!(query.wanted, Wanted::Rows { message_text: true });
    super::first_of(connection, query.filter.tenant(), ids, message_text, PART_BYTES)
}

/// The stretch of time that a page lies in, and how many rows of it to skip.
fn landing(mut stretches: Vec<Stretch>, mut skip: i64, limit: i64, descending: bool) -> (Window, i64) {
    if descending {
        stretches.reverse();
    }
    let mut window: Option<(i64, i64)> = None;
    let mut reached = 0;
    for stretch in stretches {
        match window {
            None if stretch.logs <= skip => skip -= stretch.logs,
            None => (window, reached) = (Some((stretch.from, stretch.to)), stretch.logs),
            Some(_) if reached >= skip.saturating_add(limit) => break,
            Some((from, to)) => {
                (window, reached) = (Some((from.min(stretch.from), to.max(stretch.to))), reached + stretch.logs);
            }
        }
    }
    (window.map_or((None, None), |(from, to)| (Some(from), Some(to))), skip)
}

/// `SELECT … FROM whatsapp_logs WHERE … ORDER BY …`, its columns and its page still to be named.
fn ordered<'a>(query: &'a LogQuery, walk: Walk, window: Window, start: Logs<'a>) -> Logs<'a> {
    let index = walk.index(&query.filter);
    let order = gives_the_order(index, &query.sort).then_some(index);
    statement(&query.filter, walk, window, start).order(OrderBy::new(&query.sort, order))
}
