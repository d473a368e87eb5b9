//! Ingests WhatsApp log rows: those derived from messages, and those imported in OneUptime's form; knows no JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::OutcomeCounts;
use crate::model::{Property, TenantId, WhatsAppLog};
use crate::store::messages;
use crate::store::whatsapp_logs::{self, RowChange, RowSource, StoredRow};
use crate::store::{Connection, Store, StoreError, tenants};

/// How many messages one transaction of `catch_up` covers.
const BATCH: i64 = 2000;

/// Records a batch of a tenant's rows: durably and completely, or not at all. The newer of two copies of a row is kept.
pub async fn record(store: &Store, tenant: TenantId, logs: Vec<WhatsAppLog>) -> Result<OutcomeCounts, StoreError> {
    store.write(move |connection| write(connection, tenant, logs)).await
}

fn write(connection: &mut Connection, tenant: TenantId, logs: Vec<WhatsAppLog>) -> Result<OutcomeCounts, StoreError> {
    tenants::lock(connection, tenant)?;
    let before = whatsapp_logs::load(connection, tenant, &logs.iter().map(|log| log.id).collect())?;
    let mut after = before.clone();
    let mut counts = OutcomeCounts::default();
    for log in logs {
        match after.get_mut(&log.id) {
            None => {
                counts.imported += 1;
                after.insert(log.id, StoredRow { log, subject_id: None, source: RowSource::Import });
            }
            Some(stored) if log > stored.log => {
                counts.updated += 1;
                (stored.log, stored.source) = (log, RowSource::Import);
            }
            Some(stored) => {
                counts.unchanged += 1;
                // The time of a message's status can move back, and then this copy is the newer one.
                stored.source = match std::mem::replace(&mut stored.source, RowSource::Import) {
                    RowSource::Import => RowSource::Import,
                    RowSource::Message => RowSource::MessageWithCopy(Box::new(log)),
                    RowSource::MessageWithCopy(copy) => RowSource::MessageWithCopy(Box::new(log.max(*copy))),
                };
            }
        }
    }
    apply(connection, tenant, before, after)?;
    Ok(counts)
}

/// Updates the rows of changed messages. The tenant is locked, and the messages are already written.
pub fn update_rows_of_messages(
    connection: &mut Connection,
    tenant: TenantId,
    changes: &[messages::MessageChange],
) -> Result<(), StoreError> {
    let mut ids = BTreeSet::new();
    let mut current = Vec::new();
    let mut removed = Vec::new();
    for change in changes {
        let previous = change.before.as_ref().and_then(|before| WhatsAppLog::of_message(&before.item, tenant));
        match WhatsAppLog::of_message(&change.item, tenant) {
            Some(log) => {
                ids.insert(log.id);
                current.push((log, change.item.integer(Property::SubjectId)));
            }
            None => removed.extend(previous.map(|log| log.id)),
        }
    }
    ids.extend(&removed);
    let before = whatsapp_logs::load(connection, tenant, &ids)?;
    let mut after = before.clone();
    for id in removed {
        // An imported copy remains as a row of its own.
        if let Some(log) = after.remove(&id).and_then(imported_copy) {
            after.insert(id, StoredRow { log, subject_id: None, source: RowSource::Import });
        }
    }
    for (log, subject_id) in current {
        let id = log.id;
        let (log, source) = match after.remove(&id).and_then(imported_copy) {
            None => (log, RowSource::Message),
            Some(copy) if copy > log => (copy, RowSource::Import),
            Some(copy) => (log, RowSource::MessageWithCopy(Box::new(copy))),
        };
        after.insert(id, StoredRow { log, subject_id, source });
    }
    apply(connection, tenant, before, after)
}

/// Removes the rows of messages that are removed. The tenant is locked.
pub fn remove_rows_of_messages(
    connection: &mut Connection,
    tenant: TenantId,
    removed: &[messages::StoredMessage],
) -> Result<(), StoreError> {
    let log = |stored: &messages::StoredMessage| WhatsAppLog::of_message(&stored.item, tenant).map(|log| log.id);
    let before = whatsapp_logs::load(connection, tenant, &removed.iter().filter_map(log).collect())?;
    // An imported copy remains as a row of its own.
    let import = |(id, row): (&Uuid, &StoredRow)| {
        let log = imported_copy(row.clone())?;
        Some((*id, StoredRow { log, subject_id: None, source: RowSource::Import }))
    };
    let after = before.iter().filter_map(import).collect();
    apply(connection, tenant, before, after)
}

/// A row's newest copy in OneUptime's form, even if the row shows the message instead.
fn imported_copy(stored: StoredRow) -> Option<WhatsAppLog> {
    match stored.source {
        RowSource::Message => None,
        RowSource::Import => Some(stored.log),
        RowSource::MessageWithCopy(copy) => Some(*copy),
    }
}

fn apply(
    connection: &mut Connection,
    tenant: TenantId,
    mut before: BTreeMap<Uuid, StoredRow>,
    mut after: BTreeMap<Uuid, StoredRow>,
) -> Result<(), StoreError> {
    let ids: BTreeSet<Uuid> = before.keys().chain(after.keys()).copied().collect();
    let change = |id: &Uuid| RowChange { before: before.remove(id), after: after.remove(id) };
    let changes = ids.iter().map(change).collect();
    whatsapp_logs::apply(connection, tenant, changes)
}

/// Creates the rows of messages that were recorded before the WhatsApp log existed, one batch per transaction, so that
/// it resumes where it was stopped. Calls `report` after each batch with the number of rows created so far.
pub async fn catch_up(store: &Store, mut report: impl FnMut(u64)) -> Result<u64, StoreError> {
    let mut done = 0;
    for tenant in store.tenants_missing_logs().await? {
        loop {
            let rows = store.write(move |connection| catch_up_batch(connection, tenant)).await?;
            let Some(rows) = rows else { break };
            done += rows;
            report(done);
        }
    }
    Ok(done)
}

/// Creates the rows of a tenant's next messages; `None` if all messages have theirs.
fn catch_up_batch(connection: &mut Connection, tenant: TenantId) -> Result<Option<u64>, StoreError> {
    match tenants::lock(connection, tenant) {
        // The tenant was deleted meanwhile.
        Err(StoreError::UnknownTenant(_)) => return Ok(None),
        locked => locked?,
    }
    let Some(after) = tenants::logged_up_to(connection, tenant)? else { return Ok(None) };
    let up_to = messages::nth_after(connection, tenant, after, BATCH)?;
    let range = (after, up_to.unwrap_or(i64::MAX));
    let items = messages::of_channel_and_direction(connection, tenant, ("WHATSAPP", "OUT"), range)?;
    let rows = items.len() as u64;
    let changes: Vec<messages::MessageChange> = items
        .into_iter()
        .map(|item| messages::MessageChange { item: Arc::new(item), copies: Vec::new(), before: None })
        .collect();
    update_rows_of_messages(connection, tenant, &changes)?;
    tenants::set_logged_up_to(connection, tenant, up_to)?;
    Ok(Some(rows))
}
