//! Decides which work gets one of a bounded number of slots next: in order of arrival, or tenants and their keys in
//! turn; knows no connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fair_queue::FairQueue;
use crate::model::{CallerId, TenantId};
use crate::store::error::StoreError;

/// How slots are assigned.
#[derive(Clone)]
pub enum Admission {
    /// In the order of arrival; a wait that takes too long fails.
    InOrder(Arc<Semaphore>),
    /// To tenants in turn, and to their keys in turn. If the queue is full, a query is rejected at once; a wait that
    /// takes too long fails.
    InTurn(Arc<Slots>),
}

/// A slot, released on drop.
pub enum Permit {
    InOrder(#[expect(dead_code, reason = "held to be dropped")] OwnedSemaphorePermit),
    InTurn(#[expect(dead_code, reason = "held to be dropped")] Slot),
}

impl Admission {
    pub fn in_order(slots: u32) -> Self {
        Self::InOrder(Arc::new(Semaphore::new(slots as usize)))
    }

    /// `slots` for any tenant, and `reserved` more for tenants that hold none.
    pub fn in_turn(slots: u32, reserved: u32, max_waiting: u32) -> Self {
        let (reserved, free) = (reserved as usize, slots as usize + reserved as usize);
        let state = State { reserved, free, held: HashMap::new(), waiting: FairQueue::default() };
        Self::InTurn(Arc::new(Slots { max_waiting: max_waiting as usize, state: Mutex::new(state) }))
    }

    /// Waits for a slot.
    pub async fn admit(&self, caller: CallerId, wait: Duration) -> Result<Permit, StoreError> {
        match self {
            Self::InOrder(permits) => {
                let permit = tokio::time::timeout(wait, Arc::clone(permits).acquire_owned());
                // The semaphore is never closed, so both failures mean that no slot came free in time.
                let Ok(Ok(permit)) = permit.await else { return Err(StoreError::Busy) };
                Ok(Permit::InOrder(permit))
            }
            Self::InTurn(slots) => {
                let slot = Slots::take_or_enqueue(slots, caller)?;
                let slot = tokio::time::timeout(wait, slot).await.map_err(|_| StoreError::Busy)?;
                // This fails only if the query was evicted, which drops its sender.
                slot.map(Permit::InTurn).map_err(|_| StoreError::Overloaded)
            }
        }
    }

    /// How many queries wait in the fair queue.
    pub fn waiting(&self) -> usize {
        match self {
            Self::InOrder(_) => 0,
            Self::InTurn(slots) => slots.state.lock().unwrap_or_else(PoisonError::into_inner).waiting.len(),
        }
    }
}

/// A few slots, and the queue for them.
pub struct Slots {
    max_waiting: usize,
    state: Mutex<State>,
}

struct State {
    /// How many of the free slots are assigned only to tenants that hold none, so that no tenant holds all slots.
    reserved: usize,
    free: usize,
    /// How many slots each tenant holds.
    held: HashMap<TenantId, usize>,
    waiting: FairQueue<oneshot::Sender<Slot>>,
}

impl State {
    fn may_take(&self, tenant: TenantId) -> bool {
        self.free > self.reserved || (self.free > 0 && !self.held.contains_key(&tenant))
    }

    fn take(&mut self, tenant: TenantId) {
        self.free -= 1;
        *self.held.entry(tenant).or_default() += 1;
    }

    fn release(&mut self, tenant: TenantId) {
        self.free += 1;
        if let Entry::Occupied(mut held) = self.held.entry(tenant) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }

    /// Takes a slot for the next query in the queue that may have one.
    fn take_for_next(&mut self) -> Option<(TenantId, oneshot::Sender<Slot>)> {
        let (only_reserved_left, held) = (self.free <= self.reserved, &self.held);
        if self.free == 0 {
            return None;
        }
        let (tenant, next) = self.waiting.pop_from(|tenant| !only_reserved_left || !held.contains_key(&tenant))?;
        self.take(tenant);
        Some((tenant, next))
    }
}

/// One slot; `slots` is `None` once the slot has passed to another query.
pub struct Slot {
    slots: Option<Arc<Slots>>,
    tenant: TenantId,
}

impl Slots {
    /// Takes a slot, or waits in the queue for one.
    fn take_or_enqueue(slots: &Arc<Self>, caller: CallerId) -> Result<oneshot::Receiver<Slot>, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let tenant = caller.tenant;
        let mut state = slots.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.may_take(tenant) {
            state.take(tenant);
            drop(state);
            // The receiver still exists, so this cannot fail.
            let _ = sender.send(Slot { slots: Some(Arc::clone(slots)), tenant });
            return Ok(receiver);
        }
        if state.waiting.len() >= slots.max_waiting {
            state.waiting.retain(|waiting| !waiting.is_closed());
        }
        if state.waiting.len() >= slots.max_waiting && state.waiting.evict(tenant).is_none() {
            return Err(StoreError::Overloaded);
        }
        state.waiting.push(tenant, caller.key, sender);
        Ok(receiver)
    }
}

impl Drop for Slot {
    /// Passes the slot to the next query in the queue. If it was its tenant's last one, that may admit two: one query
    /// takes this slot, and one of the tenant's own may take the slot reserved for tenants that hold none.
    fn drop(&mut self) {
        let Some(slots) = self.slots.take() else { return };
        let mut released = Some(self.tenant);
        loop {
            let next = {
                let mut state = slots.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(tenant) = released.take() {
                    state.release(tenant);
                }
                state.take_for_next()
            };
            let Some((tenant, next)) = next else { return };
            if let Err(mut slot) = next.send(Self { slots: Some(Arc::clone(&slots)), tenant }) {
                // A query that is gone does not take the slot, so it passes to the next.
                slot.slots = None;
                released = Some(tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn caller(tenant: i64, key: i64) -> CallerId {
        CallerId { tenant: TenantId(tenant), key }
    }

    #[tokio::test]
    async fn slots_go_to_tenants_in_turn_and_a_full_queue_rejects() {
        let admission = Admission::in_turn(1, 0, 3);
        let held = admission.admit(caller(1, 1), LONG).await.ok().unwrap();
        let order: Arc<Mutex<Vec<&str>>> = Arc::default();
        let admit = |caller, name| {
            let (admission, order) = (admission.clone(), Arc::clone(&order));
            async move {
                let slot = admission.admit(caller, LONG).await;
                order.lock().unwrap().push(if slot.is_ok() { name } else { "rejected" });
            }
        };
        let (a, b, c) = (tokio::spawn(admit(caller(1, 1), "1a")), admit(caller(1, 1), "1b"), admit(caller(2, 1), "2"));
        let wait_until_queued = async |count| {
            while admission.waiting() < count {
                tokio::task::yield_now().await;
            }
        };
        wait_until_queued(1).await;
        let b = tokio::spawn(b);
        wait_until_queued(2).await;
        let c = tokio::spawn(c);
        wait_until_queued(3).await;
        // The queue is full, and tenant 1 has the most entries, so its next query is rejected; tenant 3's evicts
        // tenant 1's newest.
        assert!(matches!(admission.admit(caller(1, 2), LONG).await, Err(StoreError::Overloaded)));
        let d = tokio::spawn(admit(caller(3, 1), "3"));
        b.await.unwrap();
        drop(held);
        for task in [a, c, d] {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["rejected", "1a", "2", "3"]);
        assert!(admission.admit(caller(9, 9), LONG).await.is_ok());
    }

    #[tokio::test]
    async fn slot_is_not_lost_when_its_waiter_times_out() {
        let admission = Admission::in_turn(1, 0, 3);
        let held = admission.admit(caller(1, 1), LONG).await.ok().unwrap();
        assert!(matches!(admission.admit(caller(2, 1), Duration::ZERO).await, Err(StoreError::Busy)));
        drop(held);
        assert!(admission.admit(caller(3, 1), LONG).await.is_ok());
    }

    #[tokio::test]
    async fn no_tenant_gets_the_slots_reserved_for_others() {
        let admission = Admission::in_turn(2, 1, 9);
        let admit = async |tenant| admission.admit(caller(tenant, 1), Duration::ZERO).await.ok();
        let (one, other) = (admit(1).await.unwrap(), admit(1).await.unwrap());
        assert!(admit(1).await.is_none(), "the last slot is reserved for other tenants");
        let waiting = tokio::spawn({
            let admission = admission.clone();
            async move { admission.admit(caller(1, 1), LONG).await.ok() }
        });
        while admission.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        let foreign = admit(2).await.unwrap();
        assert!(admit(3).await.is_none(), "no slot is left");
        // A slot is free again, but it is reserved for tenants that hold none.
        drop(foreign);
        assert_eq!(admission.waiting(), 2, "one of them has timed out");
        let foreign = admit(2).await.unwrap();
        drop((one, foreign));
        let third = waiting.await.unwrap().unwrap();
        drop((other, third));
        let all = (admit(1).await, admit(1).await, admit(1).await);
        assert!(all.0.is_some() && all.1.is_some() && all.2.is_none());
    }

    #[tokio::test]
    async fn releasing_one_slot_can_admit_two_waiters() {
        let admission = Admission::in_turn(2, 1, 9);
        let admit = async |tenant| admission.admit(caller(tenant, 1), Duration::ZERO).await.ok();
        let (one, _other) = (admit(1).await.unwrap(), admit(2).await.unwrap());
        let mut waiting = Vec::new();
        for tenant in [2, 1] {
            let own_admission = admission.clone();
            waiting.push(tokio::spawn(async move { own_admission.admit(caller(tenant, 1), LONG).await.ok() }));
            while admission.waiting() < waiting.len() {
                tokio::task::yield_now().await;
            }
        }
        drop(one);
        for waiting in waiting {
            assert!(waiting.await.unwrap().is_some());
        }
    }
}
