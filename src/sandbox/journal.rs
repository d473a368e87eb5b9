//! The journal: what was asked of a tenant and what it answered, bounded in number and size; knows no route's handler.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::matching::Facts;
use super::warnings::Warning;

/// How many entries a journal keeps, and about how many bytes.
pub const MAX_ENTRIES: usize = 10_000;
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How much of a body is kept.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// How much of a body is read for that: a key that begins in it may end after it.
pub const READ_BODY_BYTES: usize = MAX_BODY_BYTES + 64;

/// About how much memory an entry takes without its bodies.
const ENTRY_BYTES: usize = 512;

/// One request and its response.
#[derive(Debug, Default, Serialize)]
pub struct Entry {
    pub id: u64,
    pub at: String,
    pub method: String,
    pub path: String,
    /// The documented template; null for an unknown route.
    pub route: Option<&'static str>,
    /// The key's name; null if it belongs to no tenant.
    pub key: Option<&'static str>,
    pub body: Content,
    /// Null if the connection was closed without a response.
    pub status: Option<u16>,
    pub answer: Content,
    /// In milliseconds.
    pub took: f64,
    /// The fault rule that was applied.
    pub fault: Option<u64>,
    pub warnings: Vec<Warning>,
}

/// The beginning of a body, as JSON if it is JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Null in JSON.
    None(()),
    Json(Box<RawValue>),
    Text(String),
}

impl Default for Content {
    fn default() -> Self {
        Self::None(())
    }
}

impl Content {
    /// A body of which `text` is the beginning.
    pub fn new(text: String, is_whole: bool) -> Self {
        if text.is_empty() {
            return Self::None(());
        }
        if !is_whole {
            return Self::Text(text);
        }
        match RawValue::from_string(text.clone()) {
            Ok(json) => Self::Json(json),
            Err(_) => Self::Text(text),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::None(()) => 0,
            Self::Json(json) => json.get().len(),
            Self::Text(text) => text.len(),
        }
    }

    /// The value, if it is JSON.
    pub fn value(&self) -> Option<Value> {
        match self {
            Self::Json(json) => serde_json::from_str(json.get()).ok(),
            Self::None(()) | Self::Text(_) => None,
        }
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        let warnings: usize = self.warnings.iter().map(|found| found.path.len() + found.what.len()).sum();
        ENTRY_BYTES + self.path.len() + self.body.bytes() + self.answer.bytes() + warnings
    }

    /// What a verification compares.
    pub fn facts<'a>(&'a self, body: Option<&'a Value>) -> Facts<'a> {
        Facts { method: &self.method, route: self.route, body }
    }
}

/// The newest entries, oldest first.
#[derive(Default)]
pub struct Journal {
    entries: VecDeque<Arc<Entry>>,
    last_id: u64,
    bytes: usize,
    dropped: u64,
}

impl Journal {
    /// Adds an entry under the next id; drops the oldest ones if there are too many then.
    pub fn push(&mut self, mut entry: Entry, max_entries: usize) {
        self.last_id += 1;
        entry.id = self.last_id;
        self.bytes += entry.bytes();
        self.entries.push_back(Arc::new(entry));
        while self.entries.len() > max_entries || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.dropped += 1;
        }
    }

    /// Removes every entry; ids go on.
    pub fn clear(&mut self) {
        *self = Self { last_id: self.last_id, ..Self::default() };
    }

    /// The entries, oldest first; sharing them lets the journal go on meanwhile.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.entries.iter().cloned().collect()
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many requests were recorded, dropped entries included.
    pub fn len(&self) -> u64 {
        self.entries.len() as u64 + self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Entry, Journal, MAX_ENTRIES};

    fn entry(answer: usize) -> Entry {
        Entry { answer: Content::new("x".repeat(answer), false), ..Entry::default() }
    }

    #[test]
    fn the_oldest_entries_are_dropped_and_counted() {
        let mut journal = Journal::default();
        for _ in 0..MAX_ENTRIES + 3 {
            journal.push(entry(0), MAX_ENTRIES);
        }
        let ids: Vec<u64> = journal.entries().iter().map(|entry| entry.id).collect();
        assert_eq!((ids.len(), ids[0], journal.dropped(), journal.len()), (MAX_ENTRIES, 4, 3, 10_003));
        // 300 answers of 64 KiB are more than 16 MiB.
        for _ in 0..300 {
            journal.push(entry(64 * 1024), MAX_ENTRIES);
        }
        assert_eq!(journal.entries().len(), 254);
        journal.clear();
        journal.push(entry(0), MAX_ENTRIES);
        assert_eq!((journal.entries()[0].id, journal.dropped()), (10_304, 0));
    }
}
