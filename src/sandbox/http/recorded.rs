//! What the journal keeps of a request: its line without keys, and the beginning of its body, which is copied while a
//! handler reads it; knows no journal.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest};
use futures_util::{Stream, StreamExt, stream};

use crate::config::Config;
use crate::sandbox::journal::{MAX_BODY_BYTES, READ_BODY_BYTES};
use crate::sandbox::registry::Registry;
use crate::web::body::UnreadBody;

/// How much of a body is copied where rules compare bodies: as much as any route takes.
const MAX_COMPARED: usize = 16 * 1024 * 1024;

/// The query values that are keys by their name.
const SECRET_VALUES: [&str; 3] = ["key", "apikey", "token"];

/// The line of a request, and the type of its body.
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub content_type: Option<String>,
}

impl Recorded {
    pub fn of(request: &ServiceRequest, registry: &Registry) -> Self {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let query = match request.query_string() {
            "" => String::new(),
            query => format!("?{}", query.split('&').map(without_secret).collect::<Vec<_>>().join("&")),
        };
        Self {
            method: request.method().to_string(),
            path: registry.without_keys(format!("{}{query}", request.path())),
            content_type: content_type.map(str::to_owned),
        }
    }
}

fn without_secret(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if SECRET_VALUES.iter().any(|secret| name.eq_ignore_ascii_case(secret)) => format!("{name}=…"),
        _ => pair.to_owned(),
    }
}

/// The bytes that arrived so far.
pub struct Copied {
    bytes: Vec<u8>,
    /// How many are copied at most.
    limit: usize,
    /// How many arrived, those that were not copied included.
    length: usize,
    is_whole: bool,
}

impl Copied {
    fn push(&mut self, part: &[u8]) {
        self.length += part.len();
        let room = self.limit.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// What the journal keeps and a key that may cross its end, and whether that is all.
    pub fn kept(&self) -> (Vec<u8>, bool) {
        let kept = &self.bytes[..self.bytes.len().min(READ_BODY_BYTES)];
        (kept.to_vec(), self.is_whole && self.length <= MAX_BODY_BYTES)
    }
}

/// A request's body, copied as it is read.
pub struct RequestBody {
    copied: Rc<RefCell<Copied>>,
    payload: Option<Payload>,
    /// What was read ahead, for the handler.
    ahead: Vec<Result<Bytes, PayloadError>>,
    timeout: Duration,
}

impl RequestBody {
    /// How much of a body is copied: that of a history request, whose near misses are named, and one that rules compare,
    /// whole.
    pub fn copy_limit(is_history: bool, is_compared: bool, config: &Config) -> usize {
        match (is_compared, is_history) {
            (true, _) => MAX_COMPARED,
            (false, true) => config.server.body_limit_bytes.max(READ_BODY_BYTES),
            (false, false) => READ_BODY_BYTES,
        }
    }

    /// Takes the body of a request, which `give_back` must give it again before a handler runs.
    pub fn take(request: &mut ServiceRequest, limit: usize, config: &Config) -> Self {
        Self {
            copied: Rc::new(RefCell::new(Copied { bytes: Vec::new(), limit, length: 0, is_whole: false })),
            payload: Some(request.take_payload()),
            ahead: Vec::new(),
            timeout: Duration::from_secs(config.server.body_timeout_seconds),
        }
    }

    /// Reads the body before its handler does, as far as it arrives in time and is copied.
    pub async fn read_ahead(&mut self) {
        let Some(payload) = &mut self.payload else { return };
        let (copied, ahead) = (&self.copied, &mut self.ahead);
        let read = async {
            while copied.borrow().length < MAX_COMPARED {
                match payload.next().await {
                    Some(Ok(part)) => {
                        copied.borrow_mut().push(&part);
                        ahead.push(Ok(part));
                    }
                    Some(Err(error)) => return ahead.push(Err(error)),
                    None => {
                        copied.borrow_mut().is_whole = true;
                        return;
                    }
                }
            }
        };
        // What does not arrive in time is left to the handler.
        let _ = tokio::time::timeout(self.timeout, read).await;
    }

    /// Lets the request hold what was not read, until its response is sent.
    pub fn hold(&mut self, request: &HttpRequest) {
        if let Some(payload) = self.payload.take().filter(|_| !self.is_whole()) {
            UnreadBody::new(payload).hold_until_response(request);
        }
    }

    /// Gives the request its body again.
    pub fn give_back(&mut self, request: &mut ServiceRequest) {
        let Some(payload) = self.payload.take() else { return };
        let ahead = stream::iter(std::mem::take(&mut self.ahead));
        let copied = Rc::clone(&self.copied);
        let rest = payload.map(Some).chain(stream::once(std::future::ready(None))).filter_map(move |part| {
            let mut copied = copied.borrow_mut();
            match &part {
                Some(Ok(part)) => copied.push(part),
                Some(Err(_)) => {}
                None => copied.is_whole = true,
            }
            std::future::ready(part)
        });
        let payload: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(ahead.chain(rest));
        request.set_payload(Payload::Stream { payload });
    }

    pub fn is_whole(&self) -> bool {
        self.copied.borrow().is_whole
    }

    /// The bytes as they arrive.
    pub fn bytes(&self) -> Rc<RefCell<Copied>> {
        Rc::clone(&self.copied)
    }

    /// The body as text, if it arrived whole and is text.
    pub fn text(&self) -> Option<String> {
        let copied = self.copied.borrow();
        let is_all = copied.is_whole && copied.bytes.len() == copied.length;
        is_all.then(|| String::from_utf8(copied.bytes.clone()).ok()).flatten()
    }

    /// The body's value, if it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.text()?.trim_start_matches('\u{feff}')).ok()
    }
}
