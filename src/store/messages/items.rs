//! Reads the items of a page, no more bytes at a time than a page may hold in memory; knows no filter and no order.

use diesel::prelude::*;

use crate::model::HistoryQuery;
use crate::store::Connection;
use crate::store::db::fragments::any_of;
use crate::store::db::pinned::{self, IndexHint};
use crate::store::error::StoreError;
use crate::store::parts::{self, PAGE_BYTES, PART_BYTES};
use crate::store::schema::messages;

/// How many bytes an item is expected to have, for the memory that is reserved for a page.
const EXPECTED_ITEM: usize = 640;

/// Rendered items, joined by commas as a response has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    bytes: Vec<u8>,
    count: usize,
}

impl Items {
    pub fn with_capacity(items: i64) -> Self {
        Self { bytes: Vec::with_capacity(expected_bytes(items)), count: 0 }
    }

    pub fn push(&mut self, item: &[u8]) {
        if self.count > 0 {
            self.bytes.push(b',');
        }
        self.count += 1;
        self.bytes.extend_from_slice(item);
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many bytes they have, commas included.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All of them, joined; fails if the store returned bytes that are no text.
    pub fn into_text(self) -> Result<String, StoreError> {
        String::from_utf8(self.bytes).map_err(|_| StoreError::DamagedRow("a stored item is not valid UTF-8".into()))
    }
}

/// How much memory to reserve for some items.
pub fn expected_bytes(items: i64) -> usize {
    let items = usize::try_from(items).unwrap_or_default();
    items.saturating_mul(EXPECTED_ITEM).min(PAGE_BYTES + EXPECTED_ITEM)
}

/// The rendered items of a page, and whether another message follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub items: Items,
    /// The ids of the page's other messages, if the items are so long that no more were read.
    pub rest: Vec<i64>,
    pub has_next: bool,
}

/// The page of some ids, which may be one more than the page's messages, in their order: the items up to the size that a
/// page may hold in memory, and the other ids.
pub fn page_of_ids(connection: &mut Connection, query: &HistoryQuery, mut ids: Vec<i64>) -> Result<Page, StoreError> {
    let limit = usize::try_from(query.limit).unwrap_or_default();
    let has_next = ids.len() > limit;
    ids.truncate(limit);
    let (items, read) = read(connection, query, &ids, PAGE_BYTES)?;
    Ok(Page { items, rest: ids.split_off(read), has_next })
}

/// The next items of a page that is being sent, and how many of the ids they cover. A message that was deleted
/// meanwhile has no item.
pub fn next(connection: &mut Connection, query: &HistoryQuery, ids: &[i64]) -> Result<(Items, usize), StoreError> {
    read(connection, query, ids, PART_BYTES)
}

fn read(
    connection: &mut Connection,
    query: &HistoryQuery,
    ids: &[i64],
    max_bytes: usize,
) -> Result<(Items, usize), StoreError> {
    let (found, read) =
        parts::load_first(ids, max_bytes, |part| load(connection, query, part, max_bytes), String::len)?;
    let mut items = Items::default();
    for (_, item) in found {
        items.push(item.as_bytes());
    }
    Ok((items, read))
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
        .filter(pinned::sent_at(IndexHint::None).between(query.window.from.0, query.window.to.0))
        .select((messages::message_id, messages::item))
        .load_iter::<(i64, String), _>(connection)?;
    parts::collect_rows(ids.len(), max_bytes, rows.map(|row| Ok(row?)), String::len)
}
