//! Watches a request until it has its response: detects a client that is gone, and responds to a malformed chunked
//! body, on which actix-web would close the connection without a response; knows no handler.

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

/// How often to check whether a client that waits for its response is still connected.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// A request without a response yet. If its body is chunked and this is dropped before the body was read to its end,
/// actix-web could not decode the chunks.
pub struct PendingResponse {
    connection: Option<Connection>,
    body: BodyIsRead,
    is_chunked: bool,
    error: fn() -> String,
}

impl PendingResponse {
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

    /// Completes once the request should be given up, with the reason. Either the client has closed the connection,
    /// which actix-web does not notice while more is unread than it reads ahead; or the client sent that much after its
    /// request, with which actix-web would keep a CPU busy until the response is ready.
    pub async fn client_gone(&self) -> &'static str {
        let Some(connection) = &self.connection else { return std::future::pending().await };
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            if connection.is_closed_by_client() {
                return "the client closed the connection";
            }
            if self.body.get() && connection.has_unread() {
                return "the client sent too much data after its request";
            }
        }
    }

    pub fn answered(mut self) {
        self.connection = None;
    }
}

impl Drop for PendingResponse {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| self.is_chunked && !self.body.get()) else { return };
        let body = (self.error)();
        let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n";
        let answer = format!("{head}cache-control: no-store\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        connection.send_and_shut_down(&answer);
        tracing::info!(status = 400, "rejected a request with malformed chunks");
    }
}
