//! Reads the items of a page, no more bytes at a time than a page may hold in memory; knows no filter and no order.

use diesel::prelude::*;

use crate::model::HistoryQuery;
use crate::store::Connection;
use crate::store::db::fragments::{self, IndexHint, any_of};
use crate::store::error::StoreError;
use crate::store::parts::{self, PAGE_BYTES, PART_BYTES};
use crate::store::schema::messages;

/// The ids of a page's messages in their order, with the items that were read.
pub type Found = Vec<(i64, Option<String>)>;

/// Reads rows up to the size that a page may hold in memory; returns whether there were more.
pub fn read(rows: impl Iterator<Item = QueryResult<(i64, String)>>) -> Result<(Found, bool), StoreError> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for row in rows {
        if bytes >= PAGE_BYTES {
            return Ok((found, true));
        }
        let (id, item) = row?;
        bytes += item.len();
        found.push((id, Some(item)));
    }
    Ok((found, false))
}

/// The items of a page's ids, in their order, up to the size that a page may hold in memory.
pub fn of_ids(connection: &mut Connection, query: &HistoryQuery, ids: Vec<i64>) -> Result<Found, StoreError> {
    let (items, read) =
        parts::load_first(&ids, PAGE_BYTES, |part| load(connection, query, part, PAGE_BYTES), String::len)?;
    let mut found: Found = items.into_iter().map(|(id, item)| (id, Some(item))).collect();
    found.extend(ids.into_iter().skip(read).map(|id| (id, None)));
    Ok(found)
}

/// The next items of a page that is being sent, and how many of the ids they cover. A message that was deleted
/// meanwhile has no item.
pub fn next(
    connection: &mut Connection,
    query: &HistoryQuery,
    ids: &[i64],
) -> Result<(Vec<String>, usize), StoreError> {
    let (items, read) =
        parts::load_first(ids, PART_BYTES, |part| load(connection, query, part, PART_BYTES), String::len)?;
    Ok((items.into_iter().map(|(_, item)| item).collect(), read))
}

/// The items of some ids, in any order, until they exceed `max_bytes`; returns whether some were not read.
fn load(
    connection: &mut Connection,
    query: &HistoryQuery,
    ids: &[i64],
    max_bytes: usize,
) -> Result<parts::Loaded<i64, String>, StoreError> {
    let rows = messages::table
        .filter(messages::tenant_id.eq(query.tenant().0))
        .filter(any_of(messages::message_id, ids))
        .filter(fragments::sent_at(IndexHint::None).between(query.window.from.0, query.window.to.0))
        .select((messages::message_id, messages::item))
        .load_iter::<(i64, String), _>(connection)?;
    parts::collect_rows(ids.len(), max_bytes, rows.map(|row| Ok(row?)), String::len)
}
