//! `POST /v1/messages` and `POST /v1/statuses`: messages and status events from your own systems, and the outcome of
//! each entry (docs/edna.md 6.7); knows no store.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::App;
use crate::config::Config;
use crate::ingest::{Event, Outcome, Recorded, Rejection};
use crate::model::item::{ItemError, MAX_ITEM_BYTES};
use crate::model::status_event::Strictness;
use crate::model::wire::Fields;
use crate::model::{Caller, Freshness, Instant, Item, Property, Provenance, Source, StatusEvent, wire};
use crate::web::answer::{typed, with_position};
use crate::web::body::text;
use crate::web::{Access, ApiError, KeyHeader, Request};

/// The maximum number of entries in one request.
const MOST_ENTRIES: usize = 10_000;

/// Access to sending messages and status events.
pub struct SendMessages;

impl Access for SendMessages {
    const KEY: KeyHeader = KeyHeader::Api("x-api-key");
    const BODY_WEIGHT: usize = 2;

    fn body_limit(config: &Config) -> usize {
        config.ingest.body_limit_bytes
    }

    fn check(caller: &Caller) -> Result<(), &'static str> {
        caller.may_send_messages()
    }
}

/// The outcome of each entry of a request.
#[derive(Default, Serialize, ToSchema)]
#[schema(example = json!({"imported": 1, "updated": 0, "unchanged": 0, "waiting": 0, "rejected": 1, "results": [
    {"result": "imported", "messageId": 8_270_556},
    {"result": "rejected", "detail": "the field 'address' is missing"}
]}))]
pub struct IngestResult {
    /// How many messages were new.
    imported: u64,
    /// How many entries changed a message, or are a new status of one.
    updated: u64,
    /// How many entries added nothing to their message. Its trail may still show that another feed reported the same.
    unchanged: u64,
    /// How many status events are stored until their message arrives.
    waiting: u64,
    /// How many entries were rejected, and not stored; correct them and send them again.
    rejected: u64,
    /// The outcome of each entry, in the order of the request.
    results: Vec<EntryResult>,
}

/// The outcome of one entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryResult {
    /// The outcome.
    result: EntryOutcome,
    /// The message that the entry names, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message_id: Option<i64>,
    /// Why the entry was rejected. Names the field, never its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
}

/// `imported`: the message is new. `updated`: the entry changed a message, or is a new status of one. `unchanged`: it
/// added nothing. `waiting`: a status whose message has not arrived yet. `rejected`: it was not stored.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryOutcome {
    Imported,
    Updated,
    Unchanged,
    Waiting,
    Rejected,
}

/// An entry as it was read: the message that it names, and why it is rejected, if it is.
struct Entry {
    message_id: Option<i64>,
    rejected: Option<String>,
}

/// The message that a rejected entry names, and why it is rejected.
type Rejected = (Option<i64>, String);

type ReadEntry = fn(&Fields<'_>, &str, &Caller, Provenance) -> Result<(Option<i64>, Event), Rejected>;

/// Send messages from your own systems
///
/// The body is one message, a list of messages, or one message per line, whatever its `Content-Type`: at most 10,000,
/// in at most 16 MiB (setting `ingest.body_limit_bytes`). When the response arrives, everything that was not rejected
/// is stored durably. Sending a message again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "ingestMessages",
    tag = "feeds",
    security(("x-api-key" = [])),
    request_body(content = super::document::NewMessages, content_type = "application/json"),
    responses(
        (status = 200, description = "The outcome of each entry.", body = IngestResult, headers(
            ("History-Position" = Option<String>, description = "On PostgreSQL: a read that sends it back sees what was written.")
        )),
        super::document::IngestErrors
    )
)]
pub async fn ingest_messages(request: Request<SendMessages>) -> Result<HttpResponse, ApiError> {
    ingest(request, message).await
}

/// Send status events from your own systems
///
/// The body is one status event, a list of them, or one per line, at most 10,000, whatever its `Content-Type`. A status
/// event that arrives before its message is stored, and counts once the message arrives.
#[utoipa::path(
    post,
    path = "/v1/statuses",
    operation_id = "ingestStatuses",
    tag = "feeds",
    security(("x-api-key" = [])),
    request_body(content = super::document::NewStatuses, content_type = "application/json"),
    responses(
        (status = 200, description = "The outcome of each entry.", body = IngestResult, headers(
            ("History-Position" = Option<String>, description = "On PostgreSQL: a read that sends it back sees what was written.")
        )),
        super::document::IngestErrors
    )
)]
pub async fn ingest_statuses(request: Request<SendMessages>) -> Result<HttpResponse, ApiError> {
    ingest(request, status).await
}

async fn ingest(mut request: Request<SendMessages>, read: ReadEntry) -> Result<HttpResponse, ApiError> {
    let caller = request.authorized()?;
    let body = request.take_body()?;
    let (result, position) = record(&request.app, &caller, request.now, body, read).await?;
    let response = typed(&request.app.in_flight.for_tenant(caller.grants.tenant), result.status(), &result)?;
    Ok(with_position(response, position))
}

/// Records the messages of a body for a caller who may send them.
pub async fn record_messages(
    app: &App,
    caller: &Caller,
    now: Instant,
    body: Vec<u8>,
) -> Result<IngestResult, ApiError> {
    record(app, caller, now, body, message).await.map(|(result, _)| result)
}

/// Records the status events of a body for a caller who may send them.
pub async fn record_statuses(
    app: &App,
    caller: &Caller,
    now: Instant,
    body: Vec<u8>,
) -> Result<IngestResult, ApiError> {
    record(app, caller, now, body, status).await.map(|(result, _)| result)
}

async fn record(
    app: &App,
    caller: &Caller,
    now: Instant,
    body: Vec<u8>,
    read: ReadEntry,
) -> Result<(IngestResult, Option<Freshness>), ApiError> {
    let queue = &app.ingest;
    let source = if caller.grants.senders.is_some() { Source::RestrictedApi } else { Source::Api };
    let provenance = Provenance { source, received_at: Some(now) };
    let senders = caller.grants.senders.clone().map(Arc::new);
    let (mut events, mut entries) = (Vec::new(), Vec::new());
    let take = |raw: &str, fields: Option<Fields<'_>>| match entry(raw, fields, read, caller, provenance) {
        Ok((message_id, event)) => {
            events.push(event.of_senders(senders.clone()));
            entries.push(Entry { message_id, rejected: None });
        }
        Err((message_id, reason)) => entries.push(Entry { message_id, rejected: Some(reason) }),
    };
    // The body is freed before the events wait for their commit.
    let parsed = text(body).and_then(|text| each_entry(&text, take));
    parsed.inspect_err(|_| queue.counters().reject(Source::Api, Rejection::Unreadable, 1))?;
    queue.counters().reject(Source::Api, Rejection::Unreadable, entries.len() - events.len());
    if events.is_empty() {
        return Ok((IngestResult::new(entries, &[]), None));
    }
    let Recorded { outcomes, position } = queue.record(caller.grants.tenant, events).await?;
    Ok((IngestResult::new(entries, &outcomes), position))
}

/// Passes each entry of a body to `take`: one object, which is parsed already, a list of them, or one per line.
fn each_entry(text: &str, mut take: impl FnMut(&str, Option<Fields<'_>>)) -> Result<(), ApiError> {
    if text.trim_start().starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        check_count(list.len())?;
        for raw in list {
            take(raw.get(), None);
        }
        return Ok(());
    }
    let error = match wire::object(text) {
        Ok(fields) => {
            take(text.trim(), Some(fields));
            return Ok(());
        }
        Err(error) => error,
    };
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    check_count(lines().count())?;
    if lines().nth(1).is_none() {
        return Err(error.into());
    }
    lines().for_each(|line| take(line, None));
    Ok(())
}

/// Reads one entry, whose fields may be parsed already.
fn entry(
    raw: &str,
    fields: Option<Fields<'_>>,
    read: ReadEntry,
    caller: &Caller,
    provenance: Provenance,
) -> Result<(Option<i64>, Event), Rejected> {
    if raw.len() > MAX_ITEM_BYTES {
        return Err((None, ItemError::TooLong.to_string()));
    }
    let fields = fields.map_or_else(|| wire::object(raw), Ok).map_err(|error| (None, error.to_string()))?;
    read(&fields, raw, caller, provenance)
}

fn check_count(entries: usize) -> Result<(), ApiError> {
    if entries <= MOST_ENTRIES {
        return Ok(());
    }
    let sentence = format!("The body must hold at most {MOST_ENTRIES} entries; send the rest in another request.");
    Err(ApiError::NotValid(sentence))
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::NotValid(format!("The body is not valid JSON: line {}, column {}.", error.line(), error.column()))
}

fn message(
    fields: &Fields<'_>,
    raw: &str,
    caller: &Caller,
    provenance: Provenance,
) -> Result<(Option<i64>, Event), Rejected> {
    let item = Item::from_fields(fields, raw.len(), caller.grants.tenant).map_err(|error| {
        // An item that is too long only once it is rendered is named.
        (Item::id_in(fields).filter(|_| error == ItemError::TooLong), error.to_string())
    })?;
    let id = Some(item.message_id());
    check_subject(caller, id, item.integer(Property::SubjectId))?;
    Ok((id, Event::message(item, provenance)))
}

fn status(
    fields: &Fields<'_>,
    raw: &str,
    caller: &Caller,
    provenance: Provenance,
) -> Result<(Option<i64>, Event), Rejected> {
    let event = StatusEvent::parse(fields, raw, provenance, Strictness::Strict);
    let event = event.map_err(|error| (None, error.to_string()))?;
    check_subject(caller, event.message_id, event.subject_id)?;
    Ok((event.message_id, Event::status(event)))
}

/// An entry that is sent with a restricted key must name one of the key's subjects.
fn check_subject(caller: &Caller, message_id: Option<i64>, subject: Option<i64>) -> Result<(), Rejected> {
    if caller.grants.sees_message_of(subject) {
        return Ok(());
    }
    Err((message_id, "its subject does not belong to the key's senders".into()))
}

impl IngestResult {
    /// 400 if every entry was rejected.
    pub fn status(&self) -> StatusCode {
        let is_all_rejected = !self.results.is_empty() && self.rejected == self.results.len() as u64;
        if is_all_rejected { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }

    /// The outcome of each entry, in order. `outcomes` has one element for each entry that was not rejected when it was
    /// read.
    fn new(entries: Vec<Entry>, outcomes: &[Outcome]) -> Self {
        let mut outcomes = outcomes.iter();
        let mut result = Self::default();
        for Entry { message_id, rejected } in entries {
            let rejected_for = |reason: &str| (EntryOutcome::Rejected, Some(reason.to_owned()));
            let (outcome, detail) = match rejected {
                Some(reason) => (EntryOutcome::Rejected, Some(reason)),
                None => match outcomes.next() {
                    Some(Outcome::Imported) => (EntryOutcome::Imported, None),
                    Some(Outcome::Updated) => (EntryOutcome::Updated, None),
                    Some(Outcome::Unchanged) => (EntryOutcome::Unchanged, None),
                    Some(Outcome::Pending) => (EntryOutcome::Waiting, None),
                    Some(Outcome::LimitReached) => {
                        rejected_for("the tenant has as many events of its kind as are kept")
                    }
                    Some(Outcome::Forbidden) | None => rejected_for("its message does not belong to the key's senders"),
                },
            };
            *result.count(outcome) += 1;
            result.results.push(EntryResult { result: outcome, message_id, detail });
        }
        result
    }

    fn count(&mut self, outcome: EntryOutcome) -> &mut u64 {
        match outcome {
            EntryOutcome::Imported => &mut self.imported,
            EntryOutcome::Updated => &mut self.updated,
            EntryOutcome::Unchanged => &mut self.unchanged,
            EntryOutcome::Waiting => &mut self.waiting,
            EntryOutcome::Rejected => &mut self.rejected,
        }
    }
}
