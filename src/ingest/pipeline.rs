//! Many messages or rows through the door in batches, the next batch gathered while the last one is written.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::{Event, OutcomeCounts, logs, record};
use crate::model::{Item, TenantId, WhatsAppLog};
use crate::store::{Store, StoreError};

/// What goes through the door.
pub trait Entry: Sized + 'static {
    /// About how long its texts are.
    fn bytes(&self) -> usize;

    /// Records a batch: all of it, durable, or nothing.
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

/// How many entries one durable write takes: the first one, and at the least and the most.
const FIRST: usize = 1000;
const LEAST: usize = 250;
const MOST: usize = 10_000;
/// How many bytes of text it takes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How long a write may take before the next ones are smaller: who writes beside it waits so long.
const LONG: Duration = Duration::from_millis(400);
/// Up to when the next ones are greater: the more at once, the less each of them costs.
const SHORT: Duration = Duration::from_millis(150);

/// Gathers a tenant's entries and records them. Call it from a thread that runs local tasks.
pub struct Pipeline<E> {
    store: Store,
    tenant: TenantId,
    batch: Vec<E>,
    bytes: usize,
    /// How many entries the next write takes.
    size: usize,
    writing: Option<JoinHandle<Written>>,
    recorded: OutcomeCounts,
}

/// What became of a batch, and how long that took.
type Written = (Result<OutcomeCounts, StoreError>, Duration);

impl<E: Entry> Pipeline<E> {
    pub fn new(store: &Store, tenant: TenantId) -> Self {
        let (batch, recorded) = (Vec::new(), OutcomeCounts::default());
        Self { store: store.clone(), tenant, batch, bytes: 0, size: FIRST, writing: None, recorded }
    }

    /// Takes an entry, and waits for an earlier batch where this one is full.
    pub async fn push(&mut self, entry: E) -> Result<(), StoreError> {
        self.bytes += entry.bytes();
        self.batch.push(entry);
        if self.batch.len() < self.size && self.bytes < MOST_BYTES {
            return Ok(());
        }
        self.write().await
    }

    /// Waits until everything is durable; gives what became of all entries so far.
    pub async fn finish(&mut self) -> Result<OutcomeCounts, StoreError> {
        if !self.batch.is_empty() {
            self.write().await?;
        }
        self.written().await?;
        Ok(self.recorded)
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        self.written().await?;
        self.bytes = 0;
        let (store, tenant, batch) = (self.store.clone(), self.tenant, std::mem::take(&mut self.batch));
        self.writing = Some(tokio::task::spawn_local(async move {
            let started = Instant::now();
            (E::record(&store, tenant, batch).await, started.elapsed())
        }));
        // Lets the write begin before the next batch is gathered on this same thread.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn written(&mut self) -> Result<(), StoreError> {
        if let Some(writing) = self.writing.take() {
            let (recorded, took) = writing.await.map_err(|_| StoreError::Failed("a write was cut short".into()))?;
            self.recorded += recorded?;
            self.size = next_size(self.size, took);
        }
        Ok(())
    }
}

/// How many entries the next write takes, after one of this size took so long.
fn next_size(size: usize, took: Duration) -> usize {
    match took {
        _ if took < SHORT => (size * 2).min(MOST),
        _ if took > LONG => (size / 2).max(LEAST),
        _ => size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_size_adapts_to_the_duration_of_writes() {
        let after = |size, milliseconds| next_size(size, Duration::from_millis(milliseconds));
        assert_eq!((after(FIRST, 20), after(FIRST, 200), after(FIRST, 2000)), (2000, 1000, 500));
        assert_eq!((after(8000, 20), after(300, 2000)), (MOST, LEAST));
    }
}
