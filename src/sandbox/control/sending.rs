//! What becomes of simulated messages, callbacks, and incoming messages; knows no timeline.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::request::{Control, Outcome, body, json, no_content, tenant};
use crate::api::ingest::record_messages;
use crate::model::subscriber::{is_blank, stored_form};
use crate::model::{Caller, Instant, Item, Property, TenantId, wire};
use crate::sandbox::error::ControlError;
use crate::sandbox::instance::Instance;
use crate::sandbox::registry::Registry;
use crate::sandbox::sending::callback_request::Checks;
use crate::sandbox::sending::engine::{catch_up, free_message_id, start_ticker};
use crate::sandbox::sending::life::NewLife;
use crate::sandbox::sending::posts::Posted;
use crate::sandbox::sending::request::subscriber_id;
use crate::sandbox::sending::state::MAX_LIVES;
use crate::store::{LookupFor, subjects};
use crate::web::Request;

pub async fn life(registry: Data<Registry>, mut request: Request<Control>) -> Result<HttpResponse, ControlError> {
    let instance = tenant(&registry, &request)?.instance();
    let life: NewLife = body(&mut request)?;
    if instance.sending.add_life(life.check()?) {
        return Ok(no_content());
    }
    Err(ControlError::NotValid(format!("The tenant has {MAX_LIVES} lives; reset it first.")))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetCallbacks {
    status_callback_url: Option<String>,
    in_message_callback_url: Option<String>,
    message_matcher_callback_url: Option<String>,
    subject_id: Option<i64>,
    authorization: Option<String>,
}

pub async fn set_callbacks(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let tenant = tenant(&registry, &request)?;
    let instance = tenant.instance();
    let set: SetCallbacks = body(&mut request)?;
    let is_visible = |value: &String| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !set.authorization.as_ref().is_none_or(is_visible) {
        return Err(ControlError::field("authorization", "visible ASCII characters"));
    }
    let urls = json!({
        "statusCallbackUrl": set.status_callback_url, "inMessageCallbackUrl": set.in_message_callback_url,
        "messageMatcherCallbackUrl": set.message_matcher_callback_url, "subjectId": set.subject_id,
    });
    let code = match (Checks { instance: &instance, tenant: tenant.id }).apply(&urls).await? {
        // The header alone may be set.
        "url-not-specified" if set.authorization.is_some() => "ok",
        code => code,
    };
    if let Some(value) = set.authorization.filter(|_| code == "ok") {
        instance.sending.set_authorization(value);
    }
    json(StatusCode::OK, &json!({"code": code}))
}

#[derive(Serialize)]
struct List {
    callbacks: Vec<Posted>,
}

pub async fn list_callbacks(registry: Data<Registry>, request: Request<Control>) -> Outcome {
    let instance = tenant(&registry, &request)?.instance();
    json(StatusCode::OK, &List { callbacks: instance.sending.posted() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Incoming {
    address: String,
    subject_id: i64,
    text: Option<String>,
    content: Option<Value>,
    reply_to: Option<i64>,
}

/// What an incoming message says of the message that it quotes.
#[derive(Default)]
struct Quoted {
    out: Option<i64>,
    request: Option<String>,
    incoming: Option<i64>,
}

pub async fn incoming(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let tenant = tenant(&registry, &request)?;
    let instance = tenant.instance();
    let Incoming { address, subject_id, text, content, reply_to } = body(&mut request)?;
    let address = Some(address).filter(|address| !is_blank(address)).map(|address| stored_form(&address));
    let address = address.ok_or_else(|| ControlError::field("address", "a string that is not blank"))?;
    let content = match (text, content) {
        (Some(text), None) => json!({"type": "TEXT", "text": text}),
        (None, Some(content @ Value::Object(_))) => content,
        (None, Some(_)) => return Err(ControlError::field("content", "an object")),
        _ => return Err(ControlError::not_valid("The body must have either 'text' or 'content'.")),
    };
    let (store, id) = (instance.app().store.clone(), tenant.id);
    let known = store.quick_read(LookupFor::Gateway, move |connection| subjects::list(connection, id)).await?;
    let subject = known.into_iter().find(|subject| subject.id == subject_id);
    let subject = subject.ok_or_else(|| ControlError::field("subjectId", "the id of one of the tenant's subjects"))?;
    let quoted = quoted(&instance, tenant.id, reply_to).await?;
    let (message, now) = (free_message_id(&instance, tenant.id).await?, instance.clock.now());
    let subscriber = subscriber_id(tenant.id, &address);
    let mut item = json!({
        "messageId": message, "channelType": subject.channel_type, "direction": "IN", "address": address,
        "content": wire::without_nulls(&content.to_string()), "sentOrReceivedAt": now.iso(),
        "subjectId": subject.id, "subscriberId": subscriber,
    });
    for (name, value) in [
        ("subjectName", json!(subject.name)),
        ("replyOutMessageId", json!(quoted.out)),
        ("replyOutMessageExternalRequestId", json!(quoted.request)),
        ("replyInMessageId", json!(quoted.incoming)),
    ] {
        if !value.is_null() {
            item[name] = value;
        }
    }
    let event = json!({
        "id": message, "subject": subject.name, "subjectId": subject.id,
        "subscriber": {"id": subscriber, "identifier": address},
        "userInfo": {"userName": null, "firstName": null, "lastName": null, "avatarUrl": null},
        "messageContent": whole_content(content), "receivedAt": now.iso(),
        "replyOutMessageId": quoted.out, "replyOutMessageExternalRequestId": quoted.request,
        "replyInMessageId": quoted.incoming, "lastMessage": null,
    });
    Item::parse(&item.to_string(), tenant.id)
        .map_err(|error| ControlError::NotValid(format!("The message cannot be stored: {error}.")))?;
    let stored = store_item(&instance, tenant.id, now, message, &item).await?;
    instance.sending.report_incoming(subject.id, now, event.to_string());
    start_ticker(&instance);
    catch_up(&instance).await;
    json(StatusCode::CREATED, &stored)
}

/// Records an item, and returns it as the history has it.
async fn store_item(
    instance: &Arc<Instance>,
    tenant: TenantId,
    now: Instant,
    id: i64,
    item: &Value,
) -> Result<Box<RawValue>, ControlError> {
    record_messages(instance.app(), &Caller::master(tenant), now, item.to_string().into_bytes()).await?;
    let stored = instance.message(tenant, id).await?.map(|item| item.render());
    let stored = stored.and_then(|item| RawValue::from_string(item).ok());
    stored.ok_or(ControlError::Failed)
}

/// edna's form of a content, in which every field that it lacks is null.
fn whole_content(content: Value) -> Value {
    let mut whole = json!({
        "type": null, "attachment": null, "location": null, "caption": null, "text": null, "payload": null, "story": null,
        "items": null, "contact": null, "product": null, "catalog": null, "order": null,
    });
    if let (Value::Object(whole), Value::Object(content)) = (&mut whole, content) {
        whole.extend(content);
    }
    whole
}

async fn quoted(instance: &Arc<Instance>, tenant: TenantId, id: Option<i64>) -> Result<Quoted, ControlError> {
    let Some(id) = id else { return Ok(Quoted::default()) };
    let found = instance.message(tenant, id).await?;
    let message = found.ok_or_else(|| ControlError::field("replyTo", "the id of one of the tenant's messages"))?;
    Ok(match message.text(Property::Direction) {
        Some("IN") => Quoted { incoming: Some(id), ..Quoted::default() },
        _ => Quoted { out: Some(id), request: instance.sending.request_of(id), incoming: None },
    })
}
