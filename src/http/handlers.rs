//! From a request as it came to its dialect, and back; knows no rule of either.

use std::sync::Arc;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use super::Gateway;
use super::body::Rest;
use crate::edna::EdnaError;
use crate::edna::own::Kind;
use crate::edna::routes::respond;
use crate::model::ask::{Asked, Body, Denial};
use crate::model::{Caller, Instant, TenantId};
use crate::oneuptime::OneUptimeError;
use crate::oneuptime::error::Act;
use crate::oneuptime::routes::Call;

/// How many bytes of a body are kept of whoever has no valid key, where the dialect tells of an unreadable one first.
const KEPT_WITHOUT_KEY: usize = 16 * 1024;

/// How many times its length a large body of events takes until they are written.
const EVENTS_WEIGHT: usize = 2;

pub async fn log_list(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let in_url = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let in_url = in_url.map(web::Query::into_inner).unwrap_or_default();
    log_call(Call::List(in_url), request, payload, gateway).await
}

pub async fn log_count(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    log_call(Call::Count, request, payload, gateway).await
}

pub async fn log_item(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let id = request.match_info().get("id").unwrap_or_default().to_owned();
    log_call(Call::Item(id), request, payload, gateway).await
}

pub async fn log_change(
    act: Act,
    request: HttpRequest,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> HttpResponse {
    let id = request.match_info().get("id").map(str::to_owned);
    log_call(Call::Change(act, id), request, payload, gateway).await
}

async fn log_call(
    call: Call,
    request: HttpRequest,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> HttpResponse {
    let now = gateway.app.clock.now();
    let caller = gateway.app.keys.caller(gateway.presented(&request, "ApiKey"), now).await;
    name_caller(&request, &caller);
    // A body that cannot be read is told of before the key (docs/oneuptime.md §6), so a little is kept without one too.
    let limit = gateway.server.body_limit_bytes;
    let limit = if caller.is_ok() { limit } else { limit.min(KEPT_WITHOUT_KEY) };
    let tenant = tenant(&caller);
    let (mut body, rest) = gateway.body(&request, payload, tenant, limit).await;
    if caller.is_err() && matches!(body, Body::TooLarge { .. }) {
        body = Body::PassedOver;
    }
    rest.answer(gateway.oneuptime.answer(Asked { caller, body, now }, call).await)
}

pub async fn history(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let limit = gateway.server.body_limit_bytes;
    let (asked, rest) = asked(&request, payload, &gateway, Caller::may_read_history, limit).await;
    rest.answer(gateway.edna.history(asked).await)
}

pub async fn take_messages(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    take(Kind::Messages, request, payload, gateway).await
}

pub async fn take_statuses(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    take(Kind::Statuses, request, payload, gateway).await
}

async fn take(kind: Kind, request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let limit = gateway.ingest.body_limit_bytes;
    let (asked, rest) = asked(&request, payload, &gateway, Caller::may_send_messages, limit).await;
    rest.answer(gateway.edna.take(asked, kind).await)
}

pub async fn message(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let (asked, rest) = asked(&request, payload, &gateway, |_| false, 0).await;
    let id = request.match_info().get("id").unwrap_or_default();
    rest.answer(gateway.edna.message(asked, id).await)
}

pub async fn hear(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let now = gateway.app.clock.now();
    let caller = gateway.app.keys.webhook(gateway.presented(&request, &gateway.webhook_header), now).await;
    let limit = gateway.server.body_limit_bytes;
    let (asked, rest) = asked_by(caller, now, &request, payload, &gateway, |_| true, limit).await;
    rest.answer(gateway.edna.webhook(asked).await)
}

/// A request of whoever has a key of edna's kind.
async fn asked(
    request: &HttpRequest,
    payload: web::Payload,
    gateway: &Gateway,
    may_send: fn(&Caller) -> bool,
    limit: usize,
) -> (Asked, Rest) {
    let now = gateway.app.clock.now();
    let caller = gateway.app.keys.caller(gateway.presented(request, "x-api-key"), now).await;
    asked_by(caller, now, request, payload, gateway, may_send, limit).await
}

async fn asked_by(
    caller: Result<Arc<Caller>, Denial>,
    now: Instant,
    request: &HttpRequest,
    payload: web::Payload,
    gateway: &Gateway,
    may_send: fn(&Caller) -> bool,
    limit: usize,
) -> (Asked, Rest) {
    name_caller(request, &caller);
    // Nothing is kept of a body whose sender has no right to send one.
    let may_send = caller.as_ref().is_ok_and(|caller| may_send(caller));
    let weight = if limit > gateway.server.body_limit_bytes { EVENTS_WEIGHT } else { 1 };
    let (tenant, limit) = (tenant(&caller), if may_send { limit } else { 0 });
    let (body, rest) = gateway.weighed_body(request, payload, tenant, limit, weight).await;
    (Asked { caller, body, now }, rest)
}

fn tenant(caller: &Result<Arc<Caller>, Denial>) -> Option<TenantId> {
    caller.as_ref().ok().map(|caller| caller.tenant)
}

/// Has the request's log line name its caller.
fn name_caller(request: &HttpRequest, caller: &Result<Arc<Caller>, Denial>) {
    if let Ok(caller) = caller {
        request.extensions_mut().insert(caller.id());
    }
}

/// There is nothing there, said in the words of whoever seems to ask.
pub async fn not_found(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let (_, rest) = gateway.body(&request, payload, None, 0).await;
    let path = request.path();
    let words = path.to_ascii_lowercase();
    let is_api = words.starts_with("/api/") && !words.starts_with("/api/messages");
    let is_oneuptimes = is_api && !request.headers().contains_key("x-api-key");
    rest.answer(if is_oneuptimes || words.contains("whatsapp-log") {
        crate::oneuptime::routes::respond(&OneUptimeError::PageNotFound(path.to_owned()))
    } else {
        respond(&EdnaError::NotFound)
    })
}

pub async fn not_allowed(
    allow: &'static str,
    request: HttpRequest,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
) -> HttpResponse {
    let (_, rest) = gateway.body(&request, payload, None, 0).await;
    let mut response = respond(&EdnaError::MethodNotAllowed);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    rest.answer(response)
}
