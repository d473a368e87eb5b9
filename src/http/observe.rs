//! What happens to every request: an id, a log line, a closed connection while the server stops.

use std::sync::atomic::Ordering;
use std::time::Instant as Monotonic;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::Gateway;
use crate::model::CallerId;
use crate::model::ask::ErrorTitle;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 128;

pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Monotonic::now();
    let id = request_id(&request);
    let method = method(&request);
    let span = tracing::info_span!("request", id = loggable(&id, &request));
    let mut response = next.call(request).instrument(span.clone()).await?;
    let _in_span = span.enter();
    response.headers_mut().insert(REQUEST_ID, id.clone());
    let gateway = response.request().app_data::<web::Data<Gateway>>().cloned();
    if gateway.as_ref().is_some_and(|gateway| gateway.stopping.load(Ordering::Relaxed)) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    // The route's name or pattern, never the path as sent: somebody may put a phone number there.
    let named = response.request().match_name().map(str::to_owned);
    let route = named.or_else(|| response.request().match_pattern()).unwrap_or_else(|| "unknown".into());
    let (status, took) = (response.status().as_u16(), started.elapsed());
    if let Some(gateway) = gateway {
        gateway.metrics.answered(&route, status, took);
    }
    let caller = response.request().extensions().get::<CallerId>().copied();
    let error = response.response().extensions().get::<ErrorTitle>().copied();
    tracing::info!(
        method,
        route,
        status,
        microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        tenant = caller.map(|caller| caller.tenant.0),
        key = caller.map(|caller| caller.key),
        error = error.map(|title| title.0),
        "request answered"
    );
    Ok(response)
}

/// A request's id as the log may hold it: one that could be a phone number, or stands in another header too, as
/// a key would, is told by
/// the beginning of its SHA-256 only.
fn loggable(id: &HeaderValue, request: &ServiceRequest) -> String {
    let text = id.to_str().unwrap_or_default();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_spelt_as_a_phone = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.()[]".contains(&byte));
    // A webhook's key stands behind a word, in a header that has any name.
    let ends_with_it = |value: &HeaderValue| {
        let start = value.len().checked_sub(text.len());
        start.is_some_and(|start| value.as_bytes()[start..].eq_ignore_ascii_case(text.as_bytes()))
    };
    let is_a_key = request.headers().iter().any(|(name, value)| name != REQUEST_ID && ends_with_it(value));
    if is_a_key || (is_spelt_as_a_phone && (10..=15).contains(&digits)) {
        let digest = Sha256::digest(text.as_bytes());
        return digest.iter().take(4).fold("sha256:".to_owned(), |start, byte| format!("{start}{byte:02x}"));
    }
    text.to_owned()
}

/// The method, where it is one of HTTP's own: a client may send any word.
fn method(request: &ServiceRequest) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    known.into_iter().find(|word| *word == request.method().as_str()).unwrap_or("other")
}

/// The id that was sent, where it is fit to be logged, or a new one.
fn request_id(request: &ServiceRequest) -> HeaderValue {
    let sent = request.headers().get(REQUEST_ID).filter(|value| {
        let bytes = value.as_bytes();
        !bytes.is_empty() && bytes.len() <= LONGEST_REQUEST_ID && bytes.iter().all(u8::is_ascii_graphic)
    });
    // A UUID's text is a valid header value.
    let new = || HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).unwrap_or(HeaderValue::from_static("-"));
    sent.cloned().unwrap_or_else(new)
}
