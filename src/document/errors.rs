//! The errors in edna's format in the OpenAPI document, each with the exact body that is sent; nothing here runs on a
//! request.

use utoipa::IntoResponses;
use utoipa::openapi::ResponseBuilder;

use super::{Responses, allow, reference, response, retry_after};
use crate::keys::Limit;
use crate::web::error::ErrorResponse;
use crate::web::{ApiError, CommonError};

pub const MIB: usize = 1024 * 1024;

fn error_response(description: &str, examples: &[(&str, ApiError)]) -> ResponseBuilder {
    let examples: Vec<_> = examples.iter().map(|(name, error)| (*name, error.body())).collect();
    response(description, reference("ErrorResponse"), &examples)
}

/// The errors of one route, by status.
pub struct ErrorTable(pub Responses);

impl ErrorTable {
    /// The errors that every route can return.
    pub fn new(methods: &str) -> Self {
        let mut table = Self(Responses::new());
        let not_allowed = ApiError::MethodNotAllowed;
        let described = error_response(
            "`method-not-allowed`: the address does not support the method.",
            &[("other-method", not_allowed)],
        );
        table.0.insert("405".into(), described.header("Allow", allow(methods)).build().into());
        let sentence = "`internal-error`: stored data cannot be read. Only the log has the cause.";
        let damaged = error_response(sentence, &[("damaged-row", CommonError::Internal.into())]);
        table.0.insert("500".into(), damaged.build().into());
        table.with_retry_after(
            503,
            "`service-unavailable`: the store is busy, unreachable or full, or the server is overloaded.",
            CommonError::Unavailable.into(),
        );
        table
    }

    #[must_use]
    pub fn with(mut self, status: u16, description: &str, examples: &[(&str, ApiError)]) -> Self {
        let response = error_response(description, examples).build();
        self.0.insert(status.to_string(), response.into());
        self
    }

    fn with_retry_after(&mut self, status: u16, description: &str, error: ApiError) {
        let response = error_response(description, &[("try-again", error)]).header("Retry-After", retry_after());
        self.0.insert(status.to_string(), response.build().into());
    }

    #[must_use]
    pub fn with_key(self) -> Self {
        let sentence = "`Api-key not found`: no key, or one that is wrong, expired or revoked.";
        let mut table = self.with(401, sentence, &[("no-valid-key", ApiError::KeyNotFound)]);
        let limited = CommonError::TooMany { limit: Limit::Requests, retry_after: 1 }.into();
        table.with_retry_after(
            429,
            "`too-many-requests`: the key exceeds its limit, if it has one, or the address sent too many wrong keys.",
            limited,
        );
        table
    }

    #[must_use]
    pub fn with_body(self, limit: usize) -> Self {
        let sentence =
            format!("`request-too-large`: the body is longer than the limit, {} MiB by default.", limit / MIB);
        self.with(413, &sentence, &[("body-over-the-limit", CommonError::TooLarge { limit }.into())])
    }
}

pub fn not_valid(sentence: &str) -> ApiError {
    ApiError::NotValid(sentence.into())
}

/// The errors of a route without a key: an unsupported method.
pub struct PublicErrors;

impl IntoResponses for PublicErrors {
    fn responses() -> Responses {
        let mut responses = ErrorTable::new("GET, HEAD").0;
        responses.retain(|status, _| status == "405");
        responses
    }
}

/// The errors of `/readyz`: an unsupported method, and a store that is not ready.
pub struct NotReadyErrors;

impl IntoResponses for NotReadyErrors {
    fn responses() -> Responses {
        let mut responses = ErrorTable::new("GET, HEAD").0;
        responses.retain(|status, _| status == "405" || status == "503");
        responses
    }
}
