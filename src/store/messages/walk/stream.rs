//! Reads the messages of one source in the order of their ids, some at a time; knows no other source.

use std::collections::VecDeque;

use crate::model::history::Window;
use crate::model::{MessageQuery, TenantId};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::fragments::InList;
use crate::store::db::pinned::RowCount;
use crate::store::db::row_texts;
use crate::store::error::StoreError;
use crate::store::messages::walk::condition::ColumnFilters;
use crate::store::messages::walk::source::Source;
use crate::store::messages::walk::statement::{LONG, NO_MATCH, NextMessages};

/// How many messages one statement reads at most: the largest page, and one more to know whether it is the last.
const MAX_AT_ONCE: i64 = 1001;

/// A message that was read.
pub struct Read {
    pub id: i64,
    pub item: ReadItem,
}

/// The item of a message that was read.
pub enum ReadItem {
    /// The message does not pass the filters in columns.
    NoMatch,
    /// It is so long that it is read by itself.
    Long,
    Text(Vec<u8>),
}

/// What all streams of a walk share.
pub struct Shared<'q> {
    pub tenant: TenantId,
    pub filters: &'q ColumnFilters,
    pub times: Option<Window>,
    pub descending: bool,
    pub count: RowCount,
}

/// The messages of one source that are not taken yet.
pub struct Stream {
    source: Source,
    /// The ids that are not read yet: the first and the last.
    left: (i64, i64),
    read: VecDeque<Read>,
    at_once: i64,
    is_at_end: bool,
}

impl Stream {
    /// Starts with `at_once` messages, and then reads more at a time.
    pub fn new(source: Source, ids: (i64, i64), at_once: i64) -> Self {
        let at_once = at_once.clamp(1, MAX_AT_ONCE);
        Self { source, left: ids, read: VecDeque::new(), at_once, is_at_end: ids.0 > ids.1 }
    }

    /// Whether `next_id` needs a statement.
    pub fn must_read(&self) -> bool {
        self.read.is_empty() && !self.is_at_end
    }

    /// The id of the next message.
    pub fn next_id(&self) -> Option<i64> {
        self.read.front().map(|read| read.id)
    }

    pub fn take(&mut self) -> Option<Read> {
        self.read.pop_front()
    }

    /// Reads the next messages, at most `max_rows`, and returns how many it examined.
    pub fn read(
        &mut self,
        connection: &mut Connection,
        shared: &Shared<'_>,
        (max_rows, budget): (u64, &Budget),
    ) -> Result<u64, StoreError> {
        let limit = self.at_once.min(i64::try_from(max_rows).unwrap_or(i64::MAX)).max(1);
        let listed = match &self.source {
            Source::Ids(ids) => next_listed(ids, self.left, shared.descending, limit),
            _ => Vec::new(),
        };
        let last_listed = listed.last().copied();
        let statement = NextMessages {
            tenant: shared.tenant,
            source: &self.source,
            listed: InList::new(&listed),
            filters: shared.filters,
            ids: self.left,
            times: shared.times,
            descending: shared.descending,
            limit,
            count: shared.count,
        };
        let read = &mut self.read;
        row_texts::for_each(connection, statement, |id, text| {
            budget.count_row()?;
            let item = match text {
                NO_MATCH => ReadItem::NoMatch,
                LONG => ReadItem::Long,
                text => ReadItem::Text(text.to_vec()),
            };
            read.push_back(Read { id, item });
            Ok(true)
        })?;
        if last_listed.is_some() {
            read.make_contiguous().sort_unstable_by_key(|read| if shared.descending { -read.id } else { read.id });
        }
        // A list is read up to the last id that was looked up, whether there is such a message or not.
        let last = last_listed.or_else(|| self.read.back().map(|read| read.id));
        let is_short = last_listed.is_none() && i64::try_from(self.read.len()).is_ok_and(|read| read < limit);
        self.is_at_end = match last {
            None => true,
            Some(last) => {
                self.left = left_after(last, shared.descending, self.left);
                is_short
            }
        };
        self.is_at_end |= self.left.0 > self.left.1;
        self.at_once = (self.at_once * 2).min(MAX_AT_ONCE);
        Ok(self.read.len() as u64)
    }
}

/// The next of some ascending ids within a range, in the order of the walk.
fn next_listed(ids: &[i64], (first, last): (i64, i64), descending: bool, limit: i64) -> Vec<i64> {
    let limit = usize::try_from(limit).unwrap_or_default();
    let in_range = ids.iter().copied().filter(|id| (first..=last).contains(id));
    if descending { in_range.rev().take(limit).collect() } else { in_range.take(limit).collect() }
}

/// The ids that a walk may still read, of those between two; after its position.
pub fn ids_left(query: &MessageQuery, ids: (i64, i64)) -> (i64, i64) {
    match &query.position {
        None => ids,
        Some(position) => left_after(position.message_id, query.descending, ids),
    }
}

/// What is left of a range of ids after one of them was read.
fn left_after(id: i64, descending: bool, (first, last): (i64, i64)) -> (i64, i64) {
    let next = if descending { id.checked_sub(1) } else { id.checked_add(1) };
    match next {
        Some(next) if descending => (first, last.min(next)),
        Some(next) => (first.max(next), last),
        // It was the last id that there can be.
        None => (1, 0),
    }
}
