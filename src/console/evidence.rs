//! Evidence of a message or a conversation: a sheet to print, and the same as one file with its data inside; knows no
//! store.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, ContentType};
use actix_web::web::Path;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::content::content;
use super::conversation::reveal_form;
use super::layout::token_field;
use super::message::{fields, history};
use super::shown::{channel, is_incoming, sent_at};
use super::time::Times;
use super::visit::{Form, SignedIn};
use crate::model::trail::Trail;
use crate::model::{Instant, Provenance, hexadecimal};
use crate::viewer::evidence::{Days, Evidence, Scope};

/// What the file looks like without the console's style sheet.
const STYLE: &str = "body{font:14px/20px system-ui,sans-serif;max-width:48em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse}td,th{border:1px solid #868f99;padding:2px 8px;text-align:left;vertical-align:top}\
pre,code{overflow-wrap:anywhere;white-space:pre-wrap}.said{white-space:pre-wrap}article{break-inside:avoid;border-top:1px solid #868f99}\
dl div{display:flex;gap:8px}dt{min-width:14em}dd{margin:0}@page{size:A4;margin:16mm}";

/// `GET /console/evidence/messages/{id}`.
pub async fn show_of_message(signed_in: SignedIn, id: Path<String>) -> HttpResponse {
    show(signed_in, id.parse().ok().map(Scope::Message)).await
}

/// `GET /console/evidence/people/{id}`.
pub async fn show_of_person(signed_in: SignedIn, id: Path<String>) -> HttpResponse {
    let Some(days) = days(&signed_in) else { return signed_in.not_valid() };
    show(signed_in, id.parse().ok().map(|id| Scope::Conversation(id, days))).await
}

/// `POST /console/evidence/messages/{id}`.
pub async fn download_of_message(signed_in: SignedIn, id: Path<String>, _: Form) -> HttpResponse {
    download(signed_in, id.parse().ok().map(Scope::Message)).await
}

/// `POST /console/evidence/people/{id}`.
pub async fn download_of_person(signed_in: SignedIn, id: Path<String>, _: Form) -> HttpResponse {
    let Some(days) = days(&signed_in) else { return signed_in.not_valid() };
    download(signed_in, id.parse().ok().map(|id| Scope::Conversation(id, days))).await
}

/// The days that the address names; `None` if it names none.
fn days(signed_in: &SignedIn) -> Option<Days> {
    let visit = &signed_in.visit;
    let given = |name| visit.parameter(name).unwrap_or_default();
    let (from, to) = visit.times().zone.days(&given("from"), &given("to")).ok()?;
    Some(Days { from, to })
}

async fn show(signed_in: SignedIn, scope: Option<Scope>) -> HttpResponse {
    let Some(scope) = scope else { return signed_in.not_found() };
    let texts = signed_in.visit.texts();
    match signed_in.viewer().evidence(scope).await {
        Ok(found) => {
            let content = html! {
                div.no-print {
                    (reveal_form(&signed_in, scope.message(), found.is_masked, None))
                    @if let Scope::Conversation(_, days) = scope { (days_form(&signed_in, days)) }
                    form method="post" action=(signed_in.visit.address()) {
                        (token_field(&signed_in.form_token))
                        button { (texts.text("download-evidence")) }
                    }
                }
                (sheet(&signed_in, scope, &found))
            };
            signed_in.page(StatusCode::OK, &texts.text("evidence"), &content)
        }
        Err(error) => signed_in.refused(&error),
    }
}

/// The digest of the file is recorded before it is sent.
async fn download(signed_in: SignedIn, scope: Option<Scope>) -> HttpResponse {
    let Some(scope) = scope else { return signed_in.not_found() };
    let viewer = signed_in.viewer();
    let file = match viewer.evidence(scope).await {
        Ok(found) => file(&signed_in, scope, &found),
        Err(error) => return signed_in.refused(&error),
    };
    if let Err(error) = viewer.record_file(scope, &file).await {
        return signed_in.refused(&error);
    }
    let name = format!("attachment; filename=\"evidence-{}.html\"", scope.message());
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_DISPOSITION, name)).content_type(ContentType::html()).body(file)
}

/// The whole file.
fn file(signed_in: &SignedIn, scope: Scope, found: &Evidence) -> String {
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
fn sheet(signed_in: &SignedIn, scope: Scope, found: &Evidence) -> Markup {
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
        p.person { (texts.text("column-person")) ": " (found.addresses.join(" · ")) }
        @if let Some(senders) = &signed_in.user.grants.senders {
            p { (texts.with("evidence-senders", [("senders", list(senders).into())])) }
        }
        p { (texts.text(if found.is_masked { "evidence-masked" } else { "evidence-whole" })) }
        @if let Scope::Conversation(_, days) = scope { (extent(times, days, found)) }
        @for trail in &found.trails { (one(times, trail)) }
    }
}

/// Numbers of subjects.
fn list(senders: &BTreeSet<i64>) -> String {
    senders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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

/// Asks for the days of a conversation that are wanted.
fn days_form(signed_in: &SignedIn, days: Days) -> Markup {
    let Times { texts, zone, .. } = signed_in.visit.times();
    let date = |at: Option<Instant>| at.map(|at| zone.date(at)).unwrap_or_default();
    html! {
        form.inline method="get" action=(signed_in.visit.path()) {
            label for="from" { (texts.text("from")) }
            input #from name="from" type="date" value=(date(days.from));
            label for="to" { (texts.text("to")) }
            input #to name="to" type="date" value=(date(days.to));
            button { (texts.text("show-days")) }
        }
    }
}

fn one(times: Times<'_>, trail: &Trail) -> Markup {
    let (texts, item) = (times.texts, &*trail.item);
    html! {
        article {
            p { strong { (texts.with("message-title", [("id", item.message_id().to_string().into())])) } ", "
                (texts.text(if is_incoming(item) { "direction-in" } else { "direction-out" })) ", " (channel(item)) ", " (times.text(sent_at(item))) }
            (content(texts, item))
            (history(times, trail))
            (fields(times, item))
        }
    }
}
