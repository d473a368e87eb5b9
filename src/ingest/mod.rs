//! The only write path for messages, statuses and WhatsApp log rows: safe to repeat, in any order, durable before it
//! returns; knows no wire form.

mod capacity;
pub mod counters;
mod event;
pub mod logs;
mod pipeline;
mod queue;
pub mod removal;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use counters::{Counters, Rejection};
pub use event::{Event, Outcome, OutcomeCounts, Payload, TenantLimits};
pub use pipeline::{Entry, Pipeline};
pub use queue::{IngestQueue, QueueLimits};

use crate::model::subject::Subject;
use crate::model::{Freshness, TenantId};
use crate::store::messages::partitions;
use crate::store::messages::pending::{self, ReadyMessage};
use crate::store::{Committed, Connection, LookupFor, Store, StoreError, WriteOutcome, subjects, tenants};

/// How long a commit waits for locked tenants, all of them together. A large commit of another process normally takes
/// less (`pipeline::SLOW_WRITE`), so that two processes that write alternately both make progress.
const LOCK_WAIT: Duration = Duration::from_millis(600);

/// How many pending messages one transaction processes at most, and approximately how many bytes.
const PENDING_BATCH: (i64, usize) = (1000, 16 * 1024 * 1024);

/// Records a batch of a tenant's events: durably and completely, or not at all.
pub async fn record<E: Into<Event>>(
    store: &Store,
    tenant: TenantId,
    events: Vec<E>,
) -> Result<OutcomeCounts, StoreError> {
    record_within(store, tenant, events.into_iter().map(E::into).collect(), TenantLimits::default()).await
}

/// The same, however many pending messages and other events the tenant has: for a copy of a store, which loses nothing.
pub async fn record_all(store: &Store, tenant: TenantId, events: Vec<Event>) -> Result<OutcomeCounts, StoreError> {
    record_within(store, tenant, events, TenantLimits::NONE).await
}

async fn record_within(
    store: &Store,
    tenant: TenantId,
    events: Vec<Event>,
    tenant_limits: TenantLimits,
) -> Result<OutcomeCounts, StoreError> {
    let batch = Batch { tenant, events: Arc::new(events), tenant_limits };
    let (mut results, tenants) = commit(store, vec![batch], None).await?;
    process_pending_of(store, tenants).await;
    Ok(OutcomeCounts::of(&results.pop().flatten().unwrap_or(Err(StoreError::Busy))?.outcomes))
}

/// Adds a subject, or replaces the one with the same id; then processes the messages that were pending for it.
pub async fn add_subject(store: &Store, tenant: TenantId, subject: Subject) -> Result<(), StoreError> {
    store.write(move |connection| subjects::add(connection, tenant, &subject)).await?;
    process_pending_of(store, [tenant].into()).await;
    Ok(())
}

/// Processes all messages that are still pending although their subject is known, because a process was stopped or the
/// store was busy in between.
pub async fn process_all_pending(store: &Store) -> Result<(), StoreError> {
    let tenants = store.ready_tenants().await?;
    process_pending_of(store, tenants).await;
    Ok(())
}

/// Corrects the tenants' counts of pending data if a gateway of an earlier version did not update them.
async fn correct_pending_counts(store: &Store) -> Result<(), StoreError> {
    for tenant in store.quick_read(LookupFor::Gateway, tenants::list).await? {
        let tenant = tenant.id;
        let corrected = match store.read_primary(move |connection| pending::is_miscounted(connection, tenant)).await {
            Ok(true) => store.write(move |connection| pending::correct_pending_counts(connection, tenant)).await,
            other => other,
        };
        match corrected {
            Ok(true) => tracing::info!(%tenant, "the counts of pending data were corrected"),
            // The counts are right; or the tenant is locked, and is checked again later; or it was deleted meanwhile.
            Ok(false) | Err(StoreError::UnknownTenant(_)) => {}
            Err(error) => tracing::warn!(cause = %error, %tenant, "the counts of pending data could not be corrected"),
        }
    }
    Ok(())
}

/// Processes the pending messages of some tenants whose subject is now known. They are durable already, so a failure is
/// only logged: pending messages are checked again periodically.
async fn process_pending_of(store: &Store, tenants: BTreeSet<TenantId>) {
    for tenant in tenants {
        if let Err(error) = process_pending(store, tenant).await {
            tracing::warn!(cause = %error, %tenant, "pending messages could not be processed; they stay pending");
        }
    }
}

/// The events of one caller.
#[derive(Clone)]
struct Batch {
    tenant: TenantId,
    events: Arc<Vec<Event>>,
    tenant_limits: TenantLimits,
}

/// The outcomes of one caller's events.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// In the order of the events.
    pub outcomes: Vec<Outcome>,
    /// How recent a read has to be to see the events; `None` on SQLite.
    pub position: Option<Freshness>,
}

type BatchResult = Result<Recorded, StoreError>;

/// The result of each batch, `None` if its tenant is locked by others; and the tenants of which a subject became known.
type CommitResult = (Vec<Option<BatchResult>>, BTreeSet<TenantId>);

/// Records the batches of several callers in one transaction; fails for all of them, or returns the result of each and
/// the tenants of which a subject became known. With a `lock_wait`, nothing is recorded for a tenant that others keep
/// locked for longer, and its batches get no result.
async fn commit(store: &Store, batches: Vec<Batch>, lock_wait: Option<Duration>) -> Result<CommitResult, StoreError> {
    let batches = Arc::new(batches);
    let write = move |connection: &mut Connection| write_all(connection, &batches, lock_wait);
    let Committed { value, position } = store.write_into_partitions(write).await?;
    let WrittenBatches { mut results, tenants, last_changes } = value;
    for (tenant, sequence) in last_changes {
        store.change_signals().raised(tenant, sequence);
    }
    for recorded in results.iter_mut().flatten().flatten() {
        recorded.position = position;
    }
    Ok((results, tenants))
}

/// What a commit has written.
struct WrittenBatches {
    results: Vec<Option<BatchResult>>,
    /// The tenants of which a subject became known.
    tenants: BTreeSet<TenantId>,
    /// For each tenant whose messages changed, the sequence of its last change.
    last_changes: Vec<(TenantId, i64)>,
}

/// Writes all batches. Tenants are locked in the order of their ids, so that two gateways never deadlock.
fn write_all(
    connection: &mut Connection,
    batches: &[Batch],
    lock_wait: Option<Duration>,
) -> Result<WriteOutcome<WrittenBatches>, StoreError> {
    // One deadline for all tenants together.
    let lock_until = lock_wait.map(|wait| Instant::now() + wait);
    let mut results: Vec<Option<BatchResult>> = batches.iter().map(|_| None).collect();
    let mut by_tenant: BTreeMap<TenantId, Vec<usize>> = BTreeMap::new();
    for (index, batch) in batches.iter().enumerate() {
        by_tenant.entry(batch.tenant).or_default().push(index);
    }
    for (tenant, indices) in std::mem::take(&mut by_tenant) {
        let locked = match lock_until {
            None => tenants::lock(connection, tenant).map(|()| true),
            until => tenants::lock_until(connection, tenant, until),
        };
        match locked {
            Ok(true) => {
                by_tenant.insert(tenant, indices);
            }
            Ok(false) => {}
            Err(StoreError::UnknownTenant(_)) => {
                for index in indices {
                    results[index] = Some(Err(StoreError::UnknownTenant(tenant)));
                }
            }
            Err(error) => return Err(error),
        }
    }
    let events = by_tenant.values().flatten().flat_map(|index| batches[*index].events.iter());
    let times = events.filter_map(Event::sent_or_received_at);
    let missing = partitions::missing(connection, &partitions::months(times))?;
    if !missing.is_empty() {
        return Ok(WriteOutcome::NoPartitions(missing));
    }
    let (mut tenants_with_new_subjects, mut last_changes) = (BTreeSet::new(), Vec::new());
    for (tenant, indices) in by_tenant {
        let events: Vec<&Event> = indices.iter().flat_map(|index| batches[*index].events.iter()).collect();
        // A queue has the same limits for all batches.
        let tenant_limits = indices.first().map(|index| batches[*index].tenant_limits).unwrap_or_default();
        let written = write::write(connection, tenant, &events, tenant_limits)?;
        if written.subject_became_known {
            tenants_with_new_subjects.insert(tenant);
        }
        last_changes.extend(written.last_change.map(|sequence| (tenant, sequence)));
        let mut outcomes = written.outcomes.into_iter();
        for index in indices {
            let outcomes = outcomes.by_ref().take(batches[index].events.len()).collect();
            results[index] = Some(Ok(Recorded { outcomes, position: None }));
        }
    }
    Ok(WriteOutcome::Done(WrittenBatches { results, tenants: tenants_with_new_subjects, last_changes }))
}

/// Processes a tenant's pending messages whose subject is now known, one batch per transaction.
async fn process_pending(store: &Store, tenant: TenantId) -> Result<(), StoreError> {
    let process = move |connection: &mut Connection| process_pending_batch(connection, tenant);
    loop {
        let (may_have_more, last_change) = store.write_into_partitions(process).await?.value;
        if let Some(sequence) = last_change {
            store.change_signals().raised(tenant, sequence);
        }
        if !may_have_more {
            return Ok(());
        }
    }
}

/// Processes one batch; returns whether there may be more, and the sequence of the last change.
fn process_pending_batch(
    connection: &mut Connection,
    tenant: TenantId,
) -> Result<WriteOutcome<(bool, Option<i64>)>, StoreError> {
    match tenants::lock_until(connection, tenant, None) {
        Ok(true) => {}
        // The tenant is locked, and is checked again later; or it was deleted, and its pending messages with it.
        Ok(false) | Err(StoreError::UnknownTenant(_)) => return Ok(WriteOutcome::Done((false, None))),
        Err(error) => return Err(error),
    }
    let ready = pending::ready(connection, tenant, PENDING_BATCH)?;
    let times = ready.iter().filter_map(|ready| ready.message.sent_or_received_at());
    let missing = partitions::missing(connection, &partitions::months(times))?;
    if !missing.is_empty() {
        return Ok(WriteOutcome::NoPartitions(missing));
    }
    pending::delete_ready(connection, tenant, &ready)?;
    let to_event =
        |ready: ReadyMessage| Event::message(ready.message.with_channel_type(&ready.channel_type), ready.provenance);
    let events: Vec<Event> = ready.into_iter().map(to_event).collect();
    let written = write::write(connection, tenant, &events.iter().collect::<Vec<_>>(), TenantLimits::default())?;
    Ok(WriteOutcome::Done((!events.is_empty(), written.last_change)))
}
