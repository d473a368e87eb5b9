//! edna's webhooks as an OpenAPI document: the events, and the three addresses that take them; nothing here runs on a
//! request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use utoipa::{IntoResponses, ToSchema};

use crate::document::errors::{ErrorTable, MIB, not_valid};
use crate::document::{AnyObject, DateText, IdOrDigits, IntegerOrDigits, Responses, TextOrDigits};
use crate::edna::webhook::Acknowledged;
use crate::web::ApiError;

/// A message that a subscriber sent. Further fields are passed over.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "id": 14_550_000_001_u64, "subject": "shop_WA", "subjectId": 501,
    "subscriber": {"id": 4242, "identifier": "79001112233"},
    "messageContent": {"type": "TEXT", "text": "Hi", "caption": null}, "receivedAt": "2026-03-01T10:00:00Z",
    "replyOutMessageId": null, "replyOutMessageExternalRequestId": null, "replyInMessageId": null
}))]
pub struct IncomingMessage {
    /// Becomes the `messageId`.
    id: IdOrDigits,
    /// The subject's name.
    subject: Option<String>,
    /// Whom the message was sent to; its channel is the message's.
    subject_id: IntegerOrDigits,
    /// Who sent it.
    subscriber: IncomingSubscriber,
    /// Becomes the `content`, without its nulls.
    message_content: AnyObject,
    /// When it was received.
    received_at: DateText,
    /// The IN message that it quotes.
    reply_in_message_id: Option<IntegerOrDigits>,
    /// The OUT message that it replies to.
    reply_out_message_id: Option<IntegerOrDigits>,
    /// The sender's own id of that message.
    reply_out_message_external_request_id: Option<TextOrDigits>,
}

/// Who sent a message.
#[derive(ToSchema)]
pub struct IncomingSubscriber {
    /// The person.
    id: Option<IntegerOrDigits>,
    /// The address.
    #[schema(max_length = 1024, pattern = r"[^\s+().\[\]{}-]")]
    identifier: String,
}

/// A message's new status. `messageId`, `requestId` or `statusAt` shows that it is one. Further fields are passed over.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "requestId": "req-1", "messageId": 8_270_556, "cascadeId": 31,
    "cascadeStageUUID": "b75c5b32-d185-4784-aac0-ec3adc468a71", "subject": "subject_sms", "subjectId": 50_192,
    "status": "READ", "statusAt": "2026-03-01T10:00:05Z", "error": null, "comment": null
}))]
pub struct StatusChange {
    /// The sender's own id of the sending.
    request_id: Option<TextOrDigits>,
    /// The message.
    message_id: Option<IdOrDigits>,
    /// The cascade.
    cascade_id: Option<IntegerOrDigits>,
    /// The stage of the cascade.
    #[schema(rename = "cascadeStageUUID")]
    cascade_stage_uuid: Option<String>,
    /// The subject's name.
    subject: Option<String>,
    /// The sender.
    subject_id: Option<IntegerOrDigits>,
    /// The status in any case.
    #[schema(max_length = 1024, pattern = r"\S")]
    status: String,
    /// When the status came to be.
    status_at: Option<DateText>,
    /// Why it failed, such as `error-address-unknown`.
    error: Option<String>,
    /// The sender's own text.
    comment: Option<String>,
}

/// One event, or a list of at most 10,000.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum Events {
    /// One event.
    One(Event),
    /// A list of events.
    Several(Vec<Event>),
}

/// An event. Those of other kinds (templates, categories, clicks) are kept as they came.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum Event {
    /// A message that came in.
    Message(IncomingMessage),
    /// A message's status.
    Status(StatusChange),
}

/// edna's webhooks: incoming messages, statuses, and events of other kinds
///
/// One event or a list of them; the two addresses below take the same.
#[utoipa::path(
    post,
    path = "/webhooks/edna",
    operation_id = "receiveEdnaEvents",
    tag = "webhooks",
    security(("webhook" = [])),
    request_body(content = Events, content_type = "application/json", example = json!({
        "requestId": "req-1", "messageId": 8_270_556, "subjectId": 50_192, "status": "READ",
        "statusAt": "2026-03-01T10:00:09Z"
    })),
    responses((status = 200, description = "Every valid event is durable.", body = Acknowledged), WebhookErrors)
)]
pub fn any() {}

/// edna's webhook for incoming messages
///
/// Takes what `/webhooks/edna` takes.
#[utoipa::path(
    post,
    path = "/webhooks/edna/messages",
    operation_id = "receiveEdnaMessages",
    tag = "webhooks",
    security(("webhook" = [])),
    request_body(content = Events, content_type = "application/json", example = json!({
        "id": 14_550_000_001_u64, "subject": "shop_WA", "subjectId": 501,
        "subscriber": {"id": 4242, "identifier": "79001112233"},
        "messageContent": {"type": "TEXT", "text": "Hi", "caption": null}, "receivedAt": "2026-03-01T10:00:00Z"
    })),
    responses((status = 200, description = "Every valid event is durable.", body = Acknowledged), WebhookErrors)
)]
pub fn messages() {}

/// edna's webhook for statuses
///
/// Takes what `/webhooks/edna` takes.
#[utoipa::path(
    post,
    path = "/webhooks/edna/statuses",
    operation_id = "receiveEdnaStatuses",
    tag = "webhooks",
    security(("webhook" = [])),
    request_body(content = Events, content_type = "application/json", example = json!({
        "requestId": "req-1", "messageId": 8_270_556, "subjectId": 50_192, "status": "DELIVERED",
        "statusAt": "2026-03-01T10:00:05Z"
    })),
    responses((status = 200, description = "Every valid event is durable.", body = Acknowledged), WebhookErrors)
)]
pub fn statuses() {}

/// Whether the webhooks' address is there
///
/// edna checks this before it sends anything, without a key.
#[utoipa::path(
    get,
    path = "/webhooks/edna",
    operation_id = "checkEdnaWebhook",
    tag = "webhooks",
    security(()),
    responses((status = 200, description = "It is.", body = Acknowledged), CheckErrors)
)]
pub fn check_any() {}

/// Whether the address for incoming messages is there
#[utoipa::path(
    get,
    path = "/webhooks/edna/messages",
    operation_id = "checkEdnaMessageWebhook",
    tag = "webhooks",
    security(()),
    responses((status = 200, description = "It is.", body = Acknowledged), CheckErrors)
)]
pub fn check_messages() {}

/// Whether the address for statuses is there
#[utoipa::path(
    get,
    path = "/webhooks/edna/statuses",
    operation_id = "checkEdnaStatusWebhook",
    tag = "webhooks",
    security(()),
    responses((status = 200, description = "It is.", body = Acknowledged), CheckErrors)
)]
pub fn check_statuses() {}

pub struct WebhookErrors;

impl IntoResponses for WebhookErrors {
    fn responses() -> Responses {
        let sentence = "`not-valid-request`: nothing of it has a meaning.";
        let meaningless = [
            (
                "field-that-is-missing",
                not_valid("The event has no meaning: the field 'id' must be a positive integer."),
            ),
            ("malformed-json", not_valid("The body is not valid JSON: line 1, column 12.")),
        ];
        ErrorTable::new("GET, HEAD, POST")
            .with(
                401,
                "`Api-key not found`: no webhook key, or a wrong, expired or revoked one.",
                &[("no-valid-key", ApiError::WebhookKeyNotFound)],
            )
            .body(MIB)
            .with(400, sentence, &meaningless)
            .0
    }
}

/// What a webhook's address answers to other methods.
pub struct CheckErrors;

impl IntoResponses for CheckErrors {
    fn responses() -> Responses {
        let mut responses = ErrorTable::new("GET, HEAD, POST").0;
        responses.retain(|status, _| status == "405");
        responses
    }
}
