//! What a fault answers, in the form of the route's dialect; knows no rule and no web server.

use std::time::Duration;

use serde_json::{Value, json};

use crate::keys::Limit;
use crate::model::ErrorTitle;
use crate::model::key::NEEDS_HISTORY;
use crate::oneuptime::OneUptimeError;
use crate::oneuptime::error::Action;
use crate::sandbox::error::{ControlError, body};
use crate::sandbox::routes::{self, Dialect};
use crate::web::error::ErrorResponse;
use crate::web::{ApiError, CommonError};

/// The sentence of an error that has none of its own.
const SENTENCE: &str = "A fault rule of the sandbox asks for this response.";

/// What happens to a request.
#[derive(Clone, Debug)]
pub struct Fault {
    pub delay: Duration,
    pub cut: Option<Cut>,
    /// Answered instead of the real answer.
    pub answer: Option<FaultAnswer>,
}

/// Where a response ends before it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The connection is closed without a response.
    Before,
    /// Half of the body is sent.
    Middle,
    /// This many bytes of the body are sent.
    At(usize),
}

/// The error that a word names in each dialect.
#[derive(Clone, Debug)]
pub struct Errors {
    edna: Option<&'static str>,
    oneuptime: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
pub struct FaultAnswer {
    pub errors: Option<Errors>,
    pub status: Option<u16>,
    pub title: Option<String>,
    pub detail: Option<String>,
    pub headers: Vec<(String, String)>,
    pub retry_after: Option<u64>,
    pub content_type: Option<String>,
    pub body: Option<Value>,
}

/// A response that is ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Rendered {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub content_type: Option<String>,
    pub body: String,
}

/// The words for OneUptime's errors.
const ONEUPTIME: [&str; 8] = [
    "no-key",
    "invalid-api-key",
    "no-permission",
    "not-found",
    "too-large",
    "too-many-requests",
    "unavailable",
    "internal-error",
];

impl Errors {
    /// The errors of a word, of which there must be one in the dialect, if one is given.
    pub fn named(word: &str, dialect: Option<Dialect>) -> Result<Self, ControlError> {
        let titles: Vec<&str> = ErrorTitle::ALL.into_iter().map(ErrorTitle::as_str).collect();
        let edna = titles.iter().copied().find(|title| *title == word && dialect != Some(Dialect::OneUptime));
        let oneuptime = ONEUPTIME.into_iter().find(|known| *known == word && dialect != Some(Dialect::Edna));
        if edna.is_some() || oneuptime.is_some() {
            return Ok(Self { edna, oneuptime });
        }
        let known = match dialect {
            Some(Dialect::Edna) => titles.join(", "),
            Some(Dialect::OneUptime) => ONEUPTIME.join(", "),
            None => format!("{}; or for OneUptime's routes one of {}", titles.join(", "), ONEUPTIME.join(", ")),
        };
        Err(ControlError::field("then.error", &format!("one of {known}")))
    }
}

impl Fault {
    /// Whether the fault can be answered in the dialect of a route.
    pub fn suits(&self, route: Option<&str>) -> bool {
        let errors = self.answer.as_ref().and_then(|answer| answer.errors.as_ref());
        errors.is_none_or(|errors| match dialect(route) {
            Dialect::Edna => errors.edna.is_some(),
            Dialect::OneUptime => errors.oneuptime.is_some(),
        })
    }

    pub fn late(delay: Duration) -> Self {
        Self { delay, cut: None, answer: None }
    }

    pub fn closing() -> Self {
        Self { delay: Duration::ZERO, cut: Some(Cut::Before), answer: None }
    }

    /// The fault that answers with an error of either dialect.
    pub fn error(edna: &'static str, oneuptime: &'static str) -> Self {
        let errors = Some(Errors { edna: Some(edna), oneuptime: Some(oneuptime) });
        let answer = FaultAnswer { errors, ..FaultAnswer::default() };
        Self { delay: Duration::ZERO, cut: None, answer: Some(answer) }
    }
}

fn dialect(route: Option<&str>) -> Dialect {
    route.and_then(routes::find).map_or(Dialect::Edna, |route| route.dialect)
}

/// An error before it has a form.
struct ErrorParts {
    status: u16,
    title: String,
    detail: String,
    retry_after: Option<u64>,
}

impl FaultAnswer {
    pub fn render(&self, route: Option<&str>, path: &str) -> Rendered {
        let dialect = dialect(route);
        let said = self.said(dialect, path);
        let has_header = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
        let retry_after = self.retry_after.or(said.retry_after.filter(|_| !has_header));
        let retry_after = retry_after.map(|seconds| ("Retry-After".to_owned(), seconds.to_string()));
        let headers = self.headers.iter().cloned().chain(retry_after).collect();
        let is_text = matches!(self.body, Some(Value::String(_)));
        let kind = if is_text { "text/plain; charset=utf-8" } else { "application/json" };
        let is_bodiless = matches!(said.status, 204 | 304);
        let content_type = (!is_bodiless).then(|| self.content_type.clone().unwrap_or_else(|| kind.to_owned()));
        let body = match &self.body {
            _ if is_bodiless => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None if said.status < 400 && self.title.is_none() && self.detail.is_none() => "{}".into(),
            None => error_body(dialect, &said),
        };
        Rendered { status: said.status, headers, content_type, body }
    }

    fn said(&self, dialect: Dialect, path: &str) -> ErrorParts {
        let mut said = match (&self.errors, dialect) {
            (Some(errors), Dialect::Edna) => edna_error(errors.edna.unwrap_or_default()),
            (Some(errors), Dialect::OneUptime) => oneuptime_error(errors.oneuptime.unwrap_or_default(), path),
            (None, _) => ErrorParts {
                status: self.status.unwrap_or(200),
                title: "fault".into(),
                detail: SENTENCE.into(),
                retry_after: None,
            },
        };
        said.title = self.title.clone().unwrap_or(said.title);
        said.detail = self.detail.clone().unwrap_or(said.detail);
        said
    }
}

fn error_body(dialect: Dialect, said: &ErrorParts) -> String {
    let ErrorParts { status, title, detail, .. } = said;
    match dialect {
        Dialect::Edna => body(title, *status, detail),
        Dialect::OneUptime => json!({"error": detail, "message": detail}).to_string(),
    }
}

fn said(error: &(impl ErrorResponse + ToString)) -> ErrorParts {
    ErrorParts {
        status: error.status(),
        title: error.title().into(),
        detail: error.to_string(),
        retry_after: error.retry_after(),
    }
}

/// The largest body of most routes, which the error of a larger one names.
const BODY_LIMIT: usize = 1024 * 1024;

fn common(word: &str) -> CommonError {
    match word {
        "request-too-large" | "too-large" => CommonError::TooLarge { limit: BODY_LIMIT },
        "too-many-requests" => CommonError::TooMany { limit: Limit::Requests, retry_after: 1 },
        "service-unavailable" | "unavailable" => CommonError::Unavailable,
        _ => CommonError::Internal,
    }
}

fn edna_error(title: &str) -> ErrorParts {
    let error = match title {
        "Api-key not found" => ApiError::KeyNotFound,
        "access-denied" => ApiError::AccessDenied(NEEDS_HISTORY),
        "not-valid-request" => ApiError::NotValid(SENTENCE.into()),
        "limit-not-valid" => ApiError::LimitNotValid,
        "date-range-not-valid" => ApiError::DateRangeNotValid,
        "message-matcher-subject-not-found" => ApiError::SubjectNotFound,
        "not-found" => ApiError::NotFound,
        "method-not-allowed" => ApiError::MethodNotAllowed,
        "changes-expired" => ApiError::ChangesExpired,
        word => ApiError::Common(common(word)),
    };
    said(&error)
}

fn oneuptime_error(word: &str, path: &str) -> ErrorParts {
    said(&match word {
        "no-key" => OneUptimeError::NoKey(Action::Read),
        "invalid-api-key" => OneUptimeError::InvalidKey,
        "no-permission" => OneUptimeError::NoPermission,
        "not-found" => OneUptimeError::PageNotFound(path.into()),
        word => OneUptimeError::Common(common(word)),
    })
}
