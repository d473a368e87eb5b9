//! The one door through which messages, statuses and WhatsApp log rows get in: safe to repeat, in any order, durable
//! before it returns.

mod capacity;
pub mod counters;
mod event;
pub mod logs;
mod pipeline;
mod queue;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use counters::{Counters, Rejection};
pub use event::{Event, Outcome, OutcomeCounts, Payload, TenantLimits};
pub use pipeline::{Entry, Pipeline};
pub use queue::{IngestQueue, QueueLimits};

use crate::model::TenantId;
use crate::model::subject::Subject;
use crate::store::messages::partitions;
use crate::store::messages::pending::{self, ReadyMessage};
use crate::store::{Connection, LookupFor, Store, StoreError, Written, subjects, tenants};

/// How long a commit waits for all tenants that somebody else changes: longer than a commit of another program
/// that brings much takes as a rule (`pipeline::LONG`), so that two that write by turns both get on.
const LOCK_WAIT: Duration = Duration::from_millis(600);

/// How many waiting messages one transaction takes in, and about how many bytes of them.
const PENDING_BATCH: (i64, usize) = (1000, 16 * 1024 * 1024);

/// Records a batch of a tenant's events: all of them, durable, or none.
pub async fn record<E: Into<Event>>(
    store: &Store,
    tenant: TenantId,
    events: Vec<E>,
) -> Result<OutcomeCounts, StoreError> {
    let events = Arc::new(events.into_iter().map(E::into).collect());
    let batch = Batch { tenant, events, tenant_limits: TenantLimits::default() };
    let (mut answers, known) = commit(store, vec![batch], None).await?;
    process_pending_of(store, known).await;
    Ok(OutcomeCounts::of(&answers.pop().flatten().unwrap_or(Err(StoreError::Busy))?))
}

/// Adds a subject, or corrects the one that has its id; the messages that waited for it become known.
pub async fn add_subject(store: &Store, tenant: TenantId, subject: Subject) -> Result<(), StoreError> {
    store.write(move |connection| subjects::add(connection, tenant, &subject)).await?;
    process_pending_of(store, [tenant].into()).await;
    Ok(())
}

/// Takes in all messages whose subject became known and that still wait, because a program was ended, or a
/// store was busy, in between.
pub async fn process_all_pending(store: &Store) -> Result<(), StoreError> {
    let tenants = store.read(pending::ready_tenants).await?;
    process_pending_of(store, tenants).await;
    Ok(())
}

/// Counts anew what tenants have waiting, where a gateway of an earlier version has not kept count.
async fn recount(store: &Store) -> Result<(), StoreError> {
    for tenant in store.quick_read(LookupFor::Gateway, tenants::list).await? {
        let tenant = tenant.id;
        let recounted = match store.read(move |connection| pending::is_miscounted(connection, tenant)).await {
            Ok(true) => store.write(move |connection| pending::recount(connection, tenant)).await,
            known => known,
        };
        match recounted {
            Ok(true) => tracing::info!(%tenant, "what waits was counted anew"),
            // Its counts are right; or somebody changes it, and it is looked after again; or it was deleted meanwhile.
            Ok(false) | Err(StoreError::UnknownTenant(_)) => {}
            Err(error) => tracing::warn!(cause = %error, %tenant, "what waits was not counted anew"),
        }
    }
    Ok(())
}

/// Takes in the messages of some tenants that wait for a subject which is known by now. What was brought is durable
/// already, so a failure is nobody's answer: what waits is looked after again and again.
async fn process_pending_of(store: &Store, tenants: BTreeSet<TenantId>) {
    for tenant in tenants {
        if let Err(error) = process_pending(store, tenant).await {
            tracing::warn!(cause = %error, %tenant, "messages that waited for their subject wait on");
        }
    }
}

/// What one caller brings.
#[derive(Clone)]
struct Batch {
    tenant: TenantId,
    events: Arc<Vec<Event>>,
    tenant_limits: TenantLimits,
}

/// What became of one caller's events.
type Answer = Result<Vec<Outcome>, StoreError>;

/// The answer of each caller, none for those whose tenant somebody else changes; and the tenants some of whose subjects
/// became known.
type Answers = (Vec<Option<Answer>>, BTreeSet<TenantId>);

/// Records what several callers bring in one transaction; fails for all of them, or gives each its answer, and the tenants
/// some of whose subjects became known. Where there is a `lock_wait`, nothing is recorded for a tenant that somebody else
/// changes for longer, and its callers get no answer.
async fn commit(store: &Store, batches: Vec<Batch>, lock_wait: Option<Duration>) -> Result<Answers, StoreError> {
    let batches = Arc::new(batches);
    store.write_into_partitions(move |connection| write_all(connection, &batches, lock_wait)).await
}

/// Writes all batches. The tenants are locked in the order of their ids, so that two gateways never wait for each other.
fn write_all(
    connection: &mut Connection,
    batches: &[Batch],
    lock_wait: Option<Duration>,
) -> Result<Written<Answers>, StoreError> {
    // All tenants together.
    let lock_until = lock_wait.map(|wait| Instant::now() + wait);
    let mut answers: Vec<Option<Answer>> = batches.iter().map(|_| None).collect();
    let mut of_tenants: BTreeMap<TenantId, Vec<usize>> = BTreeMap::new();
    for (place, batch) in batches.iter().enumerate() {
        of_tenants.entry(batch.tenant).or_default().push(place);
    }
    for (tenant, places) in std::mem::take(&mut of_tenants) {
        let locked = match lock_until {
            None => tenants::lock(connection, tenant).map(|()| true),
            until => tenants::lock_until(connection, tenant, until),
        };
        match locked {
            Ok(true) => {
                of_tenants.insert(tenant, places);
            }
            Ok(false) => {}
            Err(StoreError::UnknownTenant(_)) => {
                for place in places {
                    answers[place] = Some(Err(StoreError::UnknownTenant(tenant)));
                }
            }
            Err(error) => return Err(error),
        }
    }
    let written = of_tenants.values().flatten().flat_map(|place| batches[*place].events.iter());
    let times = written.filter_map(Event::sent_or_received_at);
    let missing = partitions::missing(connection, &partitions::months(times))?;
    if !missing.is_empty() {
        return Ok(Written::NoPartitions(missing));
    }
    let mut known = BTreeSet::new();
    for (tenant, places) in of_tenants {
        let events: Vec<&Event> = places.iter().flat_map(|place| batches[*place].events.iter()).collect();
        // A door has the same for all.
        let tenant_limits = places.first().map(|place| batches[*place].tenant_limits).unwrap_or_default();
        let written = write::write(connection, tenant, &events, tenant_limits)?;
        if written.subject_became_known {
            known.insert(tenant);
        }
        let mut outcomes = written.outcomes.into_iter();
        for place in places {
            answers[place] = Some(Ok(outcomes.by_ref().take(batches[place].events.len()).collect()));
        }
    }
    Ok(Written::Done((answers, known)))
}

/// Takes in a tenant's messages whose subject is known by now, some in each transaction.
async fn process_pending(store: &Store, tenant: TenantId) -> Result<(), StoreError> {
    while store.write_into_partitions(move |connection| process_pending_batch(connection, tenant)).await? {}
    Ok(())
}

/// Takes in some; tells whether there may be more.
fn process_pending_batch(connection: &mut Connection, tenant: TenantId) -> Result<Written<bool>, StoreError> {
    match tenants::lock_until(connection, tenant, None) {
        Ok(true) => {}
        // Somebody changes it, and it is looked after again; or it was deleted, and what waited with it.
        Ok(false) | Err(StoreError::UnknownTenant(_)) => return Ok(Written::Done(false)),
        Err(error) => return Err(error),
    }
    let ready = pending::ready(connection, tenant, PENDING_BATCH)?;
    let times = ready.iter().filter_map(|ready| ready.message.sent_or_received_at());
    let missing = partitions::missing(connection, &partitions::months(times))?;
    if !missing.is_empty() {
        return Ok(Written::NoPartitions(missing));
    }
    pending::delete_ready(connection, tenant, &ready)?;
    let placed =
        |ready: ReadyMessage| Event::message(ready.message.with_channel_type(&ready.channel_type), ready.provenance);
    let events: Vec<Event> = ready.into_iter().map(placed).collect();
    write::write(connection, tenant, &events.iter().collect::<Vec<_>>(), TenantLimits::default())?;
    Ok(Written::Done(!events.is_empty()))
}
