//! The monthly partitions of messages and copies in PostgreSQL, created in advance and on demand; knows no message.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Months, NaiveDate};

use crate::model::Instant;
use crate::model::history::Window;
use crate::store::Connection;
use crate::store::error::StoreError;

/// The years that have a partition for each month. All messages before them share one partition, and so do all after
/// them, so that no message is too old or too new, and a wrong date does not create partitions for a thousand years.
const PARTITIONED_YEARS: std::ops::Range<i32> = 2010..2060;

/// How many months after the current one are created in advance.
const MONTHS_AHEAD: u32 = 3;

/// A calendar month in UTC that has partitions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a time; `None` if the time is outside of the years with monthly partitions.
    pub fn of(time: Instant) -> Option<Self> {
        let day = DateTime::from_timestamp_millis(time.0)?.date_naive();
        PARTITIONED_YEARS.contains(&day.year()).then_some(day).and_then(|day| day.with_day(1)).map(Self)
    }

    /// The suffix of its tables' names: `2026_03`.
    pub fn suffix(self) -> String {
        self.0.format("%Y_%m").to_string()
    }

    /// A month as it is written: `2026-03`; `None` if it has no partitions of its own.
    pub fn parse(text: &str) -> Option<Self> {
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?;
        (text.len() == 7 && PARTITIONED_YEARS.contains(&first.year())).then_some(Self(first))
    }

    /// Its first and its last millisecond.
    pub fn window(self) -> Window {
        let end = self.next().map_or(i64::MAX, |next| next.start() - 1);
        Window { from: Instant(self.start()), to: Instant(end) }
    }

    fn next(self) -> Option<Self> {
        self.0.checked_add_months(Months::new(1)).map(Self)
    }

    /// Its first millisecond.
    fn start(self) -> i64 {
        self.0.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
    }
}

/// The times of the partitions that have a part of a window: a statement that is restricted to them reads no others, and
/// rejects no row that it reads.
pub fn times_of_partitions(window: Window) -> Window {
    // Outside of the years with monthly partitions, one partition contains everything.
    let start = |time: Instant| Month::of(time).map_or(i64::MIN, Month::start);
    let end = |time: Instant| Month::of(time).and_then(Month::next).map_or(i64::MAX, |next| next.start() - 1);
    Window { from: Instant(start(window.from)), to: Instant(end(window.to)) }
}

/// The months of some times that have partitions of their own.
pub fn months(times: impl IntoIterator<Item = Instant>) -> BTreeSet<Month> {
    times.into_iter().filter_map(Month::of).collect()
}

/// The current month and those that are created in advance.
pub fn ahead(now: Instant) -> BTreeSet<Month> {
    let after = |month: &Month| month.next().filter(|month| PARTITIONED_YEARS.contains(&month.0.year()));
    std::iter::successors(Month::of(now), after).take(1 + MONTHS_AHEAD as usize).collect()
}

/// Those of some months that have no partitions yet; none on SQLite, which has no partitions.
pub fn missing(connection: &mut Connection, months: &BTreeSet<Month>) -> Result<BTreeSet<Month>, StoreError> {
    let existing = connection.partitions(months.iter().map(|month| month.suffix()).collect())?;
    let is_missing = |month: &&Month| existing.as_ref().is_some_and(|existing| !existing.contains(&month.suffix()));
    Ok(months.iter().filter(is_missing).copied().collect())
}

/// Drops the partitions of a month, which contain no message any more; fails if they do. It waits for a moment in which
/// nobody uses the table.
pub fn drop(connection: &mut Connection, month: Month) -> Result<(), StoreError> {
    connection.lock_schema()?;
    connection.drop_partitions(&month.suffix())
}

/// Creates missing partitions. Call it in a transaction that has accessed nothing else: then readers and writers
/// continue meanwhile, and only others that create partitions wait.
pub fn create(connection: &mut Connection, months: &BTreeSet<Month>) -> Result<(), StoreError> {
    connection.lock_schema()?;
    for month in missing(connection, months)? {
        if let Some(next) = month.next() {
            connection.create_partitions(&month.suffix(), month.start(), next.start())?;
        }
    }
    Ok(())
}
