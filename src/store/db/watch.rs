//! Monitors a store's work: cancels it on PostgreSQL, counts abandoned threads, remembers faults, signals a stop; knows
//! no statement.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::store::db::budget::Budget;
use crate::store::error::StoreError;

/// How long a disk counts as full after a write did not fit.
const FULL_FOR: Duration = Duration::from_secs(10);

/// How often to check for async threads that are held for too long.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The monitor of one store.
pub struct Watch {
    /// Reaches the thread that cancels work on PostgreSQL from another connection; work on SQLite is cancelled from
    /// inside.
    canceller: Option<Mutex<Sender<Arc<Budget>>>>,
    stopping: Arc<AtomicBool>,
    stop: Notify,
    abandoned: AtomicU32,
    max_abandoned: u32,
    failure: Notify,
    /// The async threads that run a small query at the moment, and since when.
    held: Mutex<HashMap<ThreadId, Instant>>,
    /// How long an async thread may be held before the process should exit.
    max_held: Duration,
    /// The latest fault that persists until somebody fixes the store, and when it occurred.
    fault: Mutex<Option<(StoreError, Instant)>>,
}

impl Watch {
    pub fn new(canceller: Option<Sender<Arc<Budget>>>, max_abandoned: u32, max_held: Duration) -> Self {
        Self {
            canceller: canceller.map(Mutex::new),
            stopping: Arc::default(),
            stop: Notify::new(),
            abandoned: AtomicU32::new(0),
            max_abandoned,
            failure: Notify::new(),
            held: Mutex::default(),
            max_held,
            fault: Mutex::default(),
        }
    }

    /// Records the outcome of work. A fault of the store is remembered until a write succeeds. A damaged store stays
    /// damaged, and a disk that was full a moment ago may have room for small writes only.
    pub fn record<T>(&self, result: &Result<T, StoreError>, is_write: bool) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Err(error) if error.is_store_fault() => *fault = Some((error.clone(), Instant::now())),
            Ok(_) if is_write => {
                fault.take_if(|(error, at)| match error {
                    StoreError::Full => at.elapsed() > FULL_FOR,
                    error => !error.is_permanent(),
                });
            }
            _ => {}
        }
    }

    /// The known fault of the store.
    pub fn fault(&self) -> Option<StoreError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(error, _)| error.clone())
    }

    /// Cancels work that runs on PostgreSQL.
    pub fn cancel(&self, budget: &Arc<Budget>) {
        if let Some(canceller) = &self.canceller {
            // The receiving thread lives as long as this sender.
            let _ = canceller.lock().unwrap_or_else(PoisonError::into_inner).send(Arc::clone(budget));
        }
    }

    /// A flag that is set once the server stops.
    pub fn stopping(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopping)
    }

    /// Cancels expensive queries, now and from now on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.stop.notify_waiters();
    }

    /// Completes when the server stops.
    pub async fn stopped(&self) {
        let stopped = self.stop.notified();
        if !self.stopping.load(Ordering::Relaxed) {
            stopped.await;
        }
    }

    /// Counts a thread that does not return and whose slot is released.
    pub fn thread_abandoned(&self) {
        let abandoned = self.abandoned.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(abandoned, "a database thread does not return; its slot is released");
        if abandoned >= self.max_abandoned {
            self.failure.notify_one();
        }
    }

    /// Counts an abandoned thread that has returned after all.
    pub fn thread_returned(&self) {
        self.abandoned.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many threads are abandoned at the moment, async threads that are held for too long included.
    pub fn abandoned_thread_count(&self) -> u32 {
        self.abandoned.load(Ordering::Relaxed) + self.stuck_async_threads()
    }

    fn stuck_async_threads(&self) -> u32 {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = held.values().filter(|since| since.elapsed() > self.max_held).count();
        u32::try_from(stuck).unwrap_or(u32::MAX)
    }

    /// Registers this async thread as one that waits for the database, until the guard is dropped.
    pub fn hold_async_thread(&self) -> HeldAsyncThread<'_> {
        let thread = std::thread::current().id();
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(thread, Instant::now());
        HeldAsyncThread { watch: self, thread }
    }

    /// Completes when as many threads are abandoned as are allowed, or an async thread is held for too long: its
    /// connections get no response any more.
    pub async fn too_many_abandoned(&self) -> &'static str {
        let stuck = async {
            while self.stuck_async_threads() == 0 {
                tokio::time::sleep(CHECK_INTERVAL).await;
            }
        };
        tokio::select! {
            () = self.failure.notified() => "blocks as many threads as database.abandoned_threads allows",
            () = stuck => "blocks threads that serve connections",
        }
    }
}

/// An async thread's entry in the watch.
pub struct HeldAsyncThread<'a> {
    watch: &'a Watch,
    thread: ThreadId,
}

impl Drop for HeldAsyncThread<'_> {
    fn drop(&mut self) {
        self.watch.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.thread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_write_does_not_clear_a_full_disk_fault() {
        let watch = Watch::new(None, 1, Duration::from_secs(1));
        watch.record::<()>(&Err(StoreError::ReadOnly), true);
        watch.record(&Ok(()), false);
        assert!(matches!(watch.fault(), Some(StoreError::ReadOnly)));
        watch.record(&Ok(()), true);
        assert!(watch.fault().is_none());
        watch.record::<()>(&Err(StoreError::Full), true);
        watch.record(&Ok(()), true);
        assert!(matches!(watch.fault(), Some(StoreError::Full)));
    }
}
