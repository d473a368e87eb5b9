//! Ranges of message ids, each with about the same number of messages. A search on PostgreSQL reads them from the newest on,
//! because an index by term has no order. Sixteen ranges are one of the next level; knows no term of a text.

#![cfg(feature = "postgres")]

use diesel::PgConnection;
use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::error::StoreError;
use crate::store::schema::search_ranges;

/// How many messages a range has, until the next one begins.
const SIZE: i64 = 16_384;

/// Sixteen ranges of one level are one of the next: how many bits of a range's number that is.
const LEVEL_BITS: u32 = 4;

/// How many levels there are.
const LEVELS: u32 = 3;

/// A range of some level: the lower ones contain the same messages in smaller parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    level: u32,
    number: i64,
}

impl Range {
    /// The term that all of its messages have.
    pub fn term(self, tenant: TenantId) -> String {
        format!("r{}x{}x{}", self.level, tenant.0, self.number)
    }

    /// The number of its first range of the lowest level.
    pub fn first(self) -> i64 {
        self.number << (LEVEL_BITS * self.level)
    }
}

/// The ranges of each level that contain a range of the lowest level.
pub fn containing(number: i64) -> impl Iterator<Item = Range> {
    (0..LEVELS).map(move |level| Range { level, number: number >> (LEVEL_BITS * level) })
}

/// The largest range that ends with a range of the lowest level; the first one is small, because the newest messages are
/// likely to fill a page.
pub fn ending_with(number: i64, is_first: bool) -> Range {
    let ends = |range: &Range| range.first() + (1 << (LEVEL_BITS * range.level)) - 1 == number;
    let largest = containing(number).filter(ends).last().filter(|_| !is_first);
    largest.unwrap_or(Range { level: 0, number })
}

/// The number of the range that contains a message id.
pub fn number_of(connection: &mut PgConnection, tenant: TenantId, message_id: i64) -> Result<i64, StoreError> {
    let number: Option<i64> = search_ranges::table
        .filter(search_ranges::tenant_id.eq(tenant.0).and(search_ranges::first_id.le(message_id)))
        .select(search_ranges::number)
        .order(search_ranges::number.desc())
        .first(connection)
        .optional()?;
    Ok(number.unwrap_or(0))
}

/// The first message id of a range of the lowest level.
pub fn first_id(connection: &mut PgConnection, tenant: TenantId, number: i64) -> Result<i64, StoreError> {
    let first = search_ranges::table.find((tenant.0, number)).select(search_ranges::first_id);
    Ok(first.first(connection).optional()?.unwrap_or(i64::MAX))
}

/// A range of the lowest level, as it is stored.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = search_ranges)]
struct StoredRange {
    number: i64,
    first_id: i64,
    last_id: i64,
    messages: i64,
}

/// The numbers of the ranges of some ascending message ids; begins new ranges after the last one.
pub fn assign(connection: &mut PgConnection, tenant: TenantId, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
    let newest = search_ranges::table
        .filter(search_ranges::tenant_id.eq(tenant.0))
        .select(StoredRange::as_select())
        .order(search_ranges::number.desc())
        .first(connection)
        .optional()?;
    let is_new = newest.is_none();
    let mut newest = newest.unwrap_or(StoredRange { number: 0, first_id: i64::MIN, last_id: i64::MIN, messages: 0 });
    let mut numbers = Vec::with_capacity(ids.len());
    let mut stored = (!is_new).then_some(newest.number);
    for id in ids {
        if *id < newest.first_id {
            numbers.push(number_of(connection, tenant, *id)?);
            continue;
        }
        if *id > newest.last_id {
            if newest.messages >= SIZE {
                save(connection, tenant, newest, &mut stored)?;
                newest = StoredRange { number: newest.number + 1, first_id: *id, last_id: *id, messages: 0 };
            }
            newest.last_id = *id;
            newest.messages += 1;
        }
        numbers.push(newest.number);
    }
    save(connection, tenant, newest, &mut stored)?;
    Ok(numbers)
}

fn save(
    connection: &mut PgConnection,
    tenant: TenantId,
    range: StoredRange,
    stored: &mut Option<i64>,
) -> Result<(), StoreError> {
    let bounds = (search_ranges::last_id.eq(range.last_id), search_ranges::messages.eq(range.messages));
    if *stored == Some(range.number) {
        let row = search_ranges::table.find((tenant.0, range.number));
        diesel::update(row).set(bounds).execute(connection)?;
    } else {
        let key = (
            search_ranges::tenant_id.eq(tenant.0),
            search_ranges::number.eq(range.number),
            search_ranges::first_id.eq(range.first_id),
        );
        diesel::insert_into(search_ranges::table).values((key, bounds)).execute(connection)?;
        *stored = Some(range.number);
    }
    Ok(())
}
