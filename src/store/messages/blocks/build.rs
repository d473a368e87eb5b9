//! Builds blocks, each in three short steps, so that writers wait for none of them; knows no query.
//!
//! 1. A change marks a range of ids as being built. From then on, a write into it marks it as to be built again.
//! 2. A read encodes the messages of the range.
//! 3. A change stores the columns, unless the range was written meanwhile.
//!
//! A range that holds too many messages is divided first.

use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::messages;
use crate::store::messages::blocks::columns::{self, Encoded};
use crate::store::messages::blocks::next_build::{self, MAX_BYTES, NextBuild};
use crate::store::messages::blocks::ranges::{self, BUILDING, BUILT, TO_BUILD};
use crate::store::schema::message_blocks;
use crate::store::{Store, tenants};

/// How many messages a new block has.
pub const MESSAGES: i64 = 4096;

/// A block that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Build {
    tenant: TenantId,
    first_id: i64,
    last_id: i64,
    /// So that a builder notices that another one has begun after it.
    id: i64,
}

/// What is to be stored of a block.
struct Content {
    /// The last id if that is not the range's: what follows becomes another block.
    end: Option<i64>,
    kinds: Vec<u8>,
    columns: Vec<Encoded>,
    messages: i64,
    bytes: i64,
    earliest: i64,
    latest: i64,
    partitions: String,
}

/// Builds the blocks of a tenant, each of `size` messages, and returns how many. The newest messages stay without: they
/// still change. `pause` is awaited after each block.
pub async fn build_all<F: Future<Output = ()>>(
    store: &Store,
    tenant: TenantId,
    size: i64,
    pause: impl Fn() -> F,
) -> Result<u64, StoreError> {
    build_some(store, tenant, (size, u64::MAX), pause).await
}

/// The same for no more than so many blocks.
///
/// A range that is written at the moment, or cannot be read, is passed over, and so are the others if another writer holds
/// the tenant's lock: a builder lets nobody wait. The first error is returned at the end.
pub async fn build_some<F: Future<Output = ()>>(
    store: &Store,
    tenant: TenantId,
    (size, limit): (i64, u64),
    pause: impl Fn() -> F,
) -> Result<u64, StoreError> {
    if store.read_primary(move |connection| vanished(connection, tenant)).await?.is_some() {
        store.write(move |connection| discard_vanished(connection, tenant)).await?;
    }
    let (mut blocks, mut after, mut failed) = (0, i64::MIN, Ok(()));
    // Usually there is nothing to build, and then nothing is written.
    if store.read_primary(move |connection| next_build::find(connection, tenant, size, after)).await?.is_none() {
        return Ok(0);
    }
    while blocks < limit {
        let Some(build) = store.write(move |connection| begin(connection, tenant, size, after)).await? else { break };
        let is_stored = match store.read_primary(move |connection| read(connection, build)).await {
            Ok(content) => store.write(move |connection| finish(connection, build, &content)).await?,
            Err(error) => {
                failed = failed.and(Err(error));
                false
            }
        };
        if is_stored {
            blocks += 1;
        } else {
            after = build.last_id;
        }
        pause().await;
    }
    failed.map(|()| blocks)
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
    if !tenants::lock_until(connection, tenant, None)? {
        return Ok(());
    }
    while let Some(list) = vanished(connection, tenant)? {
        diesel::update(message_blocks::table.filter(message_blocks::tenant_id.eq(tenant.0)))
            .filter(message_blocks::partitions.eq(list))
            .set((message_blocks::state.eq(TO_BUILD), message_blocks::partitions.eq("")))
            .execute(connection)?;
    }
    Ok(())
}

/// Marks the next range as being built; `None` if there is none, or another writer holds the tenant's lock.
fn begin(connection: &mut Connection, tenant: TenantId, size: i64, after: i64) -> Result<Option<Build>, StoreError> {
    if !tenants::lock_until(connection, tenant, None)? {
        return Ok(None);
    }
    let Some(next) = next_build::find(connection, tenant, size, after)? else { return Ok(None) };
    let range = match next {
        NextBuild::Known(range) => range,
        NextBuild::Part(range, end) => {
            cut_off(connection, tenant, range, end)?;
            (range.0, end)
        }
        NextBuild::Merged(blocks, range) => {
            columns::remove(connection, tenant, &blocks)?;
            let merged = message_blocks::table.filter(message_blocks::tenant_id.eq(tenant.0));
            diesel::delete(merged.filter(any_of(message_blocks::last_id, &blocks))).execute(connection)?;
            insert(connection, tenant, range)?;
            range
        }
        NextBuild::New(range) => {
            insert(connection, tenant, range)?;
            range
        }
    };
    mark(connection, tenant, range).map(Some)
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
        message_blocks::build_id.eq(0_i64),
        (message_blocks::messages.eq(0_i64), message_blocks::bytes.eq(0_i64)),
        (message_blocks::earliest.eq(0_i64), message_blocks::latest.eq(0_i64)),
        message_blocks::changes.eq(0_i64),
        (message_blocks::kinds.eq(Vec::new()), message_blocks::partitions.eq("")),
    );
    let insert = diesel::insert_into(message_blocks::table).values(row);
    on_each!(connection, |connection| insert.execute(connection)?);
    Ok(())
}

fn mark(connection: &mut Connection, tenant: TenantId, (first, last): (i64, i64)) -> Result<Build, StoreError> {
    ranges::clear_changes(connection, tenant, (first, last))?;
    // No two builders have the same.
    let id = uuid::Uuid::new_v4().as_u64_pair().1.cast_signed();
    diesel::update(message_blocks::table.find((tenant.0, last)))
        .set((message_blocks::state.eq(BUILDING), message_blocks::build_id.eq(id), message_blocks::changes.eq(0)))
        .execute(connection)?;
    Ok(Build { tenant, first_id: first, last_id: last, id })
}

fn read(connection: &mut Connection, build: Build) -> Result<Content, StoreError> {
    let range = (build.first_id, build.last_id);
    let messages::Range { items, bytes, end } = messages::between(connection, build.tenant, range, MAX_BYTES)?;
    let (kinds, columns) = columns::encode(&items);
    let times = || items.iter().map(columns::sent_at);
    Ok(Content {
        end,
        bytes,
        kinds,
        columns,
        messages: i64::try_from(items.len()).unwrap_or(i64::MAX),
        earliest: times().min().unwrap_or(i64::MAX),
        latest: times().max().unwrap_or(i64::MIN),
        partitions: connection.partitions_of(build.tenant.0, range)?,
    })
}

/// Stores a block; `false` if its messages were written meanwhile, or another builder has begun to build it, or another
/// writer holds the tenant's lock.
fn finish(connection: &mut Connection, build: Build, content: &Content) -> Result<bool, StoreError> {
    if !tenants::lock_until(connection, build.tenant, None)? {
        return Ok(false);
    }
    let marked = message_blocks::table
        .find((build.tenant.0, build.last_id))
        .filter(message_blocks::state.eq(BUILDING).and(message_blocks::build_id.eq(build.id)))
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
        (message_blocks::messages.eq(content.messages), message_blocks::bytes.eq(content.bytes)),
        message_blocks::earliest.eq(content.earliest),
        message_blocks::latest.eq(content.latest),
        message_blocks::kinds.eq(&content.kinds),
        message_blocks::partitions.eq(&content.partitions),
    );
    diesel::update(message_blocks::table.find((build.tenant.0, last))).set(values).execute(connection)?;
    columns::replace(connection, build.tenant, last, &content.columns)?;
    Ok(true)
}
