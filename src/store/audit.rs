//! The audit log in the store: a chain of entries for each tenant, which are only ever added; knows no caller.

use std::time::Duration;

use diesel::prelude::*;

use crate::model::audit::{Action, AuditRecord, ChainHash, Link, as_array};
use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::{audit_entries, audit_heads};
use crate::store::tenants;

/// How long a writer waits for another gateway that adds an entry of the same tenant.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// How many milliseconds the clocks of gateways may be apart: entries may be out of order by time up to this.
const MAX_SKEW: i64 = 60 * 60 * 1000;

/// The last entry of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub sequence: i64,
    pub hash: ChainHash,
}

impl Head {
    /// Of a chain without entries.
    pub const EMPTY: Self = Self { sequence: 0, hash: ChainHash::BEFORE_FIRST };
}

/// An entry as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    pub sequence: i64,
    pub recorded_at: Instant,
    pub user: Option<i64>,
    /// A JSON array.
    pub records: String,
    pub hash: Vec<u8>,
}

impl StoredEntry {
    /// The stored hash; `None` if it has another length.
    pub fn chain_hash(&self) -> Option<ChainHash> {
        self.hash.as_slice().try_into().ok().map(ChainHash)
    }

    /// The hash that the entry has if it is as it was written, after an entry with the hash `previous`.
    pub fn recomputed(&self, tenant: TenantId, previous: ChainHash) -> ChainHash {
        let Self { sequence, recorded_at, ref records, .. } = *self;
        Link { tenant, sequence, recorded_at, records }.hash(previous)
    }
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Only those of one user.
    pub user: Option<i64>,
    pub from: Option<Instant>,
    pub to: Option<Instant>,
    /// Only those before this one.
    pub before: Option<i64>,
}

impl EntryFilter {
    /// The sequences between which the entries of its times are: from the first on, and before the second.
    fn bounds(&self, connection: &mut Connection, tenant: TenantId) -> Result<(Option<i64>, Option<i64>), StoreError> {
        let of_tenant =
            audit_entries::table.filter(audit_entries::tenant_id.eq(tenant.0)).select(audit_entries::sequence);
        let (mut first, mut before) = (None, self.before);
        // Who wrote before an entry that is older than that, or after one that is newer, wrote at no wanted time.
        if let Some(from) = self.from {
            let older = of_tenant.filter(audit_entries::recorded_at.lt(from.0.saturating_sub(MAX_SKEW)));
            first = older.order(audit_entries::recorded_at.desc()).first(connection).optional()?;
        }
        if let Some(to) = self.to {
            let newer = of_tenant.filter(audit_entries::recorded_at.gt(to.0.saturating_add(MAX_SKEW)));
            let newer: Option<i64> = newer.order(audit_entries::recorded_at).first(connection).optional()?;
            before = [before, newer].into_iter().flatten().min();
        }
        Ok((first, before))
    }
}

type Row = (i64, i64, Option<i64>, String, Vec<u8>);

type Columns = (
    audit_entries::sequence,
    audit_entries::recorded_at,
    audit_entries::user_id,
    audit_entries::records,
    audit_entries::hash,
);

const COLUMNS: Columns = (
    audit_entries::sequence,
    audit_entries::recorded_at,
    audit_entries::user_id,
    audit_entries::records,
    audit_entries::hash,
);

/// Adds records as one entry of the tenant's chain. Other writers of the tenant's chain wait until the transaction ends;
/// if they wait too long, they are `Busy`.
pub fn append(
    connection: &mut Connection,
    tenant: TenantId,
    records: &[AuditRecord],
    now: Instant,
) -> Result<Head, StoreError> {
    append_array(connection, tenant, (&as_array(records), user_of(records)), now)
}

/// The user who has done all that the records of an entry say. An attempt that failed is nobody's: somebody else may have made
/// it.
pub fn user_of(records: &[AuditRecord]) -> Option<i64> {
    if records.iter().any(|record| record.action == Action::SignInFailed) {
        return None;
    }
    let first = records.first().and_then(|record| record.who.user_id());
    first.filter(|user| records.iter().all(|record| record.who.user_id() == Some(*user)))
}

/// The same for records that are serialized already, of one user or of none.
pub fn append_array(
    connection: &mut Connection,
    tenant: TenantId,
    (records, user): (&str, Option<i64>),
    now: Instant,
) -> Result<Head, StoreError> {
    let last = lock(connection, tenant)?;
    let sequence = last.sequence + 1;
    let hash = Link { tenant, sequence, recorded_at: now, records }.hash(last.hash);
    let row = (
        audit_entries::tenant_id.eq(tenant.0),
        audit_entries::sequence.eq(sequence),
        audit_entries::recorded_at.eq(now.0),
        audit_entries::user_id.eq(user),
        audit_entries::records.eq(records),
        audit_entries::hash.eq(hash.0.as_slice()),
    );
    diesel::insert_into(audit_entries::table).values(row).execute(connection)?;
    set_head(connection, tenant, Head { sequence, hash })?;
    Ok(Head { sequence, hash })
}

fn set_head(connection: &mut Connection, tenant: TenantId, head: Head) -> Result<(), StoreError> {
    let columns = (audit_heads::sequence.eq(head.sequence), audit_heads::hash.eq(head.hash.0.as_slice()));
    diesel::update(audit_heads::table.find(tenant.0)).set(columns).execute(connection)?;
    Ok(())
}

/// The last entry, whose row stays locked for the rest of the transaction.
fn lock(connection: &mut Connection, tenant: TenantId) -> Result<Head, StoreError> {
    let first = (
        audit_heads::tenant_id.eq(tenant.0),
        audit_heads::sequence.eq(0),
        audit_heads::hash.eq(ChainHash::BEFORE_FIRST.0.as_slice()),
    );
    if !connection.is_server() {
        // A writer on SQLite has locked the whole file.
        if let Some(head) = stored_head(connection, tenant)? {
            return Ok(head);
        }
        tenants::require(connection, tenant)?;
        diesel::insert_into(audit_heads::table).values(first).execute(connection)?;
        return Ok(Head::EMPTY);
    }
    let mut found = None;
    let is_locked = connection.within_lock_wait(LOCK_WAIT, |connection| {
        found = locked_head(connection, tenant)?;
        if found.is_none() {
            tenants::require(connection, tenant)?;
            let insert = diesel::insert_into(audit_heads::table).values(first).on_conflict_do_nothing();
            on_each!(connection, |connection| insert.execute(connection)?);
            found = locked_head(connection, tenant)?;
        }
        Ok(())
    })?;
    if is_locked { found.ok_or(StoreError::UnknownTenant(tenant)) } else { Err(StoreError::Busy) }
}

#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no rows to lock"))]
fn locked_head(connection: &mut Connection, tenant: TenantId) -> Result<Option<Head>, StoreError> {
    let row: Option<(i64, Vec<u8>)> = on_each!(connection, |_file| None, |server| {
        let head = audit_heads::table.find(tenant.0).select((audit_heads::sequence, audit_heads::hash));
        head.for_update().first(server).optional()?
    });
    row.map(into_head).transpose()
}

/// The head as it is stored; `None` if the tenant has no entry.
pub fn stored_head(connection: &mut Connection, tenant: TenantId) -> Result<Option<Head>, StoreError> {
    let head = audit_heads::table.find(tenant.0).select((audit_heads::sequence, audit_heads::hash));
    head.first(connection).optional()?.map(into_head).transpose()
}

fn into_head((sequence, hash): (i64, Vec<u8>)) -> Result<Head, StoreError> {
    let hash = hash.try_into().map(ChainHash);
    let damaged = |_| StoreError::DamagedRow("the head of an audit log has no hash".into());
    Ok(Head { sequence, hash: hash.map_err(damaged)? })
}

/// The entries after one, in ascending order.
pub fn after(
    connection: &mut Connection,
    tenant: TenantId,
    sequence: i64,
    limit: i64,
) -> Result<Vec<StoredEntry>, StoreError> {
    let rows: Vec<Row> = audit_entries::table
        .filter(audit_entries::tenant_id.eq(tenant.0).and(audit_entries::sequence.gt(sequence)))
        .order(audit_entries::sequence)
        .select(COLUMNS)
        .limit(limit)
        .load(connection)?;
    Ok(rows.into_iter().map(into_entry).collect())
}

/// The last entries that a filter selects, in descending order.
pub fn last(
    connection: &mut Connection,
    tenant: TenantId,
    filter: &EntryFilter,
    limit: i64,
) -> Result<Vec<StoredEntry>, StoreError> {
    let (first, before) = filter.bounds(connection, tenant)?;
    let mut wanted = audit_entries::table
        .filter(audit_entries::tenant_id.eq(tenant.0))
        .select(COLUMNS)
        .order(audit_entries::sequence.desc())
        .limit(limit)
        .into_boxed();
    if let Some(user) = filter.user {
        wanted = wanted.filter(audit_entries::user_id.eq(user));
    }
    // A sum, so that no database reads all entries of these times by their index, only to sort them.
    if let Some(from) = filter.from {
        wanted = wanted.filter((audit_entries::recorded_at + 0).ge(from.0));
    }
    if let Some(to) = filter.to {
        wanted = wanted.filter((audit_entries::recorded_at + 0).le(to.0));
    }
    if let Some(first) = first {
        wanted = wanted.filter(audit_entries::sequence.ge(first));
    }
    if let Some(before) = before {
        wanted = wanted.filter(audit_entries::sequence.lt(before));
    }
    let rows: Vec<Row> = wanted.load(connection)?;
    Ok(rows.into_iter().map(into_entry).collect())
}

fn into_entry((sequence, recorded_at, user, records, hash): Row) -> StoredEntry {
    StoredEntry { sequence, recorded_at: Instant(recorded_at), user, records, hash }
}
