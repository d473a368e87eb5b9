//! Reads the fixtures of a sandbox from files: messages and WhatsApp log rows, in every form that a test may have them
//! in; knows no store.

use std::io::Read;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::value::RawValue;

use super::failure::{Failure, print_last_note};
use super::import::open;
use crate::model::{Item, TenantId, WhatsAppLog, wire};
use crate::sandbox::{Fixtures, item, log};

/// How many wrong entries are named.
const MAX_NAMED: usize = 20;

/// The entries of all files.
#[derive(Default)]
struct Entries {
    items: Vec<Item>,
    logs: Vec<WhatsAppLog>,
    rejected: usize,
}

/// Reads files of newline-delimited JSON, arrays, or whole responses of either dialect; entries are told apart by their
/// fields. Fails if any entry is wrong, after naming it with its file and line.
pub fn read(paths: &[PathBuf], tenant: TenantId) -> Result<Fixtures, Failure> {
    let mut entries = Entries::default();
    for path in paths {
        let mut text = String::new();
        let file = open(path, &ProgressBar::hidden(), "message")?.read_to_string(&mut text);
        file.map_err(|error| Failure::message(format!("'{}' cannot be read: {error}", path.display())))?;
        File { path, text: text.strip_prefix('\u{feff}').unwrap_or(&text), tenant }.read(&mut entries);
    }
    let Entries { items, logs, rejected } = entries;
    if rejected > 0 {
        let sentence = format!("entries of the fixtures were rejected: {rejected}; correct them and start again");
        return Err(Failure::message(sentence));
    }
    Ok(Fixtures::Given { items, logs })
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
    tenant: TenantId,
}

impl File<'_> {
    fn read(&self, entries: &mut Entries) {
        for document in serde_json::Deserializer::from_str(self.text).into_iter::<&RawValue>() {
            match document {
                Ok(raw) => self.document(raw.get(), entries),
                Err(error) => {
                    // Nothing after it can be read.
                    return self.reject(error.line(), "it is not valid JSON", entries);
                }
            }
        }
    }

    /// An entry, a list of entries, or a response that has such a list.
    fn document(&self, raw: &str, entries: &mut Entries) {
        let list_in = |list: &str, id: &str| {
            let fields = wire::object(raw).ok()?.0;
            let has_id = fields.iter().any(|(name, _)| name == id);
            fields.iter().find(|(name, _)| name == list && !has_id).and_then(|(_, raw)| wire::array(raw.get()))
        };
        let list = wire::array(raw).or_else(|| list_in("content", "messageId")).or_else(|| list_in("data", "_id"));
        match list {
            Some(list) => list.into_iter().for_each(|entry| self.entry(entry.get(), entries)),
            None => self.entry(raw, entries),
        }
    }

    fn entry(&self, raw: &str, entries: &mut Entries) {
        let is_row = wire::object(raw).is_ok_and(|fields| {
            let has = |wanted: &str| fields.0.iter().any(|(name, _)| name == wanted);
            !has("messageId") && (has("_id") || has("toNumber"))
        });
        let read = if is_row {
            log(raw, self.tenant).map(|log| entries.logs.push(log))
        } else {
            item(raw, self.tenant).map(|item| entries.items.push(item))
        };
        if let Err(reason) = read {
            // Both texts are parts of the file's text.
            let before = (raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
            let line = 1 + self.text[..before].matches('\n').count();
            self.reject(line, &reason, entries);
        }
    }

    fn reject(&self, line: usize, reason: &str, entries: &mut Entries) {
        entries.rejected += 1;
        if entries.rejected <= MAX_NAMED {
            print_last_note(format!("{}:{line}: rejected: {reason}", self.path.display()));
        }
    }
}
