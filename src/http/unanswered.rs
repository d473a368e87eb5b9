//! Answers a request whose chunked body is malformed: the web server ends its connection without a word; knows no handler.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::{HttpMessage, HttpRequest};

use super::connection::Connection;
use crate::edna::EdnaError;
use crate::oneuptime::OneUptimeError;

const SENTENCE: &str = "The body's chunks are malformed, or did not arrive whole.";

/// Whether a request's body has come to its end, or is not read any more.
#[derive(Clone, Default)]
struct BodyIsRead(Rc<Cell<bool>>);

/// Notes that a request's body was read as far as it is.
pub fn body_is_read(request: &HttpRequest) {
    if let Some(BodyIsRead(is_read)) = request.extensions().get() {
        is_read.set(true);
    }
}

/// A request with a chunked body, until it is answered. Where it is dropped before its body has come to its end, the web
/// server could make nothing of that.
pub struct Unanswered {
    connection: Option<Connection>,
    body: BodyIsRead,
    error: fn() -> String,
}

impl Unanswered {
    pub fn watch(request: &ServiceRequest) -> Self {
        let body = BodyIsRead::default();
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let connection = is_chunked.then(|| request.request().conn_data::<Connection>().cloned()).flatten();
        if connection.is_some() {
            request.extensions_mut().insert(body.clone());
        }
        let is_oneuptime = request.path().to_ascii_lowercase().contains("whatsapp-log");
        let error: fn() -> String = if is_oneuptime {
            || OneUptimeError::bad(SENTENCE).body()
        } else {
            || EdnaError::NotValid(SENTENCE.into()).body()
        };
        Self { connection, body, error }
    }

    pub fn answered(mut self) {
        self.connection = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| !self.body.0.get()) else { return };
        let body = (self.error)();
        let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n";
        let answer = format!("{head}cache-control: no-store\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        connection.end_with(&answer);
        tracing::info!(status = 400, "a request whose body's chunks are malformed was answered");
    }
}
