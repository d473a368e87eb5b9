//! The history's response and errors in the OpenAPI document; nothing here runs on a request.
#![expect(dead_code, reason = "the answer is joined from items that are rendered already")]

use utoipa::{IntoResponses, ToSchema};

use crate::document::errors::{ErrorTable, MIB, not_valid};
use crate::document::{Message, Responses};
use crate::model::key::NEEDS_HISTORY;
use crate::web::ApiError;

/// One page of messages.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct HistoryResponse {
    /// The messages, in the requested order.
    content: Vec<Message>,
    /// Whether another message follows the last one of this page.
    has_next: bool,
}

pub struct HistoryErrors;

impl IntoResponses for HistoryErrors {
    fn responses() -> Responses {
        let sentence = "`not-valid-request`, `limit-not-valid`, `date-range-not-valid` or \
                        `message-matcher-subject-not-found`.";
        let wrong = [
            ("empty-address", not_valid("The field 'subscriberFilter.address' must not be empty.")),
            ("wrong-type", not_valid("The field 'subscriberFilter.address' must be a string.")),
            ("malformed-json", not_valid("The body is not valid JSON: line 1, column 12.")),
            ("limit-over-1000", ApiError::LimitNotValid),
            ("over-366-days", ApiError::DateRangeNotValid),
            ("unknown-subject", ApiError::SubjectNotFound),
        ];
        let denied = "`access-denied`: the key lacks the group message-history, or the subject is none of its senders.";
        let outside = "The subject does not belong to the key's senders.";
        let forbidden = [
            ("key-without-the-group", ApiError::AccessDenied(NEEDS_HISTORY)),
            ("subject-outside-the-senders", ApiError::AccessDenied(outside)),
        ];
        ErrorTable::new("POST").with_key().with_body(MIB).with(400, sentence, &wrong).with(403, denied, &forbidden).0
    }
}
