//! Ends a response before it should, and keeps the beginning of its body for the journal; knows no rule.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_ENCODING, HeaderValue};
use actix_web::web::Bytes;

use crate::sandbox::faults::Cut;
use crate::sandbox::journal::{MAX_BODY_BYTES, READ_BODY_BYTES};

/// The longest body that is read whole in order to be cut.
const MAX_CUT_BODY: usize = 64 * 1024 * 1024;

/// How long the bytes before a cut may take to be sent.
const SENDING: Duration = Duration::from_millis(50);

/// The beginning of a body.
pub struct BodyPrefix {
    pub bytes: Vec<u8>,
    pub is_whole: bool,
}

/// Cuts a response, if it is to be cut; returns it with the beginning of its body, and its status, if any is sent.
pub async fn cut(
    response: ServiceResponse<BoxBody>,
    cut: Option<Cut>,
) -> (ServiceResponse<BoxBody>, BodyPrefix, Option<u16>) {
    let status = response.status().as_u16();
    let (request, response) = response.into_parts();
    let (mut response, mut body) = response.into_parts();
    let size = body.size();
    let wanted = if cut.is_some() { MAX_CUT_BODY } else { READ_BODY_BYTES };
    let (parts, is_ended) = peek(&mut body, wanted).await;
    let whole: Vec<u8> = parts.iter().flatten().flatten().copied().collect();
    let bytes_until = |length: usize| whole[..whole.len().min(length)].to_vec();
    let (sent, status) = match cut {
        None => {
            let kept =
                BodyPrefix { bytes: bytes_until(READ_BODY_BYTES), is_whole: is_ended && whole.len() <= MAX_BODY_BYTES };
            let body = PeekedBody { parts: parts.into_iter(), rest: body, size };
            let response = response.set_body(BoxBody::new(body));
            return (ServiceResponse::new(request, response), kept, Some(status));
        }
        Some(Cut::Before) => (0, None),
        Some(Cut::Middle) => (whole.len() / 2, Some(status)),
        Some(Cut::At(bytes)) => (bytes.min(whole.len()), Some(status)),
    };
    // A compressed body would have another length.
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    let kept = BodyPrefix { bytes: bytes_until(sent.min(READ_BODY_BYTES)), is_whole: false };
    let body = CutBody { bytes: Some(Bytes::from(bytes_until(sent))), length: whole.len() as u64, sending: None };
    (ServiceResponse::new(request, response.set_body(BoxBody::new(body))), kept, status)
}

type Part = Result<Bytes, Box<dyn std::error::Error>>;

/// Reads the beginning of a body; returns its parts, and whether that was all.
async fn peek(body: &mut BoxBody, wanted: usize) -> (Vec<Part>, bool) {
    let (mut parts, mut length) = (Vec::new(), 0);
    while length < wanted {
        match poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await {
            Some(Ok(part)) => {
                length += part.len();
                parts.push(Ok(part));
            }
            Some(Err(error)) => {
                parts.push(Err(error));
                return (parts, false);
            }
            None => return (parts, true),
        }
    }
    (parts, false)
}

/// A body whose beginning was read already.
struct PeekedBody {
    parts: std::vec::IntoIter<Part>,
    rest: BoxBody,
    size: BodySize,
}

impl MessageBody for PeekedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        match this.parts.next() {
            Some(part) => Poll::Ready(Some(part)),
            None => Pin::new(&mut this.rest).poll_next(context),
        }
    }
}

/// A body that says that it is longer than it is. The connection is closed where it ends.
struct CutBody {
    bytes: Option<Bytes>,
    length: u64,
    /// Lets the connection send the bytes before it is closed.
    sending: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl MessageBody for CutBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if let Some(bytes) = this.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(bytes)));
        }
        let sending = this.sending.get_or_insert_with(|| Box::pin(tokio::time::sleep(SENDING)));
        match sending.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Some(Err(io::Error::other("a fault rule ends the response here")))),
        }
    }
}
