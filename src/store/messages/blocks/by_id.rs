//! Finds pages that are sorted by id, with the help of blocks: offsets pass over whole blocks by their counts, and filters
//! read no message; knows no other order.

use crate::model::history::HistoryQuery;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::error::StoreError;
use crate::store::messages::blocks::ranges::{self, Block, Segment, Segments};
use crate::store::messages::blocks::selection::{self, Selection};
use crate::store::messages::scan::{Scan, ScanTarget, Values};
use crate::store::messages::statement::{CountRows, Ids};

/// How many ids of messages without a block are read at once.
const MAX_IDS: i64 = 16_384;

/// Where a page begins: the range of ids that is left, and how many of its messages to skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    pub bounds: (i64, i64),
    pub offset: i64,
}

/// A query and what its pages are read with.
pub struct Reader<'c, 'q> {
    pub connection: &'c mut Connection,
    pub query: &'q HistoryQuery,
    pub budget: &'c Budget,
    pub count: CountRows<'c>,
}

impl Reader<'_, '_> {
    /// Where a page begins, for a query that filters by nothing but its window: what comes after it, a scan reads in order.
    pub fn start(&mut self, bounds: (i64, i64)) -> Result<Start, StoreError> {
        let descending = self.query.sort.descending();
        let mut segments = Segments::new(self.connection, self.query.tenant(), bounds, descending)?;
        let mut start = Start { bounds, offset: self.query.offset };
        while let Some(segment) = segments.next(self.connection, self.budget)? {
            let (first, last) = segment.ids();
            start.bounds = if descending { (bounds.0, last.min(bounds.1)) } else { (first.max(bounds.0), bounds.1) };
            if (start.offset == 0 || segments.is_at_end()) && matches!(segment, Segment::Rows(..)) {
                return Ok(start);
            }
            match self.part(segment, start.offset, 1)? {
                Part::Skipped(messages) => start.offset -= messages,
                Part::Ids(ids) => {
                    // The page begins with a known message.
                    let id = ids.first().copied().unwrap_or_default();
                    let bounds = if descending { (bounds.0, id) } else { (id, bounds.1) };
                    return Ok(Start { bounds, offset: 0 });
                }
            }
        }
        Ok(Start { bounds: (1, 0), offset: 0 })
    }

    /// The ids of a page, and one more if it has a next page.
    pub fn ids(&mut self, bounds: (i64, i64)) -> Result<Vec<i64>, StoreError> {
        let descending = self.query.sort.descending();
        let mut segments = Segments::new(self.connection, self.query.tenant(), bounds, descending)?;
        let (mut skip, mut wanted, mut page) = (self.query.offset, self.query.limit + 1, Vec::new());
        while wanted > 0
            && let Some(segment) = segments.next(self.connection, self.budget)?
        {
            match self.part(segment, skip, wanted)? {
                Part::Skipped(messages) => skip -= messages,
                Part::Ids(ids) => {
                    (skip, wanted) = (0, wanted - length(&ids));
                    page.extend(ids);
                }
            }
        }
        Ok(page)
    }

    /// What a segment contributes to a page that skips messages and then wants some.
    fn part(&mut self, segment: Segment, skip: i64, wanted: i64) -> Result<Part, StoreError> {
        let block = match segment {
            Segment::Rows(first, last) => return self.rows((first, last), skip, wanted),
            Segment::Block(block) => block,
        };
        if let Some(count) = selection::count(self.query, &block)?.filter(|count| *count <= skip) {
            self.budget.count_rows(1)?;
            return Ok(Part::Skipped(count));
        }
        let changed = ranges::changed_ids(self.connection, self.query.tenant(), &block)?;
        let mut selection = selection::select(self.connection, self.query, &block, &changed, self.budget)?;
        let changed = self.selected_of(&changed)?;
        let selected = length(&selection.positions);
        if changed.is_empty() && selected <= skip {
            return Ok(Part::Skipped(selected));
        }
        let ids = self.in_order(&block, &mut selection, changed, skip.saturating_add(wanted))?;
        Ok(Part::of(ids, skip, wanted))
    }

    /// The same for messages without a block. Those that are skipped are read in parts, so that few ids are in memory.
    fn rows(&mut self, bounds: (i64, i64), skip: i64, wanted: i64) -> Result<Part, StoreError> {
        let ((mut first, mut last), mut skipped) = (bounds, 0);
        loop {
            let left = skip - skipped;
            let limit = if left >= MAX_IDS { MAX_IDS } else { left + wanted };
            let scan = Scan::new(self.query, ScanTarget::Ids((first, last)));
            let ids = Ids::new(&scan, (self.count)(0), (0, limit)).load_ids(self.connection, self.budget)?;
            if self.connection.is_server() {
                // On SQLite, the scan has counted them.
                self.budget.count_rows(ids.len() as u64)?;
            }
            let Some(end) = ids.last().filter(|_| length(&ids) == limit && limit <= left) else {
                return Ok(match Part::of(ids, left, wanted) {
                    Part::Skipped(messages) => Part::Skipped(skipped + messages),
                    page @ Part::Ids(_) => page,
                });
            };
            skipped += limit;
            let next = if self.query.sort.descending() { end.checked_sub(1) } else { end.checked_add(1) };
            let Some(next) = next.filter(|next| (first..=last).contains(next)) else {
                return Ok(Part::Skipped(skipped));
            };
            if self.query.sort.descending() {
                last = next;
            } else {
                first = next;
            }
        }
    }

    /// Those messages that the query selects of those that were written since their block was built.
    fn selected_of(&mut self, changed: &[i64]) -> Result<Vec<i64>, StoreError> {
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let scan = Scan::new(self.query, ScanTarget::Listed(Values::numbers(changed)));
        Ids::new(&scan, (self.count)(0), (0, i64::MAX)).load_ids(self.connection, self.budget)
    }

    /// The first ids of a block's selected messages, and of those written since.
    fn in_order(
        &mut self,
        block: &Block,
        selection: &mut Selection,
        changed: Vec<i64>,
        limit: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut positions = std::mem::take(&mut selection.positions);
        let descending = self.query.sort.descending();
        if descending {
            positions.reverse();
        }
        positions.truncate(limit);
        let mut ids = selection.ids_at(self.connection, self.query, block, &positions, self.budget)?;
        if !changed.is_empty() {
            ids.extend(changed);
            ids.sort_unstable();
            if descending {
                ids.reverse();
            }
        }
        Ok(ids)
    }
}

/// What a segment contributes to a page.
enum Part {
    /// Nothing: so many selected messages come before the page.
    Skipped(i64),
    /// The page's first ids in the segment.
    Ids(Vec<i64>),
}

impl Part {
    /// What is left of some ids after skipping, and wanting no more than some.
    fn of(mut ids: Vec<i64>, skip: i64, wanted: i64) -> Self {
        if length(&ids) <= skip {
            return Self::Skipped(length(&ids));
        }
        ids.drain(..usize::try_from(skip).unwrap_or(usize::MAX));
        ids.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Self::Ids(ids)
    }
}

fn length<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}
