//! Stored events that are no messages: pending messages, whose subject is unknown, and events of other kinds; knows no
//! rule for merging. The table and the count of pending messages are called `waiting_messages`, an
//! earlier name.

use std::collections::BTreeSet;

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::model::{Instant, PendingMessage, Provenance, TenantId, feed};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::db::text::decode;
use crate::store::error::StoreError;
use crate::store::messages::status_events::source;
use crate::store::schema::{other_events, subjects, tenant_states, waiting_messages};
use crate::store::tenants;

/// How many pending messages a tenant has, and how many events of other kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PendingCounts {
    pub messages: i64,
    pub other_events: i64,
}

/// The stored counts of a tenant.
pub fn counts(connection: &mut Connection, tenant: TenantId) -> Result<PendingCounts, StoreError> {
    let counts =
        tenant_states::table.find(tenant.0).select((tenant_states::waiting_messages, tenant_states::other_events));
    let (messages, other_events) = counts.first(connection)?;
    Ok(PendingCounts { messages, other_events })
}

/// The same counts, computed from the rows: for checks.
pub fn count_rows(connection: &mut Connection, tenant: TenantId) -> Result<PendingCounts, StoreError> {
    let messages = waiting_messages::table.filter(waiting_messages::tenant_id.eq(tenant.0));
    Ok(PendingCounts {
        messages: messages.count().get_result(connection)?,
        other_events: count_events(connection, tenant)?,
    })
}

/// Updates the stored counts, in the transaction that changes the rows. The tenant is locked.
pub fn update_counts(connection: &mut Connection, tenant: TenantId, counts: PendingCounts) -> Result<(), StoreError> {
    let values =
        (tenant_states::waiting_messages.eq(counts.messages), tenant_states::other_events.eq(counts.other_events));
    diesel::update(tenant_states::table.find(tenant.0)).set(values).execute(connection)?;
    Ok(())
}

/// Whether a tenant's stored counts differ from its rows: a gateway of an earlier version, which may run alongside this
/// one during an upgrade, does not update them. The cost is bounded, because the number of these rows is.
pub fn is_miscounted(connection: &mut Connection, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(counts(connection, tenant)? != count_rows(connection, tenant)?)
}

/// Recomputes the stored counts of a tenant; `false` if the tenant is locked by others.
pub fn correct_pending_counts(connection: &mut Connection, tenant: TenantId) -> Result<bool, StoreError> {
    let is_locked = tenants::lock_until(connection, tenant, None)?;
    if is_locked {
        let counts = count_rows(connection, tenant)?;
        update_counts(connection, tenant, counts)?;
    }
    Ok(is_locked)
}

/// Stores a message until its subject is known; `false` if the same message is pending already.
pub fn insert(
    connection: &mut Connection,
    tenant: TenantId,
    message: &PendingMessage,
    provenance: Provenance,
) -> Result<bool, StoreError> {
    let row = (
        waiting_messages::tenant_id.eq(tenant.0),
        waiting_messages::subject_id.eq(message.subject_id()),
        waiting_messages::message_id.eq(message.message_id()),
        waiting_messages::digest.eq(message.digest()),
        waiting_messages::item.eq(message.render()),
        waiting_messages::source.eq(provenance.source.number()),
        waiting_messages::received_at.eq(provenance.received_at.map(|at| at.0)),
    );
    let insert = diesel::insert_into(waiting_messages::table).values(row).on_conflict_do_nothing();
    Ok(on_each!(connection, |connection| insert.execute(connection)?) == 1)
}

/// Whether the same message is pending already.
pub fn is_pending(connection: &mut Connection, tenant: TenantId, message: &PendingMessage) -> Result<bool, StoreError> {
    let key = (tenant.0, message.subject_id(), message.message_id(), message.digest());
    Ok(diesel::select(exists(waiting_messages::table.find(key))).get_result(connection)?)
}

/// A pending message whose subject is now known.
pub struct ReadyMessage {
    pub message: PendingMessage,
    pub channel_type: String,
    pub provenance: Provenance,
    digest: String,
}

/// Whether messages are pending for a subject. This costs one index lookup per subject, however many messages are
/// pending for others.
macro_rules! has_pending_messages {
    () => {
        exists(
            waiting_messages::table
                .filter(waiting_messages::tenant_id.eq(subjects::tenant_id))
                .filter(waiting_messages::subject_id.eq(subjects::id)),
        )
    };
}

/// Some pending messages of one subject that is now known: at most `limit`, and approximately `bytes` at most.
pub fn ready(
    connection: &mut Connection,
    tenant: TenantId,
    (limit, bytes): (i64, usize),
) -> Result<Vec<ReadyMessage>, StoreError> {
    let next_subject: Option<(i64, String)> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0).and(has_pending_messages!()))
        .select((subjects::id, subjects::channel_type))
        .order(subjects::id)
        .first(connection)
        .optional()?;
    let Some((subject, channel_type)) = next_subject else { return Ok(Vec::new()) };
    let rows: Vec<(String, String, i32, Option<i64>)> = waiting_messages::table
        .filter(waiting_messages::tenant_id.eq(tenant.0).and(waiting_messages::subject_id.eq(subject)))
        .select((
            waiting_messages::digest,
            waiting_messages::item,
            waiting_messages::source,
            waiting_messages::received_at,
        ))
        .order((waiting_messages::message_id, waiting_messages::digest))
        .limit(limit)
        .load(connection)?;
    let channel_type = decode(channel_type);
    let (mut ready, mut bytes_read) = (Vec::new(), 0);
    for (digest, item, number, at) in rows {
        bytes_read += item.len();
        if !ready.is_empty() && bytes_read > bytes {
            break;
        }
        let (message, provenance) = parse(&item, tenant, (number, at))?;
        ready.push(ReadyMessage { message, channel_type: channel_type.clone(), provenance, digest });
    }
    Ok(ready)
}

/// A stored pending message, and the feed that it came from.
fn parse(
    item: &str,
    tenant: TenantId,
    (number, at): (i32, Option<i64>),
) -> Result<(PendingMessage, Provenance), StoreError> {
    let unreadable = || StoreError::DamagedRow("a pending message cannot be read".into());
    let message = PendingMessage::parse(item, tenant).ok_or_else(unreadable)?;
    Ok((message, Provenance { source: source(number)?, received_at: at.map(Instant) }))
}

/// Deletes messages that are no longer pending. The tenant is locked.
pub fn delete_ready(connection: &mut Connection, tenant: TenantId, ready: &[ReadyMessage]) -> Result<(), StoreError> {
    let mut counts = counts(connection, tenant)?;
    for ReadyMessage { message, digest, .. } in ready {
        let row = waiting_messages::table.find((tenant.0, message.subject_id(), message.message_id(), digest));
        let deleted = diesel::delete(row).execute(connection)?;
        counts.messages -= i64::try_from(deleted).unwrap_or_default();
    }
    update_counts(connection, tenant, counts)
}

/// The tenants that have pending messages whose subject is known.
pub fn ready_tenants(connection: &mut Connection) -> Result<BTreeSet<TenantId>, StoreError> {
    let with_pending = subjects::table.filter(has_pending_messages!());
    let ids: Vec<i64> = with_pending.select(subjects::tenant_id).distinct().load(connection)?;
    Ok(ids.into_iter().map(TenantId).collect())
}

/// A pending message, and the key of its row.
pub struct StoredPending {
    pub message: PendingMessage,
    pub provenance: Provenance,
    pub key: (i64, i64, String),
}

/// One page of a tenant's pending messages, in the order of their keys: subject, message id, digest.
pub fn page_after(
    connection: &mut Connection,
    tenant: TenantId,
    after: &(i64, i64, String),
    limit: i64,
) -> Result<Vec<StoredPending>, StoreError> {
    use waiting_messages::{digest, message_id, subject_id};
    let is_later = subject_id
        .gt(after.0)
        .or(subject_id.eq(after.0).and(message_id.gt(after.1)))
        .or(subject_id.eq(after.0).and(message_id.eq(after.1)).and(digest.gt(&after.2)));
    let rows: Vec<(i64, i64, String, String, i32, Option<i64>)> = waiting_messages::table
        .filter(waiting_messages::tenant_id.eq(tenant.0).and(is_later))
        .order((subject_id, message_id, digest))
        .limit(limit)
        .select((
            subject_id,
            message_id,
            digest,
            waiting_messages::item,
            waiting_messages::source,
            waiting_messages::received_at,
        ))
        .load(connection)?;
    let stored = |(subject, id, row_digest, item, number, at): (i64, i64, String, String, i32, Option<i64>)| {
        let (message, provenance) = parse(&item, tenant, (number, at))?;
        Ok(StoredPending { message, provenance, key: (subject, id, row_digest) })
    };
    rows.into_iter().map(stored).collect()
}

/// One page of a tenant's events of other kinds in the order of their digests: the digest, when it was received, and the
/// event.
pub fn events_after(
    connection: &mut Connection,
    tenant: TenantId,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, Option<Instant>, String)>, StoreError> {
    let rows: Vec<(String, Option<i64>, String)> = other_events::table
        .filter(other_events::tenant_id.eq(tenant.0).and(other_events::digest.gt(after)))
        .order(other_events::digest)
        .limit(limit)
        .select((other_events::digest, other_events::received_at, other_events::body))
        .load(connection)?;
    Ok(rows.into_iter().map(|(digest, at, body)| (digest, at.map(Instant), body)).collect())
}

/// Whether a tenant has pending messages whose subject is known.
pub fn is_ready(connection: &mut Connection, tenant: TenantId) -> Result<bool, StoreError> {
    let ready = subjects::table.filter(subjects::tenant_id.eq(tenant.0).and(has_pending_messages!()));
    Ok(diesel::select(exists(ready)).get_result(connection)?)
}

/// Those of some events of other kinds that are stored, by their digests.
pub fn known_events(
    connection: &mut Connection,
    tenant: TenantId,
    digests: &BTreeSet<String>,
) -> Result<BTreeSet<String>, StoreError> {
    let of_tenant = other_events::table.filter(other_events::tenant_id.eq(tenant.0));
    let known: Vec<String> =
        of_tenant.filter(any_of(other_events::digest, digests)).select(other_events::digest).load(connection)?;
    Ok(known.into_iter().collect())
}

/// Stores an event of another kind as it was received; `false` if it is stored already.
pub fn insert_event(
    connection: &mut Connection,
    tenant: TenantId,
    body: &str,
    at: Option<Instant>,
) -> Result<bool, StoreError> {
    let row = (
        other_events::tenant_id.eq(tenant.0),
        other_events::digest.eq(feed::digest(body)),
        other_events::received_at.eq(at.map(|at| at.0)),
        other_events::body.eq(body),
    );
    let insert = diesel::insert_into(other_events::table).values(row).on_conflict_do_nothing();
    Ok(on_each!(connection, |connection| insert.execute(connection)?) == 1)
}

/// Whether an event of another kind is stored already.
pub fn event_exists(connection: &mut Connection, tenant: TenantId, body: &str) -> Result<bool, StoreError> {
    Ok(diesel::select(exists(other_events::table.find((tenant.0, feed::digest(body))))).get_result(connection)?)
}

/// How many events of other kinds a tenant has.
pub fn count_events(connection: &mut Connection, tenant: TenantId) -> Result<i64, StoreError> {
    Ok(other_events::table.filter(other_events::tenant_id.eq(tenant.0)).count().get_result(connection)?)
}
