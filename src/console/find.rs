//! The one box: it takes a text for everything that it may be, and leads to what it finds; knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::filters::{list_address, of_filters};
use super::messages::cursor;
use super::shown::{conversation_address, table};
use super::texts::Localized;
use super::visit::{Form, SignedIn, redirect};
use crate::model::{Item, mask};
use crate::viewer::find::{Findings, Group, Kind};

/// `POST /console/find`: leads to an address that does not contain what was typed.
pub async fn find(signed_in: SignedIn, mut form: Form) -> HttpResponse {
    let text = form.take("q");
    if text.trim().is_empty() {
        return redirect("/console/").finish();
    }
    match signed_in.viewer().sealer().seal(text.trim()) {
        Some(sealed) => redirect(&format!("/console/find?q={sealed}")).finish(),
        None => signed_in.not_valid(),
    }
}

/// `GET /console/find`.
pub async fn show_found(signed_in: SignedIn) -> HttpResponse {
    let visit = &signed_in.visit;
    let Some(sealed) = visit.parameter("q") else { return redirect("/console/").finish() };
    let viewer = signed_in.viewer();
    let Some(text) = viewer.sealer().open(&sealed) else { return signed_in.other_session() };
    match viewer.find(&text).await {
        Ok(found) => match only_hit(&found) {
            Some(address) => redirect(&address).finish(),
            None => page(&signed_in, &text, &found),
        },
        Err(error) => signed_in.refused(&error),
    }
}

/// Where the only hit is: a person's conversation, or a message.
fn only_hit(found: &Findings) -> Option<String> {
    let [group] = found.groups.as_slice() else {
        let newest = |group: &Group| group.items.first().map(Item::message_id);
        let first = newest(found.groups.first()?)?;
        let is_first = |group: &Group| {
            newest(group) == Some(first) && group.items.len() == 1 && group.next.is_none() && !group.kind.is_person()
        };
        // Such as the one message whose comment is what was typed, and has its words too.
        return found.groups.iter().all(is_first).then(|| format!("/console/messages/{first}"));
    };
    let newest = group.items.first().map(Item::message_id)?;
    match group.kind {
        _ if group.kind.is_person() => Some(conversation_address(newest)),
        Kind::Broadcast { id, .. } => Some(format!("/console/messages?broadcastId={id}")),
        Kind::Cascade { id, .. } => Some(format!("/console/messages?cascadeId={id}")),
        _ if group.items.len() == 1 && group.next.is_none() => Some(format!("/console/messages/{newest}")),
        _ => None,
    }
}

fn page(signed_in: &SignedIn, text: &str, found: &Findings) -> HttpResponse {
    let texts = signed_in.visit.texts();
    let content = html! {
        p role="status" { (summary(texts, text, found)) }
        @for group in &found.groups { (group_of(signed_in, text, group)) }
        @if found.groups.is_empty() { (nothing(signed_in, text)) }
    };
    signed_in.page(StatusCode::OK, &texts.text("found-title"), &content)
}

/// What the text was taken for, with the number of hits of each: `phone +7 900 ••• •• 93 · as words: 3`.
fn summary(texts: Localized<'_>, text: &str, found: &Findings) -> String {
    if found.groups.is_empty() {
        let tried: Vec<String> = found.tried.iter().map(|kind| name(texts, kind, text)).collect();
        return texts.with("nothing-found", [("kinds", tried.join(", ").into())]);
    }
    let hits = |group: &Group| {
        let count =
            if group.next.is_some() { format!("{}+", group.items.len()) } else { group.items.len().to_string() };
        format!("{}: {count}", name(texts, &group.kind, text))
    };
    found.groups.iter().map(hits).collect::<Vec<_>>().join(" · ")
}

/// What a text was taken for. What names a person is masked, because a page stays on the screen.
fn name(texts: Localized<'_>, kind: &Kind, text: &str) -> String {
    let id = |id: &i64| id.to_string();
    let (word, value) = match kind {
        Kind::Phone => ("kind-phone", mask::address(&digits(text))),
        Kind::Email => ("kind-email", mask::address(text)),
        Kind::OtherAddress => ("kind-address", mask::address(text)),
        Kind::MessageId(known) => ("kind-message", id(known)),
        Kind::Subscriber(known) => ("kind-subscriber", id(known)),
        Kind::Broadcast { id: known, name } => {
            ("kind-broadcast", if name.is_empty() { id(known) } else { name.clone() })
        }
        Kind::Cascade { id: known, name } => ("kind-cascade", if name.is_empty() { id(known) } else { name.clone() }),
        Kind::Comment => ("kind-comment", mask::text(text)),
        Kind::Words => ("kind-words", mask::text(text)),
    };
    texts.with(word, [("value", value.into())])
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn group_of(signed_in: &SignedIn, text: &str, group: &Group) -> Markup {
    let (visit, texts) = (&signed_in.visit, signed_in.visit.texts());
    let newest = group.items.first().map(Item::message_id).unwrap_or_default();
    let all = of_filters(&group.filters, &signed_in.viewer().sealer());
    html! {
        section {
            h2 { (name(texts, &group.kind, text)) }
            @if !group.international.is_empty() { p { (texts.text("found-international")) } }
            @if group.kind.is_person() && !group.items.is_empty() {
                p { a href=(conversation_address(newest)) { (texts.text("show-conversation")) } }
            }
            @if group.is_cut { p { (texts.text("search-cut")) } }
            @if !group.items.is_empty() { (table(visit.times(), &group.items)) }
            @if let Some((all, next)) = all.zip(group.next.as_ref()) {
                @if group.items.is_empty() {
                    p { a href=(list_address(&all, Some(&cursor(next)))) { (texts.text("continue-search")) } }
                } @else {
                    p { a href=(list_address(&all, None)) { (texts.text("show-all")) } }
                }
            }
        }
    }
}

/// What was searched, and what else to try.
fn nothing(signed_in: &SignedIn, text: &str) -> Markup {
    let texts = signed_in.visit.texts();
    let viewer = signed_in.viewer();
    // A beginning of a word finds more than the word.
    let beginning: String = text.split_whitespace().next().unwrap_or_default().chars().take(4).collect();
    let is_word = beginning.chars().all(char::is_alphabetic);
    let beginning = (text.chars().count() > 4 && is_word && !text.contains('*'))
        .then(|| viewer.sealer().seal(&format!("{beginning}*")))
        .flatten();
    html! {
        p { (texts.with("searched-where", [("tenant", viewer.user().grants.tenant.to_string().into())])) }
        ul {
            @if let Some(sealed) = beginning {
                li { a href={ "/console/find?q=" (sealed) } { (texts.text("try-beginning")) } }
            }
            li { a href="/console/messages" { (texts.text("try-list")) } }
            li { (texts.text("try-hints")) }
            @if mask::text(text) != text { li { (texts.text("try-masked")) } }
        }
    }
}
