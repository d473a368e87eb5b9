//! edna's routes for sending, which only the sandbox answers: schedule, cascades, channel profiles, callbacks, read
//! receipts; knows no SQL.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, resource};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};
use thiserror::Error;

use crate::config::Config;
use crate::http::only;
use crate::model::{Caller, Property};
use crate::sandbox::instance::Instance;
use crate::sandbox::sending::callback_request::Checks;
use crate::sandbox::sending::engine::{apply_due_changes, schedule};
use crate::sandbox::sending::error::ScheduleError;
use crate::sandbox::sending::request::{Cascade, Scheduled, cascades};
use crate::store::{LookupFor, StoreError, subjects};
use crate::web::body::text;
use crate::web::error::{ErrorResponse, respond, status_code};
use crate::web::{Access, ApiError, KeyHeader, Request};

/// All simulated routes.
pub fn routes(routes: &mut ServiceConfig) {
    routes
        .service(resource("/api/cascade/schedule").post(schedule_message).default_service(only("POST")))
        .service(resource("/api/cascade/get-all").post(get_cascades).default_service(only("POST")))
        .service(resource("/api/channel-profile").get(get_channel_profiles).default_service(only("GET")))
        .service(resource("/api/callback/set").post(set_callbacks).default_service(only("POST")))
        .service(resource("/api/in-message/change-status").post(change_status).default_service(only("POST")));
}

macro_rules! access {
    ($($name:ident: $group:literal,)*) => {
        $(
            #[doc = concat!("Access to the routes of the group ", $group, ".")]
            pub struct $name;

            impl Access for $name {
                const KEY: KeyHeader = KeyHeader::Api("x-api-key");

                fn body_limit(config: &Config) -> usize {
                    config.server.body_limit_bytes
                }

                fn check(caller: &Caller) -> Result<(), &'static str> {
                    caller.has_group($group, concat!("The key does not belong to the ", $group, " group."))
                }
            }
        )*
    };
}

access! {
    Messaging: "messaging",
    Cascades: "cascades",
    Channels: "channels",
    Webhooks: "webhooks",
    ReadReceipts: "read-receipts",
}

/// The errors of these routes.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
enum SimulatedError {
    /// These routes of edna's have a title of their own for it.
    #[error("The x-api-key header holds no valid API key.")]
    Key,
    #[error("{}", .0.detail)]
    Schedule(ScheduleError),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl ErrorResponse for SimulatedError {
    fn status(&self) -> u16 {
        match self {
            Self::Key => 401,
            Self::Schedule(_) => 400,
            Self::Api(error) => error.status(),
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Key => "Auth error",
            Self::Schedule(error) => error.title,
            Self::Api(error) => error.title(),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Key | Self::Schedule(_) => None,
            Self::Api(error) => error.retry_after(),
        }
    }

    fn body(&self) -> String {
        crate::sandbox::error::body(self.title(), self.status(), &self.to_string())
    }
}

impl ResponseError for SimulatedError {
    fn status_code(&self) -> StatusCode {
        status_code(self)
    }

    fn error_response(&self) -> HttpResponse {
        respond(self)
    }
}

impl From<StoreError> for SimulatedError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

/// The instance of the request's tenant, which only a request with a key of it has.
type OfTenant = Option<Data<Instance>>;

/// The caller and its tenant's instance.
fn authorized<A: Access>(
    request: &Request<A>,
    instance: OfTenant,
) -> Result<(Arc<Caller>, Arc<Instance>), SimulatedError> {
    let caller = request.authorized().map_err(|error| match error {
        ApiError::KeyNotFound => SimulatedError::Key,
        error => error.into(),
    })?;
    Ok((caller, instance.ok_or(SimulatedError::Key)?.into_inner()))
}

fn json_body<A: Access>(request: &mut Request<A>) -> Result<Value, ApiError> {
    let body = text(request.take_body()?)?;
    let body = if body.trim().is_empty() { "{}" } else { &body };
    let malformed = |error: serde_json::Error| {
        ApiError::NotValid(format!("The body is not valid JSON: line {}, column {}.", error.line(), error.column()))
    };
    serde_json::from_str(body).map_err(malformed)
}

fn ok(answer: &Value) -> HttpResponse {
    HttpResponse::Ok().json(answer)
}

async fn schedule_message(instance: OfTenant, mut request: Request<Messaging>) -> Result<HttpResponse, SimulatedError> {
    let (caller, instance) = authorized(&request, instance)?;
    let body = json_body(&mut request).map_err(|error| match error {
        ApiError::NotValid(detail) => {
            SimulatedError::Schedule(ScheduleError { title: "cascade-scheduling-request-not-valid", detail })
        }
        error => error.into(),
    })?;
    let scheduled = Scheduled::parse(&body, caller.grants.tenant).map_err(SimulatedError::Schedule)?;
    if !caller.grants.sees_subject(scheduled.subject) {
        return Err(ApiError::AccessDenied("The cascade's subject does not belong to the key's senders.").into());
    }
    let id = scheduled.request_id.clone();
    if !instance.sending.register_request_id(&id) {
        return Err(SimulatedError::Schedule(ScheduleError::of("requestId-is-not-unique")));
    }
    schedule(&instance, scheduled);
    // A message that is sent at once is in the history when this is answered.
    apply_due_changes(&instance).await;
    Ok(ok(&json!({"requestId": id})))
}

async fn get_cascades(instance: OfTenant, request: Request<Cascades>) -> Result<HttpResponse, SimulatedError> {
    let (caller, _) = authorized(&request, instance)?;
    let cascade = |cascade: Cascade| {
        json!({
            "id": cascade.id, "name": cascade.name, "status": "ACTIVE", "stagesCount": 1,
            "stages": [{
                "order": 1, "uuid": cascade.stage(caller.grants.tenant), "decision": null,
                "subject": {
                    "id": cascade.subject, "name": cascade.name, "subject": cascade.name, "type": cascade.channel,
                    "tenantId": caller.grants.tenant.0, "active": true,
                },
                "stages": [],
            }],
        })
    };
    Ok(ok(&cascades().map(cascade).collect()))
}

async fn get_channel_profiles(instance: OfTenant, request: Request<Channels>) -> Result<HttpResponse, SimulatedError> {
    let (caller, instance) = authorized(&request, instance)?;
    let types: Vec<String> = request
        .query_parameters()
        .into_iter()
        .filter(|(name, _)| name == "types")
        .flat_map(|(_, value)| value.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>())
        .filter(|word| !word.is_empty())
        .collect();
    let (store, tenant) = (instance.app().store.clone(), caller.grants.tenant);
    let all = store.quick_read(LookupFor::Gateway, move |connection| subjects::list(connection, tenant)).await?;
    let wanted = all.into_iter().filter(|subject| types.is_empty() || types.contains(&subject.channel_type));
    let profile = |subject: crate::model::subject::Subject| {
        json!({
            "id": subject.id, "name": subject.name, "subjectId": subject.id, "subject": subject.name, "active": true,
            "registrationStatus": "REGISTERED", "type": subject.channel_type,
        })
    };
    Ok(ok(&wanted.map(profile).collect()))
}

async fn set_callbacks(instance: OfTenant, mut request: Request<Webhooks>) -> Result<HttpResponse, SimulatedError> {
    let (caller, instance) = authorized(&request, instance)?;
    let body = json_body(&mut request)?;
    let code = Checks { instance: &instance, tenant: caller.grants.tenant }.apply(&body).await?;
    Ok(ok(&json!({"code": code})))
}

async fn change_status(instance: OfTenant, mut request: Request<ReadReceipts>) -> Result<HttpResponse, SimulatedError> {
    let (caller, instance) = authorized(&request, instance)?;
    let body = json_body(&mut request)?;
    let id = body["id"].as_i64().or_else(|| body["id"].as_str()?.parse().ok());
    let id = id.ok_or_else(|| ApiError::field("id", "an integer"))?;
    if body["status"] != "READ" {
        return Err(ApiError::field("status", "READ").into());
    }
    let message = instance.message(caller.grants.tenant, id).await?;
    let is_incoming = message.is_some_and(|message| message.text(Property::Direction) == Some("IN"));
    if !is_incoming {
        return Err(ApiError::field("id", "the id of an incoming message").into());
    }
    Ok(ok(&json!({})))
}
