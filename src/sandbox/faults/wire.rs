//! A fault rule as its request writes it, and the checks that make it a fault; knows no rule that is in use.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Cut, Errors, Fault, FaultAnswer};
use crate::sandbox::error::{ControlError, object};
use crate::sandbox::matching::Match;
use crate::sandbox::routes;

/// The longest delay.
const MAX_DELAY: Duration = Duration::from_mins(10);

/// A rule to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    #[serde(default, deserialize_with = "object")]
    pub r#match: Match,
    #[serde(default)]
    pub skip: u64,
    pub times: Option<u64>,
    #[serde(default = "always")]
    pub probability: f64,
    #[serde(deserialize_with = "object")]
    pub then: Then,
}

fn always() -> f64 {
    1.0
}

/// What happens to a request that a rule is applied to.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Then {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pass: bool,
}

impl NewRule {
    /// Checks the rule, and says what it does.
    pub fn check(&mut self) -> Result<Fault, ControlError> {
        self.r#match.check("match")?;
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(ControlError::field("probability", "a number from 0 to 1"));
        }
        let route = self.r#match.route.as_deref().and_then(routes::find);
        self.then.check(route.map(|route| route.dialect))
    }
}

impl Then {
    fn check(&self, dialect: Option<routes::Dialect>) -> Result<Fault, ControlError> {
        let delay = Duration::from_millis(self.delay_ms.unwrap_or(0));
        if delay > MAX_DELAY {
            return Err(ControlError::field("then.delayMs", &format!("at most {}", MAX_DELAY.as_millis())));
        }
        let cut = match (self.close.as_deref(), self.truncate) {
            (Some(_), Some(_)) => return Err(conflict("then.truncate", "then.close")),
            (Some("before"), None) => Some(Cut::Before),
            (Some("middle"), None) => Some(Cut::Middle),
            (Some(_), None) => return Err(ControlError::field("then.close", "\"before\" or \"middle\"")),
            (None, Some(bytes)) => Some(Cut::At(bytes)),
            (None, None) => None,
        };
        let answer = self.answer(dialect)?;
        if self.pass && (answer.is_some() || cut.is_some()) {
            return Err(ControlError::not_valid("The field 'then.pass' must be given alone or with 'then.delayMs'."));
        }
        if answer.is_none() && cut.is_none() && !self.pass && self.delay_ms.is_none() {
            return Err(ControlError::field(
                "then",
                "an object with error, status, body, delayMs, close, truncate or pass",
            ));
        }
        Ok(Fault { delay, cut, answer })
    }

    /// What is answered instead of the real answer, if anything is.
    fn answer(&self, dialect: Option<routes::Dialect>) -> Result<Option<FaultAnswer>, ControlError> {
        let errors = self.error.as_deref().map(|word| Errors::named(word, dialect)).transpose()?;
        if self.error.is_some() && self.status.is_some() {
            return Err(conflict("then.status", "then.error"));
        }
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err(ControlError::field("then.status", "an integer from 200 to 599"));
        }
        let has_answer = errors.is_some() || self.status.is_some() || self.body.is_some();
        let details = [
            ("then.title", self.title.is_some()),
            ("then.detail", self.detail.is_some()),
            ("then.headers", !self.headers.is_empty()),
            ("then.retryAfter", self.retry_after.is_some()),
            ("then.contentType", self.content_type.is_some()),
        ];
        if let Some((path, _)) = details.iter().find(|(_, is_given)| *is_given && !has_answer) {
            return Err(ControlError::not_valid(format!(
                "The field '{path}' must be given with 'then.status', 'then.error' or 'then.body'."
            )));
        }
        if let Some(path) = ["then.title", "then.detail"]
            .into_iter()
            .zip([&self.title, &self.detail])
            .find_map(|(path, text)| (text.is_some() && self.body.is_some()).then_some(path))
        {
            return Err(conflict(path, "then.body"));
        }
        let is_bodiless = matches!(self.status, Some(204 | 304));
        if is_bodiless && (self.body.is_some() || self.content_type.is_some()) {
            return Err(ControlError::not_valid("The field 'then.body' must be left out: this status has no body."));
        }
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            check_header(name, value)?;
            if self.headers.keys().any(|other| other != name && other.eq_ignore_ascii_case(name)) {
                return Err(ControlError::NotValid(format!("The field 'then.headers.{name}' is given twice.")));
            }
            headers.push((name.clone(), value.clone()));
        }
        if let Some(kind) = &self.content_type {
            check_value("then.contentType", kind)?;
        }
        Ok(has_answer.then(|| FaultAnswer {
            errors,
            status: self.status,
            title: self.title.clone(),
            detail: self.detail.clone(),
            headers,
            retry_after: self.retry_after,
            content_type: self.content_type.clone(),
            body: self.body.clone(),
        }))
    }
}

fn conflict(path: &str, other: &str) -> ControlError {
    ControlError::NotValid(format!("The field '{path}' must be given without '{other}'."))
}

/// Headers that say how long a message is, which `close` and `truncate` are for.
const FRAMING: [&str; 5] = ["content-length", "transfer-encoding", "connection", "content-encoding", "upgrade"];

fn check_header(name: &str, value: &str) -> Result<(), ControlError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_framing = FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing));
    if name.is_empty() || !name.bytes().all(is_token) || is_framing {
        let wanted = "an object of header names, those that frame a message aside, and their values";
        return Err(ControlError::field("then.headers", wanted));
    }
    check_value(&format!("then.headers.{name}"), value)
}

fn check_value(path: &str, value: &str) -> Result<(), ControlError> {
    if value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(ControlError::field(path, "visible ASCII characters"))
}
