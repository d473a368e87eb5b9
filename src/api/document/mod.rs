//! The requests and errors of `/v1` in the OpenAPI document; nothing here runs on a request.
#![expect(dead_code, reason = "only used to derive schemas; fields are named as on the wire")]

mod messages;

pub use messages::{
    ChangeErrors, ChangeList, ChangeParameters, ChangeQueryErrors, ChangeRequest, ListErrors, ListParameters,
    ListRequest, MessageList, QueryErrors,
};

use utoipa::{IntoResponses, ToSchema};

use crate::document::errors::{ErrorTable, MIB, not_valid};
use crate::document::{
    DateText, IdOrDigits, IntegerOrDigits, NewMessage, Responses, TextOrDigits, one_of, reference, response,
};
use crate::model::key::{NEEDS_HISTORY, NEEDS_MESSAGING};
use crate::web::ApiError;
use crate::web::error::ErrorResponse;

/// A status event of a message, with the field names of edna's webhook. `messageId` or `requestId` is required.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "messageId": 8_270_556, "status": "DELIVERED", "statusAt": "2026-03-01T10:00:05Z"
}))]
pub struct NewStatus {
    /// The message.
    message_id: Option<IdOrDigits>,
    /// The sender's own id of the send. With `subjectId` it identifies the message, once another event ties both to a
    /// `messageId`.
    request_id: Option<TextOrDigits>,
    /// The subject that sent the message.
    subject_id: Option<IntegerOrDigits>,
    /// ACCEPTED, ENQUEUED, DELAYED, SENT, INVALID, UNDELIVERED, FAILED, CANCELLED, EXPIRED, DELIVERED or READ, in any
    /// letter case; or any other word, which has the rank of SENT.
    #[schema(max_length = 1024, pattern = r"\S")]
    status: String,
    /// The time of the status. A status without one counts as earlier than any with one.
    status_at: Option<DateText>,
    /// Becomes the message's `deliveryStatusMessage`.
    error: Option<String>,
    /// The cascade, used if the message has none.
    cascade_id: Option<IntegerOrDigits>,
    /// The stage of the cascade, used if the message has none; also accepted as `cascadeStageUuid`.
    #[schema(rename = "cascadeStageUUID")]
    cascade_stage_uuid: Option<String>,
    /// The sender's own text, used if the message has none.
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
        let mut table = ErrorTable::new("POST").with_key().with_body(16 * MIB).with(
            403,
            "`access-denied`: the key lacks the group messaging.",
            &[("key-without-the-group", ApiError::AccessDenied(NEEDS_MESSAGING))],
        );
        let sentence = "The outcome of each entry, or why the body cannot be read.";
        let body = one_of(sentence, [reference("IngestResult"), reference("ErrorResponse")]);
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
        let sentence = "Every entry was rejected, with a body as for 200; or `not-valid-request`: the body cannot be \
                        read, or has more than 10,000 entries.";
        table.0.insert("400".into(), response(sentence, body, &examples).build().into());
        table.0
    }
}

pub struct MessageErrors;

impl IntoResponses for MessageErrors {
    fn responses() -> Responses {
        let absent = "`not-found`: there is no such message, or its subject is not among the key's senders.";
        ErrorTable::new("GET, HEAD")
            .with_key()
            .with(
                400,
                "`not-valid-request`: the id is not a 64-bit integer.",
                &[("id-that-is-no-integer", not_valid("The message id must be an integer."))],
            )
            .with(
                403,
                "`access-denied`: the key lacks the group message-history.",
                &[("key-without-the-group", ApiError::AccessDenied(NEEDS_HISTORY))],
            )
            .with(404, absent, &[("no-such-message", ApiError::MessageNotFound)])
            .0
    }
}
