//! One request's entry in the journal, which is written even if the client does not wait for the response; knows no handler.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant as Monotonic;

use actix_web::web::Data;

use super::cut::BodyPrefix;
use super::recorded::Copied;
use crate::sandbox::instance::Instance;
use crate::sandbox::journal::{Content, Entry, MAX_BODY_BYTES, MAX_ENTRIES};
use crate::sandbox::registry::Registry;
use crate::sandbox::warnings::Warning;

/// How many requests of unknown callers are kept.
const MAX_UNMATCHED: usize = 1000;

/// An entry that is not written yet. If this is dropped before it has ended, nobody waits for a response.
pub struct PendingEntry {
    registry: Data<Registry>,
    instance: Option<Arc<Instance>>,
    body: Rc<RefCell<Copied>>,
    started: Monotonic,
    pub entry: Option<Entry>,
}

impl PendingEntry {
    pub fn begin(registry: &Data<Registry>, instance: Option<Arc<Instance>>, body: Rc<RefCell<Copied>>) -> Self {
        Self { registry: registry.clone(), instance, body, started: Monotonic::now(), entry: None }
    }

    /// Writes the entry with what is sent.
    pub fn end(mut self, status: Option<u16>, answer: BodyPrefix, warnings: Vec<Warning>) {
        let answer = self.content(answer.bytes, answer.is_whole);
        let clean = |warning: Warning| Warning { path: self.registry.without_keys(warning.path), ..warning };
        let warnings = warnings.into_iter().map(clean).collect();
        if let Some(entry) = &mut self.entry {
            (entry.status, entry.answer, entry.warnings) = (status, answer, warnings);
        }
    }

    fn content(&self, bytes: Vec<u8>, is_whole: bool) -> Content {
        let lossy = |error: std::string::FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
        let mut text = self.registry.without_keys(String::from_utf8(bytes).unwrap_or_else(lossy));
        if !is_whole {
            // Cut last, so that no part of a key is left at the end.
            text.truncate(text.floor_char_boundary(MAX_BODY_BYTES));
        }
        Content::new(text, is_whole)
    }
}

impl Drop for PendingEntry {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        let (kept, is_whole) = self.body.borrow().kept();
        entry.body = self.content(kept, is_whole);
        entry.took = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        match &self.instance {
            Some(instance) => instance.journal().push(entry, MAX_ENTRIES),
            None => self.registry.unmatched().push(entry, MAX_UNMATCHED),
        }
    }
}
