//! Answers a request whose chunked body is malformed: the web server ends its connection without a word; knows no handler.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::dev::{Extensions, ServiceRequest};
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpMessage, HttpRequest};
use socket2::Socket;

use crate::edna::EdnaError;
use crate::oneuptime::OneUptimeError;

const SENTENCE: &str = "The body's chunks are malformed, or did not arrive whole.";

/// A connection by a descriptor of its own, by which it can be answered after the web server has given it up.
#[derive(Clone)]
struct Connection(Rc<Socket>);

/// Keeps the connection with its requests.
pub fn keep(stream: &TcpStream, extensions: &mut Extensions) {
    #[cfg(unix)]
    if let Ok(descriptor) = std::os::fd::AsFd::as_fd(stream).try_clone_to_owned() {
        extensions.insert(Connection(Rc::new(descriptor.into())));
    }
    #[cfg(not(unix))]
    let _ = (stream, extensions);
}

/// Takes as many connections as the system lets this process have: each has two descriptors.
pub fn raise_descriptor_limit() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(cause = %error, "the limit of open files stays as it is");
        }
    }
}

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
        let Some(Connection(socket)) = self.connection.take().filter(|_| !self.body.0.get()) else { return };
        let body = (self.error)();
        let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n";
        let answer = format!("{head}cache-control: no-store\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        // A client that has gone hears nothing, and a socket takes so little without waiting.
        let _ = socket.send(answer.as_bytes()).and_then(|_| socket.shutdown(std::net::Shutdown::Write));
        tracing::info!(status = 400, "a request whose body's chunks are malformed was answered");
    }
}
