//! The sheet of evidence: what is printed, and the file with its data inside; knows no store and no request.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::content::content;
use super::message::{fields, history, source_name};
use super::shown::{channel, direction, numbers, reason, sent_at, status};
use super::time::Times;
use super::visit::SignedIn;
use crate::model::trail::Trail;
use crate::model::{Instant, Provenance, hexadecimal};
use crate::viewer::evidence::{Days, Evidence, Scope};

/// What the file looks like without the console's style sheet.
const STYLE: &str = "body{font:14px/20px system-ui,sans-serif;max-width:48em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse}td,th{border:1px solid #868f99;padding:2px 8px;text-align:left;vertical-align:top}\
pre,code{overflow-wrap:anywhere;white-space:pre-wrap}.said{white-space:pre-wrap}article{break-inside:avoid;border-top:1px solid #868f99}\
dl div{display:flex;gap:8px}dt{min-width:14em}dd{margin:0}@page{size:A4;margin:16mm}";

/// The whole file.
pub fn file(signed_in: &SignedIn, scope: Scope, found: &Evidence) -> String {
    let texts = signed_in.visit.texts();
    // Inside a script, only this could end it.
    let data = data(&found.trails).replace('<', "\\u003c");
    let page = html! {
        (DOCTYPE)
        html lang=(texts.language.tag()) {
            head {
                meta charset="utf-8";
                title { (texts.text("evidence")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (texts.text("evidence")) }
                (sheet(signed_in, scope, found))
                script type="application/json" id="data" { (PreEscaped(&data)) }
                p { (texts.text("data-digest")) " " code { (hexadecimal(&Sha256::digest(&data))) } }
                p { (texts.text("evidence-verify")) " " code { "history-gateway evidence verify FILE" } }
            }
        }
    };
    page.into_string().replace('\0', "\u{fffd}")
}

/// The messages with their status events, as JSON.
fn data(trails: &[Trail]) -> String {
    let message = |trail: &Trail| {
        let events: Vec<serde_json::Value> = trail
            .events
            .iter()
            .map(|event| {
                serde_json::json!({
                    "status": event.status.word,
                    "statusAt": event.status.at.map(Instant::iso),
                    "error": event.status.message,
                    "source": event.provenance.source.word(),
                    "receivedAt": event.provenance.received_at.map(Instant::iso),
                })
            })
            .collect();
        let source = |provenance: &Provenance| {
            serde_json::json!({
                "source": provenance.source.word(),
                "receivedAt": provenance.received_at.map(Instant::iso),
            })
        };
        let sources: Vec<serde_json::Value> = trail.sources.iter().map(source).collect();
        let item = RawValue::from_string(trail.item.render()).ok();
        serde_json::json!({"item": item, "trail": events, "sources": sources})
    };
    serde_json::Value::from(trails.iter().map(message).collect::<Vec<_>>()).to_string()
}

/// What is printed.
pub fn sheet(signed_in: &SignedIn, scope: Scope, found: &Evidence) -> Markup {
    let times = Times { is_printed: true, ..signed_in.visit.times() };
    let texts = times.texts;
    let made = texts.with(
        "evidence-made",
        [
            ("time", times.text(times.now).into()),
            ("login", signed_in.user.login.as_str().into()),
            ("tenant", signed_in.user.grants.tenant.to_string().into()),
        ],
    );
    html! {
        p { (made) }
        p.person { (texts.text("column-person")) ": " (found.addresses().join(" · ")) }
        @if let Some(senders) = &signed_in.user.grants.senders {
            p { (texts.with("evidence-senders", [("senders", numbers(senders).into())])) }
        }
        p { (texts.text(if found.is_masked() { "evidence-masked" } else { "evidence-whole" })) }
        @if let Scope::Conversation(_, days) = scope { (extent(times, days, found)) }
        @for trail in &found.trails { (one(times, scope, trail)) }
    }
}

/// The status history as a list.
fn statuses(times: Times<'_>, trail: &Trail) -> Markup {
    let texts = times.texts;
    let received = |provenance: &Provenance| {
        html! {
            (source_name(texts, provenance.source))
            @if let Some(at) = provenance.received_at { ", " (texts.text("column-received")) " " (times.full(at)) }
        }
    };
    html! {
        ul {
            @for event in &trail.events {
                li {
                    (status(texts, event.status.word.as_deref().unwrap_or_default()))
                    @if let Some(at) = event.status.at { " " (times.full(at)) }
                    @if let Some(given) = event.status.message.as_deref().filter(|given| !given.is_empty()) { ": " (reason(texts, given)) }
                    " (" (received(&event.provenance)) ")"
                }
            }
            @if trail.events.is_empty() {
                @for provenance in &trail.sources { li { (received(provenance)) } }
            }
        }
    }
}

/// Which part of a conversation a sheet has.
fn extent(times: Times<'_>, days: Days, found: &Evidence) -> Markup {
    let texts = times.texts;
    let time = |at: Instant| [("time", times.text(at).into())];
    html! {
        p {
            (texts.with("evidence-messages", [("number", found.trails.len().into())]))
            @if let Some(from) = days.from { " " (texts.with("evidence-from", time(from))) }
            @if let Some(to) = days.to { " " (texts.with("evidence-to", time(to))) }
            @if found.is_cut { " " strong { (texts.text("evidence-cut")) } }
        }
    }
}

/// A message; of a conversation, without the fields that only programs need: the file has them in its data.
fn one(times: Times<'_>, scope: Scope, trail: &Trail) -> Markup {
    let (texts, item) = (times.texts, &*trail.item);
    html! {
        article {
            p { strong { (texts.with("message-title", [("id", item.message_id().to_string().into())])) } ", "
                (direction(texts, item)) ", " (channel(item)) ", " (times.text(sent_at(item))) }
            (content(times, item))
            @match scope {
                Scope::Message(_) => { (history(times, trail)) (fields(times, item)) },
                Scope::Conversation(..) => (statuses(times, trail)),
            }
        }
    }
}
