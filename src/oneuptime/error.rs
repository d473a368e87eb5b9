//! The errors of the OneUptime dialect, one table: status, short name and text (docs/oneuptime.md §6).

use crate::model::ask::{Denial, Excess};
use crate::model::key::PERMISSIONS;
use crate::store::StoreError;

/// What a request wants to do with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Read,
    Create,
    Update,
    Delete,
}

impl Act {
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Every error a client can meet. No text holds more of the request than a column's name, an id and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OneUptimeError {
    NoKey(Act),
    InvalidKey,
    NoPermission,
    /// Rows are read only.
    Refused(Act),
    /// A request that cannot be read; says what is wrong.
    Bad(String),
    /// A column that nobody reads; says what it was wanted for.
    Hidden(&'static str, String),
    PageNotFound(String),
    TooLarge {
        limit: usize,
    },
    TooMany {
        of: Excess,
        retry_after: u64,
    },
    Unavailable,
    /// What asking again does not mend.
    Internal,
}

/// How soon to ask again a store that is busy or away.
const RETRY_AFTER_SECONDS: u64 = 1;

impl OneUptimeError {
    pub fn bad(sentence: impl Into<String>) -> Self {
        Self::Bad(sentence.into())
    }

    pub fn status(&self) -> u16 {
        match self {
            Self::NoKey(_) => 401,
            Self::InvalidKey | Self::Bad(_) => 400,
            Self::NoPermission | Self::Refused(_) | Self::Hidden(..) => 422,
            Self::PageNotFound(_) => 404,
            Self::TooLarge { .. } => 413,
            Self::TooMany { .. } => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// The error's short name, for the log; OneUptime has none.
    pub fn title(&self) -> &'static str {
        match self {
            Self::NoKey(_) => "no-api-key",
            Self::InvalidKey => "invalid-api-key",
            Self::NoPermission => "no-permission",
            Self::Refused(_) => "read-only",
            Self::Bad(_) => "not-valid-request",
            Self::Hidden(..) => "column-not-readable",
            Self::PageNotFound(_) => "not-found",
            Self::TooLarge { .. } => "request-too-large",
            Self::TooMany { .. } => "too-many-requests",
            Self::Unavailable => "service-unavailable",
            Self::Internal => "internal-error",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::NoKey(act) => {
                let act = act.word();
                format!("Authenticated user or a valid API key is needed to {act} record of WhatsApp Log.")
            }
            Self::InvalidKey => "Invalid API Key".into(),
            Self::NoPermission => {
                let permissions = PERMISSIONS.join(", ");
                format!(
                    "You do not have permissions to read WhatsApp Log. You need one of these permissions: {permissions}"
                )
            }
            Self::Refused(act) => format!("{} on WhatsApp Log is not allowed.", act.word()),
            Self::Bad(text) => text.clone(),
            Self::Hidden(verb, column) => {
                format!("You do not have permissions to {verb} on - {column}. No permission reads this column.")
            }
            Self::PageNotFound(path) => format!("Page not found - {path}"),
            Self::TooLarge { limit } => format!("The body must be at most {limit} bytes long."),
            Self::TooMany { of, .. } => of.sentence().into(),
            Self::Unavailable => "The message store is busy or away; try again.".into(),
            Self::Internal => "The message store cannot give this answer; its operator's log tells why.".into(),
        }
    }

    /// Seconds for the `Retry-After` header, where there is to be one.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after, .. } => Some(*retry_after),
            Self::Unavailable => Some(RETRY_AFTER_SECONDS),
            _ => None,
        }
    }

    /// `{"error": …, "message": …}`, the same text twice: the server says one, the reference page the other.
    pub fn body(&self) -> String {
        let text = serde_json::Value::from(self.text());
        format!(r#"{{"error":{text},"message":{text}}}"#)
    }

    /// Why nobody may do what was wanted.
    pub fn denied(denial: Denial, act: Act) -> Self {
        match denial {
            Denial::NoKey => Self::NoKey(act),
            Denial::UnknownKey => Self::InvalidKey,
            Denial::TooMany { of, retry_after } => Self::TooMany { of, retry_after },
            Denial::Unavailable => Self::Unavailable,
        }
    }
}

impl From<StoreError> for OneUptimeError {
    /// The cause goes to the log and never to a client.
    fn from(error: StoreError) -> Self {
        error.log("a request was not answered by the store");
        if error.is_lasting() { Self::Internal } else { Self::Unavailable }
    }
}
