//! edna's webhooks: incoming messages, status events and other events (docs/edna.md 6.1 to 6.3); knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Config;
use crate::ingest::{Event, Outcome, Recorded, Rejection};
use crate::model::instant::Rounding;
use crate::model::item::MAX_ITEM_BYTES;
use crate::model::status_event::{InvalidEvent, Strictness};
use crate::model::wire::{self, Fields};
use crate::model::{Instant, PendingMessage, Property, Provenance, Source, StatusEvent, TenantId, Value, subscriber};
use crate::web::answer::{typed, with_position};
use crate::web::body::text;
use crate::web::{Access, ApiError, CommonError, KeyHeader, Request};

/// Access to the webhooks, with a webhook key.
pub struct SendWebhooks;

impl Access for SendWebhooks {
    const KEY: KeyHeader = KeyHeader::Webhook;

    fn body_limit(config: &Config) -> usize {
        config.server.body_limit_bytes
    }
}

/// The events were received.
#[derive(Serialize, ToSchema)]
pub struct Acknowledged {
    /// Always `ok`.
    status: AckStatus,
}

/// Always `ok`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AckStatus {
    Ok,
}

impl Acknowledged {
    pub const OK: Self = Self { status: AckStatus::Ok };
}

/// Records the events of a webhook call. With 200, every valid event is durable.
pub async fn receive_webhook(mut request: Request<SendWebhooks>) -> Result<HttpResponse, ApiError> {
    let caller = request.caller.clone().map_err(ApiError::of_webhook)?;
    let body = request.take_body()?;
    let (tenant, queue) = (caller.grants.tenant, &request.app.ingest);
    // The body is freed before the events wait for their commit.
    let call = text(body).and_then(|text| parse(&text, tenant, request.now));
    let Call { events, rejected } =
        call.inspect_err(|_| queue.counters().reject(Source::Webhook, Rejection::Unreadable, 1))?;
    let none_is_valid = events.is_empty();
    let mut written_up_to = None;
    if !none_is_valid {
        let Recorded { outcomes, position } = queue.record(tenant, events).await?;
        if outcomes.contains(&Outcome::LimitReached) {
            tracing::warn!(%tenant, "a tenant has reached its limit of pending messages or other events");
            return Err(CommonError::Unavailable.into());
        }
        written_up_to = position;
    }
    queue.counters().reject(Source::Webhook, Rejection::Unreadable, rejected.len());
    if let Some(reason) = rejected.first() {
        tracing::warn!(events = rejected.len(), %reason, "events of a webhook are invalid; the first one's reason");
        if none_is_valid {
            return Err(ApiError::NotValid(format!("The event has no meaning: {reason}.")));
        }
    }
    let response = typed(&request.app.in_flight.for_tenant(tenant), StatusCode::OK, &Acknowledged::OK)?;
    Ok(with_position(response, written_up_to))
}

/// The valid events of a call, and why the others are invalid.
#[derive(Default)]
pub struct Call {
    pub events: Vec<Event>,
    pub rejected: Vec<InvalidEvent>,
}

/// The maximum number of events in one call; edna sends one, sometimes a few.
const MOST: usize = 10_000;
/// The maximum nesting depth of a message's content.
const MAX_DEPTH: i64 = 100;
/// The maximum length of an address, in bytes.
const MAX_ADDRESS_BYTES: usize = 1024;

/// Parses the body of a call: one object, or a list of them.
pub fn parse(text: &str, tenant: TenantId, now: Instant) -> Result<Call, ApiError> {
    let provenance = Provenance { source: Source::Webhook, received_at: Some(now) };
    let mut call = Call::default();
    let mut add = |event: Result<Event, InvalidEvent>| match event {
        Ok(event) => call.events.push(event),
        Err(reason) => call.rejected.push(reason),
    };
    if let Some(list) = wire::array(text) {
        if list.len() > MOST {
            return Err(ApiError::NotValid(format!("The body must hold at most {MOST} events.")));
        }
        for raw in list {
            let fields = wire::object(raw.get()).map_err(|_| InvalidEvent::NotAnObject);
            add(fields.and_then(|fields| event(&fields, raw.get(), tenant, provenance)));
        }
    } else {
        add(event(&wire::object(text)?, text, tenant, provenance));
    }
    Ok(call)
}

/// Parses one event. Its fields determine its kind, because some accounts send all webhooks to one address.
fn event(fields: &Fields<'_>, raw: &str, tenant: TenantId, provenance: Provenance) -> Result<Event, InvalidEvent> {
    let has = |name: &str| fields.given(name).is_some();
    if has("messageContent") || (has("subscriber") && has("receivedAt")) {
        return message(fields, tenant).map(|message| Event::pending(message, provenance));
    }
    if has("status") && ["messageId", "requestId", "statusAt"].into_iter().any(has) {
        return StatusEvent::parse(fields, raw, provenance, Strictness::Lenient).map(Event::status);
    }
    if fields.0.is_empty() { Err(InvalidEvent::Empty) } else { Ok(Event::other(wire::compact(raw), provenance)) }
}

/// An incoming message, complete except for its channel.
fn message(fields: &Fields<'_>, tenant: TenantId) -> Result<PendingMessage, InvalidEvent> {
    let integer = |name| fields.given(name).and_then(|raw| wire::integer(raw).ok());
    let text = |name| fields.given(name).and_then(wire::text_or_digits);
    let id = integer("id").filter(|id| *id > 0).ok_or(InvalidEvent::Field("id", "a positive integer"))?;
    let subject = integer("subjectId").ok_or(InvalidEvent::Field("subjectId", "an integer"))?;
    let received = fields.given("receivedAt").and_then(wire::text);
    let received = received.and_then(|text| Instant::parse(&text, Rounding::Down));
    let received = received.ok_or(InvalidEvent::Field("receivedAt", "an ISO 8601 date"))?;
    let sender = fields.given("subscriber").and_then(|raw| wire::object(raw).ok());
    let sender = sender.ok_or(InvalidEvent::Field("subscriber", "an object"))?;
    let address = sender
        .given("identifier")
        .and_then(wire::text_or_digits)
        .ok_or(InvalidEvent::Field("subscriber.identifier", "an address of at most 1024 bytes"))?;
    if subscriber::is_blank(&address) || address.len() > MAX_ADDRESS_BYTES {
        return Err(InvalidEvent::Field("subscriber.identifier", "an address of at most 1024 bytes"));
    }
    let content = content(fields.given("messageContent").ok_or(InvalidEvent::Field("messageContent", "an object"))?)?;
    let mut values = vec![
        (Property::MessageId, Value::Integer(id)),
        (Property::TenantId, Value::Integer(tenant.0)),
        (Property::Direction, Value::Text("IN".into())),
        (Property::Address, Value::Text(subscriber::stored_form(&address))),
        (Property::Content, Value::Text(content)),
        (Property::SentOrReceivedAt, Value::Instant(received)),
        (Property::SubjectId, Value::Integer(subject)),
    ];
    let mut optional = |property, value: Option<Value>| values.extend(value.map(|value| (property, value)));
    optional(Property::SubjectName, text("subject").map(Value::Text));
    let subscriber_id = sender.given("id").and_then(|raw| wire::integer(raw).ok());
    optional(Property::SubscriberId, subscriber_id.map(Value::Integer));
    optional(Property::ReplyInMessageId, integer("replyInMessageId").map(Value::Integer));
    optional(Property::ReplyOutMessageId, integer("replyOutMessageId").map(Value::Integer));
    let request = text("replyOutMessageExternalRequestId").map(Value::Text);
    optional(Property::ReplyOutMessageExternalRequestId, request);
    let message = PendingMessage::from_values(values).ok_or(InvalidEvent::Field("messageContent", "an object"))?;
    // As a string within the item, the content may be twice as long.
    if message.bytes() > MAX_ITEM_BYTES / 2 && message.render().len() > MAX_ITEM_BYTES {
        return Err(InvalidEvent::Field("messageContent", "so short that its message is at most 1 MiB long"));
    }
    Ok(message)
}

/// A message's content as it is stored: an object without its nulls, including nested ones; a string unchanged.
fn content(raw: &str) -> Result<String, InvalidEvent> {
    if let Some(text) = wire::text(raw) {
        return Ok(text);
    }
    if !raw.starts_with('{') {
        return Err(InvalidEvent::Field("messageContent", "an object"));
    }
    if wire::depth(raw) > MAX_DEPTH {
        return Err(InvalidEvent::Field("messageContent", "nested at most 100 levels deep"));
    }
    Ok(wire::without_nulls(raw))
}
