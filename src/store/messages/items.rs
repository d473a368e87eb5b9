//! Reads the items of a page, no more bytes at a time than a page may hold in memory; knows no filter and no order.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::HistoryQuery;
use crate::store::Connection;
use crate::store::db::row_texts;
use crate::store::error::StoreError;
use crate::store::messages::statement::ItemsOfIds;
use crate::store::parts::{self, PAGE_BYTES, PART_BYTES};

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

    /// The same as a text.
    pub fn into_text(self) -> Result<String, StoreError> {
        String::from_utf8(self.bytes).map_err(|_| no_text())
    }

    /// All of them, joined; fails if the store returned bytes that are no text.
    pub fn into_bytes(self) -> Result<Vec<u8>, StoreError> {
        simdutf8::basic::from_utf8(&self.bytes).map_err(|_| no_text())?;
        Ok(self.bytes)
    }
}

/// A rendered item as a text.
pub fn text(item: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(item).map_err(|_| no_text())
}

pub fn no_text() -> StoreError {
    StoreError::DamagedRow("a stored item is not valid UTF-8".into())
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

/// Passes the items of some ids to `take`, in the order of the ids, no more at a time than may be in memory.
pub fn for_each(
    connection: &mut Connection,
    query: &HistoryQuery,
    ids: &[i64],
    mut take: impl FnMut(i64, &str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut rest = ids;
    while !rest.is_empty() {
        let loaded = load_first(connection, query, rest, PAGE_BYTES)?;
        for (id, range) in loaded.items {
            take(id, std::str::from_utf8(&loaded.bytes[range]).map_err(|_| no_text())?)?;
        }
        rest = &rest[loaded.ids..];
    }
    Ok(())
}

fn read(
    connection: &mut Connection,
    query: &HistoryQuery,
    ids: &[i64],
    max_bytes: usize,
) -> Result<(Items, usize), StoreError> {
    let loaded = load_first(connection, query, ids, max_bytes)?;
    let mut items = Items { bytes: Vec::with_capacity(loaded.bytes.len() + loaded.items.len()), count: 0 };
    for (_, range) in loaded.items {
        items.push(&loaded.bytes[range]);
    }
    Ok((items, loaded.ids))
}

/// Items in memory.
struct Loaded {
    bytes: Vec<u8>,
    /// Of each id, which of the bytes are its item.
    items: Vec<(i64, Range<usize>)>,
    /// How many of the requested ids these are, with those that have no item.
    ids: usize,
}

/// The first items of some ids, until they exceed `max_bytes`.
fn load_first(
    connection: &mut Connection,
    query: &HistoryQuery,
    ids: &[i64],
    max_bytes: usize,
) -> Result<Loaded, StoreError> {
    let mut bytes = Vec::with_capacity(expected_bytes(i64::try_from(ids.len()).unwrap_or(i64::MAX)).min(max_bytes));
    let load = |part: &[i64]| {
        let (mut found, mut read, mut is_cut) = (HashMap::with_capacity(part.len()), 0, false);
        row_texts::for_each(connection, ItemsOfIds::new(query, part), |id, item| {
            let start = bytes.len();
            bytes.extend_from_slice(item);
            found.insert(id, start..bytes.len());
            read += item.len();
            is_cut = read > max_bytes && found.len() < part.len();
            Ok(!is_cut)
        })?;
        Ok((found, is_cut))
    };
    let (items, ids) = parts::load_first(ids, max_bytes, load, ExactSizeIterator::len)?;
    Ok(Loaded { bytes, items, ids })
}
