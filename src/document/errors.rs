//! The errors in edna's form as an OpenAPI document, each with the very body that is sent; nothing here runs on a
//! request.

use utoipa::IntoResponses;
use utoipa::openapi::ResponseBuilder;

use super::{Responses, allow, reference, response, retry_after};
use crate::keys::Limit;
use crate::web::error::ErrorResponse;
use crate::web::{ApiError, CommonError};

pub const NEEDS_HISTORY: &str = "The key does not belong to the message-history group.";
pub const NEEDS_MESSAGING: &str = "The key does not belong to the messaging group.";
pub const MIB: usize = 1024 * 1024;

fn answer(description: &str, examples: &[(&str, ApiError)]) -> ResponseBuilder {
    let examples: Vec<_> = examples.iter().map(|(name, error)| (*name, error.body())).collect();
    response(description, reference("ErrorResponse"), &examples)
}

/// The errors of one route, by status.
pub struct ErrorTable(pub Responses);

impl ErrorTable {
    /// What every route with a key can answer.
    pub fn new(methods: &str) -> Self {
        let mut table = Self(Responses::new());
        let not_allowed = ApiError::MethodNotAllowed;
        let described = answer("`method-not-allowed`", &[("other-method", not_allowed)]);
        table.0.insert("405".into(), described.header("Allow", allow(methods)).build().into());
        let sentence = "`internal-error`: what is stored cannot be read. The cause stands in the log alone.";
        let damaged = answer(sentence, &[("damaged-row", CommonError::Internal.into())]);
        table.0.insert("500".into(), damaged.build().into());
        table.waiting(503, "`service-unavailable`: the store is busy, away or full.", CommonError::Unavailable.into());
        table
    }

    #[must_use]
    pub fn with(mut self, status: u16, description: &str, examples: &[(&str, ApiError)]) -> Self {
        let response = answer(description, examples).build();
        self.0.insert(status.to_string(), response.into());
        self
    }

    fn waiting(&mut self, status: u16, description: &str, error: ApiError) {
        let response = answer(description, &[("try-again", error)]).header("Retry-After", retry_after());
        self.0.insert(status.to_string(), response.build().into());
    }

    #[must_use]
    pub fn key(self) -> Self {
        let sentence = "`Api-key not found`: no key, or a wrong, expired or revoked one.";
        let mut table = self.with(401, sentence, &[("no-valid-key", ApiError::KeyNotFound)]);
        let limited = CommonError::TooMany { limit: Limit::Requests, retry_after: 1 }.into();
        table.waiting(
            429,
            "`too-many-requests`: of the key, where a limit is set, or too many wrong keys from one address.",
            limited,
        );
        table
    }

    #[must_use]
    pub fn body(self, limit: usize) -> Self {
        let sentence = format!("`request-too-large`: a body over the limit, {} MiB by default.", limit / MIB);
        self.with(413, &sentence, &[("body-over-the-limit", CommonError::TooLarge { limit }.into())])
    }
}

pub fn not_valid(sentence: &str) -> ApiError {
    ApiError::NotValid(sentence.into())
}

/// What a route without a key answers to a method that it does not know.
pub struct PublicErrors;

impl IntoResponses for PublicErrors {
    fn responses() -> Responses {
        let mut responses = ErrorTable::new("GET, HEAD").0;
        responses.retain(|status, _| status == "405");
        responses
    }
}

/// What `/readyz` answers beside.
pub struct NotReadyErrors;

impl IntoResponses for NotReadyErrors {
    fn responses() -> Responses {
        let mut responses = ErrorTable::new("GET, HEAD").0;
        responses.retain(|status, _| status == "405" || status == "503");
        responses
    }
}
