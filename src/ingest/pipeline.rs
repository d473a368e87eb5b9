//! Ingests many messages or rows in batches, collecting the next batch while one is being written; knows no queue.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::{Event, OutcomeCounts, logs, record};
use crate::model::{Item, TenantId, WhatsAppLog};
use crate::store::{Store, StoreError};

/// What a pipeline ingests.
pub trait Entry: Sized + 'static {
    /// The approximate length of its text in bytes.
    fn bytes(&self) -> usize;

    /// Records a batch: durably and completely, or not at all.
    fn record(
        store: &Store,
        tenant: TenantId,
        batch: Vec<Self>,
    ) -> impl Future<Output = Result<OutcomeCounts, StoreError>>;
}

impl Entry for Item {
    fn bytes(&self) -> usize {
        self.bytes()
    }

    async fn record(store: &Store, tenant: TenantId, batch: Vec<Self>) -> Result<OutcomeCounts, StoreError> {
        record(store, tenant, batch).await
    }
}

impl Entry for Event {
    fn bytes(&self) -> usize {
        self.bytes()
    }

    async fn record(store: &Store, tenant: TenantId, batch: Vec<Self>) -> Result<OutcomeCounts, StoreError> {
        record(store, tenant, batch).await
    }
}

impl Entry for WhatsAppLog {
    fn bytes(&self) -> usize {
        self.message_text.as_ref().map_or(0, String::len)
    }

    async fn record(store: &Store, tenant: TenantId, batch: Vec<Self>) -> Result<OutcomeCounts, StoreError> {
        logs::record(store, tenant, batch).await
    }
}

/// How many entries one durable write takes: the first one, and the bounds of all others.
const INITIAL_SIZE: usize = 1000;
const MIN_SIZE: usize = 250;
const MAX_SIZE: usize = 10_000;
/// How many bytes of text a write takes at most.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Writes that take longer make the next ones smaller, because other writers wait that long.
const SLOW_WRITE: Duration = Duration::from_millis(400);
/// Writes that take less time make the next ones larger, because entries cost less in larger batches.
const FAST_WRITE: Duration = Duration::from_millis(150);

/// Collects a tenant's entries and records them. Use it on a thread that runs tokio's local tasks.
pub struct Pipeline<E> {
    store: Store,
    tenant: TenantId,
    batch: Vec<E>,
    bytes: usize,
    /// How many entries the next write takes.
    size: usize,
    writing: Option<JoinHandle<TimedResult>>,
    recorded: OutcomeCounts,
}

/// The result of a batch, and how long the write took.
type TimedResult = (Result<OutcomeCounts, StoreError>, Duration);

impl<E: Entry> Pipeline<E> {
    pub fn new(store: &Store, tenant: TenantId) -> Self {
        let (batch, recorded) = (Vec::new(), OutcomeCounts::default());
        Self { store: store.clone(), tenant, batch, bytes: 0, size: INITIAL_SIZE, writing: None, recorded }
    }

    /// Adds an entry. If the batch is full, waits for the previous one to be written.
    pub async fn push(&mut self, entry: E) -> Result<(), StoreError> {
        self.bytes += entry.bytes();
        self.batch.push(entry);
        if self.batch.len() < self.size && self.bytes < MAX_BYTES {
            return Ok(());
        }
        self.write().await
    }

    /// Waits until everything is durable; returns the outcomes of all entries so far.
    pub async fn finish(&mut self) -> Result<OutcomeCounts, StoreError> {
        if !self.batch.is_empty() {
            self.write().await?;
        }
        self.wait_for_write().await?;
        Ok(self.recorded)
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        self.wait_for_write().await?;
        self.bytes = 0;
        let (store, tenant, batch) = (self.store.clone(), self.tenant, std::mem::take(&mut self.batch));
        self.writing = Some(tokio::task::spawn_local(async move {
            let started = Instant::now();
            (E::record(&store, tenant, batch).await, started.elapsed())
        }));
        // Lets the write start before the next batch is collected on the same thread.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn wait_for_write(&mut self) -> Result<(), StoreError> {
        if let Some(writing) = self.writing.take() {
            let (recorded, took) = writing.await.map_err(|_| StoreError::Failed("a write was aborted".into()))?;
            self.recorded += recorded?;
            self.size = next_size(self.size, took);
        }
        Ok(())
    }
}

/// How many entries the next write takes, from the size and the duration of the last one.
fn next_size(size: usize, took: Duration) -> usize {
    match took {
        _ if took < FAST_WRITE => (size * 2).min(MAX_SIZE),
        _ if took > SLOW_WRITE => (size / 2).max(MIN_SIZE),
        _ => size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_size_adapts_to_the_duration_of_writes() {
        let after = |size, milliseconds| next_size(size, Duration::from_millis(milliseconds));
        assert_eq!((after(INITIAL_SIZE, 20), after(INITIAL_SIZE, 200), after(INITIAL_SIZE, 2000)), (2000, 1000, 500));
        assert_eq!((after(8000, 20), after(300, 2000)), (MAX_SIZE, MIN_SIZE));
    }
}
