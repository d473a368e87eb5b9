//! Errors as responses: those that all dialects share, and the format of edna's dialect, of `/v1` and of the server's
//! own routes (docs/edna.md §5); knows no request.

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::keys::{AuthError, Limit};
use crate::model::history::{MAX_LIMIT, QueryError};
use crate::model::wire::NotAnObject;
use crate::model::{ErrorTitle, message_query};
use crate::store::StoreError;

/// After how many seconds a client should retry if the store is busy or unreachable.
const RETRY_AFTER_SECONDS: u64 = 1;

/// An error that can be turned into a response.
pub trait ErrorResponse {
    fn status(&self) -> u16;

    /// The error's short name, for the log.
    fn title(&self) -> &'static str;

    /// The seconds of the `Retry-After` header, if the response has one.
    fn retry_after(&self) -> Option<u64>;

    fn body(&self) -> String;
}

/// The short name of a response's error, for the log; stored in the response's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedTitle(pub &'static str);

/// Turns an error into a response.
pub fn respond(error: &impl ErrorResponse) -> HttpResponse {
    let mut response = HttpResponse::build(status_code(error));
    if let Some(seconds) = error.retry_after() {
        response.insert_header((RETRY_AFTER, seconds));
    }
    let mut response = response.content_type(ContentType::json()).body(error.body());
    response.extensions_mut().insert(LoggedTitle(error.title()));
    response
}

/// The status of an error, as actix-web's type.
pub fn status_code(error: &impl ErrorResponse) -> StatusCode {
    // Every status in the tables is valid.
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The errors that a route of any dialect can return.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CommonError {
    #[error("The body must be at most {limit} bytes long.")]
    TooLarge { limit: usize },
    #[error("{}", limit_sentence(*limit))]
    TooMany { limit: Limit, retry_after: u64 },
    /// A retry may succeed.
    #[error("The message store is busy or away; try again.")]
    Unavailable,
    /// A retry does not help.
    #[error("The message store cannot give this answer; its operator's log tells why.")]
    Internal,
}

fn limit_sentence(limit: Limit) -> &'static str {
    match limit {
        Limit::Requests => "The key makes too many requests; the Retry-After header tells when to try again.",
        Limit::WrongKeys => {
            "Too many wrong keys came from this address; the Retry-After header tells when to try again."
        }
    }
}

impl CommonError {
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge { .. } => 413,
            Self::TooMany { .. } => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    pub fn title(self) -> ErrorTitle {
        match self {
            Self::TooLarge { .. } => ErrorTitle::RequestTooLarge,
            Self::TooMany { .. } => ErrorTitle::TooManyRequests,
            Self::Unavailable => ErrorTitle::ServiceUnavailable,
            Self::Internal => ErrorTitle::InternalError,
        }
    }

    pub fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after, .. } => Some(retry_after),
            Self::Unavailable => Some(RETRY_AFTER_SECONDS),
            Self::TooLarge { .. } | Self::Internal => None,
        }
    }
}

impl From<StoreError> for CommonError {
    /// Logs the cause, which is never sent to the client.
    fn from(error: StoreError) -> Self {
        error.log("a request was not answered by the store");
        if error.is_permanent() { Self::Internal } else { Self::Unavailable }
    }
}

/// An error in edna's format. No sentence repeats a value of the request: it could be an address.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ApiError {
    #[error("The x-api-key header holds no valid API key.")]
    KeyNotFound,
    /// The same for a webhook, whose key is in a different header.
    #[error("The request holds no valid webhook key.")]
    WebhookKeyNotFound,
    #[error("{0}")]
    AccessDenied(&'static str),
    /// A request that cannot be read. The sentence names the invalid field and says what is expected there.
    #[error("{0}")]
    NotValid(String),
    #[error("The field 'limit' must be between 0 and {MAX_LIMIT}.")]
    LimitNotValid,
    #[error("The parameter 'limit' must be between 1 and {}.", message_query::MAX_LIMIT)]
    PageLimitNotValid,
    #[error("The fields 'dateFrom' and 'dateTo' must be at most 366 days apart.")]
    DateRangeNotValid,
    #[error("The field 'subjectId' names a subject that does not exist.")]
    SubjectNotFound,
    #[error(
        "The changes since then are not all known any more: take since=now, read all messages, and go on from there."
    )]
    ChangesExpired,
    #[error("There is nothing at this address; ask POST /api/messages/history.")]
    NotFound,
    #[error("There is no message with this id.")]
    MessageNotFound,
    #[error("The address does not answer this method; the Allow header names those it does.")]
    MethodNotAllowed,
    /// The store cannot be used. The sentence says why.
    #[error("{0}")]
    NotReady(&'static str),
    #[error(transparent)]
    Common(#[from] CommonError),
}

/// The body of every error response outside the WhatsApp Log.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorResponse)]
pub struct ErrorBody {
    /// The error code, for programs.
    title: ErrorTitle,
    /// The same number as the HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// An English sentence. It names the invalid field, if there is one, and never repeats a value.
    detail: String,
}

impl ApiError {
    /// An invalid field: names what is expected there, never what was sent.
    pub fn field(path: &str, wanted: &str) -> Self {
        Self::NotValid(format!("The field '{path}' must be {wanted}."))
    }

    /// The error for a webhook request without a valid caller.
    pub fn of_webhook(error: AuthError) -> Self {
        match error {
            AuthError::NoKey | AuthError::UnknownKey => Self::WebhookKeyNotFound,
            other => other.into(),
        }
    }

    fn parts(&self) -> (u16, ErrorTitle) {
        match self {
            Self::KeyNotFound | Self::WebhookKeyNotFound => (401, ErrorTitle::KeyNotFound),
            Self::AccessDenied(_) => (403, ErrorTitle::AccessDenied),
            Self::NotValid(_) => (400, ErrorTitle::NotValidRequest),
            Self::LimitNotValid | Self::PageLimitNotValid => (400, ErrorTitle::LimitNotValid),
            Self::DateRangeNotValid => (400, ErrorTitle::DateRangeNotValid),
            Self::SubjectNotFound => (400, ErrorTitle::SubjectNotFound),
            Self::ChangesExpired => (410, ErrorTitle::ChangesExpired),
            Self::NotFound | Self::MessageNotFound => (404, ErrorTitle::NotFound),
            Self::MethodNotAllowed => (405, ErrorTitle::MethodNotAllowed),
            Self::NotReady(_) => (503, ErrorTitle::ServiceUnavailable),
            Self::Common(error) => (error.status(), error.title()),
        }
    }
}

impl ErrorResponse for ApiError {
    fn status(&self) -> u16 {
        self.parts().0
    }

    fn title(&self) -> &'static str {
        self.parts().1.as_str()
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::NotReady(_) => Some(RETRY_AFTER_SECONDS),
            Self::Common(error) => error.retry_after(),
            _ => None,
        }
    }

    fn body(&self) -> String {
        let (status, title) = self.parts();
        // Two strings and a number can always be serialized.
        serde_json::to_string(&ErrorBody { title, status, detail: self.to_string() }).unwrap_or_default()
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        status_code(self)
    }

    fn error_response(&self) -> HttpResponse {
        respond(self)
    }
}

impl From<AuthError> for ApiError {
    /// The response never reveals whether a key is missing, wrong, expired or revoked.
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::NoKey | AuthError::UnknownKey => Self::KeyNotFound,
            AuthError::TooMany { limit, retry_after } => CommonError::TooMany { limit, retry_after }.into(),
            AuthError::Unavailable => CommonError::Unavailable.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        CommonError::from(error).into()
    }
}

impl From<NotAnObject> for ApiError {
    fn from(error: NotAnObject) -> Self {
        Self::NotValid(match error {
            NotAnObject::Malformed { line, column } => {
                format!("The body is not valid JSON: line {line}, column {column}.")
            }
            NotAnObject::Incomplete => "The body is not valid JSON: it ends too early.".into(),
            NotAnObject::OtherType => "The body must be a JSON object.".into(),
        })
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Address => Self::NotValid("The field 'subscriberFilter.address' must not be empty.".into()),
            QueryError::Limit => Self::LimitNotValid,
            QueryError::DateRange => Self::DateRangeNotValid,
            QueryError::Subject(_) => Self::AccessDenied("The subject does not belong to the key's senders."),
        }
    }
}
