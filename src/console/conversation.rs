//! The conversation with a person; knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use maud::{Markup, html};

use super::copying::{self, Copied};
use super::layout::token_field;
use super::own_address::{own_address, with_query};
use super::shown::{bubble, conversation_address, sent_at};
use super::time::Times;
use super::visit::{Form, SignedIn, Visit, redirect};
use crate::model::trail::Trail;
use crate::viewer::conversation::{Conversation, Part};

/// `GET /console/people/{id}`: the person whose message that is.
pub async fn show_conversation(signed_in: SignedIn, id: Path<String>) -> HttpResponse {
    let Some(id) = id.parse::<i64>().ok() else { return signed_in.not_found() };
    let Some(part) = part(&signed_in) else { return signed_in.not_valid() };
    let viewer = signed_in.viewer();
    match viewer.conversation(id, part).await {
        Ok(found) => page(&signed_in, id, &found),
        Err(error) => signed_in.refused(&error),
    }
}

/// `POST /console/people/{id}/reveal`.
pub async fn reveal(signed_in: SignedIn, id: Path<String>, form: Form) -> HttpResponse {
    let Some(id) = id.parse::<i64>().ok() else { return signed_in.not_found() };
    match signed_in.viewer().reveal(id, form.field("reason")).await {
        Ok(()) => redirect(own_address(form.field("next"))).finish(),
        Err(error) => signed_in.refused(&error),
    }
}

/// The part that the address names, the newest one if it names none; `None` if a parameter is not valid.
fn part(signed_in: &SignedIn) -> Option<Part> {
    let visit = &signed_in.visit;
    let id = |name| visit.parameter(name).filter(|value| !value.is_empty()).map(|value| value.parse::<i64>().ok());
    if let Some(id) = id("before") {
        return id.map(Part::Before);
    }
    if let Some(id) = id("after") {
        return id.map(Part::After);
    }
    if let Some(id) = id("at") {
        return id.map(Part::Around);
    }
    match visit.parameter("date").filter(|date| !date.is_empty()) {
        Some(date) => visit.times().zone.end_of(&date).map(Part::UpTo),
        None => Some(Part::Newest),
    }
}

fn page(signed_in: &SignedIn, id: i64, found: &Conversation) -> HttpResponse {
    let (visit, times) = (&signed_in.visit, signed_in.visit.times());
    let texts = times.texts;
    let this = format!("/console/people/{id}");
    let date = visit.parameter("date").unwrap_or_default();
    let last = found.trails.last().map(|trail| times.zone.date(sent_at(&trail.item)));
    let is_other_day = !date.is_empty() && last.is_some_and(|last| last != date);
    let content = html! {
        (person(signed_in, found))
        (reveal_form(signed_in, id, found.is_masked, found.revealed_until.map(|until| times.text(until))))
        form.inline method="get" action=(conversation_address(id)) {
            label for="date" { (texts.text("jump-to-date")) }
            input #date name="date" type="date" value=(date);
            button { (texts.text("show")) }
        }
        section aria-label=(texts.text("conversation")) {
            @if let Some(first) = found.older_before {
                p #older {
                    a href={ (this) "?before=" (first) } hx-get={ (this) "?before=" (first) }
                        hx-target="#older" hx-select="#older, #messages" hx-swap="outerHTML show:none" { (texts.text("older")) }
                }
            }
            // A link to the newest message leads to what there is to know of a day without messages, too.
            @if found.is_after_day { p #newest { (texts.text("no-messages-until")) } }
            @if found.trails.is_empty() { p { (texts.text("no-messages-here")) } }
            (messages(times, id, &found.trails))
            @if !found.is_after_day {
                @if is_other_day { p #newest { (texts.text("no-messages-on-day")) } } @else { span #newest {} }
            }
            @if let Some(last) = found.newer_after {
                p #newer { a href={ (this) "?after=" (last) } { (texts.text("newer")) } " · "
                    a href=(conversation_address(id)) { (texts.text("newest")) } }
            }
        }
        @if !found.trails.is_empty() { (evidence_forms(signed_in, &evidence(times, id, &found.trails))) }
        (copying::buttons(visit, &Copied::of_conversation(visit, id, found)))
    };
    signed_in.page(StatusCode::OK, &texts.text("conversation"), &content)
}

/// Who it is, as far as may be seen.
fn person(signed_in: &SignedIn, found: &Conversation) -> Markup {
    let texts = signed_in.visit.texts();
    html! {
        p.person {
            (found.addresses.join(" · "))
            @if let Some(subscriber) = found.subscriber {
                " · " (texts.with("subscriber", [("id", subscriber.to_string().into())]))
            }
        }
    }
}

/// The way to evidence, and to its file.
pub fn evidence_forms(signed_in: &SignedIn, address: &str) -> Markup {
    let texts = signed_in.visit.texts();
    html! {
        @if signed_in.viewer().may_reveal() {
            div.inline {
                a href=(address) { (texts.text("print-evidence")) }
                form method="post" action=(address) {
                    (token_field(&signed_in.form_token))
                    button { (texts.text("download-evidence")) }
                }
            }
        }
    }
}

/// The evidence of the days that are shown.
fn evidence(times: Times<'_>, id: i64, trails: &[Trail]) -> String {
    let date = |trail: &Trail| times.zone.date(sent_at(&trail.item));
    let (from, to) = (trails.first().map(date), trails.last().map(date));
    let days: Vec<(&str, String)> =
        from.map(|date| ("from", date)).into_iter().chain(to.map(|date| ("to", date))).collect();
    with_query(&format!("/console/evidence/people/{id}"), &days)
}

/// The messages under the dates of their days.
fn messages(times: Times<'_>, id: i64, trails: &[Trail]) -> Markup {
    let mut days: Vec<(String, Vec<&Trail>)> = Vec::new();
    for trail in trails {
        let date = times.zone.date(sent_at(&trail.item));
        match days.last_mut().filter(|(known, _)| *known == date) {
            Some((_, of_day)) => of_day.push(trail),
            None => days.push((date, vec![trail])),
        }
    }
    html! {
        div.days #messages {
            @for (date, trails) in &days {
                h2.day { (date) }
                ol.messages { @for trail in trails { (bubble(times, id, trail)) } }
            }
        }
    }
}

/// The address of a page with what was in view before its data was revealed.
fn place(visit: &Visit, id: i64) -> String {
    let address = visit.address();
    match visit.parameter("at") {
        Some(at) if at.parse::<i64>().is_ok() => format!("{address}#m{at}"),
        _ if visit.path() == format!("/console/people/{id}") => format!("{address}#newest"),
        _ => address,
    }
}

/// Asks why what is masked is needed; tells until when it is shown.
pub fn reveal_form(signed_in: &SignedIn, id: i64, is_masked: bool, until: Option<String>) -> Markup {
    let texts = signed_in.visit.texts();
    html! {
        @if let Some(until) = until {
            p.revealed role="status" { (texts.with("revealed-until", [("time", until.into())])) }
        } @else if is_masked && signed_in.viewer().may_reveal() {
            details {
                summary { (texts.text("masked-note")) }
                form.stacked method="post" action={ "/console/people/" (id) "/reveal" } {
                    (token_field(&signed_in.form_token))
                    input type="hidden" name="next" value=(place(&signed_in.visit, id));
                    label for="reason" { (texts.text("reveal-reason")) }
                    input #reason name="reason" required maxlength="500" autocomplete="off";
                    button { (texts.text("reveal")) }
                }
            }
        } @else if is_masked {
            p.muted { (texts.text("masked-only")) }
        }
    }
}
