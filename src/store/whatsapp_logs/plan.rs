//! Plans a `LogQuery`, as `messages::plan` does for messages: which scan finds its page, and how its rows are counted;
//! knows no SQL.
//!
//! | the query names | the scan | index |
//! |---|---|---|
//! | ids, WhatsApp message ids, a relation's ids, phone numbers | the rows with these values | the column's |
//! | a time of `updatedAt`, or sorts by it | by `updatedAt` | `whatsapp_logs_by_update` |
//! | statuses, or the key's senders | their rows, or by time if these are too many to sort | the column's |
//! | anything else | by `createdAt` | `whatsapp_logs_by_time` |
//!
//! A filter on statuses and a time range alone is counted from the daily counts, any other one by its scan.

use super::counts::{self, Countable, DayCount};
use super::scan::{NewStatement, Scan, ScanTarget, TimeRange};
use crate::model::whatsapp_log::Column;
use crate::model::{LogFilter, LogQuery};
use crate::store::error::StoreError;
use crate::store::{Budget, Connection};

/// If a query skips more rows than this, the daily counts locate the day of its page, instead of a scan.
const LONG_SKIP: i64 = 1000;

/// How to find a page.
pub struct QueryPlan<'q> {
    pub scan: Scan<'q>,
    /// Whether the scan gives the query's order, as far as its first key.
    pub is_in_order: bool,
    /// The number of matching rows, if the daily counts provide it.
    pub count: Option<i64>,
    /// The time range of the page, and how many rows of it to skip.
    pub range: TimeRange,
    pub skip: i64,
}

/// Plans a query; fails if it is known in advance that it costs more than its budget.
pub fn plan<'q>(
    connection: &mut Connection,
    query: &'q LogQuery,
    budget: &Budget,
    start: NewStatement<'_, 'q>,
) -> Result<QueryPlan<'q>, StoreError> {
    let filter = &query.filter;
    let by_sort = match query.sort.first().map(|key| key.column) {
        Some(Column::CreatedAt) => Some(ScanTarget::Time),
        Some(Column::UpdatedAt) => Some(ScanTarget::Updates),
        _ => None,
    };
    let scan = Scan::of_all(filter);
    let Some(countable) = Countable::of(filter) else {
        let is_bounded = filter.conditions.iter().any(|condition| condition.on(Column::CreatedAt).is_some());
        let by_sort = by_sort.filter(|_| scan.target == ScanTarget::Time && !is_bounded);
        budget.expect_small(None)?;
        let scan = by_sort.map_or(scan, |target| Scan::new(filter, target));
        // Counting examines all rows of the scan.
        budget.expect_rows(expected_rows(connection, filter, scan.target)?)?;
        let is_in_order = scan.is_in_order(&query.sort);
        return Ok(QueryPlan { scan, is_in_order, count: None, range: (None, None), skip: query.skip });
    };
    let (days, count) = if query.skip > LONG_SKIP && by_sort == Some(ScanTarget::Time) {
        let days = countable.by_day(connection, start)?;
        let count = days.iter().map(|day| day.logs).sum();
        (days, count)
    } else {
        (Vec::new(), countable.total(connection, start)?)
    };
    let (scan, is_in_order) = match by_sort {
        _ if scan.is_in_order(&query.sort) => {
            let skips_days = !days.is_empty();
            let examined = if skips_days { 0 } else { query.skip.saturating_add(query.limit).min(count) };
            budget.expect_small((!skips_days).then_some(examined))?;
            budget.expect_rows(examined)?;
            (scan, true)
        }
        Some(by_sort) => {
            // Sorting examines all matching rows; a scan in order examines all rows until it has found enough of them.
            let all = i128::from(counts::total_of_tenant(connection, filter.tenant())?);
            let wanted = i128::from(query.skip.saturating_add(query.limit));
            let matching = i128::from(count);
            let scans_in_order = matching * matching > all * wanted;
            let examined = if scans_in_order { all * wanted / matching.max(1) } else { matching };
            budget.expect_small(None)?;
            budget.expect_rows(i64::try_from(examined.min(all)).unwrap_or(i64::MAX))?;
            (if scans_in_order { Scan::new(filter, by_sort) } else { scan }, scans_in_order)
        }
        None => {
            // All matching rows are sorted.
            budget.expect_small(None)?;
            budget.expect_rows(count)?;
            (scan, false)
        }
    };
    let (range, skip) = if days.is_empty() {
        ((None, None), query.skip)
    } else {
        days_of_page(days, query.skip, query.limit, query.sort[0].descending)
    };
    Ok(QueryPlan { scan, is_in_order, count: Some(count), range, skip })
}

/// How many rows a scan examines, according to the daily counts. A scan of the values of a selective column counts as
/// none.
pub fn expected_rows(connection: &mut Connection, filter: &LogFilter, target: ScanTarget) -> Result<i64, StoreError> {
    match target {
        ScanTarget::Values(column) if column != Column::Status => Ok(0),
        _ => Countable::ignoring_other_conditions(filter).upper_bound(connection),
    }
}

/// The days of a page, and how many of their rows to skip.
fn days_of_page(mut days: Vec<DayCount>, mut skip: i64, limit: i64, descending: bool) -> (TimeRange, i64) {
    if descending {
        days.reverse();
    }
    let mut range: Option<(i64, i64)> = None;
    let mut reached = 0;
    for day in days {
        match range {
            None if day.logs <= skip => skip -= day.logs,
            None => (range, reached) = (Some((day.from, day.to)), day.logs),
            Some(_) if reached >= skip.saturating_add(limit) => break,
            Some((from, to)) => (range, reached) = (Some((from.min(day.from), to.max(day.to))), reached + day.logs),
        }
    }
    (range.map_or((None, None), |(from, to)| (Some(from), Some(to))), skip)
}
