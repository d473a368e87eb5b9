//! Reads a request's body, bounded in length and time; knows no form of it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web;
use actix_web::{HttpMessage, HttpRequest};
use futures_util::StreamExt;

use crate::in_flight::{InFlight, Share};

/// How much of a body that is too long is still taken in, so that a client that sends before it reads
/// gets its answer instead of a broken connection.
const SWALLOWED_BYTES: usize = 64 * 1024 * 1024;

/// A request's body as far as it came.
pub enum Body {
    Whole(Vec<u8>),
    TooLarge {
        limit: usize,
    },
    /// It stopped arriving.
    Incomplete,
    /// There was no memory left for it.
    Overloaded,
    /// It is longer than what is kept of callers without a valid key, and nothing of it was kept.
    Discarded,
}

/// What is left of a body that was not read to its end, and the room that is taken for what was.
///
/// The rest is held until the answer is sent: the server takes a body nobody holds for one to be swallowed, waits for its
/// end without a bound, and so lets anybody keep a connection open for good.
pub struct UnreadBody {
    payload: Option<Payload>,
    share: Share,
}

/// How a body is read.
#[derive(Clone, Copy)]
pub struct Reading {
    /// How many bytes are kept at the most.
    pub limit: usize,
    /// How many times its length it takes while it is answered: what it is read into counts too.
    pub weight: usize,
    pub timeout: Duration,
}

/// Reads a body of at most `limit` bytes; a longer one is read on and thrown away.
pub async fn read(
    headers: &HeaderMap,
    mut payload: Payload,
    reading: Reading,
    in_flight: &InFlight,
) -> (Body, UnreadBody) {
    let Reading { limit, timeout, .. } = reading;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let announced = announced.unwrap_or(0);
    let mut taken = Taken { kept: Vec::new(), length: 0, announced, share: Share::default(), is_overloaded: false };
    let whole = tokio::time::timeout(timeout, taken.all(&mut payload, reading, in_flight)).await;
    let is_whole = matches!(whole, Ok(Ok(true)));
    let body = if taken.length.max(announced) > limit {
        Body::TooLarge { limit }
    } else if taken.is_overloaded {
        Body::Overloaded
    } else if is_whole {
        Body::Whole(taken.kept)
    } else {
        Body::Incomplete
    };
    (body, UnreadBody { payload: (!is_whole).then_some(payload), share: taken.share })
}

struct Taken {
    kept: Vec<u8>,
    length: usize,
    announced: usize,
    share: Share,
    is_overloaded: bool,
}

impl Taken {
    /// Whether the body was read to its end.
    async fn all(
        &mut self,
        payload: &mut Payload,
        reading: Reading,
        in_flight: &InFlight,
    ) -> Result<bool, PayloadError> {
        let Reading { limit, weight, .. } = reading;
        while let Some(part) = payload.next().await {
            let part = part?;
            self.length += part.len();
            if !self.is_overloaded
                && self.length <= limit
                && in_flight.grow(&mut self.share, self.length.saturating_mul(weight))
            {
                if self.kept.capacity() == 0 {
                    // Memory is taken as it is written to.
                    self.kept.reserve(self.announced.min(limit));
                }
                self.kept.extend_from_slice(&part);
            } else {
                self.is_overloaded |= self.length <= limit;
                self.kept = Vec::new();
                self.share = Share::default();
            }
            if self.length > limit.max(SWALLOWED_BYTES) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl UnreadBody {
    /// All of a body, of which nothing was read.
    pub fn of(payload: Payload) -> Self {
        Self { payload: Some(payload), share: Share::default() }
    }

    /// Has the request's answer hold it, if there is anything to hold.
    pub fn keep_for_answer(self, request: &HttpRequest) {
        if self.payload.is_some() || self.share.is_counted() {
            request.extensions_mut().insert(self);
        }
    }
}

/// Has an answer's body hold what is left of its request's, which ends the connection where that is not read.
pub fn hold_unread<B: MessageBody + Unpin>(response: ServiceResponse<B>) -> ServiceResponse<impl MessageBody + Unpin> {
    let unread = response.request().extensions_mut().remove::<UnreadBody>();
    response.map_body(|_, body| Held { body, _unread: unread })
}

/// An answer's body that keeps hold of what is left of its request's.
struct Held<B> {
    body: B,
    _unread: Option<UnreadBody>,
}

impl<B: MessageBody + Unpin> MessageBody for Held<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

/// Whether a request's body has come to its end, or is not read any more; a request's extension.
#[derive(Clone, Default)]
pub struct BodyIsRead(Rc<Cell<bool>>);

impl BodyIsRead {
    pub fn get(&self) -> bool {
        self.0.get()
    }
}

/// Notes that a request's body was read as far as it is.
pub fn note_as_read(request: &HttpRequest) {
    if let Some(BodyIsRead(is_read)) = request.extensions().get() {
        is_read.set(true);
    }
}
