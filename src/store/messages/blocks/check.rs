//! Finds blocks that differ from their messages; knows no query.

use crate::model::{Item, TenantId};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::error::StoreError;
use crate::store::messages;
use crate::store::messages::blocks::columns;
use crate::store::messages::blocks::ranges::{self, Block, Segment, Segments};

/// The first and the last id of each block of a tenant that differs from its messages.
pub fn wrong_blocks(connection: &mut Connection, tenant: TenantId) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut segments = Segments::new(connection, tenant, (i64::MIN, i64::MAX), false)?;
    let (mut wrong, budget) = (Vec::new(), Budget::default());
    while let Some(segment) = segments.next(connection, &budget)? {
        if let Segment::Block(block) = segment
            && !is_right(connection, tenant, &block)?
        {
            wrong.push((block.first_id, block.last_id));
        }
    }
    Ok(wrong)
}

fn is_right(connection: &mut Connection, tenant: TenantId, block: &Block) -> Result<bool, StoreError> {
    let range = (block.first_id, block.last_id);
    let items = messages::between(connection, tenant, range, i64::MAX)?.items;
    let changed = ranges::changed_ids(connection, tenant, block)?;
    if i64::try_from(changed.len()).is_ok_and(|changed| changed > block.changes) {
        return Ok(false);
    }
    if !changed.is_empty() {
        // What the block says of other messages is compared by their ids alone.
        let is_unchanged = |id: &i64| changed.binary_search(id).is_err();
        let ids: Vec<i64> = items.iter().map(Item::message_id).filter(is_unchanged).collect();
        let known = columns::ids(connection, tenant, block).unwrap_or_default();
        return Ok(known.into_iter().filter(is_unchanged).eq(ids));
    }
    let (kinds, encoded) = columns::encode(&items);
    let times = || items.iter().map(columns::sent_at);
    let is_in_times = times().all(|at| (block.earliest..=block.latest).contains(&at));
    Ok(is_in_times && kinds == block.kinds && columns::are_stored(connection, tenant, block, &encoded)?)
}
