//! What a page shows, to be copied: as a link, as a request of either dialect, as JSON, as text for a ticket; masked as it
//! is shown; knows no store.

use maud::{Markup, html};
use serde_json::json;

use super::shown;
use super::texts::Localized;
use super::time::Times;
use super::visit::Visit;
use super::words;
use crate::model::{Item, Property, whatsapp_log};
use crate::viewer::conversation::Conversation;

/// The longest text of a message in a ticket, in characters. The JSON has all of it.
const MAX_LINE: usize = 5000;

/// The columns that a request to OneUptime asks for: without any, it returns ids only.
const COLUMNS: [&str; 5] = ["createdAt", "toNumber", "status", "statusMessage", "messageText"];

/// The forms of a page's content.
pub struct Copied {
    link: String,
    edna: String,
    oneuptime: Option<String>,
    json: String,
    ticket: String,
}

impl Copied {
    pub fn of_message(visit: &Visit, item: &Item) -> Self {
        let origin = visit.origin();
        let id = item.message_id();
        // The history has no filter by id: the message's own second, and its address if it is shown.
        let at = shown::sent_at(item);
        let mut request = json!({"dateFrom": at.iso(), "dateTo": at.iso()});
        let address = item.text(Property::Address).unwrap_or_default();
        request["subscriberFilter"] = subscriber_filter(item.integer(Property::SubscriberId), address);
        let is_logged = item.text(Property::ChannelType) == Some("WHATSAPP") && !shown::is_incoming(item);
        let tenant = item.integer(Property::TenantId).unwrap_or_default();
        let row = whatsapp_log::id_of_message(crate::model::TenantId(tenant), id);
        Self {
            link: format!("{origin}/console/messages/{id}"),
            edna: edna(&origin, &request),
            oneuptime: is_logged.then(|| {
                let body = json!({"select": select()}).to_string();
                curl(&format!("{origin}/api/whatsapp-log/{row}/get-item"), "ApiKey", &body)
            }),
            json: item.render(),
            ticket: ticket_lines(visit.times(), &[item]),
        }
    }

    pub fn of_conversation(visit: &Visit, id: i64, found: &Conversation) -> Self {
        let origin = visit.origin();
        let address = found.addresses.first().cloned().unwrap_or_default();
        let filter = subscriber_filter(found.subscriber, &address);
        let items: Vec<&Item> = found.trails.iter().map(|trail| &*trail.item).collect();
        let rendered: Vec<String> = items.iter().map(|item| item.render()).collect();
        let logs = json!({"select": select(), "query": {"toNumber": format!("+{address}")}, "limit": 10, "skip": 0});
        // Of the masked form of a number, there is no row.
        let is_number = address.bytes().all(|byte| byte.is_ascii_digit());
        Self {
            link: format!("{origin}/console/people/{id}"),
            edna: edna(&origin, &json!({"subscriberFilter": filter})),
            oneuptime: is_number
                .then(|| curl(&format!("{origin}/api/whatsapp-log/get-list"), "ApiKey", &logs.to_string())),
            json: format!("[{}]", rendered.join(",")),
            ticket: ticket_lines(visit.times(), &items),
        }
    }
}

fn select() -> serde_json::Value {
    COLUMNS.iter().map(|column| ((*column).to_owned(), json!(true))).collect::<serde_json::Map<_, _>>().into()
}

/// Whom a request to edna asks for. What is masked is to be filled in.
fn subscriber_filter(subscriber: Option<i64>, address: &str) -> serde_json::Value {
    if let Some(subscriber) = subscriber {
        return json!({"address": subscriber.to_string(), "type": "EDNA_ID"});
    }
    let is_number = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_digit());
    let kind = match address {
        _ if is_number || address.starts_with('+') => "PHONE",
        _ if address.contains('@') => "EMAIL",
        _ => "EXT_USER_ID",
    };
    json!({"address": if address.contains('•') { "ADDRESS" } else { address }, "type": kind})
}

fn edna(origin: &str, request: &serde_json::Value) -> String {
    curl(&format!("{origin}/api/messages/history"), "x-api-key", &request.to_string())
}

/// A request without its key.
fn curl(url: &str, header: &str, body: &str) -> String {
    let quoted = body.replace('\'', "'\\''");
    format!("curl -X POST '{url}' -H '{header}: KEY' -H 'Content-Type: application/json' -d '{quoted}'")
}

/// A line for each message: time, direction, channel, status, text.
fn ticket_lines(times: Times<'_>, items: &[&Item]) -> String {
    items.iter().map(|item| ticket(times, item)).collect::<Vec<_>>().join("\n")
}

fn ticket(times: Times<'_>, item: &Item) -> String {
    let texts = times.texts;
    let direction = shown::direction(texts, item);
    let (sent, channel) = (times.text(shown::sent_at(item)), shown::channel(item));
    let mut parts = vec![format!("#{} {sent} {direction}, {channel}", item.message_id())];
    if let Some(word) = item.text(Property::DeliveryStatus) {
        let at = item.instant(Property::DeliveryStatusAt).map(|at| format!(" {}", times.text(at)));
        let reason = shown::failure_reason(item);
        let reason = reason.map(|reason| format!(": {}", words::reason_or_word(texts, reason)));
        parts.push([words::status(texts, word), at.unwrap_or_default(), reason.unwrap_or_default()].concat());
    }
    parts.extend(item.text(Property::Address).map(str::to_owned));
    parts.extend(item.text(Property::Comment).map(str::to_owned));
    parts.push(shown::line(texts, item, MAX_LINE));
    parts.join(" — ")
}

/// A button and the text for each form. The texts can be selected where no script runs.
pub fn buttons(visit: &Visit, copied: &Copied) -> Markup {
    let texts = visit.texts();
    let mut forms = vec![("link", "copy-link", &copied.link), ("edna", "copy-edna", &copied.edna)];
    forms.extend(copied.oneuptime.as_ref().map(|text| ("oneuptime", "copy-oneuptime", text)));
    forms.extend([("json", "copy-json", &copied.json), ("ticket", "copy-ticket", &copied.ticket)]);
    html! {
        section.copies aria-label=(texts.text("copy")) {
            @for (id, label, text) in &forms { (form(texts, id, label, text)) }
            p #copied role="status" data-text=(texts.text("copied")) {}
        }
    }
}

fn form(texts: Localized<'_>, id: &str, label: &'static str, text: &str) -> Markup {
    let area = format!("copy-{id}");
    html! {
        div.copy {
            button type="button" data-copy=(area) { (texts.text(label)) }
            details {
                summary { (texts.with("copied-text", [("form", texts.text(label).into())])) }
                textarea id=(area) readonly rows="3" aria-label=(texts.text(label)) { (text) }
            }
        }
    }
}
