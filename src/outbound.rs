//! The only HTTP client: sends one request to another endpoint and reads its answer, both bounded; knows no dialect.

use std::io;
use std::time::Duration;

use chrono::DateTime;
use ureq::http::header;
use ureq::{Agent, Body};

use crate::model::Instant;

/// The longest answer that is read: no page of 1000 messages comes near it, and an endless one ends here.
const LONGEST_ANSWER: u64 = 256 * 1024 * 1024;
/// The longest error that is read.
const LONGEST_ERROR: u64 = 64 * 1024;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client whose clones share its connections.
#[derive(Clone)]
pub struct Client(Agent);

/// An answer of any status.
pub struct Answer {
    pub status: u16,
    pub retry_after: RetryAfter,
    pub body: Vec<u8>,
}

/// What the header `Retry-After` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    NotSaid,
    After(Duration),
    At(Instant),
}

/// Why there is no answer. No reason repeats anything that the other side said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// A retry may succeed.
    Transient(String),
    /// Somebody has to correct something.
    Permanent(String),
}

impl Client {
    /// `timeout` is for a request and its whole answer.
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

    /// Posts JSON once, with a key in the header that is named.
    pub async fn post_json(&self, url: String, key: (&'static str, String), body: String) -> Result<Answer, NoAnswer> {
        let Self(agent) = self.clone();
        let posted = tokio::task::spawn_blocking(move || {
            let request = agent.post(url).header(key.0, key.1).content_type("application/json");
            request.send(body).map_err(|error| no_answer(&error)).and_then(answer)
        });
        posted.await.unwrap_or_else(|_| Err(NoAnswer::Transient("the request was cancelled".into())))
    }
}

fn answer(mut response: ureq::http::Response<Body>) -> Result<Answer, NoAnswer> {
    let status = response.status().as_u16();
    let text = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let retry_after = retry_after(text.trim());
    let limit = if status == 200 { LONGEST_ANSWER } else { LONGEST_ERROR };
    let body = response.body_mut().with_config().limit(limit).read_to_vec();
    match body {
        Ok(body) => Ok(Answer { status, retry_after, body }),
        // The status says enough of an error.
        Err(_) if status != 200 => Ok(Answer { status, retry_after, body: Vec::new() }),
        Err(error) => Err(no_answer(&error)),
    }
}

/// Seconds, or a date.
fn retry_after(text: &str) -> RetryAfter {
    if let Ok(seconds) = text.parse() {
        return RetryAfter::After(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text);
    date.map_or(RetryAfter::NotSaid, |date| RetryAfter::At(Instant(date.timestamp_millis())))
}

fn no_answer(error: &ureq::Error) -> NoAnswer {
    let transient = |reason: &str| NoAnswer::Transient(reason.into());
    match error {
        ureq::Error::Timeout(_) => transient("it did not answer in time"),
        ureq::Error::HostNotFound => transient("its host is not found"),
        ureq::Error::BodyExceedsLimit(_) => {
            NoAnswer::Permanent("its answer is longer than 256 MiB, which no page of 1000 messages should be".into())
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => NoAnswer::Permanent("its address cannot be used".into()),
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => transient("it refuses connections"),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => transient("it did not answer in time"),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                transient("the connection broke off")
            }
            // Errors of TLS arrive here too; they name certificates and no messages.
            _ => NoAnswer::Transient(format!("the connection failed: {error}")),
        },
        ureq::Error::Rustls(error) => NoAnswer::Transient(format!("no secure connection was made: {error}")),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
            transient("the proxy that the environment names did not let the request through")
        }
        _ => transient("it did not answer in HTTP, or not to the end"),
    }
}
