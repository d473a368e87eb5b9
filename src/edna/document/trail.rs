//! A message's trail as an OpenAPI document; nothing here runs on a request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use utoipa::ToSchema;

use super::Message;
use super::errors::TrailErrors;
use crate::document::EdnaDate;

/// A message and how it came to be what it is.
#[derive(ToSchema)]
pub struct MessageTrail {
    /// The message, as the history answers it.
    item: Message,
    /// Every status event that counts for it, the earliest first.
    trail: Vec<TrailEvent>,
    /// The feeds whose copies the message is made of, and when each was first heard.
    sources: Vec<HeardFrom>,
}

/// A status event, with the feed that told of it. What it does not tell is left out.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TrailEvent {
    /// The status word.
    #[schema(nullable = false)]
    status: Option<String>,
    /// When the status came to be.
    #[schema(nullable = false)]
    status_at: Option<EdnaDate>,
    /// What the provider says of it.
    #[schema(nullable = false)]
    error: Option<String>,
    /// The sender's own id of the sending.
    #[schema(nullable = false)]
    request_id: Option<String>,
    /// The cascade.
    #[schema(nullable = false)]
    cascade_id: Option<i64>,
    /// The stage of the cascade.
    #[schema(rename = "cascadeStageUUID", nullable = false)]
    cascade_stage_uuid: Option<String>,
    /// The sender's own text.
    #[schema(nullable = false)]
    comment: Option<String>,
    /// The feed that told of it.
    source: Feed,
    /// When the gateway first heard of it.
    #[schema(nullable = false)]
    received_at: Option<EdnaDate>,
}

/// A feed, and when it was first heard.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct HeardFrom {
    /// The feed.
    source: Feed,
    /// When the gateway first heard of it.
    #[schema(nullable = false)]
    received_at: Option<EdnaDate>,
}

/// A file, edna's webhook, an own system, another endpoint's history.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Feed {
    Import,
    Webhook,
    Api,
    Pull,
}

/// One message, its status trail, and where it came from
#[utoipa::path(
    get,
    path = "/v1/messages/{messageId}",
    operation_id = "getMessageTrail",
    tag = "feeds",
    security(("x-api-key" = [])),
    params(("messageId" = i64, Path, description = "The message's id.", example = 8_270_556)),
    responses((status = 200, description = "The message.", body = MessageTrail), TrailErrors)
)]
pub fn message() {}
