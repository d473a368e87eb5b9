//! Finds the block that is to be built next; changes nothing.

use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::error::StoreError;
use crate::store::messages::blocks::encoding;
use crate::store::messages::blocks::ranges::BUILT;
use crate::store::messages::nth_after;
use crate::store::schema::message_blocks;

/// The most bytes of messages that become one block: so many are in memory at once.
pub const MAX_BYTES: i64 = 32 * 1024 * 1024;

/// A block is built again once one of so many of its messages was written; until `ranges::MAX_CHANGES`, it is used as it
/// is.
const REBUILD_AT: i64 = 16;

/// The newest messages become blocks of this fraction of the usual size, and as many of these one of the usual size: so
/// few messages have no block, and none is built often.
const SMALL: i64 = 8;

/// The first and the last id of a block.
type Ids = (i64, i64);

/// What is to be built next.
pub enum NextBuild {
    /// A block whose range is known.
    Known(Ids),
    /// The part of such a range up to an id, because it holds too many messages.
    Part(Ids, i64),
    /// One block instead of some small ones, which are named by their last ids.
    Merged(Vec<i64>, Ids),
    /// A block of new messages.
    New(Ids),
}

/// A block, as far as a builder needs to know it.
#[derive(Queryable)]
struct Newest {
    first_id: i64,
    last_id: i64,
    messages: i64,
    bytes: i64,
}

/// What is to be built next, in blocks of `size` messages; `None` if nothing is. Known ranges up to an id are passed over.
pub fn find(
    connection: &mut Connection,
    tenant: TenantId,
    size: i64,
    after: i64,
) -> Result<Option<NextBuild>, StoreError> {
    if let Some(range) = outdated(connection, tenant, size, after)? {
        let is_too_large = nth_in(connection, tenant, range, (size * 2).min(encoding::MAX_MESSAGES))?.is_some();
        let end = if is_too_large { nth_in(connection, tenant, range, size)? } else { None };
        return Ok(Some(end.map_or(NextBuild::Known(range), |end| NextBuild::Part(range, end))));
    }
    let newest = newest(connection, tenant)?;
    if let Some(range) = small_ones(&newest, size) {
        return Ok(Some(NextBuild::Merged(newest.iter().map(|block| block.last_id).collect(), range)));
    }
    let before = newest.first().map_or(i64::MIN, |block| block.last_id);
    let (small, left_out) = ((size / SMALL).max(1), (size / SMALL / 2).max(1));
    for messages in [size, small] {
        if let Some(last) = nth_after(connection, tenant, before, messages)?
            && nth_after(connection, tenant, last, left_out)?.is_some()
        {
            return Ok(Some(NextBuild::New((before.saturating_add(1), last))));
        }
    }
    Ok(None)
}

/// The range of a block that is not built, or of which much was written since.
fn outdated(connection: &mut Connection, tenant: TenantId, size: i64, after: i64) -> Result<Option<Ids>, StoreError> {
    let is_outdated = message_blocks::state.ne(BUILT).or(message_blocks::changes.ge((size / REBUILD_AT).max(1)));
    let range = message_blocks::table
        .filter(message_blocks::tenant_id.eq(tenant.0).and(message_blocks::last_id.gt(after)).and(is_outdated))
        .select((message_blocks::first_id, message_blocks::last_id))
        .order(message_blocks::last_id)
        .first(connection);
    Ok(range.optional()?)
}

/// The id of the `count`-th message of a range, if it has so many.
fn nth_in(
    connection: &mut Connection,
    tenant: TenantId,
    (first, last): Ids,
    count: i64,
) -> Result<Option<i64>, StoreError> {
    // No message has the smallest integer as its id.
    Ok(nth_after(connection, tenant, first.saturating_sub(1), count)?.filter(|id| *id <= last))
}

/// The newest blocks, the last one first, as many as are merged into one.
fn newest(connection: &mut Connection, tenant: TenantId) -> Result<Vec<Newest>, StoreError> {
    let blocks = message_blocks::table
        .filter(message_blocks::tenant_id.eq(tenant.0))
        .select((message_blocks::first_id, message_blocks::last_id, message_blocks::messages, message_blocks::bytes))
        .order(message_blocks::last_id.desc())
        .limit(SMALL);
    Ok(blocks.load(connection)?)
}

/// The range of the newest blocks if all of them are small, so that they become one. Those of long messages stay as they
/// are: one of all of them would be divided again.
fn small_ones(newest: &[Newest], size: i64) -> Option<Ids> {
    let is_full = i64::try_from(newest.len()).is_ok_and(|blocks| blocks == SMALL);
    let are_small = newest.iter().all(|block| block.messages <= size / 2);
    let fit = newest.iter().map(|block| block.bytes).fold(0, i64::saturating_add) <= MAX_BYTES;
    let (last, first) = newest.first().zip(newest.last()).filter(|_| is_full && are_small && fit)?;
    Some((first.first_id, last.last_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(blocks: i64, messages: i64, bytes: i64) -> Vec<Newest> {
        let block = |number: i64| Newest { first_id: number * 10, last_id: number * 10 + 9, messages, bytes };
        (0..blocks).rev().map(block).collect()
    }

    #[test]
    fn small_blocks_become_one_unless_their_messages_are_long() {
        assert_eq!(small_ones(&newest(8, 512, 300_000), 4096), Some((0, 79)));
        assert_eq!(small_ones(&newest(7, 512, 300_000), 4096), None);
        assert_eq!(small_ones(&newest(8, 4096, 300_000), 4096), None);
        // Of messages that long, a block has few: merging them would never end.
        assert_eq!(small_ones(&newest(8, 32, 32_000_000), 4096), None);
    }
}
