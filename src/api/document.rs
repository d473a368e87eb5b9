//! The API's requests and errors as an OpenAPI document; nothing here runs on a request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use utoipa::{IntoResponses, ToSchema};

use crate::document::errors::{ErrorTable, MIB, NEEDS_HISTORY, NEEDS_MESSAGING, not_valid};
use crate::document::{
    DateText, IdOrDigits, IntegerOrDigits, NewMessage, Responses, TextOrDigits, either, reference, response,
};
use crate::web::ApiError;
use crate::web::error::ErrorResponse;

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

/// One message, or a list of at most 10,000.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum NewMessages {
    /// One message.
    One(NewMessage),
    /// A list of messages.
    Several(Vec<NewMessage>),
}

/// One status, or a list of at most 10,000.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum NewStatuses {
    /// One status.
    One(NewStatus),
    /// A list of statuses.
    Several(Vec<NewStatus>),
}

pub struct IngestErrors;

impl IntoResponses for IngestErrors {
    fn responses() -> Responses {
        let mut table = ErrorTable::new("POST").key().body(16 * MIB).with(
            403,
            "`access-denied`: the key is not of the group messaging.",
            &[("key-without-the-group", ApiError::AccessDenied(NEEDS_MESSAGING))],
        );
        let sentence = "The outcome of the entries, or why none could be read.";
        let body = either(sentence, [reference("IngestResult"), reference("ErrorResponse")]);
        let rejected = serde_json::json!({"imported": 0, "updated": 0, "unchanged": 0, "waiting": 0, "rejected": 1, "results": [
            {"result": "rejected", "detail": "the field 'address' is missing"}
        ]});
        let examples = [
            ("every-entry-rejected", rejected.to_string()),
            ("malformed-json", not_valid("The body is not valid JSON: line 1, column 12.").body()),
            (
                "too-many-entries",
                not_valid("The body must hold at most 10000 entries; send the rest in another request.").body(),
            ),
        ];
        let sentence = "Every entry was rejected, reported in the form of 200; or `not-valid-request`: the body cannot be \
                        read, or holds more than 10,000 entries.";
        table.0.insert("400".into(), response(sentence, body, &examples).build().into());
        table.0
    }
}

pub struct MessageErrors;

impl IntoResponses for MessageErrors {
    fn responses() -> Responses {
        let absent = "`not-found`: no such message, or one of a subject outside the key's senders.";
        ErrorTable::new("GET, HEAD")
            .key()
            .with(
                400,
                "`not-valid-request`: the id is not an integer of 64 bits.",
                &[("id-that-is-no-integer", not_valid("The message id must be an integer."))],
            )
            .with(
                403,
                "`access-denied`: the key is not of the group message-history.",
                &[("key-without-the-group", ApiError::AccessDenied(NEEDS_HISTORY))],
            )
            .with(404, absent, &[("no-such-message", ApiError::MessageNotFound)])
            .0
    }
}
