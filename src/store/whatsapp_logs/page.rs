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

use super::condition::{Along, OrderBy, SubjectId, Where};
use super::counts::{self, Countable, Stretch};
use crate::model::log_query::{Comparison, Condition, SortKey, Test, Value};
use crate::model::whatsapp_log::{Column, Relation};
use crate::model::{LogFilter, LogQuery, WhatsAppLog};
use crate::store::Connection;
use crate::store::dialect::any_of;
use crate::store::error::StoreError;
use crate::store::explain::{Counting, Logs, explain};
use crate::store::schema::whatsapp_logs;

/// The first and the last millisecond of a stretch of `createdAt`.
pub type Window = (Option<i64>, Option<i64>);

/// Begins a statement about rows.
pub type Start<'s, 'a> = &'s dyn Fn() -> Logs<'a>;

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
    Whole(Vec<WhatsAppLog>),
}

/// Which rows a statement looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// The values that a column must have one of.
    Values(Column),
    Senders,
    Time,
    Updates,
}

/// Columns whose values have few rows each, the fewest first.
const SHARP: [Column; 5] =
    [Column::Id, Column::WhatsAppMessageId, Column::Related(Relation::Incident), Column::ToNumber, Column::FromNumber];

impl Walk {
    /// How to look at the rows of a stretch of time.
    pub fn of_time(filter: &LogFilter) -> Self {
        match filter.values(Column::Status) {
            Some([_]) => Self::Values(Column::Status),
            _ => Self::Time,
        }
    }

    /// How to look at all rows of a filter.
    fn of_all(filter: &LogFilter) -> Self {
        let related = Relation::ALL.into_iter().map(Column::Related);
        if let Some(column) = SHARP.into_iter().chain(related).find(|column| filter.values(*column).is_some()) {
            return Self::Values(column);
        }
        if filter.conditions.iter().any(|condition| condition.on(Column::UpdatedAt).is_some_and(is_bound_below)) {
            return Self::Updates;
        }
        match (filter.values(Column::Status), &filter.senders) {
            (Some(_), _) => Self::Values(Column::Status),
            (None, Some(_)) => Self::Senders,
            (None, None) => Self::Time,
        }
    }

    fn along(self, filter: &LogFilter) -> Along {
        match self {
            Self::Time => Along::Time,
            Self::Updates => Along::Updates,
            Self::Values(column) => match filter.values(column) {
                Some([_]) if column != Column::Id => Along::Value(column),
                _ => Along::Values(column),
            },
            Self::Senders => match &filter.senders {
                Some(senders) if senders.len() == 1 => Along::Subject,
                _ => Along::Subjects,
            },
        }
    }
}

/// Whether a walk gives its rows in an order, the id at its end aside.
fn gives_the_order(along: Along, sort: &[SortKey]) -> bool {
    let by = match along {
        Along::Time | Along::Value(_) | Along::Subject => Column::CreatedAt,
        Along::Updates => Column::UpdatedAt,
        Along::Values(_) | Along::Subjects => return false,
    };
    matches!(sort, [first, last] if first.column == by && last.column == Column::Id)
}

fn is_bound_below(test: &Test) -> bool {
    match test {
        Test::OneOf(_) | Test::Compare(Comparison::Greater | Comparison::GreaterOrEqual, _) => true,
        _ => false,
    }
}

/// The page that a query asks for, read from one state of the store.
pub fn page(connection: &mut Connection, query: &LogQuery) -> Result<Page, StoreError> {
    page_from(connection, query, &|| whatsapp_logs::table.into_boxed())
}

/// The same page, and the exact number of rows that were looked at to find and count it, those of the page itself
/// aside. For tests and benchmarks: the counting costs a call for each row.
pub fn page_counted(connection: &mut Connection, query: &LogQuery) -> Result<(Page, u64), StoreError> {
    let counting = Counting::start(connection)?;
    let page = page_from(connection, query, &|| counting.logs())?;
    Ok((page, counting.rows(connection)?))
}

/// How the database would run the statement that finds the page's ids, in its own words.
pub fn plan(connection: &mut Connection, query: &LogQuery) -> Result<Vec<String>, StoreError> {
    let (walk, ..) = way(connection, query, &|| whatsapp_logs::table.into_boxed())?;
    let ids = ordered(query, walk, (None, None), whatsapp_logs::table.into_boxed()).select(whatsapp_logs::id);
    explain(connection, ids.limit(query.limit).offset(query.skip))
}

/// How many rows a filter lets through.
pub fn count(connection: &mut Connection, filter: &LogFilter) -> Result<i64, StoreError> {
    count_from(connection, filter, &|| whatsapp_logs::table.into_boxed())
}

fn count_from<'a>(connection: &mut Connection, filter: &'a LogFilter, start: Start<'_, 'a>) -> Result<i64, StoreError> {
    if filter.is_impossible() {
        return Ok(0);
    }
    if let Some(countable) = Countable::of(filter) {
        return countable.total(connection, start);
    }
    let found = statement(filter, Walk::of_all(filter), (None, None), start());
    Ok(found.select(count_star()).first(connection)?)
}

/// Where to walk, how many rows there are where that is known already, and the filter as what can be counted by days.
fn way<'a>(
    connection: &mut Connection,
    query: &'a LogQuery,
    start: Start<'_, 'a>,
) -> Result<(Walk, Option<i64>, Option<Countable<'a>>), StoreError> {
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
        return Ok((walk, None, None));
    };
    let count = countable.total(connection, start)?;
    let walk = match along_sort {
        Some(along_sort) if !gives_the_order(walk.along(filter), &query.sort) => {
            // Sorting takes all that match; walking in order takes what lies between as many as are wanted.
            let all = i128::from(counts::all(connection, filter.tenant)?);
            let wanted = i128::from(query.skip.saturating_add(query.limit));
            let matching = i128::from(count);
            if matching * matching > all * wanted { along_sort } else { walk }
        }
        _ => walk,
    };
    Ok((walk, Some(count), Some(countable)))
}

fn page_from<'a>(connection: &mut Connection, query: &'a LogQuery, start: Start<'_, 'a>) -> Result<Page, StoreError> {
    let empty = |count| {
        let rows = if query.whole_rows { Rows::Whole(Vec::new()) } else { Rows::Ids(Vec::new()) };
        Page { count, rows }
    };
    if query.filter.is_impossible() {
        return Ok(empty(0));
    }
    let (walk, count, countable) = way(connection, query, start)?;
    if let Some(count) = count.filter(|count| *count <= query.skip) {
        return Ok(empty(count));
    }
    let (mut window, mut skip) = ((None, None), query.skip);
    if let Some(countable) = countable.filter(|_| skip > LONG_SKIP && query.sort[0].column == Column::CreatedAt) {
        let stretches = countable.stretches(connection, start)?;
        (window, skip) = landing(stretches, skip, query.limit, query.sort[0].descending);
    }
    let found = ordered(query, walk, window, start()).select(whatsapp_logs::id).limit(query.limit).offset(skip);
    let ids: Vec<String> = found.load(connection)?;
    let found = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let count = match count {
        Some(count) => count,
        // The last page tells the count by itself.
        None if found < query.limit && (found > 0 || skip == 0) => skip + found,
        None => count_from(connection, &query.filter, start)?,
    };
    let ids = ids.iter().map(|id| Uuid::try_parse(id)).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|_| StoreError::Failed("a WhatsApp log row has an id that is no UUID".into()))?;
    if !query.whole_rows {
        return Ok(Page { count, rows: Rows::Ids(ids) });
    }
    let mut rows = super::load(connection, query.filter.tenant, &ids.iter().copied().collect())?;
    let whole = ids.iter().filter_map(|id| rows.remove(id)).map(|stored| stored.log).collect();
    Ok(Page { count, rows: Rows::Whole(whole) })
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
    let along = walk.along(&query.filter);
    let order = gives_the_order(along, &query.sort).then_some(along);
    statement(&query.filter, walk, window, start).order(OrderBy::new(&query.sort, order))
}

/// The rows of a walk that a filter lets through, within a stretch of time.
pub fn statement<'a>(filter: &'a LogFilter, walk: Walk, window: Window, start: Logs<'a>) -> Logs<'a> {
    let along = walk.along(filter);
    let mut found = start.filter(whatsapp_logs::tenant_id.eq(filter.tenant.0));
    if let Some(senders) = &filter.senders {
        let bare = walk == Walk::Senders;
        let only = senders.first().filter(|_| senders.len() == 1);
        found = match only {
            Some(only) => found.filter(SubjectId { bare }.eq(*only)),
            None => found.filter(any_of(SubjectId { bare }, senders)),
        };
    }
    let bound = |comparison, at: i64| Condition::On(Column::CreatedAt, Test::Compare(comparison, Value::Integer(at)));
    let window: Vec<Condition> = [
        window.0.map(|from| bound(Comparison::GreaterOrEqual, from)),
        window.1.map(|to| bound(Comparison::LessOrEqual, to)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !window.is_empty() {
        found = found.filter(Where::new(&window, along));
    }
    if !filter.conditions.is_empty() {
        found = found.filter(Where::new(&filter.conditions, along));
    }
    found
}
