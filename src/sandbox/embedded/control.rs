//! Sends control requests to a sandbox; knows no tenant.

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::outbound::{LocalClient, RequestError};

/// How long a control request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a sandbox did not do what a test asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SandboxError {
    #[error("the sandbox did not start: {0}")]
    Start(String),
    #[error("the sandbox does not answer: {0}")]
    Unreachable(String),
    /// The sentence names the field that is wrong.
    #[error("{status}: {detail}")]
    Rejected { status: u16, detail: String },
    /// Not as many requests as expected fit.
    #[error("{0}")]
    NotVerified(String),
}

/// The control routes of one sandbox.
#[derive(Clone)]
pub struct Control {
    url: String,
    client: LocalClient,
}

impl Control {
    pub fn new(url: String) -> Self {
        Self { url, client: LocalClient::new(TIMEOUT) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request; returns the response's JSON, null if it has no body.
    pub fn send(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<Value, SandboxError> {
        let url = format!("{}/_sandbox{path}", self.url);
        let sent = self.client.send(method, &url, body.map(Value::to_string));
        let (status, text) = sent.map_err(|error| {
            SandboxError::Unreachable(match error {
                RequestError::Transient(reason) | RequestError::Permanent(reason) => reason,
                RequestError::TooLong => "its response is too long".into(),
            })
        })?;
        let value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if (200..300).contains(&status) {
            return Ok(value);
        }
        // Where every entry of a list is rejected, each has its own detail.
        let of_entry = || value["results"].as_array()?.iter().find_map(|entry| entry["detail"].as_str());
        let detail = value["detail"].as_str().or_else(of_entry).map(str::to_owned);
        Err(SandboxError::Rejected { status, detail: detail.unwrap_or(text) })
    }
}

/// The list in a field of a response.
pub fn list(mut response: Value, field: &str) -> Vec<Value> {
    match response[field].take() {
        Value::Array(list) => list,
        _ => Vec::new(),
    }
}
