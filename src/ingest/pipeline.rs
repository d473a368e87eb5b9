//! Many items through the door in batches, the next batch gathered while the last one is written.

use tokio::task::JoinHandle;

use super::{Recorded, record};
use crate::model::{Item, Property, TenantId};
use crate::store::{Store, StoreError};

/// How many items one durable write takes, and how many bytes of content.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Gathers a tenant's items and records them. Call it from a thread that runs local tasks.
pub struct Pipeline {
    store: Store,
    tenant: TenantId,
    batch: Vec<Item>,
    bytes: usize,
    writing: Option<JoinHandle<Result<Recorded, StoreError>>>,
    recorded: Recorded,
}

impl Pipeline {
    pub fn new(store: &Store, tenant: TenantId) -> Self {
        Self { store: store.clone(), tenant, batch: Vec::new(), bytes: 0, writing: None, recorded: Recorded::default() }
    }

    /// Takes an item, and waits for an earlier batch where this one is full.
    pub async fn push(&mut self, item: Item) -> Result<(), StoreError> {
        self.bytes += item.text(Property::Content).map_or(0, str::len);
        self.batch.push(item);
        if self.batch.len() < BATCH && self.bytes < BATCH_BYTES {
            return Ok(());
        }
        self.write().await
    }

    /// Waits until everything is durable; gives what became of all items so far.
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
        self.writing = Some(tokio::task::spawn_local(async move { record(&store, tenant, batch).await }));
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
