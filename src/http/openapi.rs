//! The OpenAPI document, assembled from the routes of all dialects; reads no message.

mod corrections;

use std::sync::{Mutex, PoisonError};

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{health, metrics};
use crate::api::{changes, ingest, message, messages};
use crate::document::AnyObject;
use crate::document::errors::PublicErrors;
use crate::edna::document::webhook;
use crate::edna::history;
use crate::in_flight::Share;
use crate::oneuptime::document as oneuptime;
use crate::web::answer::SlicedBody;
use crate::web::error::ErrorBody;

use corrections::Corrections;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "history-gateway",
        description = "Serves edna's message history endpoint and OneUptime's WhatsApp Log API from its own store: same requests, same responses, same errors. HEAD works where GET does. Every response has an `x-request-id`."
    ),
    servers((url = "/", description = "The gateway that serves this document.")),
    paths(
        history::history,
        ingest::ingest_messages,
        ingest::ingest_statuses,
        messages::list_messages,
        messages::query_messages,
        changes::list_changes,
        changes::query_changes,
        message::get_message,
        webhook::any,
        webhook::check_any,
        webhook::messages,
        webhook::check_messages,
        webhook::statuses,
        webhook::check_statuses,
        oneuptime::log_list,
        oneuptime::log_list_by_get,
        oneuptime::log_item,
        oneuptime::log_item_by_get,
        oneuptime::log_count,
        oneuptime::create,
        oneuptime::update,
        oneuptime::delete,
        oneuptime::update_by_post,
        oneuptime::update_by_get,
        oneuptime::delete_by_post,
        oneuptime::delete_by_get,
        health::healthz,
        health::readyz,
        metrics::metrics,
        json
    ),
    components(schemas(ErrorBody, oneuptime::LogError)),
    tags(
        (name = "edna", description = "The message history endpoint of edna Pulse."),
        (name = "messages", description = "Messages by filters, page by page, and their changes."),
        (name = "feeds", description = "Messages and status events from your own systems, and one message with its provenance."),
        (name = "webhooks", description = "Addresses for edna's webhooks."),
        (name = "oneuptime", description = "OneUptime's WhatsApp Log, read-only."),
        (name = "health", description = "For load balancers, supervisors and tools. No key, no personal data.")
    ),
    modifiers(&SecuritySchemes, &Corrections)
)]
struct Document;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key =
            ApiKeyValue::with_description("x-api-key", "A key of `history-gateway key issue`, in the form of a UUID.");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("x-api-key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let key = ApiKeyValue::with_description("ApiKey", "The same keys, in OneUptime's header.");
        components.add_security_scheme("ApiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let key = "`Token KEY`, where KEY is a key from `history-gateway key issue --kind webhook`.";
        let key = ApiKeyValue::with_description("Authorization", key);
        components.add_security_scheme("webhook", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

/// The document, as `GET /openapi.json` and the command `openapi` return it.
pub fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The rendered document, shared by all requests and rendered for the first one.
#[derive(Default)]
pub struct Shared(Mutex<Option<Bytes>>);

impl Shared {
    fn bytes(&self) -> Bytes {
        let mut rendered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rendered.get_or_insert_with(|| document().into()).clone()
    }
}

/// Get this document
#[utoipa::path(get, path = "/openapi.json", operation_id = "getOpenApiDocument", tag = "health", security(()), responses(
    (status = 200, description = "An OpenAPI 3.1 document.", body = AnyObject),
    PublicErrors
))]
pub async fn json(document: web::Data<Shared>) -> HttpResponse {
    let body = SlicedBody::new(document.bytes(), Share::default());
    HttpResponse::Ok().content_type("application/json").body(body)
}
