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
    Batch, BatchResult, Event, LOCK_WAIT, Outcome, TenantLimits, commit, process_all_pending, process_pending_of,
    recount,
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

/// How long a commit of a single tenant waits for its lock if nothing else is queued and no tenant was deferred.
const LOCK_WAIT_ALONE: Duration = Duration::from_secs(1);

/// How long the callers of a locked tenant are deferred before the next try: the first time, and at most.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(4);

/// How much may wait in the queue, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// How many bytes of events may be queued, at most half of them of one tenant; more is rejected as `Busy`.
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
    callers: FairQueue<QueuedBatch>,
    /// Whether the writer is running.
    writing: bool,
    /// Callers of tenants that others keep locked, until the next try.
    deferred: BTreeMap<TenantId, Vec<QueuedBatch>>,
    /// The last backoff of each tenant, until one of its callers gets an answer.
    backoffs: BTreeMap<TenantId, Duration>,
}

struct QueuedBatch {
    batch: Batch,
    bytes: usize,
    answer: oneshot::Sender<BatchResult>,
    /// Its part of the queue's capacity, released when it has its answer.
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
        queue.callers.len() + queue.deferred.values().map(Vec::len).sum::<usize>()
    }

    /// How many bytes of the queue's capacity are reserved.
    pub fn bytes_waiting(&self) -> usize {
        self.capacity.reserved()
    }

    /// How many commits there have been.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Processes all messages that are still pending although their subject is known.
    pub async fn process_all_pending(&self) -> Result<(), StoreError> {
        process_all_pending(&self.store).await
    }

    /// Corrects the tenants' counts of pending data if a gateway of an earlier version did not update them.
    pub async fn recount(&self) -> Result<(), StoreError> {
        recount(&self.store).await
    }

    /// Records a tenant's events: all of them, durable when this returns, or none. Returns the outcome of each.
    ///
    /// Fails with `Busy` if the queue is full or the answer takes too long. The events may still be recorded then, and
    /// sending them again does no harm.
    pub async fn record(&self, tenant: TenantId, events: Vec<Event>) -> Result<Vec<Outcome>, StoreError> {
        let (source, count) = (events.first().map(|event| event.provenance.source).unwrap_or_default(), events.len());
        let reject = |reason| self.counters.reject(source, reason, count);
        self.counters.receive(&events);
        let bytes: usize = events.iter().map(|event| event.bytes() + EVENT_OVERHEAD).sum();
        let reservation = Capacity::reserve(&self.capacity, tenant, bytes).ok_or_else(|| {
            reject(Rejection::QueueFull);
            StoreError::Busy
        })?;
        let (answer, answered) = oneshot::channel();
        let batch = Batch { tenant, events: Arc::new(events), tenant_limits: self.limits.tenant_limits };
        self.enqueue(QueuedBatch { batch, bytes, answer, _reservation: reservation });
        if let Ok(Ok(answer)) = tokio::time::timeout(self.limits.wait, answered).await {
            return answer.inspect_err(|_| reject(Rejection::Store));
        }
        // The wait timed out; or the writer ended, which drops the callers that it has not committed for.
        reject(Rejection::TooLate);
        Err(StoreError::Busy)
    }

    fn enqueue(&self, caller: QueuedBatch) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(deferred) = queue.deferred.get_mut(&caller.batch.tenant) {
            deferred.retain(|caller| !caller.answer.is_closed());
            deferred.push(caller);
            return;
        }
        self.push_all(&mut queue, [caller]);
    }

    fn push_all(&self, queue: &mut Queue, callers: impl IntoIterator<Item = QueuedBatch>) {
        for caller in callers {
            // Only tenants take turns here, not their keys.
            queue.callers.push(caller.batch.tenant, 0, caller);
        }
        if !std::mem::replace(&mut queue.writing, true) {
            self.runtime.spawn(self.clone().run_writer());
        }
    }

    /// Defers a locked tenant's callers, so that other tenants' commits do not wait for that lock.
    fn defer(&self, caller: QueuedBatch) {
        let tenant = caller.batch.tenant;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(deferred) = queue.deferred.get_mut(&tenant) {
            deferred.push(caller);
            return;
        }
        let others = std::iter::from_fn(|| queue.callers.pop_from(|next| next == tenant).map(|(_, caller)| caller));
        let callers = std::iter::once(caller).chain(others).collect();
        queue.deferred.insert(tenant, callers);
        let before = queue.backoffs.get(&tenant);
        let wait = before.map_or(MIN_BACKOFF, |before| MAX_BACKOFF.min(*before * 2));
        queue.backoffs.insert(tenant, wait);
        drop(queue);
        let this = self.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            let mut queue = this.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let mut callers = queue.deferred.remove(&tenant).unwrap_or_default();
            callers.retain(|caller| !caller.answer.is_closed());
            if callers.is_empty() {
                queue.backoffs.remove(&tenant);
            }
            this.push_all(&mut queue, callers);
        });
    }

    /// Commits until the queue is empty.
    async fn run_writer(self) {
        while let Some(callers) = self.next_callers() {
            self.commit_for(callers).await;
        }
    }

    /// The callers of the next commit; `None` if there are none, and then the writer ends.
    fn next_callers(&self) -> Option<Vec<QueuedBatch>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // A caller that stopped waiting gets no answer, so its batch need not be written.
        queue.callers.retain(|caller| !caller.answer.is_closed());
        let (mut callers, mut events, mut bytes): (Vec<QueuedBatch>, _, _) = (Vec::new(), 0, 0);
        loop {
            let next = queue.callers.pop_if(|next| {
                let fits =
                    events + next.batch.events.len() <= MAX_COMMIT_EVENTS && bytes + next.bytes <= MAX_COMMIT_BYTES;
                callers.is_empty() || (fits && !next.is_large() && !callers[0].is_large())
            });
            let Some(caller) = next else { break };
            events += caller.batch.events.len();
            bytes += caller.bytes;
            callers.push(caller);
        }
        queue.writing = !callers.is_empty();
        (!callers.is_empty()).then_some(callers)
    }

    async fn commit_for(&self, callers: Vec<QueuedBatch>) {
        let batches: Vec<Batch> = callers.iter().map(|caller| caller.batch.clone()).collect();
        let started = Instant::now();
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut with_new_subjects = BTreeSet::new();
        let lock_wait = if self.is_single_tenant(&callers) { LOCK_WAIT_ALONE } else { LOCK_WAIT };
        let answers = match commit(&self.store, batches, Some(lock_wait)).await {
            Ok((answers, tenants)) => {
                with_new_subjects = tenants;
                answers
            }
            // The events of a single caller may be the cause, and must not fail the others.
            Err(StoreError::Failed(_) | StoreError::DamagedRow(_) | StoreError::Malformed(_)) if callers.len() > 1 => {
                self.commit_each(&callers, &mut with_new_subjects).await
            }
            Err(error) => callers.iter().map(|_| Some(Err(error.clone()))).collect(),
        };
        let answered = || callers.iter().zip(&answers).filter(|(_, answer)| answer.is_some());
        if answered().next().is_none() {
            // All callers are deferred, so nothing was committed.
            self.commits.fetch_sub(1, Ordering::Relaxed);
        } else {
            let events = answered().map(|(caller, _)| caller.batch.events.len()).sum();
            self.counters.commit(events, started.elapsed().as_secs_f64());
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            for (caller, _) in answered() {
                queue.backoffs.remove(&caller.batch.tenant);
            }
        }
        for (caller, answer) in callers.into_iter().zip(answers) {
            let Some(answer) = answer else {
                self.defer(caller);
                continue;
            };
            if let Ok(outcomes) = &answer {
                self.counters.record(&caller.batch.events, outcomes);
            }
            // A caller that stopped waiting meanwhile sends its events again, and they are unchanged then.
            let _ = caller.answer.send(answer);
        }
        if !with_new_subjects.is_empty() {
            let store = self.store.clone();
            // No caller waits for this, and other commits run in between.
            self.runtime.spawn(async move { process_pending_of(&store, with_new_subjects).await });
        }
    }

    /// Whether only one tenant has anything to record, and no tenant was deferred before.
    fn is_single_tenant(&self, callers: &[QueuedBatch]) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same_tenant = |pair: &[QueuedBatch]| pair[0].batch.tenant == pair[1].batch.tenant;
        queue.callers.is_empty() && queue.backoffs.is_empty() && callers.windows(2).all(is_same_tenant)
    }

    async fn commit_each(
        &self,
        callers: &[QueuedBatch],
        with_new_subjects: &mut BTreeSet<TenantId>,
    ) -> Vec<Option<BatchResult>> {
        let mut answers = Vec::new();
        let mut locked = BTreeSet::new();
        for caller in callers {
            let tenant = caller.batch.tenant;
            if locked.contains(&tenant) {
                answers.push(None);
                continue;
            }
            answers.push(match commit(&self.store, vec![caller.batch.clone()], Some(LOCK_WAIT)).await {
                Ok((mut answers, tenants)) => {
                    with_new_subjects.extend(tenants);
                    let answer = answers.pop().flatten();
                    if answer.is_none() {
                        locked.insert(tenant);
                    }
                    answer
                }
                Err(error) => Some(Err(error)),
            });
        }
        answers
    }
}
