//! The web server: every route on one screen, the app that `serve` and the tests share, and its start and stop.

pub mod body;
mod client;
mod connection;
pub mod docs;
pub mod health;
pub mod metrics;
pub mod observe;
pub mod openapi;
mod request_id;
mod server;
mod unanswered;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::{Condition, DefaultHeaders, from_fn};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, Resource, guard, web};

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Ingest, Server};
use crate::edna::EdnaError;
use crate::edna::own::Kind;
use crate::edna::routes::{Edna, respond};
use crate::keys::Presented;
use crate::model::ask::{Asked, Body, Denial};
use crate::model::{Caller, Instant, TenantId};
use crate::oneuptime::OneUptimeError;
use crate::oneuptime::error::Act;
use crate::oneuptime::routes::{Call, OneUptime};
use crate::store::Store;
use crate::web::InFlight;

use body::{Reading, Rest};
use metrics::Metrics;

pub use server::serve;

/// How many bytes of a body are kept of whoever has no valid key, where the dialect tells of an unreadable one first.
const KEPT_WITHOUT_KEY: usize = 16 * 1024;

/// How many times its length a large body of events takes until they are written.
const EVENTS_WEIGHT: usize = 2;

/// Everything a request can need.
pub struct Gateway {
    pub app: App,
    edna: Edna,
    oneuptime: OneUptime,
    metrics: Metrics,
    in_flight: InFlight,
    document: openapi::Shared,
    server: Server,
    ingest: Ingest,
    webhook_header: String,
    stopping: AtomicBool,
    docs: docs::Files,
}

impl Gateway {
    /// Call it on the runtime that is to write what feeds bring.
    pub fn new(config: &Config, store: Store, clock: Clock) -> Self {
        let in_flight = InFlight::new(config.server.bytes_in_flight);
        let app = App::new(config, store, clock);
        Self {
            metrics: Metrics::new(&app),
            edna: Edna { app: app.clone(), policy: config.policy(), in_flight: in_flight.clone() },
            oneuptime: OneUptime { app: app.clone(), profile: config.profile(), in_flight: in_flight.clone() },
            app,
            in_flight,
            document: openapi::Shared::default(),
            server: config.server.clone(),
            ingest: config.ingest.clone(),
            webhook_header: config.webhooks.header.clone(),
            stopping: AtomicBool::new(false),
            docs: docs::Files::new(&[]),
        }
    }

    /// With keys that its page shows to everybody who opens it.
    #[must_use]
    pub fn showing(self, keys: &[docs::ShownKey]) -> Self {
        Self { docs: docs::Files::new(keys), ..self }
    }

    /// Has `/metrics` tell how many log lines were dropped.
    #[must_use]
    pub fn counting_dropped_lines(mut self, dropped: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.metrics.count_dropped_lines(dropped);
        self
    }

    /// The key that stands in a request's header.
    fn presented<'a>(&self, request: &'a HttpRequest, header: &'a str) -> Presented<'a> {
        let key = match request.headers().get(header) {
            None => Err(Denial::NoKey),
            Some(value) => value.to_str().ok().filter(|text| !text.trim().is_empty()).ok_or(Denial::UnknownKey),
        };
        Presented { key, from: client::address(request, &self.server.trusted_proxies) }
    }

    /// Reads a request's body, of which no more than `limit` bytes are kept.
    async fn body(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        tenant: Option<TenantId>,
        limit: usize,
    ) -> (Body, Rest) {
        self.weighed_body(request, payload, tenant, limit, 1).await
    }

    async fn weighed_body(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        tenant: Option<TenantId>,
        limit: usize,
        weight: usize,
    ) -> (Body, Rest) {
        // What follows is meant for somebody else, and has no end.
        if request.method() == Method::CONNECT {
            return (Body::Incomplete, Rest::of(payload));
        }
        let patience = Duration::from_secs(self.server.body_timeout_seconds);
        let reading = Reading { limit, weight, patience };
        let in_flight = tenant.map_or_else(|| self.in_flight.clone(), |tenant| self.in_flight.of(tenant));
        let read = body::read(request.headers(), payload, reading, &in_flight).await;
        unanswered::body_is_read(request);
        read
    }
}

/// Every route there is.
fn routes(routes: &mut web::ServiceConfig) {
    let get = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    let reads = || web::route().to(|request, payload, gateway| not_allowed("GET, HEAD", request, payload, gateway));
    let posts = || web::route().to(|request, payload, gateway| not_allowed("POST", request, payload, gateway));
    let any = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()).or(guard::Post()));
    let change = |act| move |request, payload, gateway| log_change(act, request, payload, gateway);
    routes
        .service(web::resource("/api/messages/history").post(history).default_service(posts()))
        .service(web::resource("/v1/messages").route(web::post().to(take_messages)).default_service(posts()))
        .service(web::resource("/v1/messages/{id}").route(get().to(message)).default_service(reads()))
        .service(web::resource("/v1/statuses").route(web::post().to(take_statuses)).default_service(posts()))
        .service(webhook("/webhooks/edna"))
        .service(webhook("/webhooks/edna/messages"))
        .service(webhook("/webhooks/edna/statuses"))
        .service(log("/get-list").route(any().to(log_list)))
        .service(log("/count").route(web::post().to(log_count)))
        .service(log("/{id}/get-item").route(any().to(log_item)))
        .service(log("/{id}/update-item").route(any().to(change(Act::Update))))
        .service(log("/{id}/delete-item").route(any().to(change(Act::Delete))))
        .service(log("").route(web::post().to(change(Act::Create))))
        .service(log("/{id}").route(web::put().to(change(Act::Update))).route(web::delete().to(change(Act::Delete))))
        .service(web::resource("/healthz").route(get().to(health::healthz)).default_service(reads()))
        .service(web::resource("/readyz").route(get().to(health::readyz)).default_service(reads()))
        .service(web::resource("/metrics").route(get().to(metrics::metrics)).default_service(reads()))
        .service(web::resource("/openapi.json").route(get().to(openapi::json)).default_service(reads()))
        .service(web::resource(["/", "/docs"]).name("/docs").route(get().to(docs::lead)).default_service(reads()))
        .service(web::resource("/docs/{file:.*}").route(get().to(docs::file)).default_service(reads()))
        .default_service(web::to(not_found));
}

/// An address for edna's webhooks. edna looks whether it is there before it sends anything, without a key.
fn webhook(path: &str) -> Resource {
    let looks = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    web::resource([path.to_owned(), format!("{path}/")])
        .name(path)
        .route(web::post().to(hear))
        .route(looks.to(health::healthz))
        .default_service(web::to(|request, payload, gateway| not_allowed("GET, HEAD, POST", request, payload, gateway)))
}

/// A route of the WhatsApp log: in any case of letters, with or without a slash at its end.
fn log(path: &str) -> Resource {
    let word = |(place, word): (usize, &str)| match word {
        "{id}" => "/{id}".to_owned(),
        word => format!("/{{word{place}:(?i:{word})}}"),
    };
    let whole = format!("/api/whatsapp-log{path}");
    let pattern: String = whole.split('/').skip(1).enumerate().map(word).collect();
    web::resource(format!("{pattern}{{end:/?}}")).name(&whole).default_service(web::to(not_found))
}

async fn log_list(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let in_url = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let in_url = in_url.map(web::Query::into_inner).unwrap_or_default();
    log_call(Call::List(in_url), request, payload, gateway).await
}

async fn log_count(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    log_call(Call::Count, request, payload, gateway).await
}

async fn log_item(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let id = request.match_info().get("id").unwrap_or_default().to_owned();
    log_call(Call::Item(id), request, payload, gateway).await
}

async fn log_change(
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

async fn history(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let limit = gateway.server.body_limit_bytes;
    let (asked, rest) = asked(&request, payload, &gateway, Caller::may_read_history, limit).await;
    rest.answer(gateway.edna.history(asked).await)
}

async fn take_messages(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    take(Kind::Messages, request, payload, gateway).await
}

async fn take_statuses(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    take(Kind::Statuses, request, payload, gateway).await
}

async fn take(kind: Kind, request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let limit = gateway.ingest.body_limit_bytes;
    let (asked, rest) = asked(&request, payload, &gateway, Caller::may_send_messages, limit).await;
    rest.answer(gateway.edna.take(asked, kind).await)
}

async fn message(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let (asked, rest) = asked(&request, payload, &gateway, |_| false, 0).await;
    let id = request.match_info().get("id").unwrap_or_default();
    rest.answer(gateway.edna.message(asked, id).await)
}

async fn hear(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
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
async fn not_found(request: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
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

async fn not_allowed(
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

/// What browsers are told of pages of other origins. A page without leave gets its answer, which its browser keeps.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_any_header()
        .expose_headers(["x-request-id", "retry-after"])
        .max_age(3600)
        .block_on_origin_mismatch(false);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// What every answer says unless it says otherwise: it is nobody's to keep, is what it says it is, and stands in no frame.
fn default_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((CACHE_CONTROL, "no-store"))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"))
}

/// The app that is served, and that the tests call in process.
pub fn app(
    gateway: web::Data<Gateway>,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let origins = &gateway.server.cors_origins;
    let cors = Condition::new(!origins.is_empty(), cors(origins));
    actix_web::App::new()
        .app_data(gateway)
        .configure(routes)
        .wrap(cors)
        .wrap(default_headers())
        .wrap(from_fn(observe::observe))
}
