//! Records who has read what: what users of the console do before they see it, requests of API keys as the settings say;
//! knows no route and no page.

mod error;
mod key_file;
mod queue;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use crate::config::{self, ApiAudit};
use crate::model::audit::{Action, AuditKey, AuditRecord, Who};
use crate::model::{Caller, Instant, TenantId};
use crate::store::{Store, StoreError, audit};
pub use error::AuditError;
use queue::{Queue, QueuedRecord};

/// A read of an API key.
pub struct ApiRead<'a> {
    pub caller: &'a Caller,
    pub action: Action,
    pub from: Option<std::net::IpAddr>,
    pub rows: u64,
    pub at: Instant,
}

/// The audit log of a running gateway.
pub struct Audit {
    store: Store,
    api: ApiAudit,
    key_file: Option<PathBuf>,
    key: Mutex<Option<Arc<AuditKey>>>,
    queue: Queue,
    flushing: tokio::sync::Mutex<()>,
    logged_at: Mutex<Option<Monotonic>>,
}

impl Audit {
    pub fn new(store: Store, settings: &config::Audit) -> Self {
        let key_file = settings.key_file.clone().or_else(|| store.file().map(key_file::beside));
        Self {
            store,
            api: settings.api,
            key_file,
            key: Mutex::default(),
            queue: Queue::default(),
            flushing: tokio::sync::Mutex::default(),
            logged_at: Mutex::default(),
        }
    }

    /// The key of the digests, from its file. Makes the file if there is none.
    pub fn key(&self) -> Result<Arc<AuditKey>, AuditError> {
        let mut known = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*known {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(key_file::open(self.key_file.as_deref().ok_or(AuditError::NoKeyFile)?)?);
        *known = Some(Arc::clone(&key));
        Ok(key)
    }

    /// Whether there is a place for the key. On PostgreSQL, only the settings name one.
    pub fn has_key_file(&self) -> bool {
        self.key_file.is_some()
    }

    /// Fails if API requests are to be recorded with digests, and there is no key for them.
    pub fn check(&self) -> Result<(), AuditError> {
        if self.api == ApiAudit::Every { self.key().map(|_| ()) } else { Ok(()) }
    }

    /// Adds a record to a tenant's log. It is durable when this returns.
    pub async fn record(&self, tenant: TenantId, record: AuditRecord, now: Instant) -> Result<(), AuditError> {
        let append = move |connection: &mut _| audit::append(connection, tenant, &[record], now);
        Ok(self.store.write(append).await.map(|_| ())?)
    }

    /// Queues a record that nobody waits for.
    pub fn queue(&self, tenant: TenantId, record: &AuditRecord) -> Result<(), AuditError> {
        self.queue.push(tenant, &QueuedRecord::new(record)).map_err(|_| AuditError::Full)
    }

    /// Records what an API key has read, as the settings say: not at all, together with other reads of the key, or by
    /// itself, with the filter that `filter` makes. Fails if too many records wait; then the response must not be sent.
    pub fn api_read(
        &self,
        read: &ApiRead<'_>,
        filter: impl FnOnce(&mut AuditRecord, &AuditKey),
    ) -> Result<(), AuditError> {
        let tenant = read.caller.grants.tenant;
        match self.api {
            ApiAudit::Off => Ok(()),
            ApiAudit::Summary => {
                self.queue.count(tenant, read.caller.key_id, read.action, read.rows);
                Ok(())
            }
            ApiAudit::Every => {
                let key = self.key()?;
                let mut record = AuditRecord::new(read.at, Who::Key { key: read.caller.key_id }, read.action);
                record.from = read.from;
                record.rows = Some(read.rows);
                filter(&mut record, &key);
                // Whoever has added addresses has marked it.
                if record.digest_key.is_none() && !record.filter.is_empty() {
                    record.mark_digests(&key);
                }
                self.queue(tenant, &record)
            }
        }
    }

    /// Whether a failure may be logged now: records are tried again ten times a second.
    pub fn may_log(&self) -> bool {
        let mut logged_at = self.logged_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may_log = logged_at.is_none_or(|at| at.elapsed() >= Duration::from_secs(1));
        if may_log {
            *logged_at = Some(Monotonic::now());
        }
        may_log
    }

    /// Writes what is queued. What cannot be written stays queued, and holds no other tenant up.
    pub async fn flush(&self, now: Instant) -> Result<(), StoreError> {
        // Two at once would change the order of the records.
        let _turn = self.flushing.lock().await;
        let mut result = Ok(());
        for tenant in self.queue.tenants() {
            if let Err(error) = self.flush_tenant(tenant, now).await {
                result = Err(error);
            }
        }
        result
    }

    /// Writes what waits now, in one transaction: later records are the next call's.
    async fn flush_tenant(&self, tenant: TenantId, now: Instant) -> Result<(), StoreError> {
        let Some(records) = self.queue.take(tenant) else { return Ok(()) };
        let entries = records.entries();
        let append = move |connection: &mut _| {
            for entry in &entries {
                audit::append_array(connection, tenant, (entry, None), now)?;
            }
            Ok(())
        };
        match self.store.write(append).await {
            // The log of a tenant that was deleted is gone.
            Ok(()) | Err(StoreError::UnknownTenant(_)) => {
                self.queue.done(tenant, &records);
                Ok(())
            }
            Err(error) => {
                self.queue.put_back(tenant, records);
                Err(error)
            }
        }
    }

    /// Queues a record for each key that has read something since the last call.
    pub fn summarize(&self, now: Instant) {
        for (tenant, record) in self.queue.take_counts(now) {
            // They are few, and nobody waits for them.
            self.queue.push_always(tenant, &QueuedRecord::new(&record));
        }
    }
}
