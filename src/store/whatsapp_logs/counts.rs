//! The number of WhatsApp log rows per UTC day, subject and status, for exact counts without a scan; knows no page.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::columns::Index;
use super::condition::Where;
use super::scan::{NewStatement, Scan};
use super::stored::StoredRow;
use crate::model::instant::DAY;
use crate::model::log_query::{Comparison, Condition, Operand, Predicate};
use crate::model::whatsapp_log::Column;
use crate::model::{LogFilter, TenantId};
use crate::store::Connection;
use crate::store::db::connection::{Backend, on_each};
use crate::store::db::fragments::{Sum, any_of};
use crate::store::db::text::encode;
use crate::store::error::StoreError;
use crate::store::schema::whatsapp_log_days as days;

/// Represents all rows, with any subject and without one.
const ANY_SUBJECT: i64 = i64::MIN;
/// Represents all statuses; no row has an empty one.
const ANY_STATUS: &str = "";

/// How many counts one statement writes. Each binds five values; a statement of PostgreSQL can bind 65,535.
#[cfg(feature = "postgres")]
const COUNTS_PER_STATEMENT: usize = 4000;

/// What a write changes in the counts.
#[derive(Default)]
pub struct CountChanges(BTreeMap<(i64, String, i64), i64>);

impl CountChanges {
    pub fn add(&mut self, stored: &StoredRow) {
        self.change(stored, 1);
    }

    pub fn remove(&mut self, stored: &StoredRow) {
        self.change(stored, -1);
    }

    fn change(&mut self, stored: &StoredRow, by: i64) {
        let day = stored.log.created_at.day();
        // The one subject that would be counted twice is left out: no key can name it.
        let own = stored.subject_id.filter(|id| *id != ANY_SUBJECT);
        for subject in [Some(ANY_SUBJECT), own].into_iter().flatten() {
            for status in [ANY_STATUS, &stored.log.status] {
                *self.0.entry((subject, encode(status).into_owned(), day)).or_default() += by;
            }
        }
    }
}

/// Updates the counts, in the transaction that writes the rows.
pub fn apply(connection: &mut Connection, tenant: TenantId, changes: &CountChanges) -> Result<(), StoreError> {
    let row = |((subject, status, day), by): (&(i64, String, i64), &i64)| {
        let key = (days::tenant_id.eq(tenant.0), days::subject_id.eq(*subject), days::status.eq(status.clone()));
        (key, days::day.eq(*day), days::logs.eq(*by))
    };
    let rows: Vec<_> = changes.0.iter().filter(|(_, by)| **by != 0).map(row).collect();
    let increment = days::logs.eq(days::logs + excluded(days::logs));
    on_each!(
        connection,
        |file| {
            for row in rows {
                let insert = diesel::insert_into(days::table).values(row);
                insert.on_conflict(days::table.primary_key()).do_update().set(increment).execute(file)?;
            }
        },
        |server| {
            for rows in rows.chunks(COUNTS_PER_STATEMENT) {
                let insert = diesel::insert_into(days::table).values(rows);
                insert.on_conflict(days::table.primary_key()).do_update().set(increment).execute(server)?;
            }
        }
    );
    Ok(())
}

/// A filter on nothing but statuses and a time range, both ends of which are inclusive.
pub struct Countable<'a> {
    filter: &'a LogFilter,
    statuses: Vec<&'a Condition>,
    from: Option<i64>,
    to: Option<i64>,
}

/// The number of rows in a day, or in a part of one.
#[derive(Clone, Copy, Debug)]
pub struct DayCount {
    pub from: i64,
    pub to: i64,
    pub logs: i64,
}

impl<'a> Countable<'a> {
    /// `None` if the filter has other conditions too.
    pub fn of(filter: &'a LogFilter) -> Option<Self> {
        let mut countable = Self { filter, statuses: Vec::new(), from: None, to: None };
        for condition in &filter.conditions {
            match condition {
                Condition::On(Column::Status, predicate) if !is_search(predicate) => countable.statuses.push(condition),
                Condition::On(Column::CreatedAt, predicate) => {
                    let (from, to) = range(predicate)?;
                    countable.from = countable.from.max(from);
                    countable.to = [countable.to, to].into_iter().flatten().min();
                }
                _ => return None,
            }
        }
        Some(countable)
    }

    /// The conditions of a filter on statuses and time, without its other conditions.
    pub fn ignoring_other_conditions(filter: &'a LogFilter) -> Self {
        let mut countable = Self { filter, statuses: Vec::new(), from: None, to: None };
        for condition in &filter.conditions {
            match condition {
                Condition::On(Column::Status, predicate) if !is_search(predicate) => countable.statuses.push(condition),
                Condition::On(Column::CreatedAt, predicate) => {
                    let (from, to) = range(predicate).unwrap_or((None, None));
                    countable.from = countable.from.max(from);
                    countable.to = [countable.to, to].into_iter().flatten().min();
                }
                _ => {}
            }
        }
        countable
    }

    /// An upper bound of the matching rows, without examining any: those of all days that the time range overlaps.
    pub fn upper_bound(&self, connection: &mut Connection) -> Result<i64, StoreError> {
        let day = |at: Option<i64>, none| at.map_or(none, |at| at.div_euclid(DAY));
        let (first, last) = (day(self.from, i64::MIN), day(self.to, i64::MAX));
        let sum: Option<i64> = self.days(first, last).select(Sum("logs")).first(connection)?;
        Ok(sum.unwrap_or(0))
    }

    /// The first and the last day that are completely in the time range, and the parts of the range beyond them.
    fn split(&self) -> (i64, i64, Vec<(i64, i64)>) {
        let (from, to) = (self.from.unwrap_or(i64::MIN), self.to.unwrap_or(i64::MAX));
        let first = if from == i64::MIN { i64::MIN } else { -((-from).div_euclid(DAY)) };
        let last = if to == i64::MAX { i64::MAX } else { to.saturating_add(1).div_euclid(DAY) - 1 };
        if first > last {
            return (first, last, vec![(from, to)]);
        }
        let before = (first != i64::MIN).then(|| (from, first * DAY - 1));
        let after = (last != i64::MAX).then(|| ((last + 1) * DAY, to));
        (first, last, before.into_iter().chain(after).filter(|(from, to)| from <= to).collect())
    }

    /// The number of matching rows: the sum over complete days, and the counted rows of at most two partial days.
    pub fn total(&self, connection: &mut Connection, start: NewStatement<'_, 'a>) -> Result<i64, StoreError> {
        let (first, last, edges) = self.split();
        let mut total = 0;
        if first <= last {
            let sum: Option<i64> = self.days(first, last).select(Sum("logs")).first(connection)?;
            total += sum.unwrap_or(0);
        }
        for (from, to) in edges {
            total += self.edge(connection, start, from, to)?;
        }
        Ok(total)
    }

    /// The same per day, the earliest first.
    pub fn by_day(
        &self,
        connection: &mut Connection,
        start: NewStatement<'_, 'a>,
    ) -> Result<Vec<DayCount>, StoreError> {
        let (first, last, edges) = self.split();
        let mut counts = Vec::new();
        if first <= last {
            let rows: Vec<(i64, i64)> = self.days(first, last).select((days::day, days::logs)).load(connection)?;
            let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
            for (day, logs) in rows {
                *sums.entry(day).or_default() += logs;
            }
            let count = |(day, logs)| DayCount { from: day * DAY, to: day * DAY + (DAY - 1), logs };
            counts.extend(sums.into_iter().map(count));
        }
        for (from, to) in edges {
            let logs = self.edge(connection, start, from, to)?;
            counts.push(DayCount { from, to, logs });
        }
        counts.sort_by_key(|count| count.from);
        Ok(counts)
    }

    fn days<'b>(&self, first: i64, last: i64) -> days::BoxedQuery<'b, Backend> {
        let mut statement = days::table.filter(days::tenant_id.eq(self.filter.tenant().0)).into_boxed();
        statement = match self.filter.senders() {
            None => statement.filter(days::subject_id.eq(ANY_SUBJECT)),
            Some(senders) => statement.filter(any_of(days::subject_id, senders)),
        };
        statement = if self.statuses.is_empty() {
            statement.filter(days::status.eq(ANY_STATUS))
        } else {
            let statuses = Where::new(self.statuses.iter().copied(), Index::Values(Column::Status));
            statement.filter(days::status.ne(ANY_STATUS)).filter(statuses)
        };
        if (first, last) == (i64::MIN, i64::MAX) { statement } else { statement.filter(days::day.between(first, last)) }
    }

    fn edge(
        &self,
        connection: &mut Connection,
        start: NewStatement<'_, 'a>,
        from: i64,
        to: i64,
    ) -> Result<i64, StoreError> {
        let scan = Scan::of_range(self.filter);
        Ok(scan.statement((Some(from), Some(to)), start()).select(count_star()).first(connection)?)
    }
}

/// The number of a tenant's rows, whatever a caller may see.
pub fn total_of_tenant(connection: &mut Connection, tenant: TenantId) -> Result<i64, StoreError> {
    let sum: Option<i64> = days::table
        .filter(days::tenant_id.eq(tenant.0).and(days::subject_id.eq(ANY_SUBJECT)).and(days::status.eq(ANY_STATUS)))
        .select(Sum("logs"))
        .first(connection)?;
    Ok(sum.unwrap_or(0))
}

fn is_search(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Matches(_) | Predicate::DoesNotMatch(_) => true,
        Predicate::OrNull(predicate) => is_search(predicate),
        _ => false,
    }
}

/// The first and the last instant that a predicate on a time accepts; `None` if those do not form one range.
fn range(predicate: &Predicate) -> Option<(Option<i64>, Option<i64>)> {
    let at = |value: &Operand| match value {
        Operand::Integer(at) => Some(*at),
        Operand::Text(_) => None,
    };
    match predicate {
        Predicate::OrNull(predicate) => range(predicate),
        Predicate::IsNotNull => Some((None, None)),
        Predicate::OneOf(values) => match values.as_slice() {
            [only] => at(only).map(|at| (Some(at), Some(at))),
            _ => None,
        },
        Predicate::Compare(Comparison::Greater, value) => Some((Some(at(value)?.checked_add(1)?), None)),
        Predicate::Compare(Comparison::GreaterOrEqual, value) => Some((Some(at(value)?), None)),
        Predicate::Compare(Comparison::Less, value) => Some((None, Some(at(value)?.checked_sub(1)?))),
        Predicate::Compare(Comparison::LessOrEqual, value) => Some((None, Some(at(value)?))),
        _ => None,
    }
}
