//! What own systems tell of messages and statuses: reads their lists, and says what became of each (docs/edna.md 6.7);
//! knows no store.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::json;
use serde_json::value::RawValue;

use super::EdnaError;
use super::request::{body_text, no_object};
use super::status::{self, Reading};
use crate::ingest::{Event, Fate};
use crate::model::item::LONGEST_ITEM;
use crate::model::{Caller, Heard, Instant, Item, Property, Source, wire};

/// How many entries one request holds at the most.
pub const MOST: usize = 10_000;

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Messages,
    Statuses,
}

/// An entry of a request as it was read.
pub struct Read {
    /// The message it is about, where it names one.
    message_id: Option<i64>,
    /// Why it is rejected, where it is.
    rejected: Option<String>,
}

/// The events of a request, and what was read of all its entries.
pub struct Request {
    pub events: Vec<Event>,
    entries: Vec<Read>,
}

/// Reads a body: one object, a list of them, or one on each line.
pub fn parse(body: &[u8], kind: Kind, caller: &Caller, now: Instant) -> Result<Request, EdnaError> {
    let text = body_text(body)?;
    let source = if caller.senders.is_some() { Source::RestrictedApi } else { Source::Api };
    let heard = Heard { source, at: Some(now) };
    let senders = caller.senders.clone().map(Arc::new);
    let mut request = Request { events: Vec::new(), entries: Vec::new() };
    let mut take = |raw: &str| {
        let entry = match raw.len() {
            ..=LONGEST_ITEM => kind.read(raw, caller, heard),
            _ => Err((None, "it is longer than 1 MiB".into())),
        };
        let (message_id, rejected) = match entry {
            Ok((id, event)) => {
                request.events.push(event.of_senders(senders.clone()));
                (id, None)
            }
            Err((id, reason)) => (id, Some(reason)),
        };
        request.entries.push(Read { message_id, rejected });
    };
    if text.trim_start().starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        bounded(list.len())?;
        for raw in list {
            take(raw.get());
        }
    } else if wire::object(text).is_ok() {
        take(text.trim());
    } else {
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        bounded(lines().count())?;
        if lines().nth(1).is_none() {
            wire::object(text).map_err(no_object)?;
        }
        lines().for_each(take);
    }
    Ok(request)
}

fn bounded(entries: usize) -> Result<(), EdnaError> {
    if entries <= MOST {
        return Ok(());
    }
    Err(EdnaError::NotValid(format!("The body must hold at most {MOST} entries; send the rest in another request.")))
}

fn not_json(error: &serde_json::Error) -> EdnaError {
    EdnaError::NotValid(format!("The body is not valid JSON: line {}, column {}.", error.line(), error.column()))
}

type Entry = Result<(Option<i64>, Event), (Option<i64>, String)>;

impl Kind {
    fn read(self, raw: &str, caller: &Caller, heard: Heard) -> Entry {
        match self {
            Self::Messages => message(raw, caller, heard),
            Self::Statuses => status(raw, caller, heard),
        }
    }
}

fn message(raw: &str, caller: &Caller, heard: Heard) -> Entry {
    let item = Item::parse(raw, caller.tenant).map_err(|error| (None, error.to_string()))?;
    let id = Some(item.message_id());
    // Content that came as an object may be twice as long as a text.
    if raw.len() > LONGEST_ITEM / 2 && item.render().len() > LONGEST_ITEM {
        return Err((id, "it is longer than 1 MiB".into()));
    }
    if !is_within(caller, item.integer(Property::SubjectId)) {
        return Err((id, OUTSIDE.into()));
    }
    Ok((id, Event::message(item, heard)))
}

fn status(raw: &str, caller: &Caller, heard: Heard) -> Entry {
    let fields = wire::object(raw).map_err(|error| (None, error.to_string()))?;
    let notice = status::notice(&fields, raw, heard, Reading::Strict).map_err(|error| (None, error.to_string()))?;
    let id = notice.message_id;
    if !is_within(caller, notice.subject_id) {
        return Err((id, OUTSIDE.into()));
    }
    Ok((id, Event::status(notice)))
}

const OUTSIDE: &str = "its subject does not belong to the key's senders";

/// Whether a subject belongs to the key's senders; a restricted key has to name one.
fn is_within(caller: &Caller, subject: Option<i64>) -> bool {
    caller.senders.is_none() || subject.is_some_and(|subject| caller.sees_subject(subject))
}

/// The answer to a request: what became of each entry, in their order. `true` where none was taken, though some were
/// sent.
pub fn answer(request: &[Read], fates: &[Fate]) -> (String, bool) {
    let mut fates = fates.iter();
    let mut counts = [0_u64; WORDS.len()];
    let mut results = Vec::with_capacity(request.len());
    for entry in request {
        let (word, detail) = match &entry.rejected {
            Some(reason) => (REJECTED, Some(reason.as_str())),
            None => match fates.next() {
                Some(Fate::Imported) => (0, None),
                Some(Fate::Updated) => (1, None),
                Some(Fate::Unchanged) => (2, None),
                Some(Fate::Waiting) => (3, None),
                Some(Fate::NoRoom) => (REJECTED, Some("the tenant has as many events of its kind as are kept")),
                Some(Fate::Refused) | None => (REJECTED, Some("its message does not belong to the key's senders")),
            },
        };
        counts[word] += 1;
        let mut result = format!("{{\"result\":{}", json!(WORDS[word]));
        if let Some(id) = entry.message_id {
            // A text has room for whatever is written to it.
            let _ = write!(result, ",\"messageId\":{id}");
        }
        if let Some(detail) = detail {
            let _ = write!(result, ",\"detail\":{}", json!(detail));
        }
        results.push(result + "}");
    }
    let counted: Vec<String> =
        WORDS.iter().zip(counts).map(|(word, count)| format!("{}:{count}", json!(word))).collect();
    let nothing_taken = !request.is_empty() && counts[REJECTED] == request.len() as u64;
    (format!("{{{},\"results\":[{}]}}", counted.join(","), results.join(",")), nothing_taken)
}

/// What can become of an entry.
const WORDS: [&str; 5] = ["imported", "updated", "unchanged", "waiting", "rejected"];
const REJECTED: usize = 4;

impl Request {
    /// How many entries were rejected as they were read.
    pub fn rejected(&self) -> usize {
        self.entries.iter().filter(|entry| entry.rejected.is_some()).count()
    }

    /// The events, and what is needed for the answer.
    pub fn parts(self) -> (Vec<Event>, Vec<Read>) {
        (self.events, self.entries)
    }
}
