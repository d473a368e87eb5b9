//! The audit log: who has read what; knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::layout::token_field;
use super::own_address::with_query;
use super::shown::headings;
use super::texts::Localized;
use super::time::Times;
use super::visit::{Form, SignedIn, redirect};
use crate::model::Instant;
use crate::model::audit::{Action, AuditRecord, Who};
use crate::model::instant::Rounding;
use crate::viewer::chain::{ChainEnd, Links};
use crate::viewer::log::{LogPage, LogPosition, LogQuery};

/// `GET /console/audit`.
pub async fn show_audit(signed_in: SignedIn) -> HttpResponse {
    let visit = &signed_in.visit;
    let viewer = signed_in.viewer();
    let given = |name: &str| visit.parameter(name).unwrap_or_default();
    let person = given("person");
    let person = match viewer.sealer().open(&person) {
        Some(person) => person,
        None if person.is_empty() => person,
        None => return signed_in.other_session(),
    };
    let Ok((from, to)) = visit.times().zone.days(&given("from"), &given("to")) else {
        return signed_in.not_valid_days();
    };
    let at = given("before");
    let at = if at.is_empty() {
        None
    } else {
        let Some(at) = position(&at) else { return signed_in.not_valid() };
        Some(at)
    };
    let query = LogQuery { login: given("login"), person, from, to, at };
    match viewer.audit_log(&query).await {
        Ok(found) => page(&signed_in, &query, &found),
        Err(error) => signed_in.refused(&error),
    }
}

/// `POST /console/audit`: looks for a person, whose address must not stand in that of the page.
pub async fn find_audit(signed_in: SignedIn, form: Form) -> HttpResponse {
    let person = form.field("person").trim();
    let sealed = if person.is_empty() { Some(String::new()) } else { signed_in.viewer().sealer().seal(person) };
    let Some(sealed) = sealed else { return signed_in.not_valid() };
    let mut pairs = vec![("person", sealed)];
    pairs.extend(["login", "from", "to"].map(|name| (name, form.field(name).to_owned())));
    pairs.retain(|(_, value)| !value.is_empty());
    redirect(&with_query("/console/audit", &pairs)).finish()
}

fn page(signed_in: &SignedIn, query: &LogQuery, found: &LogPage) -> HttpResponse {
    let texts = signed_in.visit.texts();
    let content = html! {
        @if !signed_in.viewer().sees_all_records() { p { (texts.text("own-records")) } }
        (filters(signed_in, query))
        @if !query.person.is_empty() { p { (texts.text("audit-of-person")) } }
        (records(signed_in, &query.person, found))
        @if let Some(next) = found.next { (older(signed_in, next)) }
        (chain_end(texts, found.end))
        p.muted { (texts.text("audit-verify")) " " code { "history-gateway audit verify" } }
    };
    signed_in.page(StatusCode::OK, &texts.text("audit"), &content)
}

/// The state of the chain, of which each look verifies the last entries.
fn chain_end(texts: Localized<'_>, ChainEnd { head, links }: ChainEnd) -> Markup {
    html! {
        @match links {
            Links::Whole(0) => {},
            Links::Whole(number) => p.muted { (texts.with("audit-links-whole", [("number", number.into())])) },
            Links::BrokenAt(entry) => {
                p role="alert" { (texts.with("audit-links-broken", [("number", entry.to_string().into())])) }
            },
        }
        p.muted { (texts.with("audit-head", [("number", head.sequence.to_string().into())])) " " code { (head.hash.to_string()) } }
    }
}

fn filters(signed_in: &SignedIn, query: &LogQuery) -> Markup {
    let texts = signed_in.visit.texts();
    let date = |at: Option<Instant>| at.map(|at| signed_in.visit.times().zone.date(at)).unwrap_or_default();
    html! {
        form.grid method="post" action="/console/audit" {
            (token_field(&signed_in.form_token))
            div { label for="audit-person" { (texts.text("audit-person")) } input #audit-person name="person" autocomplete="off"; }
            @if signed_in.viewer().sees_all_records() {
                div { label for="audit-login" { (texts.text("login")) } input #audit-login name="login" value=(query.login) autocomplete="off"; }
            }
            div { label for="audit-from" { (texts.text("from")) } input #audit-from name="from" type="date" value=(date(query.from)); }
            div { label for="audit-to" { (texts.text("to")) } input #audit-to name="to" type="date" value=(date(query.to)); }
            button { (texts.text("search-log")) }
        }
    }
}

/// A place in the log as it stands in an address: `12.50`.
fn position(text: &str) -> Option<LogPosition> {
    let (entry, shown) = text.split_once('.')?;
    Some(LogPosition { entry: entry.parse().ok()?, shown: shown.parse().ok()? })
}

/// The address of the next page: this one, from a place on.
fn older(signed_in: &SignedIn, next: LogPosition) -> Markup {
    let mut pairs = signed_in.visit.parameters();
    pairs.retain(|(name, _)| name != "before");
    pairs.push(("before".into(), format!("{}.{}", next.entry, next.shown)));
    html! { p { a href=(with_query("/console/audit", &pairs)) { (signed_in.visit.texts().text("older-records")) } } }
}

fn records(signed_in: &SignedIn, person: &str, found: &LogPage) -> Markup {
    let texts = signed_in.visit.texts();
    html! {
        @if found.records.is_empty() {
            // A page looks through a part of a long log.
            p role="status" { (texts.text(if found.next.is_some() { "no-records-yet" } else { "no-records" })) }
            @if !person.is_empty() { p { (texts.text("audit-person-hint")) } }
        } @else {
            div.scroll tabindex="0" { table {
                (headings(texts, &["column-time", "column-who", "column-from", "column-action", "column-what", "column-rows"]))
                tbody { @for (_, record) in &found.records { (row(signed_in, record)) } }
            } }
        }
    }
}

fn row(signed_in: &SignedIn, record: &AuditRecord) -> Markup {
    let times = signed_in.visit.times();
    let texts = times.texts;
    let at = Instant::parse(&record.at, Rounding::Down);
    let who = match &record.who {
        Who::User { login, .. } => login.clone(),
        Who::Key { key } => texts.with("key-number", [("id", key.to_string().into())]),
        Who::Command { command } => command.clone(),
    };
    html! {
        tr {
            td { @if let Some(at) = at { (times.full(at)) } @else { (record.at) } }
            td { (who) }
            td { @if let Some(from) = record.from { (from) } }
            td { (action(texts, record.action)) }
            td { (what(times, record)) }
            td.number { @if let Some(rows) = record.rows { (rows) } @if let Some(requests) = record.requests { " (" (requests) ")" } }
        }
    }
}

fn what(times: Times<'_>, record: &AuditRecord) -> Markup {
    let texts = times.texts;
    html! {
        @if let Some(message) = record.message { a href={ "/console/messages/" (message) } { "#" (message) } " " }
        @if record.unmasked { strong { (texts.text("unmasked")) } " " }
        @if let Some(login) = &record.login { (login) " " }
        @if let Some(reason) = &record.reason { (texts.with("quoted", [("text", reason.as_str().into())])) " " }
        @for (name, value) in record.filter.entries() { (name) "=" (plain(times, value)) " " }
        @for digest in &record.addresses { code title=(texts.text("digest")) { (digest) } " " }
        @if let Some(digest) = &record.sha256 { "SHA-256 " code { (digest) } }
    }
}

/// A value without the quotes of JSON; a time in the zone of the page.
fn plain(times: Times<'_>, value: &serde_json::Value) -> String {
    let Some(text) = value.as_str() else { return value.to_string() };
    let at = Instant::parse(text, Rounding::Down).filter(|at| at.iso() == text);
    at.map_or_else(|| text.to_owned(), |at| times.text(at))
}

fn action(texts: Localized<'_>, action: Action) -> String {
    texts.text(match action {
        Action::SignedIn => "action-signed-in",
        Action::SignInFailed => "action-sign-in-failed",
        Action::SignedOut => "action-signed-out",
        Action::Find => "action-find",
        Action::List => "action-list",
        Action::RecentPeople => "action-recent-people",
        Action::Summary => "action-summary",
        Action::Conversation => "action-conversation",
        Action::Message => "action-message",
        Action::Reveal => "action-reveal",
        Action::Evidence => "action-evidence",
        Action::EvidenceFile => "action-evidence-file",
        Action::AuditLog => "action-audit-log",
        Action::Users => "action-users",
        Action::UserCreated => "action-user-created",
        Action::UserDisabled => "action-user-disabled",
        Action::UserEnabled => "action-user-enabled",
        Action::PasswordChanged => "action-password-changed",
        Action::SessionsEnded => "action-sessions-ended",
        Action::ApiRead => "action-api-read",
        Action::ApiCount => "action-api-count",
    })
}
