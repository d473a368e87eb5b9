//! Finds pages in any order but that by id: each block is sorted by ranks, and blocks are merged by values; knows no
//! filter.
//!
//! A block gives at most as many messages as the page reaches, sorted as they are needed. Its values are known from the
//! block if they are short, and otherwise from the message where the value begins. A block whose values cannot reach the
//! page is not read at all, if they are numbers or times.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use crate::model::history::{Sort, SortKey};
use crate::model::property::ValueType;
use crate::model::{Instant, Property, Value};
use crate::store::error::StoreError;
use crate::store::messages::blocks::by_id::Reader;
use crate::store::messages::blocks::columns;
use crate::store::messages::blocks::order::{self, Column, Key, Ordered};
use crate::store::messages::blocks::ranges::{self, Block, Segment, Segments};
use crate::store::messages::blocks::selection;
use crate::store::messages::scan::{Scan, ScanTarget, Values};
use crate::store::messages::statement::Ids;
use crate::store::messages::{item, items};

/// After how many messages of the merge the budget is checked.
const PASSED_PER_CHECK: usize = 64;

/// As how many rows it counts to read a message for its values.
const ROWS_PER_KEY: u64 = 4;

/// How many messages of a block are sorted at first; then as many again as it has given.
const FIRST_SORTED: usize = 32;

/// The most values that are read ahead of a source, and from how many bytes on it is one.
const MAX_AHEAD: usize = 64;
const MAX_AHEAD_BYTES: usize = 64 * 1024;

/// Messages in the query's order: those of a block, or others.
struct Source {
    /// The ids as far as they are sorted.
    ids: Vec<i64>,
    /// Their values by index, as far as they are known; where a block knows that the value before is the same, it has none.
    keys: HashMap<usize, Key>,
    block: Option<(Block, Ordered)>,
    /// How many values to read next.
    ahead: usize,
}

impl Source {
    fn new(ids: Vec<i64>, block: Option<(Block, Ordered)>) -> Self {
        Self { ids, keys: HashMap::new(), block, ahead: 1 }
    }

    fn len(&self) -> usize {
        self.block.as_ref().map_or(self.ids.len(), |(_, ordered)| ordered.messages())
    }

    /// Whether a message is known to have the values of the one before.
    fn repeats(&self, index: usize) -> bool {
        self.block.as_ref().is_some_and(|(_, ordered)| ordered.repeats(index))
    }

    /// Adds messages of a block: their positions, and the ids of all its messages.
    fn add(&mut self, positions: &[u16], all_ids: &[i64], columns: &[Column]) {
        for position in positions {
            let index = self.ids.len();
            self.ids.push(all_ids[usize::from(*position)]);
            let key = || columns.iter().map(|column| column.value(*position)).collect::<Option<Key>>();
            if let Some(key) = Some(index).filter(|index| !self.repeats(*index)).and_then(|_| key()) {
                self.keys.insert(index, key);
            }
        }
    }

    /// The indexes whose values are to be read next, from one on.
    fn wanted(&self, index: usize) -> Vec<usize> {
        (index..self.ids.len()).filter(|other| *other == index || !self.repeats(*other)).take(self.ahead).collect()
    }
}

/// What comes next from a source.
enum Head {
    /// A block that is not read yet, and a value that none of its messages comes before.
    Unread(Option<Value>, Block),
    Message {
        key: Key,
        id: i64,
        source: usize,
        index: usize,
    },
}

struct Entry<'q>(Head, &'q Sort);

impl Ord for Entry<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let Some(first) = order::keys(self.1).first() else { return Ordering::Equal };
        match (&self.0, &other.0) {
            (Head::Message { key, id, .. }, Head::Message { key: other_key, id: other_id, .. }) => {
                order::compare(self.1, (key, *id), (other_key, *other_id))
            }
            (Head::Unread(a, block), Head::Unread(b, other)) => {
                order::compare_values(*first, a.as_ref(), b.as_ref()).then(block.last_id.cmp(&other.last_id))
            }
            (Head::Unread(a, _), Head::Message { key, .. }) => {
                order::compare_values(*first, a.as_ref(), key[0].as_ref()).then(Ordering::Less)
            }
            (Head::Message { .. }, Head::Unread(..)) => other.cmp(self).reverse(),
        }
    }
}

impl PartialOrd for Entry<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry<'_> {}

/// The merge of all sources of a page.
struct Merge<'r, 'c, 'q> {
    reader: &'r mut Reader<'c, 'q>,
    /// How many of its messages a source can contribute.
    reach: usize,
    /// The ids of all blocks whose messages were written since, ascending.
    changed: Vec<i64>,
    sources: Vec<Source>,
    heap: BinaryHeap<Reverse<Entry<'q>>>,
}

/// The ids of a page, and one more if it has a next page.
pub fn ids(reader: &mut Reader<'_, '_>, bounds: (i64, i64)) -> Result<Vec<i64>, StoreError> {
    let (offset, limit) = (reader.query.offset, reader.query.limit + 1);
    let reach = usize::try_from(offset.saturating_add(limit)).unwrap_or(usize::MAX);
    let mut merge = Merge { reader, reach, changed: Vec::new(), sources: Vec::new(), heap: BinaryHeap::new() };
    merge.open_all(bounds)?;
    let mut ids = Vec::new();
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut passed = 0_usize;
    while passed < reach
        && let Some(id) = merge.next()?
    {
        if passed >= skip {
            ids.push(id);
        }
        passed += 1;
        if passed.is_multiple_of(PASSED_PER_CHECK) {
            merge.reader.budget.check()?;
        }
    }
    Ok(ids)
}

impl Merge<'_, '_, '_> {
    fn open_all(&mut self, bounds: (i64, i64)) -> Result<(), StoreError> {
        let query = self.reader.query;
        let tenant = query.tenant();
        let mut segments = Segments::new(self.reader.connection, tenant, bounds, false)?;
        let mut blocks = Vec::new();
        while let Some(segment) = segments.next(self.reader.connection, self.reader.budget)? {
            match segment {
                Segment::Rows(first, last) => self.add_rows(ScanTarget::Ids((first, last)))?,
                Segment::Block(block) => {
                    self.changed.extend(ranges::changed_ids(self.reader.connection, tenant, &block)?);
                    if block.latest >= query.window.from.0 && block.earliest <= query.window.to.0 {
                        blocks.push(block);
                    }
                }
            }
        }
        if !self.changed.is_empty() {
            self.add_rows(ScanTarget::Listed(Values::numbers(&self.changed)))?;
        }
        let bounds = self.block_bounds(&blocks)?;
        if bounds.is_none() {
            // All blocks are read. A query that is known to be expensive need not be tried as a cheap one.
            let columns = i64::try_from((order::keys(&query.sort).len() + 1) * blocks.len()).unwrap_or(i64::MAX);
            let rows = i64::try_from(selection::ROWS_PER_COLUMN).unwrap_or(i64::MAX);
            self.reader.budget.expect_rows(columns.saturating_mul(rows))?;
        }
        for block in blocks {
            match &bounds {
                Some(bounds) => {
                    let bound = bounds.get(&block.last_id).cloned();
                    self.heap.push(Reverse(Entry(Head::Unread(bound, block), &query.sort)));
                }
                None => self.open(block)?,
            }
        }
        self.push_first_heads()
    }

    /// The value of each block that comes first; `None` if such values are not kept.
    fn block_bounds(&mut self, blocks: &[Block]) -> Result<Option<HashMap<i64, Value>>, StoreError> {
        let query = self.reader.query;
        let Some(key) = order::keys(&query.sort).first() else { return Ok(None) };
        let first_of = |least, greatest| if key.descending { greatest } else { least };
        if key.property == Property::SentOrReceivedAt {
            let value = |block: &Block| Value::Instant(Instant(first_of(block.earliest, block.latest)));
            return Ok(Some(blocks.iter().map(|block| (block.last_id, value(block))).collect()));
        }
        let value = match key.property.kind() {
            ValueType::Text => return Ok(None),
            ValueType::Integer => Value::Integer,
            ValueType::Instant => |number| Value::Instant(Instant(number)),
        };
        let Some((first, last)) = blocks.first().zip(blocks.last()) else { return Ok(None) };
        let range = (first.last_id, last.last_id);
        let bounds = columns::bounds(self.reader.connection, query.tenant(), key.property, range)?;
        let bounds = bounds.into_iter().map(|(block, least, greatest)| (block, value(first_of(least, greatest))));
        Ok(Some(bounds.collect()))
    }

    /// Adds the messages of a scan.
    fn add_rows(&mut self, target: ScanTarget) -> Result<(), StoreError> {
        let scan = Scan::new(self.reader.query, target);
        let limit = i64::try_from(self.reach).unwrap_or(i64::MAX);
        let count = (self.reader.count)(i64::MAX);
        let ids = Ids::new(&scan, count, (0, limit)).load_ids(self.reader.connection, self.reader.budget)?;
        if !ids.is_empty() {
            self.sources.push(Source::new(ids, None));
        }
        Ok(())
    }

    /// Reads a block, and sorts its first messages. No column stays in memory: there may be thousands of blocks.
    fn open(&mut self, block: Block) -> Result<(), StoreError> {
        let Reader { connection, query, budget, .. } = &mut *self.reader;
        let from = self.changed.partition_point(|id| *id < block.first_id);
        let to = self.changed.partition_point(|id| *id <= block.last_id);
        let mut selection = selection::select(connection, query, &block, &self.changed[from..to], budget)?;
        if selection.positions.is_empty() {
            return Ok(());
        }
        let columns = self.columns(&block)?;
        let Reader { connection, query, budget, .. } = &mut *self.reader;
        let mut ordered = Ordered::new(&query.sort, &columns, &selection.positions, self.reach);
        let first = ordered.next(FIRST_SORTED);
        let ids = selection.read_ids(connection, query, &block, budget)?;
        let mut source = Source::new(Vec::new(), Some((block, ordered)));
        source.add(&first, ids, &columns);
        self.sources.push(source);
        Ok(())
    }

    /// The columns that a block is sorted by.
    fn columns(&mut self, block: &Block) -> Result<Vec<Column>, StoreError> {
        let Reader { connection, query, budget, .. } = &mut *self.reader;
        let column = |key: &SortKey| {
            budget.count_rows(selection::ROWS_PER_COLUMN)?;
            Ok(match key.property {
                Property::SentOrReceivedAt => Column::of_times(columns::times(connection, query.tenant(), block)?),
                other => Column::Ranks(columns::ranks(connection, query.tenant(), block, other)?),
            })
        };
        order::keys(&query.sort).iter().map(column).collect()
    }

    /// Sorts more messages of a block.
    fn sort_more(&mut self, source: usize) -> Result<(), StoreError> {
        let Some(block) = self.sources[source].block.as_ref().map(|(block, _)| block.clone()) else { return Ok(()) };
        let columns = self.columns(&block)?;
        let Reader { connection, query, budget, .. } = &mut *self.reader;
        budget.count_rows(selection::ROWS_PER_COLUMN)?;
        let ids = columns::ids(connection, query.tenant(), &block)?;
        let source = &mut self.sources[source];
        let sorted = source.ids.len().max(FIRST_SORTED);
        let more = source.block.as_mut().map(|(_, ordered)| ordered.next(sorted)).unwrap_or_default();
        source.add(&more, &ids, &columns);
        Ok(())
    }

    /// Pushes the first message of every source, whose values are read together.
    fn push_first_heads(&mut self) -> Result<(), StoreError> {
        let first: Vec<Option<Key>> = self.sources.iter_mut().map(|source| source.keys.remove(&0)).collect();
        let unknown = first.iter().zip(&self.sources).filter(|(key, _)| key.is_none());
        let mut read = self.read_keys(&unknown.map(|(_, source)| source.ids[0]).collect::<Vec<_>>())?;
        for (source, key) in first.into_iter().enumerate() {
            let id = self.sources[source].ids[0];
            let key = key.map_or_else(|| read.remove(&id).ok_or_else(missing), Ok)?;
            self.push(Head::Message { key, id, source, index: 0 });
        }
        Ok(())
    }

    fn push(&mut self, head: Head) {
        self.heap.push(Reverse(Entry(head, &self.reader.query.sort)));
    }

    /// The next message in the query's order.
    fn next(&mut self) -> Result<Option<i64>, StoreError> {
        while let Some(Reverse(Entry(head, _))) = self.heap.pop() {
            match head {
                Head::Unread(_, block) => {
                    let sources = self.sources.len();
                    self.open(block)?;
                    if self.sources.len() > sources {
                        self.push_message(sources, 0, None)?;
                    }
                }
                Head::Message { key, id, source, index } => {
                    if index + 1 < self.sources[source].len() {
                        self.push_message(source, index + 1, Some(key))?;
                    }
                    return Ok(Some(id));
                }
            }
        }
        Ok(None)
    }

    /// Pushes a message of a source, given the values of the one before.
    fn push_message(&mut self, source: usize, index: usize, before: Option<Key>) -> Result<(), StoreError> {
        if index == self.sources[source].ids.len() {
            self.sort_more(source)?;
        }
        let key = match before.filter(|_| self.sources[source].repeats(index)) {
            Some(same) => same,
            None => self.key(source, index)?,
        };
        let id = self.sources[source].ids[index];
        self.push(Head::Message { key, id, source, index });
        Ok(())
    }

    /// The values of a message, which are read together with the next ones of its source.
    fn key(&mut self, source: usize, index: usize) -> Result<Key, StoreError> {
        let from = &mut self.sources[source];
        if let Some(key) = from.keys.remove(&index) {
            return Ok(key);
        }
        let indexes = from.wanted(index);
        let ids: Vec<i64> = indexes.iter().map(|index| from.ids[*index]).collect();
        let mut read = self.read_keys(&ids)?;
        let length = |value: &Value| if let Value::Text(text) = value { text.len() } else { 0 };
        let bytes: usize = read.values().flatten().flatten().map(length).sum();
        // Long texts are not worth the memory.
        let from = &mut self.sources[source];
        from.ahead = if bytes < MAX_AHEAD_BYTES { (from.ahead * 2).min(MAX_AHEAD) } else { 1 };
        for (index, id) in indexes.into_iter().zip(ids) {
            self.sources[source].keys.insert(index, read.remove(&id).ok_or_else(missing)?);
        }
        self.sources[source].keys.remove(&index).ok_or_else(missing)
    }

    /// Reads the values of messages by their ids.
    fn read_keys(&mut self, ids: &[i64]) -> Result<HashMap<i64, Key>, StoreError> {
        let Reader { connection, query, budget, .. } = &mut *self.reader;
        let mut keys = HashMap::with_capacity(ids.len());
        items::for_each(connection, query, ids, |id, text| {
            budget.count_rows(ROWS_PER_KEY)?;
            let item = item::parse(text, query.tenant())?;
            let value = |key: &SortKey| item.get(key.property).cloned();
            keys.insert(id, order::keys(&query.sort).iter().map(value).collect());
            Ok(())
        })?;
        Ok(keys)
    }
}

fn missing() -> StoreError {
    StoreError::DamagedRow("a block contains a message that does not exist".into())
}
