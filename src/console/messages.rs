//! The list of messages with its filters; knows no store.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use maud::{Markup, html};

use super::filters::{self, Parameter, list_address, query_string, to_filters};
use super::layout::token_field;
use super::shown::{failure_reason, reason, table};
use super::texts::Localized;
use super::visit::{Form, SignedIn, redirect};
use super::words;
use crate::model::history::TRAFFIC_TYPES;
use crate::model::instant::Rounding;
use crate::model::message_query::WalkPosition;
use crate::model::{Instant, Property, delivery, mask};
use crate::viewer::list::List;

/// The filters whose values must not stand in an address, and that a form has.
const SEALED_FIELDS: [&str; 3] = ["address", "text", "comment"];

/// `GET /console/messages`.
pub async fn show_messages(signed_in: SignedIn) -> HttpResponse {
    let given = signed_in.visit.parameters();
    match filters::with_times(&given, signed_in.visit.times().zone) {
        Some(Ok(parameters)) => return redirect(&list_address(&parameters, None)).finish(),
        Some(Err(error)) => return signed_in.refused_filter(error),
        None => {}
    }
    let viewer = signed_in.viewer();
    let read =
        filters::parameters(&given).and_then(|parameters| Ok((to_filters(&parameters, &viewer.sealer())?, parameters)));
    let (wanted, parameters) = match read {
        Ok(read) => read,
        Err(error) => return signed_in.refused_filter(error),
    };
    let from = given.iter().find(|(name, _)| name == "cursor").map(|(_, cursor)| position(cursor));
    let Some(from) = from.map_or(Some(None), |from| from.map(Some)) else { return signed_in.not_valid() };
    let is_first = from.is_none();
    match viewer.list(wanted, from).await {
        Ok(list) => page(&signed_in, &parameters, &list, is_first),
        Err(error) => signed_in.refused(&error),
    }
}

/// `POST /console/messages`: adds a filter whose value must not stand in an address.
pub async fn add_filter(signed_in: SignedIn, form: Form) -> HttpResponse {
    let given: Vec<(String, String)> = serde_urlencoded::from_str(form.field("filters")).unwrap_or_default();
    let mut parameters = match filters::parameters(&given) {
        Ok(parameters) => parameters,
        Err(error) => return signed_in.refused_filter(error),
    };
    for name in SEALED_FIELDS {
        let value = form.field(name).trim();
        if value.is_empty() {
            continue;
        }
        let Some(sealed) = signed_in.viewer().sealer().seal(value) else { return signed_in.not_valid_filter(name) };
        parameters.push(Parameter { name, value: sealed });
    }
    // What is not valid could be a text, which must not stand in an address.
    match to_filters(&parameters, &signed_in.viewer().sealer()) {
        Ok(_) => redirect(&list_address(&parameters, None)).finish(),
        Err(error) => signed_in.refused_filter(error),
    }
}

fn page(signed_in: &SignedIn, parameters: &[Parameter], list: &List, is_first: bool) -> HttpResponse {
    let texts = signed_in.visit.texts();
    let next = list.next.as_ref().map(|next| list_address(parameters, Some(&cursor(next))));
    let content = html! {
        (chips(signed_in, parameters))
        (filter_forms(signed_in, parameters))
        p role="status" aria-live="polite" { (count(texts, list, is_first)) }
        @if !list.international.is_empty() { p { (texts.text("found-international")) } }
        (reasons(signed_in, parameters, list))
        @if !list.items.is_empty() { (table(signed_in.visit.times(), &list.items)) }
        @if let Some(next) = next { p { a href=(next) { (texts.text("next-page")) } } }
    };
    signed_in.page(StatusCode::OK, &texts.text("messages"), &content)
}

/// The exact number if all are shown, otherwise the least that there are.
fn count(texts: Localized<'_>, list: &List, is_first: bool) -> String {
    let number = || [("number", list.items.len().into())];
    match (list.next.is_some(), is_first) {
        _ if list.is_cut => texts.with("count-cut", number()),
        (true, _) => texts.with("count-more", number()),
        (false, true) => texts.with("count-exact", number()),
        (false, false) => texts.with("count-last", number()),
    }
}

/// The filters, each with a way to remove it.
fn chips(signed_in: &SignedIn, parameters: &[Parameter]) -> Markup {
    let texts = signed_in.visit.texts();
    html! {
        @if !parameters.is_empty() {
            ul.chips aria-label=(texts.text("filters")) {
                @for (place, parameter) in parameters.iter().enumerate() {
                    li {
                        (parameter.name) ": " (chip_value(signed_in, parameter)) " "
                        a href=(without(parameters, place))
                            aria-label=(texts.with("remove-filter", [("name", parameter.name.into())])) { "×" }
                    }
                }
            }
        }
    }
}

/// A value as it may stand on a page: what is sealed in the address is hidden here too, but for a reason, which names nobody.
fn chip_value(signed_in: &SignedIn, parameter: &Parameter) -> String {
    let times = signed_in.visit.times();
    let texts = times.texts;
    match parameter.name {
        "deliveryError" => {
            let given = signed_in.viewer().sealer().open(&parameter.value).map(|given| mask::reason(&given));
            given.map_or_else(|| texts.text("hidden-value"), |given| words::reason_or_word(texts, &given))
        }
        _ if parameter.is_sealed() => texts.text("hidden-value"),
        "deliveryStatus" => words::status(texts, &parameter.value),
        "channelType" => words::channel(&parameter.value).to_owned(),
        // A date alone is one of UTC.
        "from" | "to" if parameter.value.len() > 10 => {
            Instant::parse(&parameter.value, Rounding::Down).map(|at| times.text(at)).unwrap_or_default()
        }
        _ => parameter.value.clone(),
    }
}

fn without(parameters: &[Parameter], place: usize) -> String {
    let mut rest = parameters.to_vec();
    rest.remove(place);
    list_address(&rest, None)
}

/// One form for what may stand in an address, and one for what may not.
fn filter_forms(signed_in: &SignedIn, parameters: &[Parameter]) -> Markup {
    let texts = signed_in.visit.texts();
    let first = |name: &str| parameters.iter().find(|parameter| parameter.name == name);
    let value = |name: &str| first(name).map_or("", |parameter| parameter.value.as_str());
    // A field has one value; others are kept. So are times, which may be within the dates that are shown.
    let offered = ["channelType", "direction", "trafficType", "deliveryStatus", "subjectId"];
    let is_kept = |(place, parameter): &(usize, &Parameter)| {
        !offered.contains(&parameter.name) || parameters[..*place].iter().any(|other| other.name == parameter.name)
    };
    let times = signed_in.visit.times();
    let date = |name: &str| first(name).map(|known| filters::date_of(known, times.zone)).unwrap_or_default();
    html! {
        details open[parameters.is_empty()] {
            summary { (texts.text("change-filters")) }
            form.grid method="get" action="/console/messages" {
                @for (_, parameter) in parameters.iter().enumerate().filter(is_kept) { input type="hidden" name=(parameter.name) value=(parameter.value); }
                (select(texts, "channelType", value("channelType"), filters::OFFERED_CHANNELS.map(|word| (word, words::channel(word).to_owned()))))
                (select(texts, "direction", value("direction"), [("IN", texts.text("direction-in")), ("OUT", texts.text("direction-out"))]))
                (select(texts, "trafficType", value("trafficType"), TRAFFIC_TYPES.map(|word| (word, word.to_owned()))))
                (select(texts, "deliveryStatus", value("deliveryStatus"), delivery::KNOWN.map(|word| (word, words::status(texts, word)))))
                (field(("from", "fromDate"), "date", &date("from")))
                (field(("to", "toDate"), "date", &date("to")))
                (field(("subjectId", "subjectId"), "text", value("subjectId")))
                button { (texts.text("apply-filters")) }
            }
            form.grid method="post" action="/console/messages" {
                (token_field(&signed_in.form_token))
                input type="hidden" name="filters" value=(query_string(parameters));
                @for name in SEALED_FIELDS { (field((name, name), "text", "")) }
                button { (texts.text("add-filters")) }
            }
        }
    }
}

/// A field with its label, which is the filter's name.
fn field((label, name): (&str, &str), kind: &str, value: &str) -> Markup {
    html! { div { label for={ "filter-" (name) } { (label) }
    input id={ "filter-" (name) } name=(name) type=(kind) value=(value) autocomplete="off"; } }
}

fn select(
    texts: Localized<'_>,
    name: &str,
    chosen: &str,
    options: impl IntoIterator<Item = (&'static str, String)>,
) -> Markup {
    let options: Vec<_> = options.into_iter().collect();
    html! { div { label for={ "filter-" (name) } { (name) }
    select id={ "filter-" (name) } name=(name) {
        option value="" { (texts.text("any")) }
        @for (value, shown) in &options { option value=(value) selected[*value == chosen] { (shown) } }
        @if !chosen.is_empty() && options.iter().all(|(value, _)| *value != chosen) { option value=(chosen) selected { (words::channel(chosen)) } }
    } } }
}

/// Why the failures of the page failed, with counts; each leads to those with this reason.
fn reasons(signed_in: &SignedIn, parameters: &[Parameter], list: &List) -> Markup {
    let texts = signed_in.visit.texts();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for item in &list.items {
        let is_failure = item.text(Property::DeliveryStatus).is_some_and(delivery::is_failure);
        if let Some(given) = failure_reason(item).filter(|_| is_failure) {
            *counts.entry(given).or_default() += 1;
        }
    }
    let sealer = signed_in.viewer().sealer();
    let is_filtered = parameters.iter().any(|parameter| parameter.name == "deliveryError");
    html! {
        @if counts.len() > 1 && !is_filtered {
            section aria-label=(texts.text("reasons-of-page")) {
                h2 { (texts.text("reasons-of-page")) }
                ul { @for (given, number) in &counts {
                    li {
                        @match sealer.seal(given) {
                            Some(value) => a href=(with_reason(parameters, value)) { (reason(texts, given)) },
                            None => (reason(texts, given)),
                        }
                        ": " (number)
                    }
                } }
            }
        }
    }
}

fn with_reason(parameters: &[Parameter], sealed: String) -> String {
    let reason = Parameter { name: "deliveryError", value: sealed };
    list_address(&parameters.iter().cloned().chain([reason]).collect::<Vec<_>>(), None)
}

/// A position as it stands in an address: it holds a message id.
pub fn cursor(position: &WalkPosition) -> String {
    let bits = position.national.iter().map(|counts| u8::from(*counts));
    BASE64.encode(position.message_id.to_be_bytes().into_iter().chain(bits).collect::<Vec<u8>>())
}

fn position(cursor: &str) -> Option<WalkPosition> {
    let bytes = BASE64.decode(cursor).ok()?;
    let (id, bits) = bytes.split_first_chunk()?;
    Some(WalkPosition { message_id: i64::from_be_bytes(*id), national: bits.iter().map(|bit| *bit == 1).collect() })
}
