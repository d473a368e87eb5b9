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

/// A scan may pass over as many messages for each of a page, and over so many besides.
const MAX_PASSED: i64 = 2;
const MIN_PASSED: i64 = 64;

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
    /// `None` if the scan would pass over many messages that are not in the window, because some of the page arrived late.
    pub fn start(&mut self, bounds: (i64, i64)) -> Result<Option<Start>, StoreError> {
        let descending = self.query.sort.descending();
        let mut segments = Segments::new(self.connection, self.query.tenant(), bounds, descending)?;
        let mut start = Start { bounds, offset: self.query.offset };
        let wanted = self.query.limit + 1;
        let (mut first, mut found, mut passed) = (None, 0, 0);
        while found < wanted
            && let Some(segment) = segments.next(self.connection, self.budget)?
        {
            let (first_id, last_id) = segment.ids();
            if first.is_none() {
                start.bounds =
                    if descending { (bounds.0, last_id.min(bounds.1)) } else { (first_id.max(bounds.0), bounds.1) };
            }
            let messages = match &segment {
                Segment::Rows(..) if first.is_some() => break,
                Segment::Rows(..) if start.offset == 0 || segments.is_at_end() => return Ok(Some(start)),
                Segment::Rows(..) => 0,
                // All that follows is in the window.
                Segment::Block(block) if first.is_some() && selection::count(self.query, block)?.is_some() => break,
                Segment::Block(block) => block.messages,
            };
            match self.part(segment, start.offset, wanted - found)? {
                Part::Skipped(skipped) if first.is_none() => start.offset -= skipped,
                Part::Skipped(_) => passed += messages,
                Part::Ids(ids, span) => {
                    // The page begins with a known message.
                    first = first.or(ids.first().copied());
                    start.offset = 0;
                    (found, passed) = (found + length(&ids), passed + span);
                }
            }
            if passed > found.saturating_mul(MAX_PASSED) + MIN_PASSED {
                return Ok(None);
            }
        }
        Ok(Some(match first {
            Some(id) => Start { bounds: if descending { (bounds.0, id) } else { (id, bounds.1) }, offset: 0 },
            None => Start { bounds: (1, 0), offset: 0 },
        }))
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
                Part::Ids(ids, _) => {
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
        let span = span(&selection.positions, block.messages, (skip, wanted), self.query.sort.descending());
        let ids = self.in_order(&block, &mut selection, changed, skip.saturating_add(wanted))?;
        Ok(Part::of(ids, skip, wanted).over(span))
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
                    page @ Part::Ids(..) => page,
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
    /// The page's first ids in the segment, and about how many messages a scan of them passes, themselves included.
    Ids(Vec<i64>, i64),
}

impl Part {
    /// What is left of some ids after skipping, and wanting no more than some.
    fn of(mut ids: Vec<i64>, skip: i64, wanted: i64) -> Self {
        if length(&ids) <= skip {
            return Self::Skipped(length(&ids));
        }
        ids.drain(..usize::try_from(skip).unwrap_or(usize::MAX));
        ids.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        let span = length(&ids);
        Self::Ids(ids, span)
    }

    /// The same for a scan that passes so many messages.
    fn over(self, span: i64) -> Self {
        match self {
            Self::Ids(ids, own) => Self::Ids(ids, span.max(own)),
            skipped @ Self::Skipped(_) => skipped,
        }
    }
}

/// How many of a block's messages a scan passes for those selected ones, at ascending positions, that a page wants after
/// skipping some: up to the last of them or, if the block has too few, up to the block's end.
fn span(positions: &[u16], messages: i64, (skip, wanted): (i64, i64), descending: bool) -> i64 {
    let place = |index: i64| {
        let index = usize::try_from(index).ok().filter(|index| *index < positions.len())?;
        let position = i64::from(positions[if descending { positions.len() - 1 - index } else { index }]);
        Some(if descending { messages - 1 - position } else { position })
    };
    let Some(first) = place(skip) else { return 0 };
    place(skip.saturating_add(wanted - 1)).map_or(messages - first, |last| last - first + 1)
}

fn length<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}
