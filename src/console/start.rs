//! The start page: what was sent today and yesterday, what failed and why, whom the user has looked at last; knows no
//! store.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::shown::{self, reason};
use super::texts::Localized;
use super::time::Times;
use super::visit::SignedIn;
use super::words;
use crate::model::delivery::is_failure;
use crate::viewer::start::{Day, RecentPerson};

/// `GET /console/`.
pub async fn show_start(signed_in: SignedIn) -> HttpResponse {
    let texts = signed_in.visit.texts();
    let recent = match signed_in.viewer().recent_people().await {
        Ok(recent) => recent,
        Err(error) => return signed_in.refused(&error),
    };
    let content = html! {
        p { (texts.text("start-hint")) }
        // Counting takes longer than the page.
        section #counts hx-get="/console/counts" hx-trigger="load" hx-select="#counts" hx-swap="outerHTML ignoreTitle:true" {
            p { a href="/console/counts" { (texts.text("show-counts")) } }
        }
        (people(&signed_in, &recent))
    };
    signed_in.page(StatusCode::OK, &texts.text("start"), &content)
}

/// `GET /console/counts`.
pub async fn show_counts(signed_in: SignedIn) -> HttpResponse {
    let texts = signed_in.visit.texts();
    let Times { zone, now, .. } = signed_in.visit.times();
    let today = zone.day_of(now);
    let yesterday = zone.day_of(today.from.before());
    match signed_in.viewer().counts([today, yesterday]).await {
        Ok(days) => {
            let content = html! {
                section #counts aria-live="polite" { @for (place, day) in days.iter().enumerate() { (day_of(&signed_in, place, day)) } }
            };
            signed_in.page(StatusCode::OK, &texts.text("counts"), &content)
        }
        Err(error) => signed_in.refused(&error),
    }
}

fn people(signed_in: &SignedIn, recent: &[RecentPerson]) -> Markup {
    let times = signed_in.visit.times();
    html! {
        @if !recent.is_empty() {
            section {
                h2 { (times.texts.text("recent-people")) }
                ul { @for person in recent {
                    li {
                        a href=(shown::conversation_address(person.message)) { (person.address) }
                        " (" (words::channel(&person.channel_type)) "), " (times.full(person.looked_at))
                    }
                } }
            }
        }
    }
}

/// Counts of one channel: sent, delivered, read, failed, received.
#[derive(Default)]
struct Row {
    sent: u64,
    delivered: u64,
    read: u64,
    failed: u64,
    received: u64,
}

fn day_of(signed_in: &SignedIn, place: usize, day: &Day) -> Markup {
    let texts = signed_in.visit.texts();
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut failures: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (counted, number) in &day.counts.counts {
        let row = rows.entry(&counted.channel_type).or_default();
        match counted.status.as_str() {
            _ if counted.is_incoming => row.received += number,
            status if is_failure(status) => {
                row.failed += number;
                *failures.entry((&counted.reason, status)).or_default() += number;
            }
            "READ" => row.read += number,
            "DELIVERED" => row.delivered += number,
            _ => {}
        }
        row.sent += if counted.is_incoming { 0 } else { *number };
    }
    let (from, to) = (day.window.from.iso(), day.window.to.iso());
    let times = signed_in.visit.times();
    let zone = times.zone;
    let date = [("date", zone.date(day.window.from).into()), ("zone", zone.offset(day.window.from).into())];
    let title = texts.with(if place == 0 { "today" } else { "yesterday" }, date);
    html! {
        h2 { (title) }
        @if day.counts.at < times.now { p.muted { (texts.with("counted-at", [("time", times.text(day.counts.at).into())])) } }
        @if rows.is_empty() { p { (texts.text("no-messages-here")) } } @else {
            (channels(texts, &rows, (&from, &to)))
        }
        @if !failures.is_empty() {
            h3 { (texts.text("reasons")) }
            ul { @for ((given, status), number) in &failures { (failure(signed_in, (given, status), *number, (&from, &to))) } }
        }
    }
}

fn channels(texts: Localized<'_>, rows: &BTreeMap<&str, Row>, (from, to): (&str, &str)) -> Markup {
    let address = |channel: &str| {
        serde_urlencoded::to_string([("channelType", channel), ("from", from), ("to", to)]).unwrap_or_default()
    };
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { (texts.text("column-channel")) }
                @for id in ["count-sent", "count-delivered", "count-read", "count-failed", "count-received"] { th.number scope="col" { (texts.text(id)) } }
            } }
            tbody { @for (channel, row) in rows {
                tr {
                    th scope="row" { a href={ "/console/messages?" (address(channel)) } { (words::channel(channel)) } }
                    @for number in [row.sent, row.delivered, row.read, row.failed, row.received] { td.number { (number) } }
                }
            } }
        } }
    }
}

/// A reason with the number of its failures, which leads to them.
fn failure(signed_in: &SignedIn, (given, status): (&str, &str), number: u64, (from, to): (&str, &str)) -> Markup {
    let texts = signed_in.visit.texts();
    let mut address = format!("/console/messages?deliveryStatus={status}&from={from}&to={to}");
    if let Some(sealed) = signed_in.viewer().sealer().seal(given).filter(|_| !given.is_empty()) {
        address.push_str("&deliveryError=");
        address.push_str(&sealed);
    }
    html! {
        li {
            a href=(address) {
                (shown::status(texts, status)) ": "
                @if given.is_empty() { (texts.text("no-reason")) } @else { (reason(texts, given)) }
            }
            " — " (number)
        }
    }
}
