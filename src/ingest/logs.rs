//! The WhatsApp log's side of the door: rows that follow from messages, and rows that come in OneUptime's form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::OutcomeCounts;
use crate::model::{Property, TenantId, WhatsAppLog};
use crate::store::messages;
use crate::store::whatsapp_logs::{self, RowChange, RowSource, StoredRow};
use crate::store::{Connection, LookupFor, Store, StoreError, tenants};

/// How many messages one transaction of `catch_up` looks at.
const BATCH: i64 = 2000;

/// Records a batch of a tenant's rows: all of them, durable, or none. Of two copies of a row the newer one is kept.
pub async fn record(store: &Store, tenant: TenantId, logs: Vec<WhatsAppLog>) -> Result<OutcomeCounts, StoreError> {
    store.write(move |connection| write(connection, tenant, logs)).await
}

fn write(connection: &mut Connection, tenant: TenantId, logs: Vec<WhatsAppLog>) -> Result<OutcomeCounts, StoreError> {
    tenants::lock(connection, tenant)?;
    let before = whatsapp_logs::load(connection, tenant, &logs.iter().map(|log| log.id).collect())?;
    let mut after = before.clone();
    let mut recorded = OutcomeCounts::default();
    for log in logs {
        match after.get_mut(&log.id) {
            None => {
                recorded.imported += 1;
                after.insert(log.id, StoredRow { log, subject_id: None, source: RowSource::Import });
            }
            Some(known) if log > known.log => {
                recorded.updated += 1;
                (known.log, known.source) = (log, RowSource::Import);
            }
            Some(known) => {
                recorded.unchanged += 1;
                // The message may go back behind it later.
                known.source = match std::mem::replace(&mut known.source, RowSource::Import) {
                    RowSource::Import => RowSource::Import,
                    RowSource::Message => RowSource::MessageBesideCopy(Box::new(log)),
                    RowSource::MessageBesideCopy(copy) => RowSource::MessageBesideCopy(Box::new(log.max(*copy))),
                };
            }
        }
    }
    apply(connection, tenant, before, after)?;
    Ok(recorded)
}

/// Brings the rows of messages up to date with them; the tenant is locked, and the messages are written.
pub fn follow(
    connection: &mut Connection,
    tenant: TenantId,
    changes: &[messages::MessageChange],
) -> Result<(), StoreError> {
    let mut ids = BTreeSet::new();
    let mut now = Vec::new();
    let mut gone = Vec::new();
    for change in changes {
        let was = change.before.as_ref().and_then(|before| WhatsAppLog::of_message(&before.item, tenant));
        match WhatsAppLog::of_message(&change.item, tenant) {
            Some(log) => {
                ids.insert(log.id);
                now.push((log, change.item.integer(Property::SubjectId)));
            }
            None => gone.extend(was.map(|log| log.id)),
        }
    }
    ids.extend(&gone);
    let before = whatsapp_logs::load(connection, tenant, &ids)?;
    let mut after = before.clone();
    for id in gone {
        // What was imported beside the message stays.
        if let Some(log) = after.remove(&id).and_then(imported) {
            after.insert(id, StoredRow { log, subject_id: None, source: RowSource::Import });
        }
    }
    for (log, subject_id) in now {
        let id = log.id;
        let (log, source) = match after.remove(&id).and_then(imported) {
            None => (log, RowSource::Message),
            Some(copy) if copy > log => (copy, RowSource::Import),
            Some(copy) => (log, RowSource::MessageBesideCopy(Box::new(copy))),
        };
        after.insert(id, StoredRow { log, subject_id, source });
    }
    apply(connection, tenant, before, after)
}

/// The newest copy in OneUptime's form that a row has, shown or not.
fn imported(stored: StoredRow) -> Option<WhatsAppLog> {
    match stored.source {
        RowSource::Message => None,
        RowSource::Import => Some(stored.log),
        RowSource::MessageBesideCopy(copy) => Some(*copy),
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

/// Gives the messages that were recorded before there was a WhatsApp log their rows, a batch in each transaction, so
/// that it goes on where it was stopped. Tells after each batch how many rows there are by now.
pub async fn catch_up(store: &Store, mut told: impl FnMut(u64)) -> Result<u64, StoreError> {
    let mut done = 0;
    for tenant in store.quick_read(LookupFor::Gateway, tenants::behind_with_logs).await? {
        loop {
            let rows = store.write(move |connection| catch_up_a_batch(connection, tenant)).await?;
            let Some(rows) = rows else { break };
            done += rows;
            told(done);
        }
    }
    Ok(done)
}

/// Gives the next messages of a tenant their rows; `None` where none are left.
fn catch_up_a_batch(connection: &mut Connection, tenant: TenantId) -> Result<Option<u64>, StoreError> {
    match tenants::lock(connection, tenant) {
        // It was deleted meanwhile.
        Err(StoreError::UnknownTenant(_)) => return Ok(None),
        locked => locked?,
    }
    let Some(after) = tenants::logged_up_to(connection, tenant)? else { return Ok(None) };
    let up_to = messages::nth_after(connection, tenant, after, BATCH)?;
    let within = (after, up_to.unwrap_or(i64::MAX));
    let items = messages::sent_through(connection, tenant, ("WHATSAPP", "OUT"), within)?;
    let rows = items.len() as u64;
    let changes: Vec<messages::MessageChange> = items
        .into_iter()
        .map(|item| messages::MessageChange { item: Arc::new(item), copies: Vec::new(), before: None })
        .collect();
    follow(connection, tenant, &changes)?;
    tenants::note_logged(connection, tenant, up_to)?;
    Ok(Some(rows))
}
