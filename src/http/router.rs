//! Every route on one screen, and the app that `serve` and the tests share; knows nothing else.

use std::future::ready;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::resource;
use actix_web::{App, Error, Resource, Route, guard, web};

use super::cors::{cors, default_headers};
use super::handlers::{not_allowed, not_found};
use super::{Gateway, docs, health, metrics, observe, openapi};
use crate::api::{changes, ingest, message, messages};
use crate::console::{
    audit, conversation, evidence, files, find, language, login, message as message_page, messages as list,
    not_found as not_found_page, start, users,
};
use crate::edna::{history, webhook};
use crate::oneuptime::handlers as logs;
use crate::web::{Public, Request};

/// All routes.
fn routes(routes: &mut web::ServiceConfig) {
    let get = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    let any = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()).or(guard::Post()));
    let reads = || only("GET, HEAD");
    let posts = || only("POST");
    routes
        .service(resource("/api/messages/history").post(history::history).default_service(posts()))
        .service(
            resource("/v1/messages")
                .post(ingest::ingest_messages)
                .route(get().to(messages::list_messages))
                .default_service(only("GET, HEAD, POST")),
        )
        .service(resource("/v1/messages/query").post(messages::query_messages).default_service(posts()))
        .service(resource("/v1/changes").route(get().to(changes::list_changes)).default_service(reads()))
        .service(resource("/v1/changes/query").post(changes::query_changes).default_service(posts()))
        .service(resource("/v1/messages/{id}").route(get().to(message::get_message)).default_service(reads()))
        .service(resource("/v1/statuses").post(ingest::ingest_statuses).default_service(posts()))
        .service(webhook("/webhooks/edna"))
        .service(webhook("/webhooks/edna/messages"))
        .service(webhook("/webhooks/edna/statuses"))
        .service(log("/get-list").route(any().to(logs::get_list)))
        .service(log("/count").post(logs::count))
        .service(log("/{id}/get-item").route(any().to(logs::get_item)))
        .service(log("/{id}/update-item").route(any().to(logs::update)))
        .service(log("/{id}/delete-item").route(any().to(logs::delete)))
        .service(log("").post(logs::create))
        .service(log("/{id}").put(logs::update).delete(logs::delete))
        .service(
            resource(["/console", "/console/"])
                .name("/console")
                .route(get().to(start::show_start))
                .default_service(reads()),
        )
        .service(
            resource("/console/login")
                .route(get().to(login::show_login))
                .post(login::sign_in)
                .default_service(only("GET, HEAD, POST")),
        )
        .service(resource("/console/logout").post(login::sign_out).default_service(posts()))
        .service(resource("/console/language").post(language::choose_language).default_service(posts()))
        .service(resource("/console/counts").route(get().to(start::show_counts)).default_service(reads()))
        .service(page("/console/find").route(get().to(find::show_found)).post(find::find))
        .service(page("/console/messages").route(get().to(list::show_messages)).post(list::add_filter))
        .service(
            resource("/console/messages/{id}").route(get().to(message_page::show_message)).default_service(reads()),
        )
        .service(
            resource("/console/people/{id}").route(get().to(conversation::show_conversation)).default_service(reads()),
        )
        .service(resource("/console/people/{id}/reveal").post(conversation::reveal).default_service(posts()))
        .service(
            page("/console/evidence/messages/{id}")
                .route(get().to(evidence::show_of_message))
                .post(evidence::download_of_message),
        )
        .service(
            page("/console/evidence/people/{id}")
                .route(get().to(evidence::show_of_person))
                .post(evidence::download_of_person),
        )
        .service(page("/console/audit").route(get().to(audit::show_audit)).post(audit::find_audit))
        .service(page("/console/users").route(get().to(users::show_users)).post(users::create_user))
        .service(resource("/console/users/change").post(users::change_user).default_service(posts()))
        .service(resource("/console/files/{name}").route(get().to(files::file)).default_service(reads()))
        .service(resource("/console/{rest:.*}").default_service(web::to(not_found_page::show_not_found)))
        .service(resource("/healthz").route(get().to(health::healthz)).default_service(reads()))
        .service(resource("/readyz").route(get().to(health::readyz)).default_service(reads()))
        .service(resource("/metrics").route(get().to(metrics::metrics)).default_service(reads()))
        .service(resource("/openapi.json").route(get().to(openapi::json)).default_service(reads()))
        .service(resource(["/", "/docs"]).name("/docs").route(get().to(docs::redirect)).default_service(reads()))
        .service(resource("/docs/{file:.*}").route(get().to(docs::file)).default_service(reads()))
        .default_service(web::to(not_found));
}

/// Responds 405 to methods that a resource does not support; `methods` are those that it does.
pub fn only(methods: &'static str) -> Route {
    web::to(move |request: Request<Public>| ready(not_allowed(methods, &request)))
}

/// A page that has a form, too.
fn page(path: &str) -> Resource {
    resource(path).default_service(only("GET, HEAD, POST"))
}

/// An address for edna's webhooks. Before it sends anything, edna checks that the address exists, without a key.
fn webhook(path: &str) -> Resource {
    let checks = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    resource([path.to_owned(), format!("{path}/")])
        .name(path)
        .post(webhook::receive_webhook)
        .route(checks.to(health::healthz))
        .default_service(only("GET, HEAD, POST"))
}

/// A route of the WhatsApp log, in any letter case, with or without a trailing slash.
fn log(path: &str) -> Resource {
    let word = |(place, word): (usize, &str)| match word {
        "{id}" => "/{id}".to_owned(),
        word => format!("/{{word{place}:(?i:{word})}}"),
    };
    let whole = format!("/api/whatsapp-log{path}");
    let pattern: String = whole.split('/').skip(1).enumerate().map(word).collect();
    resource(format!("{pattern}{{end:/?}}")).name(&whole).default_service(web::to(not_found))
}

/// The services of an app.
pub trait Services:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<<Self as Services>::Body>,
        Error = Error,
        InitError = (),
        Future: 'static,
        Service: 'static,
    > + 'static
{
    /// The body of their responses.
    type Body: MessageBody + Unpin + 'static;
}

impl<T, B: MessageBody + Unpin + 'static> Services for T
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
            Future: 'static,
            Service: 'static,
        > + 'static,
{
    type Body = B;
}

/// The actix-web app that `serve` runs and the tests call in process.
pub fn app(gateway: web::Data<Gateway>) -> App<impl Services> {
    let shared = gateway.clone();
    finish(with_routes(gateway), &shared)
}

/// An app with all routes, before what all requests have in common is put around them.
pub fn with_routes(gateway: web::Data<Gateway>) -> App<impl Services> {
    let app = web::Data::new(gateway.app.clone());
    let (document, docs, console) = (gateway.document.clone(), gateway.docs.clone(), gateway.console.clone());
    App::new().app_data(app).app_data(document).app_data(docs).app_data(console).app_data(gateway).configure(routes)
}

/// Puts what all requests have in common around an app: CORS, default headers, and `observe`.
pub fn finish<T: Services>(app: App<T>, gateway: &Gateway) -> App<impl Services + use<T>> {
    let origins = &gateway.app.config.server.cors_origins;
    let cors = Condition::new(!origins.is_empty(), cors(origins));
    app.wrap(cors).wrap(default_headers()).wrap(from_fn(observe::observe))
}
