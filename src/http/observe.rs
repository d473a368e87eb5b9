//! The middleware of every request: an id, a log line, metrics, and closed connections on shutdown; knows no route.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Monotonic};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use tracing::Instrument;

use super::Gateway;
use super::compress::compress;
use super::pending_response::PendingResponse;
use super::request_id::{self, REQUEST_ID};
use crate::model::CallerId;
use crate::model::user::UserId;
use crate::web::body::hold_unread;
use crate::web::error::LoggedTitle;

pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + Unpin + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Monotonic::now();
    let id = request_id::of(request.headers());
    let method = method(&request);
    let span = tracing::info_span!("request", id = request_id::loggable(&id, request.headers()));
    let pending = PendingResponse::watch(&request);
    let mut response = tokio::select! {
        biased;
        response = next.call(request).instrument(span.clone()) => response?,
        // Dropping the handler's future cancels its work. No client receives the response below.
        why = pending.client_gone() => {
            pending.answered();
            let _in_span = span.enter();
            tracing::info!(method, microseconds = microseconds(started.elapsed()), "{why}");
            return Err(InternalError::from_response("", HttpResponse::RequestTimeout().force_close().finish()).into());
        }
    };
    pending.answered();
    let _in_span = span.enter();
    response.headers_mut().insert(REQUEST_ID, id.clone());
    let gateway = response.request().app_data::<web::Data<Gateway>>().cloned();
    if gateway.as_ref().is_some_and(|gateway| gateway.stopping.load(Ordering::Relaxed)) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    // The route's name or pattern, never the path as sent: it could contain a phone number.
    let named = response.request().match_name().map(str::to_owned);
    let route = named.or_else(|| response.request().match_pattern()).unwrap_or_else(|| "unknown".into());
    let (status, took) = (response.status().as_u16(), started.elapsed());
    if let Some(gateway) = &gateway {
        gateway.app.metrics.answered(&route, status, took);
    }
    let caller = response.request().extensions().get::<CallerId>().copied();
    let user = response.request().extensions().get::<UserId>().copied();
    let error = response.response().extensions().get::<LoggedTitle>().copied();
    tracing::info!(
        method,
        route,
        status,
        microseconds = microseconds(took),
        tenant = caller.map(|caller| caller.tenant.0),
        key = caller.map(|caller| caller.key).filter(|key| *key != 0),
        user = user.map(|user| user.0),
        error = error.map(|title| title.0),
        "request completed"
    );
    Ok(hold_unread(compress(response, gateway.as_ref().map(|gateway| &gateway.compressions))))
}

fn microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// The method if it is one of HTTP's own, otherwise `other`: a client may send any word.
fn method(request: &ServiceRequest) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    known.into_iter().find(|word| *word == request.method().as_str()).unwrap_or("other")
}
