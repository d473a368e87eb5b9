//! Builds blocks, each in three short steps, so that writers wait for none of them; knows no query.
//!
//! 1. A change marks a range of ids as being content. From then on, a write into it marks it as to be built again.
//! 2. A read encodes the messages of the range.
//! 3. A change stores the columns, unless the range was written meanwhile.
//!
//! A range that holds too many messages is divided first.

use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::messages::blocks::columns::{self, Encoded};
use crate::store::messages::blocks::encoding;
use crate::store::messages::blocks::ranges::{self, BUILDING, BUILT, TO_BUILD};
use crate::store::messages::{self, nth_after};
use crate::store::schema::message_blocks;
use crate::store::{Store, tenants};

/// How many messages a new block has.
pub const MESSAGES: i64 = 4096;

/// The most bytes of messages that become one block: so many are in memory at once.
const MAX_BYTES: i64 = 32 * 1024 * 1024;

/// Of how many messages in the range of a block one may be written before it is built again.
const REBUILD_AT: i64 = 16;

/// The newest messages become blocks of this fraction of the usual size, and as many of these one of the usual size: so
/// few messages have no block, and none is built often.
const SMALL: i64 = 8;

/// A block that is being content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Build {
    tenant: TenantId,
    first_id: i64,
    last_id: i64,
    number: i64,
}

/// What is to be stored of a block.
struct Content {
    /// The last id if that is not the range's: what follows becomes another block.
    end: Option<i64>,
    kinds: Vec<u8>,
    columns: Vec<Encoded>,
    messages: i64,
    earliest: i64,
    latest: i64,
    partitions: String,
}

/// Builds the blocks of a tenant that can be built, each of `size` messages, and returns how many. The newest messages
/// stay without: they still change. `pause` is awaited after each block.
pub async fn build_all<F: Future<Output = ()>>(
    store: &Store,
    tenant: TenantId,
    size: i64,
    pause: impl Fn() -> F,
) -> Result<u64, StoreError> {
    let mut blocks = 0;
    if store.read(move |connection| vanished(connection, tenant)).await?.is_some() {
        store.write(move |connection| discard_vanished(connection, tenant)).await?;
    }
    while let Some(build) = store.write(move |connection| begin(connection, tenant, size)).await? {
        let content = store.read(move |connection| read(connection, build)).await?;
        if !store.write(move |connection| finish(connection, build, &content)).await? {
            // Something writes into that range at the moment.
            break;
        }
        blocks += 1;
        pause().await;
    }
    Ok(blocks)
}

/// A list of partitions that blocks were read from, of which an operator has dropped one.
fn vanished(connection: &mut Connection, tenant: TenantId) -> Result<Option<String>, StoreError> {
    let Some(existing) = connection.partition_ids()? else { return Ok(None) };
    let lists: Vec<String> = message_blocks::table
        .filter(message_blocks::tenant_id.eq(tenant.0).and(message_blocks::state.eq(BUILT)))
        .select(message_blocks::partitions)
        .distinct()
        .load(connection)?;
    Ok(lists.into_iter().find(|list| !ranges::all_exist(list, &existing)))
}

/// Marks the blocks of dropped partitions as to be built.
fn discard_vanished(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    tenants::lock(connection, tenant)?;
    while let Some(list) = vanished(connection, tenant)? {
        diesel::update(message_blocks::table.filter(message_blocks::tenant_id.eq(tenant.0)))
            .filter(message_blocks::partitions.eq(list))
            .set((message_blocks::state.eq(TO_BUILD), message_blocks::partitions.eq("")))
            .execute(connection)?;
    }
    Ok(())
}

/// Marks the next range as being built; `None` if there is none.
fn begin(connection: &mut Connection, tenant: TenantId, size: i64) -> Result<Option<Build>, StoreError> {
    tenants::lock(connection, tenant)?;
    if let Some((first, last)) = to_build_again(connection, tenant, size)? {
        let limit = (size * 2).min(encoding::MAX_MESSAGES);
        let part = match nth_in(connection, tenant, (first, last), limit)? {
            Some(_) => nth_in(connection, tenant, (first, last), size)?,
            None => None,
        };
        if let Some(end) = part {
            cut_off(connection, tenant, (first, last), end)?;
        }
        return mark(connection, tenant, (first, part.unwrap_or(last))).map(Some);
    }
    let newest = newest(connection, tenant)?;
    if let Some(range) = small_ones(&newest, size) {
        for block in &newest {
            columns::remove(connection, tenant, block.last_id)?;
            diesel::delete(message_blocks::table.find((tenant.0, block.last_id))).execute(connection)?;
        }
        insert(connection, tenant, range)?;
        return mark(connection, tenant, range).map(Some);
    }
    let before = newest.first().map_or(i64::MIN, |block| block.last_id);
    let (small, left_out) = ((size / SMALL).max(1), (size / SMALL / 2).max(1));
    for messages in [size, small] {
        if let Some(last) = nth_after(connection, tenant, before, messages)?
            && nth_after(connection, tenant, last, left_out)?.is_some()
        {
            let range = (before.saturating_add(1), last);
            insert(connection, tenant, range)?;
            return mark(connection, tenant, range).map(Some);
        }
    }
    Ok(None)
}

/// A block, as far as a builder needs to know it.
#[derive(Queryable)]
struct Newest {
    first_id: i64,
    last_id: i64,
    messages: i64,
}

/// The newest blocks, the last one first, as many as are merged into one.
fn newest(connection: &mut Connection, tenant: TenantId) -> Result<Vec<Newest>, StoreError> {
    let blocks = message_blocks::table
        .filter(message_blocks::tenant_id.eq(tenant.0))
        .select((message_blocks::first_id, message_blocks::last_id, message_blocks::messages))
        .order(message_blocks::last_id.desc())
        .limit(SMALL);
    Ok(blocks.load(connection)?)
}

/// The range of the newest blocks if all of them are small, so that they become one.
fn small_ones(newest: &[Newest], size: i64) -> Option<(i64, i64)> {
    let is_full = i64::try_from(newest.len()).is_ok_and(|blocks| blocks == SMALL);
    let are_small = newest.iter().all(|block| block.messages <= size / 2);
    let (last, first) = newest.first().zip(newest.last()).filter(|_| is_full && are_small)?;
    Some((first.first_id, last.last_id))
}

/// A range whose block has to be built, or built again.
fn to_build_again(connection: &mut Connection, tenant: TenantId, size: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let is_outdated = message_blocks::state.ne(BUILT).or(message_blocks::changes.ge((size / REBUILD_AT).max(1)));
    let range = message_blocks::table
        .filter(message_blocks::tenant_id.eq(tenant.0).and(is_outdated))
        .select((message_blocks::first_id, message_blocks::last_id))
        .order(message_blocks::last_id)
        .first(connection);
    Ok(range.optional()?)
}

/// The id of the `count`-th message of a range, if it has so many.
fn nth_in(
    connection: &mut Connection,
    tenant: TenantId,
    (first, last): (i64, i64),
    count: i64,
) -> Result<Option<i64>, StoreError> {
    // No message has the smallest integer as its id.
    Ok(nth_after(connection, tenant, first.saturating_sub(1), count)?.filter(|id| *id <= last))
}

/// Makes a range of its own of the first ids of a range, up to `end`. The rest is to be built later.
fn cut_off(
    connection: &mut Connection,
    tenant: TenantId,
    (first, last): (i64, i64),
    end: i64,
) -> Result<(), StoreError> {
    ranges::clear_changes(connection, tenant, (first, last))?;
    let rest = (
        message_blocks::first_id.eq(end.saturating_add(1)),
        message_blocks::state.eq(TO_BUILD),
        message_blocks::changes.eq(0_i64),
    );
    diesel::update(message_blocks::table.find((tenant.0, last))).set(rest).execute(connection)?;
    insert(connection, tenant, (first, end))
}

fn insert(connection: &mut Connection, tenant: TenantId, (first, last): (i64, i64)) -> Result<(), StoreError> {
    let row = (
        message_blocks::tenant_id.eq(tenant.0),
        message_blocks::first_id.eq(first),
        message_blocks::last_id.eq(last),
        message_blocks::state.eq(TO_BUILD),
        message_blocks::builds.eq(0_i64),
        (message_blocks::messages.eq(0_i64), message_blocks::earliest.eq(0_i64), message_blocks::latest.eq(0_i64)),
        message_blocks::changes.eq(0_i64),
        (message_blocks::kinds.eq(Vec::new()), message_blocks::partitions.eq("")),
    );
    let insert = diesel::insert_into(message_blocks::table).values(row);
    on_each!(connection, |connection| insert.execute(connection)?);
    Ok(())
}

fn mark(connection: &mut Connection, tenant: TenantId, (first, last): (i64, i64)) -> Result<Build, StoreError> {
    ranges::clear_changes(connection, tenant, (first, last))?;
    let row = message_blocks::table.find((tenant.0, last));
    let builds: i64 = row.select(message_blocks::builds).first(connection)?;
    let number = builds.wrapping_add(1);
    diesel::update(row)
        .set((message_blocks::state.eq(BUILDING), message_blocks::builds.eq(number), message_blocks::changes.eq(0)))
        .execute(connection)?;
    Ok(Build { tenant, first_id: first, last_id: last, number })
}

fn read(connection: &mut Connection, build: Build) -> Result<Content, StoreError> {
    let range = (build.first_id, build.last_id);
    let (items, end) = messages::between(connection, build.tenant, range, MAX_BYTES)?;
    let (kinds, columns) = columns::encode(&items);
    let times = || items.iter().map(columns::sent_at);
    Ok(Content {
        end,
        kinds,
        columns,
        messages: i64::try_from(items.len()).unwrap_or(i64::MAX),
        earliest: times().min().unwrap_or(i64::MAX),
        latest: times().max().unwrap_or(i64::MIN),
        partitions: connection.partitions_of(build.tenant.0, range)?,
    })
}

/// Stores a block; `false` if its messages were written meanwhile, or another builder has begun to build it.
fn finish(connection: &mut Connection, build: Build, content: &Content) -> Result<bool, StoreError> {
    tenants::lock(connection, build.tenant)?;
    let marked = message_blocks::table
        .find((build.tenant.0, build.last_id))
        .filter(message_blocks::state.eq(BUILDING).and(message_blocks::builds.eq(build.number)))
        .filter(message_blocks::first_id.eq(build.first_id))
        .select(message_blocks::last_id);
    if marked.first::<i64>(connection).optional()?.is_none() {
        return Ok(false);
    }
    let last = content.end.unwrap_or(build.last_id);
    if content.end.is_some() {
        cut_off(connection, build.tenant, (build.first_id, build.last_id), last)?;
    }
    let values = (
        message_blocks::state.eq(BUILT),
        message_blocks::messages.eq(content.messages),
        message_blocks::earliest.eq(content.earliest),
        message_blocks::latest.eq(content.latest),
        message_blocks::kinds.eq(&content.kinds),
        message_blocks::partitions.eq(&content.partitions),
    );
    diesel::update(message_blocks::table.find((build.tenant.0, last))).set(values).execute(connection)?;
    columns::replace(connection, build.tenant, last, &content.columns)?;
    Ok(true)
}
