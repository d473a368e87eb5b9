//! What own systems send as an OpenAPI document: statuses, and what became of each entry; nothing here runs on a
//! request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use utoipa::ToSchema;

use super::errors::TakeErrors;
use super::message::NewMessage;
use crate::document::{DateText, IdOrDigits, IntegerOrDigits, TextOrDigits};

/// What became of the entries of a request.
#[derive(ToSchema)]
#[schema(example = json!({"imported": 1, "updated": 0, "unchanged": 0, "waiting": 0, "rejected": 1, "results": [
    {"result": "imported", "messageId": 8_270_556},
    {"result": "rejected", "detail": "the field 'address' is missing"}
]}))]
pub struct Taken {
    /// Messages that were new.
    imported: u64,
    /// Entries that changed a message, or its trail.
    updated: u64,
    /// Entries that told nothing new.
    unchanged: u64,
    /// Statuses that are kept until their message comes.
    waiting: u64,
    /// Entries of which nothing was kept; send them again when they are mended.
    rejected: u64,
    /// One for each entry, in their order.
    results: Vec<TakenEntry>,
}

/// What became of one entry.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TakenEntry {
    /// In one word.
    result: Outcome,
    /// The message it is about, where it names one.
    #[schema(nullable = false)]
    message_id: Option<i64>,
    /// Why it was rejected, where it was. Names the field, never its value.
    #[schema(nullable = false)]
    detail: Option<String>,
}

/// What can become of an entry.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Outcome {
    Imported,
    Updated,
    Unchanged,
    Waiting,
    Rejected,
}

/// A status of a message, its fields named as in edna's webhook. `messageId` or `requestId` has to be there.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "messageId": 8_270_556, "status": "DELIVERED", "statusAt": "2026-03-01T10:00:05Z"
}))]
pub struct NewStatus {
    /// The message.
    message_id: Option<IdOrDigits>,
    /// The caller's own id of the sending. With `subjectId`, it leads to the message that another status names.
    request_id: Option<TextOrDigits>,
    /// The sender.
    subject_id: Option<IntegerOrDigits>,
    /// ACCEPTED, ENQUEUED, DELAYED, SENT, INVALID, UNDELIVERED, FAILED, CANCELLED, EXPIRED, DELIVERED, READ in any
    /// case, or another word, which ranks as SENT does.
    #[schema(max_length = 1024, pattern = r"\S")]
    status: String,
    /// When the status came to be.
    status_at: Option<DateText>,
    /// Becomes the message's `deliveryStatusMessage`.
    error: Option<String>,
    /// The cascade, where the message has none.
    cascade_id: Option<IntegerOrDigits>,
    /// The stage of the cascade, where the message has none; read as `cascadeStageUuid` too.
    #[schema(rename = "cascadeStageUUID")]
    cascade_stage_uuid: Option<String>,
    /// The sender's own text, where the message has none.
    comment: Option<String>,
}

/// Messages from a system that knows what it sent
///
/// One item, a list of items, or one item on each line, up to 10,000 in at most 16 MiB (setting
/// `ingest.body_limit_bytes`), whatever its Content-Type. All that is not rejected is durable when this answers; to send
/// it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "ingestMessages",
    tag = "feeds",
    security(("x-api-key" = [])),
    request_body(content = Messages, content_type = "application/json"),
    responses((status = 200, description = "What became of each.", body = Taken), TakeErrors)
)]
pub fn take_messages() {}

/// Statuses from a system that knows of them
///
/// One status, a list of them, or one on each line, up to 10,000, whatever the Content-Type. A status that comes before
/// its message waits for it.
#[utoipa::path(
    post,
    path = "/v1/statuses",
    operation_id = "ingestStatuses",
    tag = "feeds",
    security(("x-api-key" = [])),
    request_body(content = Statuses, content_type = "application/json"),
    responses((status = 200, description = "What became of each.", body = Taken), TakeErrors)
)]
pub fn take_statuses() {}

/// One message, or a list of at most 10,000.
#[derive(ToSchema)]
#[schema(as = NewMessages)]
#[serde(untagged)]
pub enum Messages {
    /// One message.
    One(NewMessage),
    /// A list of messages.
    Several(Vec<NewMessage>),
}

/// One status, or a list of at most 10,000.
#[derive(ToSchema)]
#[schema(as = NewStatuses)]
#[serde(untagged)]
pub enum Statuses {
    /// One status.
    One(NewStatus),
    /// A list of statuses.
    Several(Vec<NewStatus>),
}
