//! One message with everything that is known of it; knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use maud::{Markup, html};

use super::content::content;
use super::conversation::{evidence_forms, reveal_form};
use super::copying::{self, Copied};
use super::shown::{address_in_conversation, direction, headings, quotes, reason, status};
use super::texts::Localized;
use super::time::Times;
use super::visit::SignedIn;
use crate::model::trail::Trail;
use crate::model::{Item, Property, Source, StatusEvent, Value};
use crate::viewer::message::ShownMessage;

/// `GET /console/messages/{id}`.
pub async fn show_message(signed_in: SignedIn, id: Path<String>) -> HttpResponse {
    let Some(id) = id.parse::<i64>().ok() else { return signed_in.not_found() };
    match signed_in.viewer().message(id).await {
        Ok(found) => page(&signed_in, id, &found),
        Err(error) => signed_in.refused(&error),
    }
}

fn page(signed_in: &SignedIn, id: i64, found: &ShownMessage) -> HttpResponse {
    let (visit, times) = (&signed_in.visit, signed_in.visit.times());
    let (texts, item) = (times.texts, &*found.trail.item);
    let markup = html! {
        p {
            a href=(address_in_conversation(id, id)) { (texts.text("show-conversation")) }
        }
        (evidence_forms(signed_in, &format!("/console/evidence/messages/{id}")))
        (reveal_form(signed_in, id, found.is_masked, found.revealed_until.map(|until| times.text(until))))
        div.message { (quotes(texts, item, None)) (content(times, item)) }
        (history(times, &found.trail))
        (fields(times, item))
        details { summary { (texts.text("raw-item")) } pre { (item.render()) } }
        (copying::buttons(visit, &Copied::of_message(visit, item)))
    };
    let title = texts.with("message-title", [("id", id.to_string().into())]);
    signed_in.page(StatusCode::OK, &title, &markup)
}

/// The status history, and where the message came from.
pub fn history(times: Times<'_>, trail: &Trail) -> Markup {
    let texts = times.texts;
    html! {
        h2 { (texts.text("status-history")) }
        @if trail.events.is_empty() { p { (texts.text("no-statuses")) } } @else {
            div.scroll tabindex="0" { table {
                (headings(texts, &["column-status", "column-time", "column-reason", "column-source", "column-received"]))
                tbody { @for event in &trail.events { (event_row(times, event)) } }
            } }
        }
        h2 { (texts.text("sources")) }
        ul {
            @for source in &trail.sources {
                li { (source_name(texts, source.source)) @if let Some(at) = source.received_at { ", " (times.full(at)) } }
            }
        }
    }
}

fn event_row(times: Times<'_>, event: &StatusEvent) -> Markup {
    let texts = times.texts;
    let word = event.status.word.as_deref().unwrap_or_default();
    html! {
        tr {
            td {
                (status(texts, word))
                @if !word.is_empty() { " (" code { (word) } ")" }
            }
            td { @if let Some(at) = event.status.at { (times.full(at)) } }
            td { @if let Some(given) = event.status.message.as_deref().filter(|given| !given.is_empty()) { (reason(texts, given)) } }
            td { (source_name(texts, event.provenance.source)) }
            td { @if let Some(at) = event.provenance.received_at { (times.full(at)) } }
        }
    }
}

pub fn source_name(texts: Localized<'_>, source: Source) -> String {
    texts.text(match source {
        Source::Import => "source-import",
        Source::Webhook => "source-webhook",
        Source::Api | Source::RestrictedApi => "source-api",
        Source::Pull => "source-pull",
    })
}

/// Every field with its own name, the content and the status aside, which stand above.
pub fn fields(times: Times<'_>, item: &Item) -> Markup {
    let texts = times.texts;
    let listed = Property::ALL.iter().filter(|property| **property != Property::Content);
    html! {
        h2 { (texts.text("fields")) }
        dl {
            @for property in listed {
                @if let Some(value) = item.get(*property) {
                    div { dt { (property.name()) } dd { (field((times, item), *property, value)) } }
                }
            }
            @for (name, json) in item.extra() { div { dt { (name) } dd { code { (json) } } } }
        }
    }
}

fn field((times, item): (Times<'_>, &Item), property: Property, value: &Value) -> Markup {
    let texts = times.texts;
    let link = |address: &str, id: &i64| {
        html! {
            @if times.is_printed { (id) } @else { a href={ (address) (id) } { (id) } }
        }
    };
    html! {
        @match (property, value) {
            (_, Value::Instant(at)) => (times.full(*at)),
            (Property::BroadcastId, Value::Integer(id)) => (link("/console/messages?broadcastId=", id)),
            (Property::CascadeId, Value::Integer(id)) => (link("/console/messages?cascadeId=", id)),
            (Property::SubscriberId, Value::Integer(id)) => (link("/console/messages?subscriberId=", id)),
            (Property::ReplyInMessageId | Property::ReplyOutMessageId, Value::Integer(id)) => (link("/console/messages/", id)),
            (_, Value::Integer(number)) => (number),
            (Property::DeliveryStatusMessage, Value::Text(given)) => (reason(texts, given)),
            (Property::Direction, Value::Text(given)) => {
                (direction(texts, item)) " (" code { (given) } ")"
            },
            (_, Value::Text(given)) => span dir="auto" { (given) },
        }
    }
}
