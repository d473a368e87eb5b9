//! Who may use a connection next: a bounded number at a time, and where that is few, tenants and their keys in turn; knows
//! no connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fair_queue::FairQueue;
use crate::model::{CallerId, TenantId};
use crate::store::error::StoreError;

/// How places are given.
#[derive(Clone)]
pub enum Admission {
    /// In the order of arrival, to whoever waits no longer than it may.
    InOrder(Arc<Semaphore>),
    /// To tenants in turn, and to their keys in turn; who would make the queue too long is refused at once, and who waits too
    /// long is told so.
    InTurn(Arc<Slots>),
}

/// A place, given back when it is dropped.
pub enum Permit {
    InOrder(#[expect(dead_code, reason = "held to be dropped")] OwnedSemaphorePermit),
    InTurn(#[expect(dead_code, reason = "held to be dropped")] Slot),
}

impl Admission {
    pub fn in_order(slots: u32) -> Self {
        Self::InOrder(Arc::new(Semaphore::new(slots as usize)))
    }

    /// So many places for anybody, and so many more for tenants that have none yet.
    pub fn in_turn(slots: u32, reserved: u32, longest_queue: u32) -> Self {
        let (reserved, free) = (reserved as usize, slots as usize + reserved as usize);
        let state = State { reserved, free, held: HashMap::new(), waiting: FairQueue::default() };
        Self::InTurn(Arc::new(Slots { longest_queue: longest_queue as usize, state: Mutex::new(state) }))
    }

    /// Waits for a place.
    pub async fn admit(&self, caller: CallerId, wait: Duration) -> Result<Permit, StoreError> {
        match self {
            Self::InOrder(permits) => {
                let permit = tokio::time::timeout(wait, Arc::clone(permits).acquire_owned());
                // The semaphore is never closed, so both failures mean that nothing came free in time.
                let Ok(Ok(permit)) = permit.await else { return Err(StoreError::Busy) };
                Ok(Permit::InOrder(permit))
            }
            Self::InTurn(slots) => {
                let slot = Slots::enter(slots, caller)?;
                let slot = tokio::time::timeout(wait, slot).await.map_err(|_| StoreError::Busy)?;
                // Who was displaced hears that there is no place left.
                slot.map(Permit::InTurn).map_err(|_| StoreError::Overloaded)
            }
        }
    }

    /// How many wait in a queue with turns.
    pub fn waiting(&self) -> usize {
        match self {
            Self::InOrder(_) => 0,
            Self::InTurn(slots) => slots.state.lock().unwrap_or_else(PoisonError::into_inner).waiting.len(),
        }
    }
}

/// Few places, and who waits for one.
pub struct Slots {
    longest_queue: usize,
    state: Mutex<State>,
}

struct State {
    /// How many of the free places are given only to tenants that have none, so that no tenant has all of them.
    reserved: usize,
    free: usize,
    /// How many places each tenant has.
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

    fn give_back(&mut self, tenant: TenantId) {
        self.free += 1;
        if let Entry::Occupied(mut held) = self.held.entry(tenant) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }

    /// Takes a place for whoever's turn it is among those who may have one.
    fn take_for_next(&mut self) -> Option<(TenantId, oneshot::Sender<Slot>)> {
        let (is_last, held) = (self.free <= self.reserved, &self.held);
        if self.free == 0 {
            return None;
        }
        let (tenant, next) = self.waiting.pop_from(|tenant| !is_last || !held.contains_key(&tenant))?;
        self.take(tenant);
        Some((tenant, next))
    }
}

/// One of few places; of none once somebody else has it.
pub struct Slot {
    slots: Option<Arc<Slots>>,
    tenant: TenantId,
}

impl Slots {
    /// Takes a place, or waits in the queue for one.
    fn enter(slots: &Arc<Self>, caller: CallerId) -> Result<oneshot::Receiver<Slot>, StoreError> {
        let (give, given) = oneshot::channel();
        let tenant = caller.tenant;
        let mut state = slots.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.may_take(tenant) {
            state.take(tenant);
            drop(state);
            // Whoever was to have it holds the other end.
            let _ = give.send(Slot { slots: Some(Arc::clone(slots)), tenant });
            return Ok(given);
        }
        if state.waiting.len() >= slots.longest_queue {
            state.waiting.retain(|waiting| !waiting.is_closed());
        }
        if state.waiting.len() >= slots.longest_queue && state.waiting.evict(tenant).is_none() {
            return Err(StoreError::Overloaded);
        }
        state.waiting.push(tenant, caller.key, give);
        Ok(given)
    }
}

impl Drop for Slot {
    /// Gives the place to whoever's turn it is. Where it was its tenant's last, that may be two: one who takes this place,
    /// and one of the tenant's own who may have the place that is kept for whoever has none.
    fn drop(&mut self) {
        let Some(slots) = self.slots.take() else { return };
        let mut given_back = Some(self.tenant);
        loop {
            let next = {
                let mut state = slots.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(tenant) = given_back.take() {
                    state.give_back(tenant);
                }
                state.take_for_next()
            };
            let Some((tenant, next)) = next else { return };
            if let Err(mut slot) = next.send(Self { slots: Some(Arc::clone(&slots)), tenant }) {
                // Who has gone does not take it, so it goes to the next.
                slot.slots = None;
                given_back = Some(tenant);
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
    async fn slots_go_to_tenants_in_turn_and_a_full_queue_refuses() {
        let admission = Admission::in_turn(1, 0, 3);
        let held = admission.admit(caller(1, 1), LONG).await.ok().unwrap();
        let order: Arc<Mutex<Vec<&str>>> = Arc::default();
        let ask = |caller, name| {
            let (admission, order) = (admission.clone(), Arc::clone(&order));
            async move {
                let slot = admission.admit(caller, LONG).await;
                order.lock().unwrap().push(if slot.is_ok() { name } else { "refused" });
            }
        };
        let (a, b, c) = (tokio::spawn(ask(caller(1, 1), "1a")), ask(caller(1, 1), "1b"), ask(caller(2, 1), "2"));
        let waits = async |count| {
            while admission.waiting() < count {
                tokio::task::yield_now().await;
            }
        };
        waits(1).await;
        let b = tokio::spawn(b);
        waits(2).await;
        let c = tokio::spawn(c);
        waits(3).await;
        // Tenant 1 has as many as it may; tenant 3 takes the place of its newest.
        assert!(matches!(admission.admit(caller(1, 2), LONG).await, Err(StoreError::Overloaded)));
        let d = tokio::spawn(ask(caller(3, 1), "3"));
        b.await.unwrap();
        drop(held);
        for task in [a, c, d] {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["refused", "1a", "2", "3"]);
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
        assert!(admit(1).await.is_none(), "the last place is for somebody else");
        let waiting = tokio::spawn({
            let admission = admission.clone();
            async move { admission.admit(caller(1, 1), LONG).await.ok() }
        });
        while admission.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        let foreign = admit(2).await.unwrap();
        assert!(admit(3).await.is_none(), "there is none left");
        // A place is free again, which who waits may not have before the others.
        drop(foreign);
        assert_eq!(admission.waiting(), 2, "one of which has gone");
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
            let theirs = admission.clone();
            waiting.push(tokio::spawn(async move { theirs.admit(caller(tenant, 1), LONG).await.ok() }));
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
