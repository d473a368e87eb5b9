//! The OpenAPI document and the page to try it out, which needs no internet; nothing here reads a message.

use actix_web::HttpResponse;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::edna::{document, feed_document};
use crate::oneuptime::document as oneuptime;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "history-gateway",
        description = "Answers edna's message history endpoint and OneUptime's WhatsApp Log API from an own store: same requests, same answers, same errors."
    ),
    paths(
        document::history,
        feed_document::take_messages,
        feed_document::message,
        feed_document::take_statuses,
        feed_document::webhook,
        oneuptime::log_list,
        oneuptime::log_item,
        oneuptime::log_count,
        healthz,
        readyz,
        metrics
    ),
    components(schemas(document::HistoryRequest, document::HistoryAnswer, document::ErrorAnswer)),
    tags(
        (name = "edna", description = "The endpoint of edna Pulse."),
        (name = "feeds", description = "How messages and statuses get in, and what is known of one."),
        (name = "oneuptime", description = "The read-only WhatsApp Log of OneUptime."),
        (name = "health", description = "For balancers and supervisors. No key, nothing personal.")
    ),
    modifiers(&Keys)
)]
struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key =
            ApiKeyValue::with_description("x-api-key", "A key of `history-gateway key issue`, in the form of a UUID.");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("x-api-key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let key = ApiKeyValue::with_description("ApiKey", "The same keys, in OneUptime's header.");
        components.add_security_scheme("ApiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let key = "`Token KEY`, a key of `history-gateway key issue --kind webhook`.";
        let key = ApiKeyValue::with_description("Authorization", key);
        components.add_security_scheme("webhook", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

/// The process runs
#[expect(dead_code, reason = "only described from")]
#[utoipa::path(get, path = "/healthz", tag = "health", responses(
    (status = 200, description = "It does.", body = serde_json::Value, example = json!({"status": "ok"})),
))]
fn healthz() {}

/// The store answers and its schema is current
#[expect(dead_code, reason = "only described from")]
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "Ready for requests.", body = serde_json::Value, example = json!({"status": "ready"})),
    (status = 503, description = "`service-unavailable`: not ready.", body = document::ErrorAnswer,
        headers(("Retry-After" = u64, description = "Seconds to wait."))),
))]
fn readyz() {}

/// Numbers for Prometheus
#[expect(dead_code, reason = "only described from")]
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "Requests, events, commits, questions, the store, the process, as Prometheus text.", body = String,
        content_type = "text/plain"),
))]
fn metrics() {}

/// The document, as `GET /openapi.json` and the command `openapi` give it.
pub fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

pub async fn json() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}

/// The page, all of whose files are in the binary.
pub fn page() -> SwaggerUi {
    let config =
        Config::new(["/openapi.json"]).validator_url("none").try_it_out_enabled(true).display_request_duration(true);
    SwaggerUi::new("/docs/{_:.*}").config(config)
}
