//! The errors of the edna dialect, one table: code, status, sentence (docs/edna.md §5).

use crate::model::ask::{Denial, Excess};
use crate::model::history::{MAX_LIMIT, Refusal};
use crate::store::StoreError;

/// Every error a client can meet. No sentence holds a value of the request: it could be an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdnaError {
    KeyNotFound,
    /// The same for a webhook, whose key is in another header.
    WebhookKeyNotFound,
    AccessDenied(&'static str),
    /// A request that cannot be read; says which field is wrong and what belongs there.
    NotValid(String),
    LimitNotValid,
    DateRangeNotValid,
    SubjectNotFound,
    NotFound,
    MessageNotFound,
    MethodNotAllowed,
    TooLarge {
        limit: usize,
    },
    TooMany {
        of: Excess,
        retry_after: u64,
    },
    Unavailable,
    /// The store cannot be used, and why.
    NotReady(&'static str),
    /// What asking again does not mend.
    Internal,
}

/// How soon to ask again a store that is busy or away.
const RETRY_AFTER_SECONDS: u64 = 1;

impl EdnaError {
    pub const TITLES: [&'static str; 12] = [
        "Api-key not found",
        "access-denied",
        "not-valid-request",
        "limit-not-valid",
        "date-range-not-valid",
        "message-matcher-subject-not-found",
        "not-found",
        "method-not-allowed",
        "request-too-large",
        "too-many-requests",
        "service-unavailable",
        "internal-error",
    ];

    pub fn status(&self) -> u16 {
        self.parts().0
    }

    /// The error's short name.
    pub fn title(&self) -> &'static str {
        Self::TITLES[self.parts().1]
    }

    fn parts(&self) -> (u16, usize, String) {
        match self {
            Self::KeyNotFound => (401, 0, "The x-api-key header holds no valid API key.".into()),
            Self::WebhookKeyNotFound => (401, 0, "The request holds no valid webhook key.".into()),
            Self::AccessDenied(reason) => (403, 1, (*reason).into()),
            Self::NotValid(reason) => (400, 2, reason.clone()),
            Self::LimitNotValid => (400, 3, format!("The field 'limit' must be between 0 and {MAX_LIMIT}.")),
            Self::DateRangeNotValid => {
                (400, 4, "The fields 'dateFrom' and 'dateTo' must be at most 366 days apart.".into())
            }
            Self::SubjectNotFound => (400, 5, "The field 'subjectId' names a subject that does not exist.".into()),
            Self::NotFound => (404, 6, "There is nothing at this address; ask POST /api/messages/history.".into()),
            Self::MessageNotFound => (404, 6, "There is no message with this id.".into()),
            Self::MethodNotAllowed => {
                (405, 7, "The address does not answer this method; the Allow header names those it does.".into())
            }
            Self::TooLarge { limit } => (413, 8, format!("The body must be at most {limit} bytes long.")),
            Self::TooMany { of, .. } => (429, 9, of.sentence().into()),
            Self::Unavailable => (503, 10, "The message store is busy or away; try again.".into()),
            Self::NotReady(reason) => (503, 10, (*reason).into()),
            Self::Internal => {
                (500, 11, "The message store cannot give this answer; its operator's log tells why.".into())
            }
        }
    }

    /// Seconds for the `Retry-After` header, where there is to be one.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after, .. } => Some(*retry_after),
            Self::Unavailable | Self::NotReady(_) => Some(RETRY_AFTER_SECONDS),
            _ => None,
        }
    }

    /// `{"title": …, "status": …, "detail": …}`
    pub fn body(&self) -> String {
        let (status, title, detail) = self.parts();
        let title = serde_json::Value::from(Self::TITLES[title]);
        format!(r#"{{"title":{title},"status":{status},"detail":{}}}"#, serde_json::Value::from(detail))
    }
}

impl From<Denial> for EdnaError {
    /// The answer never tells whether a key is missing, wrong, expired or revoked.
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::NoKey | Denial::UnknownKey => Self::KeyNotFound,
            Denial::TooMany { of, retry_after } => Self::TooMany { of, retry_after },
            Denial::Unavailable => Self::Unavailable,
        }
    }
}

impl From<Refusal> for EdnaError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Address => Self::NotValid("The field 'subscriberFilter.address' must not be empty.".into()),
            Refusal::Limit => Self::LimitNotValid,
            Refusal::DateRange => Self::DateRangeNotValid,
        }
    }
}

impl From<StoreError> for EdnaError {
    /// The cause is for the log; the client learns only that it should try again.
    fn from(error: StoreError) -> Self {
        error.log("a request was not answered by the store");
        if error.is_lasting() { Self::Internal } else { Self::Unavailable }
    }
}
