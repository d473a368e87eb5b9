//! Near misses of a history request: what the gateway lets pass and edna may not, or reads otherwise than its sender
//! means; knows no store and no response.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::instant::Rounding;
use crate::model::{Instant, wire};

/// One near miss: where it is, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub path: String,
    pub what: String,
}

impl Warning {
    fn new(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into() }
    }

    /// The warning as the detail of an error, which repeats no name that could be a phone number.
    pub fn sentence(&self) -> String {
        let digits = self.path.bytes().filter(u8::is_ascii_digit).count();
        let path = if digits > MAX_DIGITS { "…" } else { &self.path };
        format!("'{path}': {}.", self.what)
    }
}

const FIELDS: [&str; 11] = [
    "subscriberFilter",
    "offset",
    "limit",
    "channelTypes",
    "messageId",
    "direction",
    "dateFrom",
    "dateTo",
    "sort",
    "trafficTypes",
    "subjectId",
];
const FILTER_FIELDS: [&str; 2] = ["address", "type"];
const SORT_FIELDS: [&str; 2] = ["property", "direction"];
const INTEGERS: [&str; 4] = ["offset", "limit", "messageId", "subjectId"];
const DATES: [&str; 2] = ["dateFrom", "dateTo"];

/// How many near misses are named, and how long a name is shown.
const MAX_WARNINGS: usize = 50;
const MAX_NAME: usize = 100;

/// How many fields are looked at.
const MAX_FIELDS: usize = 1000;

/// How many digits a name may have that an error repeats.
const MAX_DIGITS: usize = 4;

/// How many days before now the window begins if a request does not say.
const DEFAULT_DAYS: i64 = 30;

/// From which similarity on an unknown field is taken for a misspelt one.
const SIMILAR: f64 = 0.8;

/// The near misses of a request, in the order of its fields.
pub fn warnings(content_type: Option<&str>, body: &str, now: Instant) -> Vec<Warning> {
    let mut found = Vec::new();
    let body = body.trim_start_matches('\u{feff}').trim();
    if !body.is_empty() && !is_json(content_type) {
        found.push(Warning::new("Content-Type", "it is not application/json, which edna expects"));
    }
    if wire::is_empty_list(body) {
        found.push(Warning::new("body", "it is [], which is read as {}"));
    }
    let Ok(fields) = wire::object(body) else { return found };
    let fields = fields.0;
    for (name, raw) in fields.iter().take(MAX_FIELDS) {
        field(name, raw, &mut found);
    }
    found.truncate(MAX_WARNINGS);
    let given = |wanted: &str| fields.iter().find(|(name, raw)| name == wanted && !wire::is_not_given(raw.get()));
    let is_old = |raw: &RawValue| {
        let date = wire::text(raw.get()).and_then(|text| Instant::parse(&text, Rounding::Down));
        date.is_some_and(|date| date < now.plus_days(-DEFAULT_DAYS))
    };
    if given("dateFrom").is_none()
        && let Some((_, date_to)) = given("dateTo")
        && is_old(date_to)
    {
        let what = format!("it is more than {DEFAULT_DAYS} days ago, and without dateFrom the window is empty");
        found.push(Warning::new("dateTo", what));
    }
    found
}

fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn field(name: &str, raw: &RawValue, found: &mut Vec<Warning>) {
    let raw = raw.get();
    if name == "subjectID" {
        found.push(Warning::new(name, "edna's field is subjectId"));
    } else if !FIELDS.contains(&name) {
        found.push(unknown("", name, &FIELDS));
    }
    if (INTEGERS.contains(&name) || name == "subjectID") && wire::text(raw).is_some_and(|text| !text.is_empty()) {
        found.push(Warning::new(name, "it is a number in a string"));
    }
    if DATES.contains(&name) && wire::text(raw).is_some_and(|text| lacks_zone(&text)) {
        found.push(Warning::new(name, "it has no time zone, and is read as UTC"));
    }
    match name {
        "subscriberFilter" => fields_of(raw, "subscriberFilter.", &FILTER_FIELDS, found),
        "sort" => match wire::array(raw) {
            Some(entries) => {
                for (place, entry) in entries.iter().enumerate().take(MAX_FIELDS) {
                    fields_of(entry.get(), &format!("sort[{place}]."), &SORT_FIELDS, found);
                }
            }
            None if !wire::is_not_given(raw) => {
                found.push(Warning::new("sort", "it is an object; edna documents a list of objects"));
                fields_of(raw, "sort.", &SORT_FIELDS, found);
            }
            None => {}
        },
        _ => {}
    }
}

fn fields_of(raw: &str, path: &str, known: &[&str], found: &mut Vec<Warning>) {
    let fields = wire::object(raw).map(|fields| fields.0).unwrap_or_default();
    let unknown_names = fields.iter().take(MAX_FIELDS).filter(|(name, _)| !known.contains(&name.as_ref()));
    found.extend(unknown_names.map(|(name, _): &(Cow<'_, str>, _)| unknown(path, name, known)));
}

fn unknown(path: &str, name: &str, known: &[&str]) -> Warning {
    let similarity = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let nearest = known.iter().map(|known| (similarity(known), *known)).max_by(|one, other| one.0.total_cmp(&other.0));
    let what = match nearest.filter(|(similarity, _)| *similarity >= SIMILAR) {
        Some((_, nearest)) => format!("the field is unknown, and is ignored; did you mean {nearest}?"),
        None => "the field is unknown, and is ignored".to_owned(),
    };
    Warning::new(format!("{path}{}", &name[..name.floor_char_boundary(MAX_NAME)]), what)
}

/// Whether a date says a time but no zone. A date without a time is a day in UTC.
fn lacks_zone(text: &str) -> bool {
    let Some((_, time)) = text.split_once(['T', 't']) else { return false };
    Instant::parse(text, Rounding::Down).is_some() && !time.ends_with(['Z', 'z']) && !time.contains(['+', '-'])
}
