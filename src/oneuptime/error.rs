//! The errors of the OneUptime dialect: status, short name and text (docs/oneuptime.md §6); knows no request.

use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::keys::AuthError;
use crate::model::key::PERMISSIONS;
use crate::store::StoreError;
use crate::web::CommonError;
use crate::web::error::ErrorResponse;

/// The action that a request attempts on rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
}

impl Action {
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Every error that a client can get. The only values of a request in a text are a column's name, an id or a path.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OneUptimeError {
    #[error("Authenticated user or a valid API key is needed to {} record of WhatsApp Log.", .0.word())]
    NoKey(Action),
    #[error("Invalid API Key")]
    InvalidKey,
    #[error(
        "You do not have permissions to read WhatsApp Log. You need one of these permissions: {}",
        PERMISSIONS.join(", ")
    )]
    NoPermission,
    /// Rows are read-only.
    #[error("{} on WhatsApp Log is not allowed.", .0.word())]
    Refused(Action),
    /// A request that cannot be read. The text says what is wrong.
    #[error("{0}")]
    Bad(String),
    /// A column that no key may read, and what the request uses it for.
    #[error("You do not have permissions to {0} on - {1}. No permission reads this column.")]
    Hidden(&'static str, String),
    #[error("Page not found - {0}")]
    PageNotFound(String),
    #[error(transparent)]
    Common(#[from] CommonError),
}

/// The body of an error of the WhatsApp Log: the same text in two fields, because programs read either.
#[derive(Serialize, ToSchema)]
pub struct LogError {
    /// What went wrong; the field that OneUptime's server uses.
    error: String,
    /// The same text; the field that OneUptime's reference page documents.
    message: String,
}

impl OneUptimeError {
    pub fn bad(sentence: impl Into<String>) -> Self {
        Self::Bad(sentence.into())
    }

    /// The error for a request without a valid caller.
    pub fn denied(error: AuthError, action: Action) -> Self {
        match error {
            AuthError::NoKey => Self::NoKey(action),
            AuthError::UnknownKey => Self::InvalidKey,
            AuthError::TooMany { limit, retry_after } => CommonError::TooMany { limit, retry_after }.into(),
            AuthError::Unavailable => CommonError::Unavailable.into(),
        }
    }
}

impl ErrorResponse for OneUptimeError {
    fn status(&self) -> u16 {
        match self {
            Self::NoKey(_) => 401,
            Self::InvalidKey | Self::Bad(_) => 400,
            Self::NoPermission | Self::Refused(_) | Self::Hidden(..) => 422,
            Self::PageNotFound(_) => 404,
            Self::Common(error) => error.status(),
        }
    }

    /// OneUptime's errors have no title; this one is for the log.
    fn title(&self) -> &'static str {
        match self {
            Self::NoKey(_) => "no-api-key",
            Self::InvalidKey => "invalid-api-key",
            Self::NoPermission => "no-permission",
            Self::Refused(_) => "read-only",
            Self::Bad(_) => "not-valid-request",
            Self::Hidden(..) => "column-not-readable",
            Self::PageNotFound(_) => "not-found",
            Self::Common(error) => error.title().as_str(),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Common(error) => error.retry_after(),
            _ => None,
        }
    }

    fn body(&self) -> String {
        let body = LogError { error: self.to_string(), message: self.to_string() };
        // Two strings can always be serialized.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl From<StoreError> for OneUptimeError {
    fn from(error: StoreError) -> Self {
        CommonError::from(error).into()
    }
}
