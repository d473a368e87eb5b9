//! A request until it is answered: whether its client is still worth an answer, and a malformed chunked body, whose
//! connection the web server would end without a word; knows no handler.

use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::TRANSFER_ENCODING;

use super::connection::Connection;
use crate::oneuptime::OneUptimeError;
use crate::web::ApiError;
use crate::web::body::BodyIsRead;
use crate::web::error::ErrorResponse;

const SENTENCE: &str = "The body's chunks are malformed, or did not arrive whole.";

/// How often to look whether a client that waits for its answer is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A request until it is answered. Where its body is chunked and it is dropped before the body has come to its end, the web
/// server could make nothing of that.
pub struct Unanswered {
    connection: Option<Connection>,
    body: BodyIsRead,
    is_chunked: bool,
    error: fn() -> String,
}

impl Unanswered {
    pub fn watch(request: &ServiceRequest) -> Self {
        let body = BodyIsRead::default();
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let connection = request.request().conn_data::<Connection>().cloned();
        if connection.is_some() {
            request.extensions_mut().insert(body.clone());
        }
        let is_oneuptime = is_chunked && request.path().to_ascii_lowercase().contains("whatsapp-log");
        let error: fn() -> String = if is_oneuptime {
            || OneUptimeError::bad(SENTENCE).body()
        } else {
            || ApiError::NotValid(SENTENCE.into()).body()
        };
        Self { connection, body, is_chunked, error }
    }

    /// Done when an answer is for nobody, and why: the client has hung up, which the web server does not see while more is
    /// unread than it reads ahead; or it sends that much behind its request, on which the web server would spend all of a
    /// processor until the answer is there.
    pub async fn given_up(&self) -> &'static str {
        let Some(connection) = &self.connection else { return std::future::pending().await };
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if connection.is_hung_up() {
                return "the client hung up";
            }
            if self.body.get() && connection.has_unread() {
                return "the client sent too much behind its request";
            }
        }
    }

    pub fn answered(mut self) {
        self.connection = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| self.is_chunked && !self.body.get()) else { return };
        let body = (self.error)();
        let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n";
        let answer = format!("{head}cache-control: no-store\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        connection.end_with(&answer);
        tracing::info!(status = 400, "a request whose body's chunks are malformed was answered");
    }
}
