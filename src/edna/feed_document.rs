//! The feeds and the status trail as an OpenAPI document: shapes, errors and examples; nothing here runs on a request.
#![expect(
    dead_code,
    clippy::struct_field_names,
    reason = "the shapes are only described from, and named as on the wire"
)]

use utoipa::ToSchema;

use super::document::{ErrorAnswer, Message};

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
    rejected: u64,
    /// One for each entry, in their order.
    results: Vec<TakenEntry>,
}

/// What became of one entry.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TakenEntry {
    result: Outcome,
    /// The message it is about, where it names one.
    message_id: Option<i64>,
    /// Why it was rejected. Names the field, never its value.
    detail: Option<String>,
}

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
pub struct Status {
    message_id: Option<i64>,
    /// The caller's own id of the sending. With `subjectId`, it leads to the message that another status names.
    request_id: Option<String>,
    subject_id: Option<i64>,
    /// ACCEPTED, ENQUEUED, DELAYED, SENT, INVALID, UNDELIVERED, FAILED, CANCELLED, EXPIRED, DELIVERED, READ in any
    /// case, or another word, which ranks as SENT does.
    status: String,
    /// ISO 8601, UTC where it has no zone.
    status_at: Option<String>,
    /// Becomes the message's `deliveryStatusMessage`.
    error: Option<String>,
    cascade_id: Option<i64>,
    #[schema(rename = "cascadeStageUUID")]
    cascade_stage_uuid: Option<String>,
    comment: Option<String>,
}

/// A message and how it came to be what it is.
#[derive(ToSchema)]
pub struct MessageTrail {
    item: Message,
    /// Every status event known for it, the earliest first.
    trail: Vec<TrailEvent>,
    /// The feeds whose copies the message is made of, and when each was first heard.
    sources: Vec<HeardFrom>,
}

/// A status event, with the feed that told of it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TrailEvent {
    status: String,
    status_at: Option<String>,
    error: Option<String>,
    request_id: Option<String>,
    cascade_id: Option<i64>,
    #[schema(rename = "cascadeStageUUID")]
    cascade_stage_uuid: Option<String>,
    comment: Option<String>,
    source: Source,
    received_at: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct HeardFrom {
    source: Source,
    received_at: Option<String>,
}

/// A feed: a file, edna's webhook, an own system, another endpoint's history.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Source {
    Import,
    Webhook,
    Api,
    Pull,
}

/// Messages from a system that knows what it sent
///
/// One item, a list of items, or one item on each line, up to 10,000 in at most 16 MiB (setting
/// `ingest.body_limit_bytes`). All that is not rejected is durable when this answers; to send it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "take_messages",
    tag = "feeds",
    security(("x-api-key" = [])),
    request_body(content((Message = "application/json"), (Vec<Message> = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "What became of each.", body = Taken),
        (status = 400, description = "`not-valid-request`: the body cannot be read, or holds more than 10,000 entries; or, in the form of 200, every entry was rejected.", body = ErrorAnswer),
        (status = 401, description = "`Api-key not found`", body = ErrorAnswer),
        (status = 403, description = "`access-denied`: the key is not of the group messaging.", body = ErrorAnswer),
        (status = 413, description = "`request-too-large`", body = ErrorAnswer),
        (status = 429, description = "`too-many-requests`; only where a limit is set.", body = ErrorAnswer),
        (status = 503, description = "`service-unavailable`: too much waits, or the store is busy or away. Send it again.", body = ErrorAnswer,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    )
)]
pub fn take_messages() {}

/// Statuses from a system that knows of them
///
/// One status, a list of them, or one on each line, up to 10,000. A status that comes before its message waits for it.
#[utoipa::path(
    post,
    path = "/v1/statuses",
    operation_id = "take_statuses",
    tag = "feeds",
    security(("x-api-key" = [])),
    request_body(content((Status = "application/json"), (Vec<Status> = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "What became of each.", body = Taken),
        (status = 400, description = "As for messages.", body = ErrorAnswer),
        (status = 401, description = "`Api-key not found`", body = ErrorAnswer),
        (status = 403, description = "`access-denied`: the key is not of the group messaging.", body = ErrorAnswer),
        (status = 413, description = "`request-too-large`", body = ErrorAnswer),
        (status = 429, description = "`too-many-requests`; only where a limit is set.", body = ErrorAnswer),
        (status = 503, description = "`service-unavailable`", body = ErrorAnswer,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    )
)]
pub fn take_statuses() {}

/// One message, its status trail, and where it came from
#[utoipa::path(
    get,
    path = "/v1/messages/{messageId}",
    operation_id = "message",
    tag = "feeds",
    security(("x-api-key" = [])),
    params(("messageId" = i64, Path, description = "The message's id.")),
    responses(
        (status = 200, description = "The message.", body = MessageTrail),
        (status = 400, description = "`not-valid-request`: the id is not an integer.", body = ErrorAnswer),
        (status = 401, description = "`Api-key not found`", body = ErrorAnswer),
        (status = 403, description = "`access-denied`: the key is not of the group message-history.", body = ErrorAnswer),
        (status = 404, description = "`not-found`: no such message, or one of a subject outside the key's senders.", body = ErrorAnswer),
        (status = 503, description = "`service-unavailable`", body = ErrorAnswer,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    )
)]
pub fn message() {}

/// edna's webhooks: incoming messages, statuses, and events of other kinds
///
/// One event or a list of them; `/webhooks/edna/messages` and `/webhooks/edna/statuses` take the same. GET and HEAD answer
/// 200 without a key.
#[utoipa::path(
    post,
    path = "/webhooks/edna",
    operation_id = "webhook",
    tag = "feeds",
    security(("webhook" = [])),
    request_body(content = serde_json::Value, content_type = "application/json", example = json!({
        "requestId": "req-1", "messageId": 8_270_556, "subjectId": 50_192, "status": "READ",
        "statusAt": "2026-03-01T10:00:09Z"
    })),
    responses(
        (status = 200, description = "Whatever has a meaning is durable.", body = serde_json::Value, example = json!({"status": "ok"})),
        (status = 400, description = "`not-valid-request`: nothing of it has a meaning.", body = ErrorAnswer),
        (status = 401, description = "`Api-key not found`: no webhook key.", body = ErrorAnswer),
        (status = 413, description = "`request-too-large`", body = ErrorAnswer),
        (status = 503, description = "`service-unavailable`", body = ErrorAnswer,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    )
)]
pub fn webhook() {}
