//! The errors of edna's dialect as an OpenAPI document, each with the very body that is sent; nothing here runs on a
//! request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use serde_json::json;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::{IntoResponses, ToSchema};

use crate::document::{Responses, allow, reference, response, retry_after};
use crate::edna::EdnaError;
use crate::model::ask::Excess;

/// Every error has this shape.
#[derive(ToSchema)]
pub struct ErrorAnswer {
    /// What went wrong, for programs.
    title: ErrorTitle,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// An English sentence. It names the field that is wrong and never repeats a value.
    detail: String,
}

/// What went wrong, for programs.
#[derive(ToSchema)]
pub enum ErrorTitle {
    #[schema(rename = "Api-key not found")]
    KeyNotFound,
    #[schema(rename = "access-denied")]
    AccessDenied,
    #[schema(rename = "not-valid-request")]
    NotValidRequest,
    #[schema(rename = "limit-not-valid")]
    LimitNotValid,
    #[schema(rename = "date-range-not-valid")]
    DateRangeNotValid,
    #[schema(rename = "message-matcher-subject-not-found")]
    SubjectNotFound,
    #[schema(rename = "not-found")]
    NotFound,
    #[schema(rename = "method-not-allowed")]
    MethodNotAllowed,
    #[schema(rename = "request-too-large")]
    RequestTooLarge,
    #[schema(rename = "too-many-requests")]
    TooManyRequests,
    #[schema(rename = "internal-error")]
    InternalError,
    #[schema(rename = "service-unavailable")]
    ServiceUnavailable,
}

const NEEDS_HISTORY: &str = "The key does not belong to the message-history group.";
const NEEDS_MESSAGING: &str = "The key does not belong to the messaging group.";
const MIB: usize = 1024 * 1024;

fn answer(description: &str, examples: &[(&str, EdnaError)]) -> ResponseBuilder {
    let examples: Vec<_> = examples.iter().map(|(name, error)| (*name, error.body())).collect();
    response(description, reference("ErrorAnswer"), &examples)
}

/// The errors of one route, by status.
struct Table(Responses);

impl Table {
    /// What every route with a key can answer.
    fn new(methods: &str) -> Self {
        let mut table = Self(Responses::new());
        let not_allowed = EdnaError::MethodNotAllowed;
        let described = answer("`method-not-allowed`", &[("other-method", not_allowed)]);
        table.0.insert("405".into(), described.header("Allow", allow(methods)).build().into());
        let sentence = "`internal-error`: what is stored cannot be read. The cause stands in the log alone.";
        let damaged = answer(sentence, &[("damaged-row", EdnaError::Internal)]);
        table.0.insert("500".into(), damaged.build().into());
        table.waiting(503, "`service-unavailable`: the store is busy, away or full.", EdnaError::Unavailable);
        table
    }

    fn with(mut self, status: u16, description: &str, examples: &[(&str, EdnaError)]) -> Self {
        let response = answer(description, examples).build();
        self.0.insert(status.to_string(), response.into());
        self
    }

    fn waiting(&mut self, status: u16, description: &str, error: EdnaError) {
        let response = answer(description, &[("try-again", error)]).header("Retry-After", retry_after());
        self.0.insert(status.to_string(), response.build().into());
    }

    fn key(self) -> Self {
        let sentence = "`Api-key not found`: no key, or a wrong, expired or revoked one.";
        let mut table = self.with(401, sentence, &[("no-valid-key", EdnaError::KeyNotFound)]);
        let limited = EdnaError::TooMany { of: Excess::Requests, retry_after: 1 };
        table.waiting(
            429,
            "`too-many-requests`: of the key, where a limit is set, or too many wrong keys from one address.",
            limited,
        );
        table
    }

    fn body(self, limit: usize) -> Self {
        let sentence = format!("`request-too-large`: a body over the limit, {} MiB by default.", limit / MIB);
        self.with(413, &sentence, &[("body-over-the-limit", EdnaError::TooLarge { limit })])
    }
}

fn not_valid(sentence: &str) -> EdnaError {
    EdnaError::NotValid(sentence.into())
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
            ("limit-over-1000", EdnaError::LimitNotValid),
            ("over-366-days", EdnaError::DateRangeNotValid),
            ("unknown-subject", EdnaError::SubjectNotFound),
        ];
        let denied = "`access-denied`: the key is not of the group message-history, or the subject is not among its \
                      senders.";
        let outside = "The subject does not belong to the key's senders.";
        let forbidden = [
            ("key-without-the-group", EdnaError::AccessDenied(NEEDS_HISTORY)),
            ("subject-outside-the-senders", EdnaError::AccessDenied(outside)),
        ];
        Table::new("POST").key().body(MIB).with(400, sentence, &wrong).with(403, denied, &forbidden).0
    }
}

pub struct TakeErrors;

impl IntoResponses for TakeErrors {
    fn responses() -> Responses {
        let mut table = Table::new("POST").key().body(16 * MIB).with(
            403,
            "`access-denied`: the key is not of the group messaging.",
            &[("key-without-the-group", EdnaError::AccessDenied(NEEDS_MESSAGING))],
        );
        let either = OneOfBuilder::new()
            .item(reference("Taken"))
            .item(reference("ErrorAnswer"))
            .description(Some("What became of the entries, or why none could be read."));
        let rejected = json!({"imported": 0, "updated": 0, "unchanged": 0, "waiting": 0, "rejected": 1, "results": [
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
        let sentence = "Every entry was rejected, told in the form of 200; or `not-valid-request`: the body cannot be \
                        read, or holds more than 10,000 entries.";
        table.0.insert("400".into(), response(sentence, either.into(), &examples).build().into());
        table.0
    }
}

pub struct TrailErrors;

impl IntoResponses for TrailErrors {
    fn responses() -> Responses {
        let absent = "`not-found`: no such message, or one of a subject outside the key's senders.";
        Table::new("GET, HEAD")
            .key()
            .with(
                400,
                "`not-valid-request`: the id is not an integer of 64 bits.",
                &[("id-that-is-no-integer", not_valid("The message id must be an integer."))],
            )
            .with(
                403,
                "`access-denied`: the key is not of the group message-history.",
                &[("key-without-the-group", EdnaError::AccessDenied(NEEDS_HISTORY))],
            )
            .with(404, absent, &[("no-such-message", EdnaError::MessageNotFound)])
            .0
    }
}

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
        Table::new("GET, HEAD, POST")
            .with(
                401,
                "`Api-key not found`: no webhook key, or a wrong, expired or revoked one.",
                &[("no-valid-key", EdnaError::WebhookKeyNotFound)],
            )
            .body(MIB)
            .with(400, sentence, &meaningless)
            .0
    }
}

/// What a route without a key answers to a method that it does not know.
pub struct ReadOnly;

impl IntoResponses for ReadOnly {
    fn responses() -> Responses {
        let mut responses = Table::new("GET, HEAD").0;
        responses.retain(|status, _| status == "405");
        responses
    }
}

/// The same for a webhook's address.
pub struct Looks;

impl IntoResponses for Looks {
    fn responses() -> Responses {
        let mut responses = Table::new("GET, HEAD, POST").0;
        responses.retain(|status, _| status == "405");
        responses
    }
}

/// What `/readyz` answers beside.
pub struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> Responses {
        let mut responses = Table::new("GET, HEAD").0;
        responses.retain(|status, _| status == "405" || status == "503");
        responses
    }
}
