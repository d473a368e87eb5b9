//! Many messages or rows through the door in batches, the next batch gathered while the last one is written.

use std::future::Future;

use tokio::task::JoinHandle;

use super::{Event, Recorded, logs, record};
use crate::model::{Item, TenantId, WhatsAppLog};
use crate::store::{Store, StoreError};

/// What goes through the door.
pub trait Entry: Sized + 'static {
    /// About how long its texts are.
    fn bytes(&self) -> usize;

    /// Records a batch: all of it, durable, or nothing.
    fn record(store: &Store, tenant: TenantId, batch: Vec<Self>) -> impl Future<Output = Result<Recorded, StoreError>>;
}

impl Entry for Item {
    fn bytes(&self) -> usize {
        self.bytes()
    }

    async fn record(store: &Store, tenant: TenantId, batch: Vec<Self>) -> Result<Recorded, StoreError> {
        record(store, tenant, batch).await
    }
}

impl Entry for Event {
    fn bytes(&self) -> usize {
        self.bytes()
    }

    async fn record(store: &Store, tenant: TenantId, batch: Vec<Self>) -> Result<Recorded, StoreError> {
        record(store, tenant, batch).await
    }
}

impl Entry for WhatsAppLog {
    fn bytes(&self) -> usize {
        self.message_text.as_ref().map_or(0, String::len)
    }

    async fn record(store: &Store, tenant: TenantId, batch: Vec<Self>) -> Result<Recorded, StoreError> {
        logs::record(store, tenant, batch).await
    }
}

/// How many entries one durable write takes, and how many bytes of text.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Gathers a tenant's entries and records them. Call it from a thread that runs local tasks.
pub struct Pipeline<E> {
    store: Store,
    tenant: TenantId,
    batch: Vec<E>,
    bytes: usize,
    writing: Option<JoinHandle<Result<Recorded, StoreError>>>,
    recorded: Recorded,
}

impl<E: Entry> Pipeline<E> {
    pub fn new(store: &Store, tenant: TenantId) -> Self {
        Self { store: store.clone(), tenant, batch: Vec::new(), bytes: 0, writing: None, recorded: Recorded::default() }
    }

    /// Takes an entry, and waits for an earlier batch where this one is full.
    pub async fn push(&mut self, entry: E) -> Result<(), StoreError> {
        self.bytes += entry.bytes();
        self.batch.push(entry);
        if self.batch.len() < BATCH && self.bytes < BATCH_BYTES {
            return Ok(());
        }
        self.write().await
    }

    /// Waits until everything is durable; gives what became of all entries so far.
    pub async fn finish(&mut self) -> Result<Recorded, StoreError> {
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
        self.writing = Some(tokio::task::spawn_local(async move { E::record(&store, tenant, batch).await }));
        // Lets the write begin before the next batch is gathered on this same thread.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn written(&mut self) -> Result<(), StoreError> {
        if let Some(writing) = self.writing.take() {
            self.recorded += writing.await.map_err(|_| StoreError::Failed("a write was cut short".into()))??;
        }
        Ok(())
    }
}
