//! `GET /v1/messages/{messageId}`: a message, its status events, and its provenance; knows no SQL.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::config::Config;
use crate::document::{EdnaDate, Message};
use crate::model::audit::Action;
use crate::model::trail::Trail;
use crate::model::{Caller, Instant, Property, Provenance, Source, StatusEvent};
use crate::store::StoreError;
use crate::store::messages::trail;
use crate::web::answer::typed;
use crate::web::{Access, ApiError, KeyHeader, Request};

/// Access to single messages.
pub struct ReadMessage;

impl Access for ReadMessage {
    const KEY: KeyHeader = KeyHeader::Api("x-api-key");

    fn body_limit(_: &Config) -> usize {
        0
    }

    fn check(caller: &Caller) -> Result<(), &'static str> {
        caller.may_read_history()
    }
}

/// A message, its status events, and the feeds that it came from.
#[derive(Serialize, ToSchema)]
pub struct MessageTrail {
    /// The message, as in the message history.
    #[schema(value_type = Message)]
    item: Box<RawValue>,
    /// Every status event that counts for the message, the earliest first.
    trail: Vec<TrailEvent>,
    /// The feeds whose copies the message is merged from, and when each copy was first received.
    sources: Vec<MessageSource>,
}

/// A status event and the feed that reported it. A field without a value is left out.
#[derive(PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrailEvent {
    /// The status word.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<String>,
    /// The time of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EdnaDate>, nullable = false)]
    status_at: Option<String>,
    /// The provider's explanation of the status, such as why delivery failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    /// The sender's own id of the send.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<String>,
    /// The cascade.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cascade_id: Option<i64>,
    /// The stage of the cascade.
    #[serde(rename = "cascadeStageUUID", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cascade_stage_uuid: Option<String>,
    /// The sender's own text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    comment: Option<String>,
    /// The feed that reported it.
    source: Feed,
    /// When the gateway first received it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EdnaDate>, nullable = false)]
    received_at: Option<String>,
}

/// A feed, and when a copy was first received from it.
#[derive(PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSource {
    /// The feed that the copy came from.
    source: Feed,
    /// When the gateway first received it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EdnaDate>, nullable = false)]
    received_at: Option<String>,
}

/// `import`: a file. `webhook`: edna's webhook. `api`: one of your own systems. `pull`: another endpoint's history.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Feed {
    Import,
    Webhook,
    Api,
    Pull,
}

/// Get one message with its status events and its sources
#[utoipa::path(
    get,
    path = "/v1/messages/{messageId}",
    operation_id = "getMessageTrail",
    tag = "feeds",
    security(("x-api-key" = [])),
    params(
        ("messageId" = i64, Path, description = "The message's id.", example = 8_270_556),
        ("History-Position" = Option<String>, Header, description = "From a response that wrote: the answer contains what was written.")
    ),
    responses(
        (status = 200, description = "The message.", body = MessageTrail),
        super::document::MessageErrors
    )
)]
pub async fn get_message(request: Request<ReadMessage>) -> Result<HttpResponse, ApiError> {
    let caller = request.authorized()?;
    let id = request.path_parameter("id").parse();
    let id: i64 = id.map_err(|_| ApiError::NotValid("The message id must be an integer.".into()))?;
    let (reader, tenant) = (request.reader(&caller), caller.grants.tenant);
    let grants = caller.grants.clone();
    let load = move |connection: &mut _, _: &_| trail::load(connection, tenant, (id, &grants));
    // A message that the caller may not see is answered like one that does not exist.
    let found = request.app.store.query(&reader, load).await?.ok_or(ApiError::MessageNotFound)?;
    request.record_read(&caller, (Action::ApiRead, 1), |record, key| {
        record.message = Some(id);
        record.name_addresses(found.item.text(Property::Address), key);
    })?;
    let trail = MessageTrail::new(&found)?;
    Ok(typed(&request.app.in_flight.for_tenant(tenant), StatusCode::OK, &trail)?)
}

impl MessageTrail {
    fn new(found: &Trail) -> Result<Self, StoreError> {
        let mut trail: Vec<TrailEvent> = found.events.iter().map(TrailEvent::new).collect();
        // Events that differ only in fields that a trail does not have look the same.
        trail.dedup();
        let item = RawValue::from_string(found.item.render());
        let item = item.map_err(|error| StoreError::DamagedRow(format!("an item is no JSON: {error}")))?;
        Ok(Self { item, trail, sources: found.sources.iter().copied().map(MessageSource::new).collect() })
    }
}

impl TrailEvent {
    fn new(event: &StatusEvent) -> Self {
        Self {
            status: event.status.word.clone(),
            status_at: event.status.at.map(|at| at.to_string()),
            error: event.status.message.clone(),
            request_id: event.request_id.clone(),
            cascade_id: event.cascade_id,
            cascade_stage_uuid: event.cascade_stage_uuid.clone(),
            comment: event.comment.clone(),
            source: event.provenance.source.into(),
            received_at: received_at(event.provenance),
        }
    }
}

impl MessageSource {
    fn new(provenance: Provenance) -> Self {
        Self { source: provenance.source.into(), received_at: received_at(provenance) }
    }
}

fn received_at(provenance: Provenance) -> Option<String> {
    provenance.received_at.as_ref().map(Instant::to_string)
}

impl From<Source> for Feed {
    fn from(source: Source) -> Self {
        match source {
            Source::Import => Self::Import,
            Source::Webhook => Self::Webhook,
            Source::Api | Source::RestrictedApi => Self::Api,
            Source::Pull => Self::Pull,
        }
    }
}
