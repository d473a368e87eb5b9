//! The only HTTP client: sends one request to another endpoint and reads its response, bounded in time and length;
//! knows no dialect.

mod checked;
mod local;

use std::io;
use std::time::Duration;

use chrono::DateTime;
use ureq::http::header;
use ureq::{Agent, Body};

pub use checked::CheckedClient;
pub use local::LocalClient;

use crate::model::Instant;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("history-gateway/", env!("CARGO_PKG_VERSION"));

/// An HTTP client; clones share its connections.
#[derive(Clone)]
pub struct Client(Agent);

/// A response of any status, whose body is not read yet.
pub struct Response(ureq::http::Response<Body>);

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
    /// The response is longer than what is read of it.
    TooLong,
}

impl Client {
    /// `timeout` covers a request and its whole response.
    pub fn new(timeout: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would carry the key to another address.
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
            .build();
        Self(agent.into())
    }

    /// Posts JSON once, without a retry; `key` is the name of a header and its value. `read` runs on a thread that may
    /// block, because it reads the body, which may be long.
    pub async fn post_json<T: Send + 'static>(
        &self,
        url: String,
        key: (&'static str, String),
        body: String,
        read: impl FnOnce(Response) -> T + Send + 'static,
    ) -> Result<T, RequestError> {
        let Self(agent) = self.clone();
        let posted = tokio::task::spawn_blocking(move || {
            let request = agent.post(url).header(key.0, key.1).content_type("application/json");
            request.send(body).map(|response| read(Response(response))).map_err(|error| request_error(&error))
        });
        posted.await.unwrap_or_else(|_| Err(RequestError::Transient("the request was cancelled".into())))
    }
}

impl Response {
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    pub fn retry_after(&self) -> RetryAfter {
        let value = self.0.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        retry_after(value.unwrap_or_default().trim())
    }

    /// Reads the body, of at most so many bytes.
    pub fn body(&mut self, max_bytes: u64) -> Result<Vec<u8>, RequestError> {
        let body = self.0.body_mut().with_config().limit(max_bytes).read_to_vec();
        body.map_err(|error| request_error(&error))
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
        ureq::Error::BodyExceedsLimit(_) => RequestError::TooLong,
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
