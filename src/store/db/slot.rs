//! The slot that a piece of work holds, and who waits for the work; knows no connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::store::db::admission::Permit;
use crate::store::db::budget::Budget;
use crate::store::db::watch::Watch;
use crate::store::error::CancelReason;

/// How long cancelled work may take to stop before its slot is released.
const GRACE: Duration = Duration::from_secs(1);

/// How many times PostgreSQL is asked to cancel within that time.
const CANCEL_ATTEMPTS: u32 = 8;

/// A slot that its thread releases when it is done, or that is taken from a thread that does not return.
pub struct HeldSlot {
    pub permit: Mutex<Option<Permit>>,
    pub watch: Arc<Watch>,
}

impl HeldSlot {
    fn take(&self) -> Option<Permit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_taken(&self) -> bool {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Releases the slot and abandons its thread, which is counted as abandoned before it can be counted as returned.
    pub fn abandon(&self) {
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        if permit.is_some() {
            self.watch.thread_abandoned();
        }
        let released = permit.take();
        drop(permit);
        drop(released);
    }
}

/// A thread's hold on its slot.
pub struct SlotGuard(pub Arc<HeldSlot>);

impl Drop for SlotGuard {
    fn drop(&mut self) {
        if self.0.take().is_none() {
            self.0.watch.thread_returned();
        }
    }
}

/// Waits for work. If it is dropped before the work is done, nobody waits for the result.
pub struct Waiter {
    pub budget: Arc<Budget>,
    pub held: Arc<HeldSlot>,
    pub is_cancelled_with_client: bool,
    pub runtime: Handle,
    pub is_done: bool,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if self.is_cancelled_with_client {
            self.budget.cancel(CancelReason::ClientGone);
            self.held.watch.cancel(&self.budget);
        }
        let (held, budget) = (Arc::clone(&self.held), Arc::clone(&self.budget));
        let is_cancelled_with_client = self.is_cancelled_with_client;
        self.runtime.spawn(async move {
            if !is_cancelled_with_client {
                tokio::time::sleep_until(budget.deadline().into()).await;
            }
            for _ in 0..CANCEL_ATTEMPTS {
                tokio::time::sleep(GRACE / CANCEL_ATTEMPTS).await;
                if held.is_taken() {
                    return;
                }
                if is_cancelled_with_client {
                    // A cancellation that reaches PostgreSQL between two statements has no effect, so it is repeated.
                    held.watch.cancel(&budget);
                }
            }
            held.abandon();
        });
    }
}
