//! Wakes threads that wait; knows no server.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Wakes threads that wait.
#[derive(Default)]
pub struct Wakeup {
    /// How many times they were woken.
    calls: Mutex<u64>,
    condition: Condvar,
}

impl Wakeup {
    pub fn wake(&self) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.condition.notify_all();
    }

    /// Waits until woken, but no longer than a time.
    pub fn wait(&self, at_most: Duration) {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *calls;
        // Both results mean that the wait is over.
        let _ = self.condition.wait_timeout_while(calls, at_most, |calls| *calls == before);
    }
}

/// Wakes threads when it is dropped, because what they serve is gone.
#[derive(Default)]
pub struct WakeOnDrop(pub Arc<Wakeup>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.wake();
    }
}
