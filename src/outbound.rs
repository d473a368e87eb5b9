//! The only HTTP client: sends one request to another endpoint and reads its response, bounded in time and length;
//! knows no dialect.

use std::io;
use std::time::Duration;

use chrono::DateTime;
use ureq::http::header;
use ureq::{Agent, Body};

use crate::model::Instant;

/// The longest response that is read: far more than a page of 1000 messages, and a bound for an endless one.
const MAX_RESPONSE_BYTES: u64 = 256 * 1024 * 1024;
/// The longest error response that is read.
const MAX_ERROR_BYTES: u64 = 64 * 1024;
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client; clones share its connections.
#[derive(Clone)]
pub struct Client(Agent);

/// A response of any status.
pub struct Answer {
    pub status: u16,
    pub retry_after: RetryAfter,
    pub body: Vec<u8>,
}

/// The value of the header `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    Absent,
    After(Duration),
    At(Instant),
}

/// Why there is no response. No reason repeats anything that the other side sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// A retry may succeed.
    Transient(String),
    /// A retry does not help: something has to be corrected first.
    Permanent(String),
}

impl Client {
    /// `timeout` covers a request and its whole response.
    pub fn new(timeout: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would carry the key to another address.
            .max_redirects(0)
            .user_agent(concat!("history-gateway/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(timeout))
            .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
            .build();
        Self(agent.into())
    }

    /// Posts JSON once, without a retry; `key` is the name of a header and its value.
    pub async fn post_json(
        &self,
        url: String,
        key: (&'static str, String),
        body: String,
    ) -> Result<Answer, RequestError> {
        let Self(agent) = self.clone();
        let posted = tokio::task::spawn_blocking(move || {
            let request = agent.post(url).header(key.0, key.1).content_type("application/json");
            request.send(body).map_err(|error| request_error(&error)).and_then(read_response)
        });
        posted.await.unwrap_or_else(|_| Err(RequestError::Transient("the request was cancelled".into())))
    }
}

fn read_response(mut response: ureq::http::Response<Body>) -> Result<Answer, RequestError> {
    let status = response.status().as_u16();
    let text = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let retry_after = retry_after(text.trim());
    let limit = if status == 200 { MAX_RESPONSE_BYTES } else { MAX_ERROR_BYTES };
    let body = response.body_mut().with_config().limit(limit).read_to_vec();
    match body {
        Ok(body) => Ok(Answer { status, retry_after, body }),
        // The status of an error is enough.
        Err(_) if status != 200 => Ok(Answer { status, retry_after, body: Vec::new() }),
        Err(error) => Err(request_error(&error)),
    }
}

/// Parses a number of seconds, or a date.
fn retry_after(text: &str) -> RetryAfter {
    if let Ok(seconds) = text.parse() {
        return RetryAfter::After(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text);
    date.map_or(RetryAfter::Absent, |date| RetryAfter::At(Instant(date.timestamp_millis())))
}

fn request_error(error: &ureq::Error) -> RequestError {
    let transient = |reason: &str| RequestError::Transient(reason.into());
    match error {
        ureq::Error::Timeout(_) => transient("it did not answer in time"),
        ureq::Error::HostNotFound => transient("its host is not found"),
        ureq::Error::BodyExceedsLimit(_) => RequestError::Permanent(
            "its answer is longer than 256 MiB, which no page of 1000 messages should be".into(),
        ),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => RequestError::Permanent("its address cannot be used".into()),
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => transient("it refuses connections"),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => transient("it did not answer in time"),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                transient("the connection broke off")
            }
            // TLS errors arrive here too; they name certificates, not messages.
            _ => RequestError::Transient(format!("the connection failed: {error}")),
        },
        ureq::Error::Rustls(error) => RequestError::Transient(format!("no secure connection was made: {error}")),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
            transient("the proxy that the environment names did not let the request through")
        }
        _ => transient("it did not answer in HTTP, or not to the end"),
    }
}
