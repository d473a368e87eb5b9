//! A message as pages show it: its status in words, why it failed, where it belongs; knows no page.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::content::content;
use super::texts::Localized;
use super::time::Times;
use super::words;
use crate::model::delivery::is_failure;
use crate::model::trail::Trail;
use crate::model::{DeliveryStatus, Instant, Item, Property};

/// What became of a message, step by step in words, with times; a failure with its reason, in words and as it is.
pub fn steps(times: Times<'_>, trail: &Trail) -> Markup {
    let mut shown: Vec<&DeliveryStatus> = Vec::new();
    for event in &trail.events {
        if event.status.word.is_some() && shown.iter().all(|known| known.word != event.status.word) {
            shown.push(&event.status);
        }
    }
    html! { @for status in shown { (step(times, status)) } }
}

fn step(times: Times<'_>, status: &DeliveryStatus) -> Markup {
    let texts = times.texts;
    let word = status.word.as_deref().unwrap_or_default();
    let (at, reason) = (status.at, status.message.as_deref().filter(|reason| !reason.is_empty()));
    let class = if is_failure(word) { "status failure" } else { "status" };
    html! {
        span class=(class) {
            (self::status(texts, word))
            @if let Some(at) = at { " " (times.clock(at)) }
            @if let Some(reason) = reason { ": " (self::reason(texts, reason)) }
        }
        " "
    }
}

/// Why a message was not delivered, or what else its status says.
pub fn failure_reason(item: &Item) -> Option<&str> {
    item.text(Property::DeliveryStatusMessage).filter(|reason| !reason.is_empty())
}

/// A status in words; one of a failure stands out.
pub fn status(texts: Localized<'_>, word: &str) -> Markup {
    html! {
        @if is_failure(word) { strong.failure { "✗ " (words::status(texts, word)) } }
        @else if !word.is_empty() { (words::status(texts, word)) }
    }
}

/// A reason in words, with the word itself; only the word if it is none of edna's.
pub fn reason(texts: Localized<'_>, reason: &str) -> Markup {
    html! {
        @match words::reason(texts, reason) {
            Some(said) => { (said) " (" code { (reason) } ")" },
            None => code { (reason) },
        }
    }
}

/// The channel, with the subject if it is known.
pub fn channel(item: &Item) -> String {
    let channel = words::channel(item.text(Property::ChannelType).unwrap_or_default());
    match item.text(Property::SubjectName) {
        Some(subject) => format!("{channel}, {subject}"),
        None => channel.to_owned(),
    }
}

/// Whether a message came from the person.
pub fn is_incoming(item: &Item) -> bool {
    item.text(Property::Direction) == Some("IN")
}

pub fn sent_at(item: &Item) -> Instant {
    item.instant(Property::SentOrReceivedAt).unwrap_or(Instant(0))
}

/// The address of a person's conversation, with its newest messages in view.
pub fn conversation_address(message: i64) -> String {
    format!("/console/people/{message}#newest")
}

/// The messages that a message quotes; in a conversation, the way to them there.
pub fn quotes(texts: Localized<'_>, item: &Item, conversation: Option<i64>) -> Markup {
    let quoted = [Property::ReplyInMessageId, Property::ReplyOutMessageId];
    html! {
        @for id in quoted.into_iter().filter_map(|property| item.integer(property)) {
            p.quote { a href=(quoted_address(id, conversation)) { (texts.with("replies-to", [("id", id.to_string().into())])) } }
        }
    }
}

/// The conversation of a person, whose message `person` is, with a message in view.
pub fn address_in_conversation(person: i64, id: i64) -> String {
    format!("/console/people/{person}?at={id}#m{id}")
}

/// `incoming` or `outgoing`.
pub fn direction(texts: Localized<'_>, item: &Item) -> String {
    texts.text(if is_incoming(item) { "direction-in" } else { "direction-out" })
}

fn quoted_address(id: i64, conversation: Option<i64>) -> String {
    match conversation {
        Some(person) => address_in_conversation(person, id),
        None => format!("/console/messages/{id}"),
    }
}

/// A message as an item of the conversation of a person, whose message `person` is.
pub fn bubble(times: Times<'_>, person: i64, trail: &Trail) -> Markup {
    let item = &*trail.item;
    let (texts, id) = (times.texts, item.message_id());
    let class = if is_incoming(item) { "message in" } else { "message out" };
    html! {
        li id={ "m" (id) } class=(class) {
            p.head {
                a.open href={ "/console/messages/" (id) } { (direction(texts, item)) ", " bdi { (channel(item)) } }
                " " (times.clock(sent_at(item)))
                @if let Some(relative) = times.relative(sent_at(item)) { ", " (relative) }
            }
            (quotes(texts, item, Some(person)))
            (content(times, item))
            p { (steps(times, trail)) }
        }
    }
}

/// The beginning of what a message says, on one line.
pub fn excerpt(texts: Localized<'_>, item: &Item) -> String {
    line(texts, item, 120)
}

/// What a message says, on one line, of a number of characters at most.
pub fn line(texts: Localized<'_>, item: &Item, length: usize) -> String {
    let given = item.text(Property::Content).unwrap_or_default();
    if given == "•••" {
        return texts.text("content-hidden");
    }
    let found = crate::model::search::fields_of(item);
    let text = found.first().map_or(given, |field| field.text.as_ref());
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(length + 1).collect();
    if line.chars().count() > length { line.chars().take(length).collect::<String>() + "…" } else { line }
}

/// Numbers of subjects, as a list.
pub fn numbers(subjects: &BTreeSet<i64>) -> String {
    subjects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The row with the headings of a table.
pub fn headings(texts: Localized<'_>, ids: &[&'static str]) -> Markup {
    html! { thead { tr { @for id in ids { th scope="col" { (texts.text(id)) } } } } }
}

/// Messages as a table, each with the way to its conversation.
pub fn table(times: Times<'_>, items: &[Item]) -> Markup {
    let texts = times.texts;
    html! {
        div.scroll tabindex="0" {
            table {
                caption.hidden-label { (texts.text("messages")) }
                (headings(texts, &["column-time", "column-channel", "column-person", "column-text", "column-status"]))
                tbody { @for item in items { (row(times, item)) } }
            }
        }
    }
}

fn row(times: Times<'_>, item: &Item) -> Markup {
    let (texts, id) = (times.texts, item.message_id());
    let word = item.text(Property::DeliveryStatus).unwrap_or_default();
    let reason = failure_reason(item);
    html! {
        tr {
            td { (times.full(sent_at(item))) }
            td { (direction(texts, item)) ", " (channel(item)) }
            td { a href=(address_in_conversation(id, id)) { (item.text(Property::Address).unwrap_or_default()) } }
            td dir="auto" { a.open href={ "/console/messages/" (id) } { (excerpt(texts, item)) } }
            td {
                (status(texts, word))
                @if let Some(reason) = reason { ": " (self::reason(texts, reason)) }
            }
        }
    }
}
