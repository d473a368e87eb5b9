//! What watches over a store's work: ends it on a server, counts threads that do not end, tells of a stop; knows no statement.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::store::db::budget::Budget;
use crate::store::error::StoreError;

/// How long a disk is taken for full after something did not fit on it.
const FULL_FOR: Duration = Duration::from_secs(10);

/// One store's watch.
pub struct Watch {
    /// Where work on a server is ended from another connection; a file's work ends from inside.
    canceller: Option<Mutex<Sender<Arc<Budget>>>>,
    stopping: Arc<AtomicBool>,
    stop: Notify,
    abandoned: AtomicU32,
    most_abandoned: u32,
    failure: Notify,
    /// What is wrong with the store until somebody does something about it, as the last work met it.
    fault: Mutex<Option<(StoreError, Instant)>>,
}

impl Watch {
    pub fn new(canceller: Option<Sender<Arc<Budget>>>, most_abandoned: u32) -> Self {
        Self {
            canceller: canceller.map(Mutex::new),
            stopping: Arc::default(),
            stop: Notify::new(),
            abandoned: AtomicU32::new(0),
            most_abandoned,
            failure: Notify::new(),
            fault: Mutex::default(),
        }
    }

    /// Notes how work fared: what is wrong with the store is known until something is written again. A damaged store stays
    /// one, and a disk that was full a moment ago may have room for what is small only.
    pub fn note<T>(&self, result: &Result<T, StoreError>, is_write: bool) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Err(error) if error.is_about_the_store() => *fault = Some((error.clone(), Instant::now())),
            Ok(_) if is_write => {
                fault.take_if(|(error, at)| match error {
                    StoreError::Full => at.elapsed() > FULL_FOR,
                    error => !error.is_lasting(),
                });
            }
            _ => {}
        }
    }

    /// What is wrong with the store, as far as is known.
    pub fn fault(&self) -> Option<StoreError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(error, _)| error.clone())
    }

    /// Ends work that runs on a server.
    pub fn cancel(&self, budget: &Arc<Budget>) {
        if let Some(canceller) = &self.canceller {
            // Its thread lasts as long as this end of the channel.
            let _ = canceller.lock().unwrap_or_else(PoisonError::into_inner).send(Arc::clone(budget));
        }
    }

    /// Set once the server stops.
    pub fn stopping(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopping)
    }

    /// Ends expensive questions, now and from now on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.stop.notify_waiters();
    }

    /// Done when the server stops.
    pub async fn stopped(&self) {
        let stopped = self.stop.notified();
        if !self.stopping.load(Ordering::Relaxed) {
            stopped.await;
        }
    }

    /// A thread does not end: its place is given to the next.
    pub fn abandoned(&self) {
        let abandoned = self.abandoned.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(abandoned, "a database thread does not return; its place is given to the next");
        if abandoned >= self.most_abandoned {
            self.failure.notify_one();
        }
    }

    /// A thread that was given up has ended after all.
    pub fn found_again(&self) {
        self.abandoned.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many threads do not end at the moment.
    pub fn count_abandoned(&self) -> u32 {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Done when more threads do not end than may.
    pub async fn failed(&self) {
        self.failure.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_write_does_not_clear_a_full_disk_fault() {
        let watch = Watch::new(None, 1);
        watch.note::<()>(&Err(StoreError::ReadOnly), true);
        watch.note(&Ok(()), false);
        assert!(matches!(watch.fault(), Some(StoreError::ReadOnly)));
        watch.note(&Ok(()), true);
        assert!(watch.fault().is_none());
        watch.note::<()>(&Err(StoreError::Full), true);
        watch.note(&Ok(()), true);
        assert!(matches!(watch.fault(), Some(StoreError::Full)));
    }
}
