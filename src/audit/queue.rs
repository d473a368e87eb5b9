//! Records that wait to be written, and counts of what each key has read; knows no store.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::audit::{Action, AuditRecord, Who};
use crate::model::{Instant, TenantId};

/// How many bytes of records may wait, at most half of them of one tenant.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The greatest size of an entry of the log, unless a single record is larger.
const MAX_ENTRY_BYTES: usize = 256 * 1024;

/// More than most records have.
const USUAL_BYTES: usize = 512;

/// The queue has no room for a record.
#[derive(Debug)]
pub struct QueueFull;

/// A record as it is stored.
pub struct QueuedRecord(String);

impl QueuedRecord {
    pub fn new(record: &AuditRecord) -> Self {
        let mut text = Vec::with_capacity(USUAL_BYTES);
        // Strings, numbers and lists can always be serialized, and are UTF-8.
        let serialized = serde_json::to_writer(&mut text, record);
        Self(serialized.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_default())
    }
}

/// Records of a tenant, in their order. They are one text: each request appends to it, so memory for each would be the
/// greater part of its costs.
#[derive(Default)]
pub struct Records {
    /// With a comma after each.
    text: String,
    /// Where each ends in the text, before its comma.
    ends: Vec<usize>,
}

impl Records {
    fn push(&mut self, QueuedRecord(record): &QueuedRecord) {
        self.text.push_str(record);
        self.ends.push(self.text.len());
        self.text.push(',');
    }

    fn extend(&mut self, later: &Self) {
        let before = self.text.len();
        self.text.push_str(&later.text);
        self.ends.extend(later.ends.iter().map(|end| before + end));
    }

    /// The JSON array of each entry of the log.
    pub fn entries(&self) -> Vec<String> {
        let (mut entries, mut start, mut last) = (Vec::new(), 0, 0);
        let entry = |from: usize, to: usize| format!("[{}]", &self.text[from..to]);
        for end in &self.ends {
            if last > start && end - start > MAX_ENTRY_BYTES {
                entries.push(entry(start, last));
                // After the comma.
                start = last + 1;
            }
            last = *end;
        }
        if last > start {
            entries.push(entry(start, last));
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
    /// How many bytes each tenant has, with those that are being written.
    bytes: BTreeMap<TenantId, usize>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    requests: u64,
    rows: u64,
}

impl Queue {
    pub fn push(&self, tenant: TenantId, record: &QueuedRecord) -> Result<(), QueueFull> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = record.0.len() + 1;
        let of_tenant = waiting.bytes.get(&tenant).copied().unwrap_or_default();
        if waiting.bytes.values().sum::<usize>() + bytes > MAX_BYTES || of_tenant + bytes > MAX_BYTES / 2 {
            return Err(QueueFull);
        }
        waiting.push(tenant, record);
        Ok(())
    }

    /// The same, whether the queue is full or not.
    pub fn push_always(&self, tenant: TenantId, record: &QueuedRecord) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(tenant, record);
    }

    /// The tenants that have records.
    pub fn tenants(&self) -> Vec<TenantId> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).records.keys().copied().collect()
    }

    /// Takes all records of a tenant out; they count as waiting until they are `done`.
    pub fn take(&self, tenant: TenantId) -> Option<Records> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).records.remove(&tenant)
    }

    /// Frees the space of a tenant's records that are written.
    pub fn done(&self, tenant: TenantId, written: &Records) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = waiting.bytes.remove(&tenant).unwrap_or_default().saturating_sub(written.text.len());
        if rest > 0 {
            waiting.bytes.insert(tenant, rest);
        }
    }

    /// Puts records back that could not be written, before all others.
    pub fn put_back(&self, tenant: TenantId, mut unwritten: Records) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let records = waiting.records.entry(tenant).or_default();
        unwritten.extend(records);
        *records = unwritten;
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
    fn push(&mut self, tenant: TenantId, record: &QueuedRecord) {
        *self.bytes.entry(tenant).or_default() += record.0.len() + 1;
        self.records.entry(tenant).or_default().push(record);
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, MAX_ENTRY_BYTES, Queue, QueuedRecord};
    use crate::model::TenantId;

    fn fill(queue: &Queue, tenant: i64) -> usize {
        let record = QueuedRecord("x".repeat(1023));
        (0..usize::MAX).take_while(|_| queue.push(TenantId(tenant), &record).is_ok()).count()
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
        assert!(entries.len() == 32 && entries.iter().all(|entry| entry.len() <= MAX_ENTRY_BYTES + 2));
        let records: usize = entries.iter().map(|entry| entry.split(',').count()).sum();
        assert_eq!(records, MAX_BYTES / 2048);
        assert_eq!(fill(&queue, 3), 0, "what is being written still takes space");
        queue.put_back(tenant, batch);
        assert_eq!(fill(&queue, 1) + fill(&queue, 3), 0);
        let batch = queue.take(tenant).unwrap();
        queue.done(tenant, &batch);
        assert_eq!(fill(&queue, 3), MAX_BYTES / 2048);
    }

    #[test]
    fn tenant_whose_records_cannot_be_written_keeps_to_its_half() {
        let queue = Queue::default();
        let tenant = TenantId(1);
        for _ in 0..3 {
            fill(&queue, 1);
            let batch = queue.take(tenant).unwrap();
            assert_eq!(fill(&queue, 1), 0, "what is being written is the tenant's too");
            queue.put_back(tenant, batch);
        }
        assert_eq!(fill(&queue, 2), MAX_BYTES / 2048);
    }

    #[test]
    fn records_keep_their_order_when_they_are_put_back() {
        let queue = Queue::default();
        for text in ["1", "2", "3"] {
            queue.push_always(TenantId(1), &QueuedRecord(text.into()));
        }
        let tenant = TenantId(1);
        let batch = queue.take(tenant).unwrap();
        queue.push_always(tenant, &QueuedRecord("4".into()));
        queue.put_back(tenant, batch);
        assert_eq!(queue.take(tenant).unwrap().entries(), ["[1,2,3,4]"]);
        assert!(queue.take(tenant).is_none());
    }
}
