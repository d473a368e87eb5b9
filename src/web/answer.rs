//! Responses that are sent in parts, so that the server holds no second copy of one that its client does not read;
//! knows no dialect.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponseBuilder;
use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::http::header::{ContentType, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, http::StatusCode};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use super::error::CommonError;
use crate::in_flight::{InFlight, Share};
use crate::model::Freshness;

/// How many bytes are passed to a connection at a time. The connection copies them.
const SLICE: usize = 32 * 1024;

/// Tells with a response that wrote how recent a read has to be to see it; a request may send it back.
pub const POSITION_HEADER: &str = "history-position";

/// Adds to a response how recent a read has to be to see what the request wrote.
pub fn with_position(mut response: HttpResponse, position: Option<Freshness>) -> HttpResponse {
    let text = position.and_then(Freshness::for_client);
    if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(HeaderName::from_static(POSITION_HEADER), value);
    }
    response
}

/// A body that is sent in slices and holds its share of the bytes in flight until it is sent.
pub struct SlicedBody {
    parts: [Bytes; 3],
    _share: Share,
}

impl SlicedBody {
    pub fn new(bytes: impl Into<Bytes>, share: Share) -> Self {
        Self { parts: [bytes.into(), Bytes::new(), Bytes::new()], _share: share }
    }
}

impl MessageBody for SlicedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(length(&self.parts) as u64)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let next = self.get_mut().parts.iter_mut().find(|part| !part.is_empty());
        Poll::Ready(next.map(|part| Ok(part.split_to(part.len().min(SLICE)))))
    }
}

fn length(parts: &[Bytes; 3]) -> usize {
    parts.iter().map(Bytes::len).sum()
}

/// A response of rendered JSON; fails if too many bytes are in flight.
pub fn json(in_flight: &InFlight, status: StatusCode, body: String) -> Result<HttpResponse, CommonError> {
    json_parts(in_flight, status, ("", body, ""))
}

/// The same for JSON in three parts.
pub fn json_parts(
    in_flight: &InFlight,
    status: StatusCode,
    (beginning, body, end): (&'static str, impl Into<Bytes>, &'static str),
) -> Result<HttpResponse, CommonError> {
    let parts = [Bytes::from_static(beginning.as_bytes()), body.into(), Bytes::from_static(end.as_bytes())];
    let share = in_flight.try_reserve(length(&parts)).ok_or(CommonError::Unavailable)?;
    Ok(builder(status).body(SlicedBody { parts, _share: share }))
}

/// A response that is serialized from a type; fails if too many bytes are in flight.
pub fn typed(in_flight: &InFlight, status: StatusCode, answer: &impl Serialize) -> Result<HttpResponse, CommonError> {
    let body = serde_json::to_string(answer).map_err(|error| {
        tracing::error!(cause = %error, "a response could not be serialized");
        CommonError::Internal
    })?;
    json(in_flight, status, body)
}

/// The rest of a long response, read in parts.
pub trait RemainingParts: Sized + 'static {
    type Error: Into<Box<dyn std::error::Error>> + std::fmt::Display + 'static;

    /// Reads the next part; `None` if there is none left.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>>;

    /// The end of the response body.
    fn end(self) -> String;
}

/// The parts of a long response, each read once the client has taken the one before; the end of the body comes last.
fn parts_of<R: RemainingParts>(rest: R) -> impl Stream<Item = Result<Vec<u8>, R::Error>> {
    stream::unfold(Some(rest), |rest| async {
        let mut rest = rest?;
        match rest.next().await {
            Ok(Some(part)) => Some((Ok(part), Some(rest))),
            Ok(None) => Some((Ok(rest.end().into_bytes()), None)),
            Err(error) => {
                tracing::warn!(cause = %error, "a long response was truncated and its connection closed");
                Some((Err(error), None))
            }
        }
    })
}

/// A JSON response whose first part is given; the others are read at the pace of the client. If one of them fails, the
/// connection is closed without the last chunk, so that the client does not take a truncated body for the whole. Fails
/// if too many bytes are in flight.
pub fn streamed(
    in_flight: &InFlight,
    first: impl Into<Bytes>,
    rest: impl RemainingParts,
) -> Result<HttpResponse, CommonError> {
    let first = first.into();
    let share = in_flight.try_reserve(first.len()).ok_or(CommonError::Unavailable)?;
    let in_flight = in_flight.clone();
    let rest = parts_of(rest).then(move |part| {
        let in_flight = in_flight.clone();
        async move {
            let part = part.map_err(Into::into)?;
            let share = in_flight.reserve(part.len()).await;
            Ok((Bytes::from(part), share.ok_or("too many bytes are in flight for the rest of a response")?))
        }
    });
    let all = stream::once(std::future::ready(Ok((first, share)))).chain(rest);
    let slices = all.flat_map(|part: Result<(Bytes, Share), Box<dyn std::error::Error>>| match part {
        Ok(part) => slices(part).left_stream(),
        Err(error) => stream::once(std::future::ready(Err(error))).right_stream(),
    });
    Ok(builder(StatusCode::OK).body(BoxBody::new(BodyStream::new(Box::pin(slices)))))
}

/// The slices of a part; they hold its share until the last one has been passed on.
fn slices(part: (Bytes, Share)) -> impl Stream<Item = Result<Bytes, Box<dyn std::error::Error>>> {
    stream::unfold(part, |(mut bytes, share)| {
        let slice = (!bytes.is_empty()).then(|| bytes.split_to(bytes.len().min(SLICE)));
        std::future::ready(slice.map(|slice| (Ok(slice), (bytes, share))))
    })
}

fn builder(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.content_type(ContentType::json());
    response
}
