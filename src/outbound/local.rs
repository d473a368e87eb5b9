//! An HTTP client for a server on this machine, which waits for each response; knows no server.

use std::time::Duration;

use ureq::Agent;
use ureq::http::header;

use super::{RequestError, request_error};

/// A client for a server on this machine, which waits for each response; clones share its connections.
#[derive(Clone)]
pub struct LocalClient(Agent);

/// How much of a response is read, in bytes.
const MAX_LOCAL_BYTES: u64 = 64 * 1024 * 1024;

impl LocalClient {
    /// `timeout` covers a request and its whole response.
    pub fn new(timeout: Duration) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
        Self(config.timeout_global(Some(timeout)).build().into())
    }

    /// Sends a request with JSON, or without a body; returns status and body.
    pub fn send(&self, method: &str, url: &str, body: Option<String>) -> Result<(u16, String), RequestError> {
        let failed = |error: ureq::Error| request_error(&error);
        let request = ureq::http::Request::builder().method(method).uri(url);
        let answer = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(body).map(|it| self.0.run(it)),
            None => request.body(()).map(|it| self.0.run(it)),
        };
        let answer = answer.map_err(|error| RequestError::Permanent(error.to_string()))?;
        let mut answer = answer.map_err(failed)?;
        let text = answer.body_mut().with_config().limit(MAX_LOCAL_BYTES).read_to_string().map_err(failed)?;
        Ok((answer.status().as_u16(), text))
    }
}
