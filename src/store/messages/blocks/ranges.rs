//! Which ranges of ids have a block, and which of a block's messages were written since it was built; knows no column.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::messages::blocks::encoding::MAX_MESSAGES;
use crate::store::schema::{message_block_changes, message_blocks};

/// The states of a block.
pub const TO_BUILD: i32 = 0;
pub const BUILDING: i32 = 1;
pub const BUILT: i32 = 2;

/// How often its messages may be written before a block is not used any more. Until then, a query reads these messages one
/// by one.
const MAX_CHANGES: i64 = 512;

/// How many ids one statement lists. Each binds two values; a statement can bind 65,535.
const CHANGES_PER_STATEMENT: usize = 10_000;

/// How many blocks one statement reads: at first, and at most.
const FIRST_BLOCKS: i64 = 4;
const MAX_BLOCKS: i64 = 512;

/// A range of ids whose messages have columns.
#[derive(Clone, Debug, Queryable)]
pub struct Block {
    pub first_id: i64,
    pub last_id: i64,
    /// How many messages its columns have.
    pub messages: i64,
    /// The times of its first and its last message.
    pub earliest: i64,
    pub latest: i64,
    /// The kinds that occur, encoded.
    pub kinds: Vec<u8>,
    /// At least as many as its ids that are listed as written since.
    pub changes: i64,
}

/// Consecutive ids.
#[derive(Debug)]
pub enum Segment {
    Block(Block),
    /// The first and the last of some ids that belong to no block.
    Rows(i64, i64),
}

impl Segment {
    /// Its first and its last id.
    pub fn ids(&self) -> (i64, i64) {
        match self {
            Self::Block(block) => (block.first_id, block.last_id),
            Self::Rows(first, last) => (*first, *last),
        }
    }
}

/// The segments that a range of ids consists of, in the order of a query. A block at an end may reach beyond it.
pub struct Segments {
    tenant: TenantId,
    descending: bool,
    /// The ids that are left.
    rest: Option<(i64, i64)>,
    blocks: VecDeque<Block>,
    /// How many blocks the next statement reads; `None` if there are no more.
    next_blocks: Option<i64>,
    /// The `last_id` from which the next statement reads on.
    next_last_id: i64,
    partitions: Option<BTreeSet<String>>,
}

impl Segments {
    /// The segments between two ids, both included.
    pub fn new(
        connection: &mut Connection,
        tenant: TenantId,
        bounds: (i64, i64),
        descending: bool,
    ) -> Result<Self, StoreError> {
        let mut next_last_id = bounds.0;
        if descending {
            // The block that contains the greatest id ends at it or after it.
            let last = message_blocks::table
                .filter(message_blocks::tenant_id.eq(tenant.0).and(message_blocks::last_id.ge(bounds.1)))
                .select(message_blocks::last_id)
                .order(message_blocks::last_id);
            next_last_id = last.first(connection).optional()?.unwrap_or(bounds.1);
        }
        Ok(Self {
            tenant,
            descending,
            rest: (bounds.0 <= bounds.1).then_some(bounds),
            blocks: VecDeque::new(),
            next_blocks: Some(FIRST_BLOCKS),
            next_last_id,
            partitions: connection.partition_ids()?,
        })
    }

    pub fn next(&mut self, connection: &mut Connection, budget: &Budget) -> Result<Option<Segment>, StoreError> {
        let Some((least, greatest)) = self.rest else { return Ok(None) };
        while self.blocks.is_empty() && self.next_blocks.is_some() {
            self.load(connection, budget)?;
        }
        let Some(block) = self.blocks.front() else {
            self.rest = None;
            return Ok(Some(Segment::Rows(least, greatest)));
        };
        let between = if self.descending {
            (block.last_id < greatest).then(|| (block.last_id + 1, greatest))
        } else {
            (block.first_id > least).then(|| (least, block.first_id - 1))
        };
        let segment = match (between, self.blocks.pop_front_if(|_| between.is_none())) {
            (None, Some(block)) => Segment::Block(block),
            (Some(ids), _) => Segment::Rows(ids.0, ids.1),
            (None, None) => return Ok(None),
        };
        let done = segment.ids();
        let rest = if self.descending {
            done.0.checked_sub(1).map(|last| (least, last))
        } else {
            done.1.checked_add(1).map(|first| (first, greatest))
        };
        self.rest = rest.filter(|(first, last)| first <= last);
        Ok(Some(segment))
    }

    /// Whether there are no more.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }

    /// Reads the next blocks that can be used.
    fn load(&mut self, connection: &mut Connection, budget: &Budget) -> Result<(), StoreError> {
        let (Some(limit), Some((least, greatest))) = (self.next_blocks, self.rest) else { return Ok(()) };
        let blocks = message_blocks::table
            .filter(message_blocks::tenant_id.eq(self.tenant.0))
            .select((
                (
                    message_blocks::first_id,
                    message_blocks::last_id,
                    message_blocks::messages,
                    message_blocks::earliest,
                    message_blocks::latest,
                    message_blocks::kinds,
                    message_blocks::changes,
                ),
                message_blocks::state,
                message_blocks::partitions,
            ))
            .limit(limit);
        let from = self.next_last_id;
        let rows: Vec<(Block, i32, String)> = if self.descending {
            let blocks = blocks.filter(message_blocks::last_id.between(least, from));
            blocks.order(message_blocks::last_id.desc()).load(connection)?
        } else {
            blocks.filter(message_blocks::last_id.ge(from)).order(message_blocks::last_id).load(connection)?
        };
        budget.count_rows(rows.len() as u64)?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
        self.next_blocks = None;
        if let Some((last, ..)) = rows.last().filter(|_| is_full) {
            let next = if self.descending {
                last.last_id.checked_sub(1).filter(|_| last.first_id > least)
            } else {
                last.last_id.checked_add(1).filter(|_| last.last_id < greatest)
            };
            self.next_blocks = next.map(|_| (limit * 2).min(MAX_BLOCKS));
            self.next_last_id = next.unwrap_or_default();
        }
        for (block, state, partitions) in rows {
            let is_whole = self.partitions.as_ref().is_none_or(|existing| all_exist(&partitions, existing));
            let is_valid = (0..=MAX_MESSAGES).contains(&block.messages);
            if state == BUILT && block.first_id <= greatest && is_whole && is_valid {
                self.blocks.push_back(block);
            }
        }
        Ok(())
    }
}

/// Whether all partitions of a list still exist: an operator may drop those of old months.
pub fn all_exist(list: &str, existing: &BTreeSet<String>) -> bool {
    list.split_terminator(',').all(|id| existing.contains(id))
}

/// The first block in a range of ids, in the order of a query.
pub fn first_block(
    connection: &mut Connection,
    tenant: TenantId,
    bounds: (i64, i64),
    descending: bool,
    budget: &Budget,
) -> Result<Option<Block>, StoreError> {
    let mut segments = Segments::new(connection, tenant, bounds, descending)?;
    while let Some(segment) = segments.next(connection, budget)? {
        if let Segment::Block(block) = segment {
            return Ok(Some(block));
        }
    }
    Ok(None)
}

/// The ids of a block whose messages were written since it was built, in ascending order.
pub fn changed_ids(connection: &mut Connection, tenant: TenantId, block: &Block) -> Result<Vec<i64>, StoreError> {
    if block.changes == 0 {
        return Ok(Vec::new());
    }
    let changes = message_block_changes::table
        .filter(message_block_changes::tenant_id.eq(tenant.0))
        .filter(message_block_changes::message_id.between(block.first_id, block.last_id))
        .select(message_block_changes::message_id)
        .order(message_block_changes::message_id);
    Ok(changes.load(connection)?)
}

/// Records that messages are written, so that what blocks say of them no longer counts. The tenant is locked.
pub fn record_changes(connection: &mut Connection, tenant: TenantId, ids: &BTreeSet<i64>) -> Result<(), StoreError> {
    let Some((least, greatest)) = ids.first().zip(ids.last()) else { return Ok(()) };
    let mut affected: Vec<(i64, i64, i32, i64)> = Vec::new();
    let (mut from, mut limit) = (*least, FIRST_BLOCKS);
    // New messages have greater ids than any block, so usually this reads nothing.
    loop {
        let rows: Vec<(i64, i64, i32, i64)> = message_blocks::table
            .filter(message_blocks::tenant_id.eq(tenant.0).and(message_blocks::last_id.ge(from)))
            .select((message_blocks::first_id, message_blocks::last_id, message_blocks::state, message_blocks::changes))
            .order(message_blocks::last_id)
            .limit(limit)
            .load(connection)?;
        let end = rows.last().map(|(_, last, ..)| *last);
        let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
        affected.extend(rows.into_iter().filter(|(first, _, state, _)| first <= greatest && *state != TO_BUILD));
        match end {
            Some(end) if is_full && end < *greatest => (from, limit) = (end + 1, (limit * 2).min(MAX_BLOCKS)),
            _ => break,
        }
    }
    let (mut listed, mut blocks) = (Vec::new(), BTreeMap::<i64, Vec<i64>>::new());
    for (first, last, state, changes) in affected {
        let ids: Vec<i64> = ids.range(first..=last).copied().collect();
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        if count == 0 {
            continue;
        }
        if state == BUILDING || changes.saturating_add(count) > MAX_CHANGES {
            discard(connection, tenant, (first, last))?;
            continue;
        }
        listed.extend(ids);
        blocks.entry(count).or_default().push(last);
    }
    for ids in listed.chunks(CHANGES_PER_STATEMENT) {
        let row = |id: &i64| (message_block_changes::tenant_id.eq(tenant.0), message_block_changes::message_id.eq(*id));
        let rows: Vec<_> = ids.iter().map(row).collect();
        let insert = diesel::insert_into(message_block_changes::table).values(rows).on_conflict_do_nothing();
        on_each!(connection, |connection| insert.execute(connection)?);
    }
    // One statement for all blocks with as many changes. A message that was listed before counts again.
    for (count, blocks) in blocks {
        diesel::update(message_blocks::table.filter(message_blocks::tenant_id.eq(tenant.0)))
            .filter(any_of(message_blocks::last_id, &blocks))
            .set(message_blocks::changes.eq(message_blocks::changes + count))
            .execute(connection)?;
    }
    Ok(())
}

/// Discards what a block says of its messages, so that these are read one by one until it is built again.
fn discard(connection: &mut Connection, tenant: TenantId, (first, last): (i64, i64)) -> Result<(), StoreError> {
    clear_changes(connection, tenant, (first, last))?;
    diesel::update(message_blocks::table.find((tenant.0, last)))
        .set((message_blocks::state.eq(TO_BUILD), message_blocks::changes.eq(0)))
        .execute(connection)?;
    Ok(())
}

/// Forgets which messages of a block were written since it was built.
pub fn clear_changes(
    connection: &mut Connection,
    tenant: TenantId,
    (first, last): (i64, i64),
) -> Result<(), StoreError> {
    let changes = message_block_changes::table.filter(message_block_changes::tenant_id.eq(tenant.0));
    diesel::delete(changes.filter(message_block_changes::message_id.between(first, last))).execute(connection)?;
    Ok(())
}
