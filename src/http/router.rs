//! Every route on one screen, and the app that `serve` and the tests share; knows nothing else.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, Error, Resource, guard, web};

use super::cors::{cors, default_headers};
use super::handlers::{
    hear, history, log_change, log_count, log_item, log_list, message, not_allowed, not_found, take_messages,
    take_statuses,
};
use super::{Gateway, docs, health, metrics, observe, openapi};
use crate::oneuptime::error::Act;

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

/// The app that is served, and that the tests call in process.
pub fn app(
    gateway: web::Data<Gateway>,
) -> App<
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
    App::new().app_data(gateway).configure(routes).wrap(cors).wrap(default_headers()).wrap(from_fn(observe::observe))
}
