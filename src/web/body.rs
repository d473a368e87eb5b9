//! Reads a request's body, bounded in length and time; knows no format of it.

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

use super::ApiError;
use crate::in_flight::{InFlight, Share};

/// How much of a body that is too long is still read, and discarded, so that a client that sends before it reads gets
/// its response instead of a broken connection.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// A request's body, as far as it arrived.
pub enum Body {
    Whole(Vec<u8>),
    TooLarge {
        limit: usize,
    },
    /// It stopped arriving.
    Incomplete,
    /// Too many bytes were in flight to store it.
    Overloaded,
    /// The caller has no valid key, and the body is longer than what is stored for such callers. Nothing was stored.
    Discarded,
}

/// A body's text, without a byte order mark.
pub fn text(body: Vec<u8>) -> Result<String, ApiError> {
    let text = String::from_utf8(body).map_err(|_| ApiError::NotValid("The body is not valid UTF-8.".into()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The rest of a body that was not read to its end, and the share of the bytes in flight that the read part occupies.
///
/// The rest is held until the response is sent: actix-web drains a body that nothing holds, without a time limit, so
/// that any client could keep a connection open forever.
pub struct UnreadBody {
    payload: Option<Payload>,
    share: Share,
}

/// How a body is read.
#[derive(Clone, Copy)]
pub struct ReadOptions {
    /// How many bytes are stored at most.
    pub limit: usize,
    /// How many times its length the body occupies in memory: the values that are parsed from it count too.
    pub weight: usize,
    pub timeout: Duration,
}

/// Reads a body of at most `limit` bytes; a longer one is discarded as it is read.
pub async fn read(
    headers: &HeaderMap,
    mut payload: Payload,
    reading: ReadOptions,
    in_flight: &InFlight,
) -> (Body, UnreadBody) {
    let ReadOptions { limit, timeout, .. } = reading;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let announced = announced.unwrap_or(0);
    let mut reader =
        BodyReader { bytes: Vec::new(), length: 0, announced, share: Share::default(), is_overloaded: false };
    let whole = tokio::time::timeout(timeout, reader.read_all(&mut payload, reading, in_flight)).await;
    let is_whole = matches!(whole, Ok(Ok(true)));
    let body = if reader.length.max(announced) > limit {
        Body::TooLarge { limit }
    } else if reader.is_overloaded {
        Body::Overloaded
    } else if is_whole {
        Body::Whole(reader.bytes)
    } else {
        Body::Incomplete
    };
    (body, UnreadBody { payload: (!is_whole).then_some(payload), share: reader.share })
}

struct BodyReader {
    bytes: Vec<u8>,
    length: usize,
    announced: usize,
    share: Share,
    is_overloaded: bool,
}

impl BodyReader {
    /// Reads the body; returns whether it was read to its end.
    async fn read_all(
        &mut self,
        payload: &mut Payload,
        reading: ReadOptions,
        in_flight: &InFlight,
    ) -> Result<bool, PayloadError> {
        let ReadOptions { limit, weight, .. } = reading;
        while let Some(part) = payload.next().await {
            let part = part?;
            self.length += part.len();
            if !self.is_overloaded
                && self.length <= limit
                && in_flight.grow(&mut self.share, self.length.saturating_mul(weight))
            {
                if self.bytes.capacity() == 0 {
                    // The system allocates the memory only as it is written to.
                    self.bytes.reserve(self.announced.min(limit));
                }
                self.bytes.extend_from_slice(&part);
            } else {
                self.is_overloaded |= self.length <= limit;
                self.bytes = Vec::new();
                self.share = Share::default();
            }
            if self.length > limit.max(MAX_DISCARDED_BYTES) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl UnreadBody {
    /// A whole body, of which nothing was read.
    pub fn new(payload: Payload) -> Self {
        Self { payload: Some(payload), share: Share::default() }
    }

    /// Lets the response to the request hold the payload, and the request's handler the share, if there is any.
    pub fn hold_until_response(self, request: &HttpRequest) {
        if self.payload.is_some() || self.share.is_counted() {
            request.extensions_mut().insert(self);
        }
    }
}

/// Lets a response's body hold the rest of its request's body; if there is an unread rest, the connection is
/// closed afterwards.
pub fn hold_unread<B: MessageBody + Unpin>(response: ServiceResponse<B>) -> ServiceResponse<impl MessageBody + Unpin> {
    let unread = response.request().extensions_mut().remove::<UnreadBody>().and_then(|unread| unread.payload);
    response.map_body(|_, body| HoldingBody::new(body, unread))
}

/// A response's body that holds something until it is sent.
pub struct HoldingBody<B, H> {
    body: B,
    _held: H,
}

impl<B, H> HoldingBody<B, H> {
    pub fn new(body: B, held: H) -> Self {
        Self { body, _held: held }
    }
}

impl<B: MessageBody + Unpin, H: Unpin> MessageBody for HoldingBody<B, H> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

/// Whether a request's body was read as far as it will be; stored in the request's extensions.
#[derive(Clone, Default)]
pub struct BodyIsRead(Rc<Cell<bool>>);

impl BodyIsRead {
    pub fn get(&self) -> bool {
        self.0.get()
    }
}

/// Marks a request's body as read as far as it will be.
pub fn mark_as_read(request: &HttpRequest) {
    if let Some(BodyIsRead(is_read)) = request.extensions().get() {
        is_read.set(true);
    }
}
