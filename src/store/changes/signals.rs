//! Wakes readers that wait for the next change of a tenant; knows no change and no database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::model::TenantId;

/// Who waits for which tenant; clones share it.
#[derive(Clone, Default)]
pub struct ChangeSignals(Arc<Signals>);

#[derive(Default)]
struct Signals {
    readers: Mutex<Readers>,
    is_stopping: AtomicBool,
}

#[derive(Default)]
struct Readers {
    waited: HashMap<TenantId, Waited>,
    /// Whether somebody looks at the sequences, for the commits of other processes.
    is_polling: bool,
}

/// A tenant that somebody waits for.
struct Waited {
    /// The last sequence that is known.
    sequence: watch::Sender<i64>,
    readers: usize,
}

/// One reader's wait for a tenant.
pub struct Subscription {
    signals: ChangeSignals,
    tenant: TenantId,
    sequence: watch::Receiver<i64>,
}

impl ChangeSignals {
    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many readers wait.
    pub fn waiting(&self) -> usize {
        self.readers().waited.values().map(|waited| waited.readers).sum()
    }

    /// Waits for a tenant from now on, unless so many readers wait already.
    pub fn subscribe(&self, tenant: TenantId, max_readers: usize) -> Option<Subscription> {
        let mut readers = self.readers();
        let all: usize = readers.waited.values().map(|waited| waited.readers).sum();
        let of_tenant = readers.waited.get(&tenant).map_or(0, |waited| waited.readers);
        // One tenant has at most half of the places.
        if all >= max_readers || of_tenant >= max_readers.div_ceil(2) {
            return None;
        }
        let new = || Waited { sequence: watch::Sender::new(0), readers: 0 };
        let waited = readers.waited.entry(tenant).or_insert_with(new);
        waited.readers += 1;
        let sequence = waited.sequence.subscribe();
        Some(Subscription { signals: self.clone(), tenant, sequence })
    }

    /// Whether the caller is to look at the sequences until `polled` says otherwise, because nobody does yet.
    pub fn begin_polling(&self) -> bool {
        !std::mem::replace(&mut self.readers().is_polling, true)
    }

    /// The tenants that somebody waits for; `None` if there are none, and then looking has ended.
    pub fn polled(&self) -> Option<Vec<TenantId>> {
        let mut readers = self.readers();
        readers.is_polling = !readers.waited.is_empty() && !self.is_stopping();
        readers.is_polling.then(|| readers.waited.keys().copied().collect())
    }

    /// Looking has ended, for whatever reason.
    pub fn end_polling(&self) {
        self.readers().is_polling = false;
    }

    /// A commit has raised the sequence of a tenant.
    pub fn raised(&self, tenant: TenantId, sequence: i64) {
        if let Some(waited) = self.readers().waited.get(&tenant) {
            waited.sequence.send_if_modified(|known| {
                let is_new = sequence > *known;
                *known = sequence.max(*known);
                is_new
            });
        }
    }

    /// Wakes all readers, now and from now on, because the server stops.
    pub fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Release);
        for waited in self.readers().waited.values() {
            waited.sequence.send_modify(|_| {});
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Acquire)
    }
}

impl Subscription {
    /// Completes when the sequence is beyond one, or the server stops.
    pub async fn beyond(&mut self, sequence: i64) {
        let signals = self.signals.clone();
        // The sender is dropped only after the last subscription.
        let _ = self.sequence.wait_for(|known| *known > sequence || signals.is_stopping()).await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut readers = self.signals.readers();
        if let Some(waited) = readers.waited.get_mut(&self.tenant) {
            waited.readers -= 1;
            if waited.readers == 0 {
                readers.waited.remove(&self.tenant);
            }
        }
    }
}
