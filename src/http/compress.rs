//! Compresses long responses, while they are sent, for clients that ask for it; knows no route.

use std::sync::Arc;

use actix_http::encoding::Encoder;
use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    ACCEPT_ENCODING, AcceptEncoding, ContentEncoding, Encoding, Header, Preference, Quality,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::web::body::HoldingBody;

/// A body that is compressed while it is sent.
type Compressed<B> = HoldingBody<Encoder<B>, OwnedSemaphorePermit>;

/// The shortest body that is compressed, in bytes: a page of about 25 messages. To compress a shorter one takes longer
/// than to send it.
const SHORTEST: u64 = 16 * 1024;

/// How many responses are compressed at the same time; each takes up to 4 MiB of memory.
pub const MAX_COMPRESSIONS: usize = 8;

/// The encodings, the faster one first.
const ENCODINGS: [(ContentEncoding, Encoding); 2] =
    [(ContentEncoding::Zstd, Encoding::zstd()), (ContentEncoding::Gzip, Encoding::gzip())];

/// Compresses a body slice by slice, as fast as the client reads. It is sent as it is while too many are compressed.
pub fn compress<B: MessageBody>(
    response: ServiceResponse<B>,
    places: Option<&Arc<Semaphore>>,
) -> ServiceResponse<EitherBody<Compressed<B>, B>> {
    let is_long = match response.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(bytes) => bytes >= SHORTEST,
        BodySize::Stream => true,
    };
    let encoding = is_long.then(|| wanted(&response)).flatten();
    let place = || Arc::clone(places?).try_acquire_owned().ok();
    match encoding.and_then(|encoding| Some((encoding, place()?))) {
        None => response.map_body(|_, body| EitherBody::right(body)),
        Some((encoding, place)) => response
            .map_body(|head, body| EitherBody::left(HoldingBody::new(Encoder::response(encoding, head, body), place))),
    }
}

/// The encoding that the client likes best; `None` if it names none, or prefers plain text.
fn wanted<B>(response: &ServiceResponse<B>) -> Option<ContentEncoding> {
    if !response.request().headers().contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let accepted = AcceptEncoding::parse(response.request()).ok()?;
    let quality = |encoding: &Encoding| {
        let named = accepted.iter().find(|item| item.item == Preference::Specific(encoding.clone()));
        named.map_or(Quality::ZERO, |item| item.quality)
    };
    let plain = quality(&Encoding::identity());
    let best = ENCODINGS.into_iter().map(|(encoding, name)| (encoding, quality(&name)));
    let best = best.filter(|(_, quality)| *quality > Quality::ZERO && *quality >= plain);
    // Of equal ones the first.
    best.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(encoding, _)| encoding)
}
