//! Records that wait to be written, and counts of what each key has read; knows no store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::model::audit::{Action, AuditRecord, Who};
use crate::model::{Instant, TenantId};

/// How many bytes of records may wait, at most half of them of one tenant.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// At most so much is one entry of the log.
const MAX_ENTRY_BYTES: usize = 256 * 1024;

/// The queue has no room for a record.
#[derive(Debug)]
pub struct QueueFull;

/// A record as it is stored.
pub struct QueuedRecord(String);

impl QueuedRecord {
    pub fn new(record: &AuditRecord) -> Self {
        // Strings, numbers and lists can always be serialized.
        Self(serde_json::to_string(record).unwrap_or_default())
    }
}

/// Records of a tenant that are written together.
pub struct Batch {
    records: VecDeque<QueuedRecord>,
    bytes: usize,
}

impl Batch {
    /// The JSON array of each entry, in order.
    pub fn entries(&self) -> Vec<String> {
        let mut entries: Vec<String> = Vec::new();
        for QueuedRecord(record) in &self.records {
            match entries.last_mut().filter(|entry| entry.len() + record.len() <= MAX_ENTRY_BYTES) {
                Some(entry) => entry.push(','),
                None => entries.push("[".into()),
            }
            if let Some(entry) = entries.last_mut() {
                entry.push_str(record);
            }
        }
        for entry in &mut entries {
            entry.push(']');
        }
        entries
    }
}

/// The queue of a gateway.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    counts: Mutex<BTreeMap<(TenantId, i64, Action), Count>>,
}

#[derive(Default)]
struct Waiting {
    records: BTreeMap<TenantId, Records>,
    /// With those that are being written.
    bytes: usize,
}

#[derive(Default)]
struct Records {
    queued: VecDeque<QueuedRecord>,
    bytes: usize,
}

#[derive(Clone, Copy, Default)]
struct Count {
    requests: u64,
    rows: u64,
}

impl Queue {
    pub fn push(&self, tenant: TenantId, record: QueuedRecord) -> Result<(), QueueFull> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = record.0.len();
        let of_tenant = waiting.records.get(&tenant).map_or(0, |records| records.bytes);
        if waiting.bytes + bytes > MAX_BYTES || of_tenant + bytes > MAX_BYTES / 2 {
            return Err(QueueFull);
        }
        waiting.push(tenant, record);
        Ok(())
    }

    /// The same, whether the queue is full or not.
    pub fn push_always(&self, tenant: TenantId, record: QueuedRecord) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(tenant, record);
    }

    /// The tenants that have records.
    pub fn tenants(&self) -> Vec<TenantId> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).records.keys().copied().collect()
    }

    /// Takes all records of a tenant out; they count as waiting until they are `done`.
    pub fn take(&self, tenant: TenantId) -> Option<Batch> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Records { queued, bytes } = waiting.records.remove(&tenant)?;
        Some(Batch { records: queued, bytes })
    }

    /// Frees the space of a batch that is written.
    pub fn done(&self, batch: &Batch) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes -= batch.bytes;
    }

    /// Puts a batch back that could not be written, before all others.
    pub fn put_back(&self, tenant: TenantId, batch: Batch) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let records = waiting.records.entry(tenant).or_default();
        records.bytes += batch.bytes;
        let later = std::mem::replace(&mut records.queued, batch.records);
        records.queued.extend(later);
    }

    /// Counts a read of a key.
    pub fn count(&self, tenant: TenantId, key: i64, action: Action, rows: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((tenant, key, action)).or_default();
        count.requests += 1;
        count.rows = count.rows.saturating_add(rows);
    }

    /// A record for each key and action since the last call.
    pub fn take_counts(&self, now: Instant) -> Vec<(TenantId, AuditRecord)> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let record = |((tenant, key, action), count): ((TenantId, i64, Action), Count)| {
            let mut record = AuditRecord::new(now, Who::Key { key }, action);
            (record.requests, record.rows) = (Some(count.requests), Some(count.rows));
            (tenant, record)
        };
        counts.into_iter().map(record).collect()
    }
}

impl Waiting {
    fn push(&mut self, tenant: TenantId, record: QueuedRecord) {
        self.bytes += record.0.len();
        let records = self.records.entry(tenant).or_default();
        records.bytes += record.0.len();
        records.queued.push_back(record);
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, MAX_ENTRY_BYTES, Queue, QueuedRecord};
    use crate::model::TenantId;

    fn fill(queue: &Queue, tenant: i64) -> usize {
        let record = || QueuedRecord("x".repeat(1024));
        (0..usize::MAX).take_while(|_| queue.push(TenantId(tenant), record()).is_ok()).count()
    }

    #[test]
    fn full_queue_takes_no_more_until_a_batch_is_written() {
        let queue = Queue::default();
        assert_eq!(fill(&queue, 1), MAX_BYTES / 2048);
        // Another tenant has the other half.
        assert_eq!(fill(&queue, 2), MAX_BYTES / 2048);
        assert_eq!(fill(&queue, 3), 0);
        assert_eq!(queue.tenants(), [TenantId(1), TenantId(2)]);
        let tenant = TenantId(1);
        let batch = queue.take(tenant).unwrap();
        let entries = batch.entries();
        assert!(entries.len() >= 32 && entries.iter().all(|entry| entry.len() <= MAX_ENTRY_BYTES + 1024));
        assert_eq!(fill(&queue, 3), 0, "what is being written still takes space");
        queue.put_back(tenant, batch);
        assert_eq!(fill(&queue, 1) + fill(&queue, 3), 0);
        let batch = queue.take(tenant).unwrap();
        queue.done(&batch);
        assert_eq!(fill(&queue, 3), MAX_BYTES / 2048);
    }

    #[test]
    fn records_keep_their_order_when_they_are_put_back() {
        let queue = Queue::default();
        for text in ["1", "2", "3"] {
            queue.push_always(TenantId(1), QueuedRecord(text.into()));
        }
        let tenant = TenantId(1);
        let batch = queue.take(tenant).unwrap();
        queue.push_always(tenant, QueuedRecord("4".into()));
        queue.put_back(tenant, batch);
        assert_eq!(queue.take(tenant).unwrap().entries(), ["[1,2,3,4]"]);
        assert!(queue.take(tenant).is_none());
    }
}
