//! The queue at the door of a server: callers hand over what they have, and one writer commits for many of them at
//! once; knows no form of events and no rule of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::capacity::{Capacity, Reservation};
use super::counters::{Counters, Rejection};
use super::{
    Answer, Batch, Event, LOCK_WAIT, Outcome, TenantLimits, commit, process_all_pending, process_pending_of, recount,
};
use crate::fair_queue::FairQueue;
use crate::model::TenantId;
use crate::store::{Store, StoreError};

/// How much one commit takes for several callers together.
const EVENTS_AT_ONCE: usize = 5000;
const BYTES_AT_ONCE: usize = 16 * 1024 * 1024;

/// From how much on a caller has a commit of its own, so that a large batch does not delay small ones.
const LARGE_EVENTS: usize = 1000;
const LARGE_BYTES: usize = 1024 * 1024;

/// About what an event needs besides its texts.
const EVENT_BYTES: usize = 1024;

/// How long a commit waits for a tenant where nobody else waits for the next one, the first time.
const LOCK_WAIT_ALONE: Duration = Duration::from_secs(1);

/// How long the callers of a tenant that somebody else changes wait before it is tried again: at first, and at the most.
const HELD_BACK_FIRST: Duration = Duration::from_millis(250);
const HELD_BACK_MOST: Duration = Duration::from_secs(4);

/// How much waits at the door, and how long.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// How many bytes of events wait at the most, half of them of one tenant; who brings more is told that the store is
    /// busy.
    pub queue_bytes: usize,
    /// How long a caller waits to hear that what it brought is durable.
    pub wait: Duration,
    pub tenant_limits: TenantLimits,
}

/// The way in for many callers; clones share their queue.
#[derive(Clone)]
pub struct IngestQueue {
    store: Store,
    limits: QueueLimits,
    queue: Arc<Mutex<Queue>>,
    capacity: Arc<Capacity>,
    commits: Arc<AtomicU64>,
    counters: Counters,
    /// The writer lives here, so that it does not end with the thread of whichever caller came first.
    runtime: Handle,
}

#[derive(Default)]
struct Queue {
    callers: FairQueue<Caller>,
    /// Whether somebody writes already.
    writing: bool,
    /// Callers of tenants that somebody else changes for long, until it is tried again.
    held_back: BTreeMap<TenantId, Vec<Caller>>,
    /// How long those of each were held back the last time, until one of them is answered.
    held_back_for: BTreeMap<TenantId, Duration>,
}

struct Caller {
    batch: Batch,
    bytes: usize,
    answer: oneshot::Sender<Answer>,
    /// Its part of the queue's room, given back when it has its answer.
    _reservation: Reservation,
}

impl Caller {
    fn is_large(&self) -> bool {
        self.batch.events.len() > LARGE_EVENTS || self.bytes > LARGE_BYTES
    }
}

impl IngestQueue {
    /// Call it on the runtime that is to write, which has to last as long as anybody waits.
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

    /// How many callers wait for a commit to begin.
    pub fn callers_waiting(&self) -> usize {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.callers.len() + queue.held_back.values().map(Vec::len).sum::<usize>()
    }

    /// How many bytes of the queue's room are taken.
    pub fn bytes_waiting(&self) -> usize {
        self.capacity.reserved()
    }

    /// How many commits there have been.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Takes in all messages that still wait although their subject is known.
    pub async fn process_all_pending(&self) -> Result<(), StoreError> {
        process_all_pending(&self.store).await
    }

    /// Counts anew what tenants have waiting, where a gateway of an earlier version has not kept count.
    pub async fn recount(&self) -> Result<(), StoreError> {
        recount(&self.store).await
    }

    /// Records a tenant's events: all of them, durable when this returns, or none. Gives the fate of each.
    ///
    /// Where the queue is full, or the answer takes too long, that is `Busy`: what was brought may be recorded yet, and
    /// to bring it again does no harm.
    pub async fn record(&self, tenant: TenantId, events: Vec<Event>) -> Result<Vec<Outcome>, StoreError> {
        let (source, count) = (events.first().map(|event| event.provenance.source).unwrap_or_default(), events.len());
        let reject = |reason| self.counters.reject(source, reason, count);
        self.counters.receive(&events);
        let bytes: usize = events.iter().map(|event| event.bytes() + EVENT_BYTES).sum();
        let capacity = Capacity::reserve(&self.capacity, tenant, bytes).ok_or_else(|| {
            reject(Rejection::QueueFull);
            StoreError::Busy
        })?;
        let (answer, answered) = oneshot::channel();
        let batch = Batch { tenant, events: Arc::new(events), tenant_limits: self.limits.tenant_limits };
        self.enqueue(Caller { batch, bytes, answer, _reservation: capacity });
        if let Ok(Ok(answer)) = tokio::time::timeout(self.limits.wait, answered).await {
            return answer.inspect_err(|_| reject(Rejection::Store));
        }
        // It took too long; or the writer came to its end, which drops whoever it has not written for.
        reject(Rejection::TooLate);
        Err(StoreError::Busy)
    }

    fn enqueue(&self, caller: Caller) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held_back) = queue.held_back.get_mut(&caller.batch.tenant) {
            held_back.retain(|caller| !caller.answer.is_closed());
            held_back.push(caller);
            return;
        }
        self.let_in(&mut queue, [caller]);
    }

    fn let_in(&self, queue: &mut Queue, callers: impl IntoIterator<Item = Caller>) {
        for caller in callers {
            // Which of its keys a tenant uses makes no difference here.
            queue.callers.push(caller.batch.tenant, 0, caller);
        }
        if !std::mem::replace(&mut queue.writing, true) {
            self.runtime.spawn(self.clone().write());
        }
    }

    /// Has a tenant's callers wait, so that no commit of the others waits for whoever changes that tenant.
    fn hold_back(&self, caller: Caller) {
        let tenant = caller.batch.tenant;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held_back) = queue.held_back.get_mut(&tenant) {
            held_back.push(caller);
            return;
        }
        let others = std::iter::from_fn(|| queue.callers.pop_from(|next| next == tenant).map(|(_, caller)| caller));
        let callers = std::iter::once(caller).chain(others).collect();
        queue.held_back.insert(tenant, callers);
        let before = queue.held_back_for.get(&tenant);
        let wait = before.map_or(HELD_BACK_FIRST, |before| HELD_BACK_MOST.min(*before * 2));
        queue.held_back_for.insert(tenant, wait);
        drop(queue);
        let this = self.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            let mut queue = this.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let mut callers = queue.held_back.remove(&tenant).unwrap_or_default();
            callers.retain(|caller| !caller.answer.is_closed());
            if callers.is_empty() {
                queue.held_back_for.remove(&tenant);
            }
            this.let_in(&mut queue, callers);
        });
    }

    /// Writes until nobody waits.
    async fn write(self) {
        while let Some(callers) = self.next() {
            self.write_for(callers).await;
        }
    }

    /// Those whom the next commit is for; `None`, and the writer is done, where there is nobody.
    fn next(&self) -> Option<Vec<Caller>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // Who has gone is told nothing, so nothing need be written.
        queue.callers.retain(|caller| !caller.answer.is_closed());
        let (mut callers, mut events, mut bytes): (Vec<Caller>, _, _) = (Vec::new(), 0, 0);
        loop {
            let next = queue.callers.pop_if(|next| {
                let is_along =
                    events + next.batch.events.len() <= EVENTS_AT_ONCE && bytes + next.bytes <= BYTES_AT_ONCE;
                callers.is_empty() || (is_along && !next.is_large() && !callers[0].is_large())
            });
            let Some(caller) = next else { break };
            events += caller.batch.events.len();
            bytes += caller.bytes;
            callers.push(caller);
        }
        queue.writing = !callers.is_empty();
        (!callers.is_empty()).then_some(callers)
    }

    async fn write_for(&self, callers: Vec<Caller>) {
        let batches: Vec<Batch> = callers.iter().map(|caller| caller.batch.clone()).collect();
        let started = Instant::now();
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut known = BTreeSet::new();
        let lock_wait = if self.is_alone(&callers) { LOCK_WAIT_ALONE } else { LOCK_WAIT };
        let answers = match commit(&self.store, batches, Some(lock_wait)).await {
            Ok((answers, became_known)) => {
                known = became_known;
                answers
            }
            // One caller's events may be what the database refuses; the others are not to suffer for it.
            Err(StoreError::Failed(_) | StoreError::DamagedRow(_) | StoreError::Malformed(_)) if callers.len() > 1 => {
                self.each_alone(&callers, &mut known).await
            }
            Err(error) => callers.iter().map(|_| Some(Err(error.clone()))).collect(),
        };
        let answered = || callers.iter().zip(&answers).filter(|(_, answer)| answer.is_some());
        if answered().next().is_none() {
            // All are held back, so there was none.
            self.commits.fetch_sub(1, Ordering::Relaxed);
        } else {
            let events = answered().map(|(caller, _)| caller.batch.events.len()).sum();
            self.counters.commit(events, started.elapsed().as_secs_f64());
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            for (caller, _) in answered() {
                queue.held_back_for.remove(&caller.batch.tenant);
            }
        }
        for (caller, answer) in callers.into_iter().zip(answers) {
            let Some(answer) = answer else {
                self.hold_back(caller);
                continue;
            };
            if let Ok(outcomes) = &answer {
                self.counters.record(&caller.batch.events, outcomes);
            }
            // Whoever has gone meanwhile comes again, and hears that it is known already.
            let _ = caller.answer.send(answer);
        }
        if !known.is_empty() {
            let store = self.store.clone();
            // Nobody waits for it, and other commits go in between.
            self.runtime.spawn(async move { process_pending_of(&store, known).await });
        }
    }

    /// Whether one tenant's events are all there is to record, and were not held back before.
    fn is_alone(&self, callers: &[Caller]) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |pair: &[Caller]| pair[0].batch.tenant == pair[1].batch.tenant;
        queue.callers.is_empty() && queue.held_back_for.is_empty() && callers.windows(2).all(is_same)
    }

    async fn each_alone(&self, callers: &[Caller], known: &mut BTreeSet<TenantId>) -> Vec<Option<Answer>> {
        let mut answers = Vec::new();
        let mut locked = BTreeSet::new();
        for caller in callers {
            let tenant = caller.batch.tenant;
            if locked.contains(&tenant) {
                answers.push(None);
                continue;
            }
            answers.push(match commit(&self.store, vec![caller.batch.clone()], Some(LOCK_WAIT)).await {
                Ok((mut answers, became_known)) => {
                    known.extend(became_known);
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
