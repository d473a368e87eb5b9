//! A server's partitions of the messages and their copies, one a month: made ahead, and on demand where a message is older or newer.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Months, NaiveDate};

use crate::model::Instant;
use crate::store::Connection;
use crate::store::error::StoreError;

/// The years that have a partition for each month. What is sent before or after has one for all of it, so that no
/// message is too old or too new, and no odd date makes partitions for a thousand years.
const YEARS: std::ops::Range<i32> = 2010..2060;

/// How many months from now on are made ahead.
const AHEAD: u32 = 3;

/// A calendar month in UTC that has a partition of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a time; `None` where the time is outside of the years that are cut into months.
    pub fn of(time: Instant) -> Option<Self> {
        let day = DateTime::from_timestamp_millis(time.0)?.date_naive();
        YEARS.contains(&day.year()).then_some(day).and_then(|day| day.with_day(1)).map(Self)
    }

    /// What its tables' names end with: `2026_03`.
    pub fn suffix(self) -> String {
        self.0.format("%Y_%m").to_string()
    }

    fn next(self) -> Option<Self> {
        self.0.checked_add_months(Months::new(1)).map(Self)
    }

    /// Its first millisecond.
    fn start(self) -> i64 {
        self.0.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
    }
}

/// The months of some times.
pub fn months(times: impl IntoIterator<Item = Instant>) -> BTreeSet<Month> {
    times.into_iter().filter_map(Month::of).collect()
}

/// This month and those that follow it.
pub fn ahead(now: Instant) -> BTreeSet<Month> {
    let after = |month: &Month| month.next().filter(|month| YEARS.contains(&month.0.year()));
    std::iter::successors(Month::of(now), after).take(1 + AHEAD as usize).collect()
}

/// The months among some that have no partition yet; none where the database has no partitions.
pub fn missing(connection: &mut Connection, months: &BTreeSet<Month>) -> Result<BTreeSet<Month>, StoreError> {
    let there = connection.partitions(months.iter().map(|month| month.suffix()).collect())?;
    let is_missing = |month: &&Month| there.as_ref().is_some_and(|there| !there.contains(&month.suffix()));
    Ok(months.iter().filter(is_missing).copied().collect())
}

/// Makes the partitions that are missing. Call it in a transaction that has touched nothing else: readers and
/// writers go on meanwhile, and whoever else makes partitions takes turns.
pub fn create(connection: &mut Connection, months: &BTreeSet<Month>) -> Result<(), StoreError> {
    connection.lock_schema()?;
    for month in missing(connection, months)? {
        if let Some(next) = month.next() {
            connection.create_partitions(&month.suffix(), month.start(), next.start())?;
        }
    }
    Ok(())
}
