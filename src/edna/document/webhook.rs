//! edna's webhooks in the OpenAPI document: the events, and the three addresses that accept them; nothing here runs on
//! a request.
#![expect(dead_code, reason = "only used to derive schemas; fields are named as on the wire")]

use utoipa::{IntoResponses, ToSchema};

use crate::document::errors::{ErrorTable, MIB, not_valid};
use crate::document::{AnyObject, DateText, IdOrDigits, IntegerOrDigits, Responses, TextOrDigits};
use crate::edna::webhook::Acknowledged;
use crate::web::ApiError;

/// A message that a subscriber sent. Other fields are ignored.
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
    /// The subject that received the message. Its channel becomes the message's channel.
    subject_id: IntegerOrDigits,
    /// The subscriber who sent it.
    subscriber: IncomingSubscriber,
    /// Becomes the `content`, without its nulls.
    message_content: AnyObject,
    /// When it was received; becomes `sentOrReceivedAt`.
    received_at: DateText,
    /// The IN message that it quotes.
    reply_in_message_id: Option<IntegerOrDigits>,
    /// The OUT message that it replies to.
    reply_out_message_id: Option<IntegerOrDigits>,
    /// The sender's own id of that message.
    reply_out_message_external_request_id: Option<TextOrDigits>,
}

/// The sender of a message.
#[derive(ToSchema)]
pub struct IncomingSubscriber {
    /// The person's id; becomes the `subscriberId`.
    id: Option<IntegerOrDigits>,
    /// The address that the message was sent from.
    #[schema(max_length = 1024, pattern = r"[^\s+().\[\]{}-]")]
    identifier: String,
}

/// A status of a message. An event with a `status` counts as one if it also has `messageId`, `requestId` or `statusAt`.
/// `messageId` or `requestId` is required. Other fields are ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "requestId": "req-1", "messageId": 8_270_556, "cascadeId": 31,
    "cascadeStageUUID": "b75c5b32-d185-4784-aac0-ec3adc468a71", "subject": "subject_sms", "subjectId": 50_192,
    "status": "READ", "statusAt": "2026-03-01T10:00:05Z", "error": null, "comment": null
}))]
pub struct StatusChange {
    /// The sender's own id of the send.
    request_id: Option<TextOrDigits>,
    /// The message.
    message_id: Option<IdOrDigits>,
    /// The cascade, used if the message has none.
    cascade_id: Option<IntegerOrDigits>,
    /// The stage of the cascade, used if the message has none.
    #[schema(rename = "cascadeStageUUID")]
    cascade_stage_uuid: Option<String>,
    /// The subject's name.
    subject: Option<String>,
    /// The subject that sent the message.
    subject_id: Option<IntegerOrDigits>,
    /// The status, in any letter case.
    #[schema(max_length = 1024, pattern = r"\S")]
    status: String,
    /// The time of the status.
    status_at: Option<DateText>,
    /// Why it failed, such as `error-address-unknown`; becomes the `deliveryStatusMessage`.
    error: Option<String>,
    /// The sender's own text, used if the message has none.
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

/// An event. Events of other kinds (templates, categories, clicks) are stored as they arrive.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum Event {
    /// An incoming message.
    Message(IncomingMessage),
    /// A status of a message.
    Status(StatusChange),
}

/// Receive edna's webhooks: incoming messages, statuses and other events
///
/// Accepts one event or a list of them, and so do the addresses for messages and statuses. Sending an event again
/// changes nothing.
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
    responses((status = 200, description = "Every valid event is stored durably.", body = Acknowledged), WebhookErrors)
)]
pub fn any() {}

/// Receive edna's webhook for incoming messages
///
/// Accepts the same events as `/webhooks/edna`.
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
    responses((status = 200, description = "Every valid event is stored durably.", body = Acknowledged), WebhookErrors)
)]
pub fn messages() {}

/// Receive edna's webhook for statuses
///
/// Accepts the same events as `/webhooks/edna`.
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
    responses((status = 200, description = "Every valid event is stored durably.", body = Acknowledged), WebhookErrors)
)]
pub fn statuses() {}

/// Check that the address for all webhooks exists
///
/// edna checks this, without a key, before it sends anything.
#[utoipa::path(
    get,
    path = "/webhooks/edna",
    operation_id = "checkEdnaWebhook",
    tag = "webhooks",
    security(()),
    responses((status = 200, description = "It exists.", body = Acknowledged), CheckErrors)
)]
pub fn check_any() {}

/// Check that the address for incoming messages exists
#[utoipa::path(
    get,
    path = "/webhooks/edna/messages",
    operation_id = "checkEdnaMessageWebhook",
    tag = "webhooks",
    security(()),
    responses((status = 200, description = "It exists.", body = Acknowledged), CheckErrors)
)]
pub fn check_messages() {}

/// Check that the address for statuses exists
#[utoipa::path(
    get,
    path = "/webhooks/edna/statuses",
    operation_id = "checkEdnaStatusWebhook",
    tag = "webhooks",
    security(()),
    responses((status = 200, description = "It exists.", body = Acknowledged), CheckErrors)
)]
pub fn check_statuses() {}

pub struct WebhookErrors;

impl IntoResponses for WebhookErrors {
    fn responses() -> Responses {
        let sentence = "`not-valid-request`: the body cannot be read, or no event in it is valid.";
        let invalid = [
            (
                "field-that-is-missing",
                not_valid("The event has no meaning: the field 'id' must be a positive integer."),
            ),
            ("malformed-json", not_valid("The body is not valid JSON: line 1, column 12.")),
        ];
        ErrorTable::new("GET, HEAD, POST")
            .with(
                401,
                "`Api-key not found`: no webhook key, or one that is wrong, expired or revoked.",
                &[("no-valid-key", ApiError::WebhookKeyNotFound)],
            )
            .with_body(MIB)
            .with(400, sentence, &invalid)
            .0
    }
}

/// The errors of checking a webhook's address: an unsupported method.
pub struct CheckErrors;

impl IntoResponses for CheckErrors {
    fn responses() -> Responses {
        let mut responses = ErrorTable::new("GET, HEAD, POST").0;
        responses.retain(|status, _| status == "405");
        responses
    }
}
