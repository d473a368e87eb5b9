//! The ingest queue of a server: callers enqueue batches, and one writer commits many of them at once; knows no form of
//! events and no rule for merging them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::capacity::{Capacity, Reservation};
use super::counters::{Counters, Rejection};
use super::{
    Batch, BatchResult, Event, LOCK_WAIT, Recorded, TenantLimits, commit, correct_pending_counts, process_all_pending,
    process_pending_of,
};
use crate::fair_queue::FairQueue;
use crate::model::TenantId;
use crate::store::{Store, StoreError};

/// How much one commit takes at most, unless it is a single large batch.
const MAX_COMMIT_EVENTS: usize = 5000;
const MAX_COMMIT_BYTES: usize = 16 * 1024 * 1024;

/// A batch beyond these sizes gets a commit of its own, so that it does not delay small ones.
const LARGE_EVENTS: usize = 1000;
const LARGE_BYTES: usize = 1024 * 1024;

/// The approximate size of an event in memory, besides its text.
const EVENT_OVERHEAD: usize = 1024;

/// How long a commit waits for the lock of its only tenant if nothing else is queued and no tenant is in backoff.
const LOCK_WAIT_ALONE: Duration = Duration::from_secs(1);

/// How long the callers of a locked tenant are deferred before the next try: the first time, and at most.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(4);

/// How much may wait in the queue, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// How many bytes of events may be queued: at most half for one tenant, and the last eighth only for small batches
    /// of tenants with nothing else queued. More is rejected as `Busy`.
    pub queue_bytes: usize,
    /// How long a caller waits for its batch to be durable.
    pub wait: Duration,
    pub tenant_limits: TenantLimits,
}

/// A queue for many callers; clones share it.
#[derive(Clone)]
pub struct IngestQueue {
    store: Store,
    limits: QueueLimits,
    queue: Arc<Mutex<Queue>>,
    capacity: Arc<Capacity>,
    commits: Arc<AtomicU64>,
    counters: Counters,
    /// Runs the writer, so that it does not end with the thread of the caller that started it.
    runtime: Handle,
}

#[derive(Default)]
struct Queue {
    batches: FairQueue<QueuedBatch>,
    /// Whether the writer is running.
    writing: bool,
    /// Batches of tenants that others keep locked, until the next try.
    deferred: BTreeMap<TenantId, Vec<QueuedBatch>>,
    /// The last backoff of each tenant, until one of its callers gets a result.
    backoffs: BTreeMap<TenantId, Duration>,
}

struct QueuedBatch {
    batch: Batch,
    bytes: usize,
    result: oneshot::Sender<BatchResult>,
    /// Its part of the queue's capacity, released when it has its result.
    _reservation: Reservation,
}

impl QueuedBatch {
    fn is_large(&self) -> bool {
        self.batch.events.len() > LARGE_EVENTS || self.bytes > LARGE_BYTES
    }
}

impl IngestQueue {
    /// Must be called on the runtime that is to run the writer. The runtime must outlive all callers.
    pub fn new(store: Store, limits: QueueLimits) -> Self {
        let capacity = Arc::new(Capacity::new(limits.queue_bytes));
        Self {
            store,
            limits,
            queue: Arc::default(),
            capacity,
            commits: Arc::default(),
            counters: Counters::default(),
            runtime: Handle::current(),
        }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many callers wait for their commit to begin.
    pub fn callers_waiting(&self) -> usize {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.batches.len() + queue.deferred.values().map(Vec::len).sum::<usize>()
    }

    /// How many bytes of the queue's capacity are reserved.
    pub fn bytes_waiting(&self) -> usize {
        self.capacity.reserved()
    }

    /// How many commits have begun, except those whose callers were all deferred.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Processes all messages that are still pending although their subject is known.
    pub async fn process_all_pending(&self) -> Result<(), StoreError> {
        process_all_pending(&self.store).await
    }

    /// Corrects the tenants' counts of pending data if a gateway of an earlier version did not update them.
    pub async fn correct_pending_counts(&self) -> Result<(), StoreError> {
        correct_pending_counts(&self.store).await
    }

    /// Records a tenant's events: all of them, durable when this returns, or none. Returns the outcome of each.
    ///
    /// Fails with `Busy` if the queue is full, and then nothing is recorded; or if the result takes too long, and then
    /// the events may still be recorded. Sending them again does no harm.
    pub async fn record(&self, tenant: TenantId, events: Vec<Event>) -> Result<Recorded, StoreError> {
        let (source, count) = (events.first().map(|event| event.provenance.source).unwrap_or_default(), events.len());
        let reject = |reason| self.counters.reject(source, reason, count);
        self.counters.receive(&events);
        let bytes: usize = events.iter().map(|event| event.bytes() + EVENT_OVERHEAD).sum();
        let reservation = Capacity::reserve(&self.capacity, tenant, bytes).ok_or_else(|| {
            reject(Rejection::QueueFull);
            StoreError::Busy
        })?;
        let (result, received) = oneshot::channel();
        let batch = Batch { tenant, events: Arc::new(events), tenant_limits: self.limits.tenant_limits };
        self.enqueue(QueuedBatch { batch, bytes, result, _reservation: reservation });
        if let Ok(Ok(result)) = tokio::time::timeout(self.limits.wait, received).await {
            return result.inspect_err(|_| reject(Rejection::Store));
        }
        // The wait timed out; or the writer ended, which drops the batches that it has not committed.
        reject(Rejection::TooLate);
        Err(StoreError::Busy)
    }

    fn enqueue(&self, queued: QueuedBatch) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(deferred) = queue.deferred.get_mut(&queued.batch.tenant) {
            deferred.retain(|other| !other.result.is_closed());
            deferred.push(queued);
            return;
        }
        self.push_all(&mut queue, [queued]);
    }

    fn push_all(&self, queue: &mut Queue, batches: impl IntoIterator<Item = QueuedBatch>) {
        for queued in batches {
            // Only tenants take turns here, not their keys.
            queue.batches.push(queued.batch.tenant, 0, queued);
        }
        if !std::mem::replace(&mut queue.writing, true) {
            self.runtime.spawn(self.clone().run_writer());
        }
    }

    /// Defers a locked tenant's batches, so that other tenants' commits do not wait for that lock.
    fn defer(&self, queued: QueuedBatch) {
        let tenant = queued.batch.tenant;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(deferred) = queue.deferred.get_mut(&tenant) {
            deferred.push(queued);
            return;
        }
        let others = std::iter::from_fn(|| queue.batches.pop_from(|next| next == tenant).map(|(_, queued)| queued));
        let batches = std::iter::once(queued).chain(others).collect();
        queue.deferred.insert(tenant, batches);
        let before = queue.backoffs.get(&tenant);
        let wait = before.map_or(MIN_BACKOFF, |before| MAX_BACKOFF.min(*before * 2));
        queue.backoffs.insert(tenant, wait);
        drop(queue);
        let this = self.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            let mut queue = this.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let mut batches = queue.deferred.remove(&tenant).unwrap_or_default();
            batches.retain(|queued| !queued.result.is_closed());
            if batches.is_empty() {
                queue.backoffs.remove(&tenant);
            }
            this.push_all(&mut queue, batches);
        });
    }

    /// Commits until the queue is empty.
    async fn run_writer(self) {
        while let Some(batches) = self.next_batches() {
            self.commit_batches(batches).await;
        }
    }

    /// The batches of the next commit; `None` if there are none, and then the writer ends.
    fn next_batches(&self) -> Option<Vec<QueuedBatch>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // A caller that stopped waiting gets no result, so its batch need not be written.
        queue.batches.retain(|queued| !queued.result.is_closed());
        let (mut batches, mut events, mut bytes): (Vec<QueuedBatch>, _, _) = (Vec::new(), 0, 0);
        loop {
            let next = queue.batches.pop_if(|next| {
                let fits =
                    events + next.batch.events.len() <= MAX_COMMIT_EVENTS && bytes + next.bytes <= MAX_COMMIT_BYTES;
                batches.is_empty() || (fits && !next.is_large() && !batches[0].is_large())
            });
            let Some(queued) = next else { break };
            events += queued.batch.events.len();
            bytes += queued.bytes;
            batches.push(queued);
        }
        queue.writing = !batches.is_empty();
        (!batches.is_empty()).then_some(batches)
    }

    async fn commit_batches(&self, batches: Vec<QueuedBatch>) {
        let to_commit: Vec<Batch> = batches.iter().map(|queued| queued.batch.clone()).collect();
        let started = Instant::now();
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut tenants_with_new_subjects = BTreeSet::new();
        let lock_wait = if self.may_wait_longer(&batches) { LOCK_WAIT_ALONE } else { LOCK_WAIT };
        let results = match commit(&self.store, to_commit, Some(lock_wait)).await {
            Ok((results, tenants)) => {
                tenants_with_new_subjects = tenants;
                results
            }
            // The events of a single caller may be the cause, or the shard of a tenant, and must not fail the others.
            Err(
                StoreError::Failed(_)
                | StoreError::DamagedRow(_)
                | StoreError::Malformed(_)
                | StoreError::ConnectionLost { .. },
            ) if batches.len() > 1 => self.commit_each(&batches, &mut tenants_with_new_subjects).await,
            Err(error) => batches.iter().map(|_| Some(Err(error.clone()))).collect(),
        };
        let with_result = || batches.iter().zip(&results).filter(|(_, result)| result.is_some());
        if with_result().next().is_none() {
            // All callers are deferred, so nothing was committed.
            self.commits.fetch_sub(1, Ordering::Relaxed);
        } else {
            let events = with_result().map(|(queued, _)| queued.batch.events.len()).sum();
            self.counters.commit(events, started.elapsed().as_secs_f64());
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            for (queued, _) in with_result() {
                queue.backoffs.remove(&queued.batch.tenant);
            }
        }
        for (queued, result) in batches.into_iter().zip(results) {
            let Some(result) = result else {
                self.defer(queued);
                continue;
            };
            if let Ok(recorded) = &result {
                self.counters.record(&queued.batch.events, &recorded.outcomes);
            }
            // A caller that stopped waiting meanwhile sends its events again, and they are unchanged then.
            let _ = queued.result.send(result);
        }
        if !tenants_with_new_subjects.is_empty() {
            let store = self.store.clone();
            // No caller waits for this, and other commits run in between.
            self.runtime.spawn(async move { process_pending_of(&store, tenants_with_new_subjects).await });
        }
    }

    /// Whether only one tenant has anything to record, and no tenant is in backoff.
    fn may_wait_longer(&self, batches: &[QueuedBatch]) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same_tenant = |pair: &[QueuedBatch]| pair[0].batch.tenant == pair[1].batch.tenant;
        queue.batches.is_empty() && queue.backoffs.is_empty() && batches.windows(2).all(is_same_tenant)
    }

    async fn commit_each(
        &self,
        batches: &[QueuedBatch],
        tenants_with_new_subjects: &mut BTreeSet<TenantId>,
    ) -> Vec<Option<BatchResult>> {
        let mut results = Vec::new();
        let (mut locked, mut away) = (BTreeSet::new(), BTreeMap::new());
        for queued in batches {
            let tenant = queued.batch.tenant;
            if locked.contains(&tenant) {
                results.push(None);
                continue;
            }
            if let Some(error) = away.get(&tenant) {
                results.push(Some(Err(StoreError::clone(error))));
                continue;
            }
            results.push(match commit(&self.store, vec![queued.batch.clone()], Some(LOCK_WAIT)).await {
                Ok((mut committed, tenants)) => {
                    tenants_with_new_subjects.extend(tenants);
                    let result = committed.pop().flatten();
                    if result.is_none() {
                        locked.insert(tenant);
                    }
                    result
                }
                Err(error) => {
                    if matches!(error, StoreError::ConnectionLost { .. }) {
                        away.insert(tenant, error.clone());
                    }
                    Some(Err(error))
                }
            });
        }
        results
    }
}
