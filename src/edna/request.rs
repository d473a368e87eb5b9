//! Parses a history request, with the leniency that its clients rely on; knows no store and no caller.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use serde_json::value::RawValue;

use crate::model::history::{CHANNEL_TYPES, Direction, HistoryRequest, SortKey, TRAFFIC_TYPES};
use crate::model::instant::Rounding;
use crate::model::subscriber::AddressType;
use crate::model::wire::{self, NotAnInteger};
use crate::model::{Instant, Property};
use crate::web::ApiError;

/// A well-formed request, and what only the store can verify.
pub struct Parsed {
    pub request: HistoryRequest,
    /// Channel words that edna does not document, each with its path: valid only if the tenant has them.
    pub undocumented_channel_types: Vec<(String, String)>,
}

/// Parses a request's body (docs/edna.md §1). An empty one means `{}`; unknown fields are ignored.
pub fn parse(text: &str) -> Result<Parsed, ApiError> {
    // PHP encodes an empty object as an empty list.
    let is_empty = text.trim().is_empty() || wire::is_empty_list(text.trim());
    let text = if is_empty { "{}" } else { text };
    let fields = wire::object(text)?;
    let mut parsed = Parsed { request: HistoryRequest::default(), undocumented_channel_types: Vec::new() };
    each_field("", fields.0, |name, raw| read(&mut parsed, name, raw))?;
    Ok(parsed)
}

/// Passes every field to `take`, which returns whether it knows the field. A known field may be given only once.
fn each_field(
    path: &str,
    fields: Vec<(Cow<'_, str>, &RawValue)>,
    mut take: impl FnMut(&str, &str) -> Result<bool, ApiError>,
) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    for (name, raw) in fields {
        let is_known = if wire::is_not_given(raw.get()) { take(&name, "null")? } else { take(&name, raw.get())? };
        if is_known && !seen.insert(name.clone()) {
            return Err(ApiError::NotValid(format!("The field '{path}{name}' is given twice.")));
        }
    }
    Ok(())
}

/// Reads one field; `false` if it is unknown. `raw` is `null` for every value that means "not given".
fn read(parsed: &mut Parsed, name: &str, raw: &str) -> Result<bool, ApiError> {
    let request = &mut parsed.request;
    match name {
        "subscriberFilter" => request.recipient = subscriber_filter(raw)?,
        "offset" => request.offset = offset(raw)?,
        "limit" => request.limit = limit(raw)?,
        "channelTypes" => {
            let words = words(name, raw)?;
            let undocumented_channel_types = words.iter().filter(|(_, word)| !CHANNEL_TYPES.contains(&word.as_str()));
            parsed.undocumented_channel_types = undocumented_channel_types.cloned().collect();
            request.channel_types = distinct(words);
        }
        "messageId" => request.message_id = integer(name, raw)?.filter(|id| *id != 0),
        "direction" => request.direction = one_of(name, raw, "IN or OUT", Direction::from_word)?,
        "dateFrom" => request.date_from = date(name, raw, Rounding::Up)?,
        "dateTo" => request.date_to = date(name, raw, Rounding::Down)?,
        "sort" => request.sort = sort(raw)?,
        "trafficTypes" => request.traffic_types = traffic_types(name, raw)?,
        "subjectId" | "subjectID" => {
            let given = integer(name, raw)?.filter(|id| *id != 0);
            match (request.subject_id, given) {
                (Some(before), Some(now)) if before != now => {
                    return Err(ApiError::NotValid("The field 'subjectId' is given twice.".into()));
                }
                (before, now) => request.subject_id = now.or(before),
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn subscriber_filter(raw: &str) -> Result<Option<(String, AddressType)>, ApiError> {
    const ADDRESS: &str = "subscriberFilter.address";
    const TYPE: &str = "subscriberFilter.type";
    if raw == "null" {
        return Ok(None);
    }
    let fields = wire::object(raw).map_err(|_| ApiError::field("subscriberFilter", "an object"))?;
    let (mut address, mut address_type) = (None, None);
    each_field("subscriberFilter.", fields.0, |name, raw| {
        match name {
            "address" => address = text(ADDRESS, raw)?,
            "type" => {
                let wanted = format!("one of {}", AddressType::WORDS.join(", "));
                address_type = one_of(TYPE, raw, &wanted, AddressType::from_word)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    match (address, address_type) {
        (Some(address), given) => Ok(Some((address, given.unwrap_or(AddressType::Phone)))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ApiError::NotValid(format!("The field '{ADDRESS}' must be given with '{TYPE}'."))),
    }
}

fn sort(raw: &str) -> Result<Vec<SortKey>, ApiError> {
    if raw == "null" {
        return Ok(Vec::new());
    }
    // The table and the samples of edna's pages disagree: a single object is accepted as a list of one.
    let (entries, single) = match wire::array(raw) {
        Some(entries) => (entries.into_iter().map(RawValue::get).collect(), false),
        None => (vec![raw], true),
    };
    let mut keys = Vec::new();
    for (place, raw) in entries.into_iter().enumerate() {
        let path = if single { "sort".to_owned() } else { format!("sort[{place}]") };
        let fields = wire::object(raw).map_err(|_| ApiError::field(&path, "an object with property and direction"))?;
        let (mut property, mut direction) = (None, None);
        each_field(&format!("{path}."), fields.0, |name, raw| {
            match name {
                "property" => property = text(&format!("{path}.property"), raw)?,
                "direction" => direction = Some(raw.to_owned()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let Some(property) = property else { continue };
        let property = Property::from_name(&property).ok_or_else(|| {
            ApiError::field(&format!("{path}.property"), "the name of a field of an answer's message")
        })?;
        let descending = |word: &str| match word {
            "ASC" => Some(false),
            "DESC" => Some(true),
            _ => None,
        };
        let direction = direction.as_deref().unwrap_or("null");
        let descending = one_of(&format!("{path}.direction"), direction, "ASC or DESC", descending)?;
        keys.push(SortKey { property, descending: descending.unwrap_or(true) });
    }
    Ok(keys)
}

fn traffic_types(path: &str, raw: &str) -> Result<Vec<String>, ApiError> {
    let words = words(path, raw)?;
    match words.iter().find(|(_, word)| !TRAFFIC_TYPES.contains(&word.as_str())) {
        Some((path, _)) => Err(ApiError::field(path, &format!("one of {}", TRAFFIC_TYPES.join(", ")))),
        None => Ok(distinct(words)),
    }
}

fn distinct(words: Vec<(String, String)>) -> Vec<String> {
    let distinct: BTreeSet<String> = words.into_iter().map(|(_, word)| word).collect();
    distinct.into_iter().collect()
}

/// The strings of a list, each with its path.
fn words(path: &str, raw: &str) -> Result<Vec<(String, String)>, ApiError> {
    if raw == "null" {
        return Ok(Vec::new());
    }
    let elements = wire::array(raw).ok_or_else(|| ApiError::field(path, "a list of strings"))?;
    let word = |(place, raw): (usize, &RawValue)| {
        let path = format!("{path}[{place}]");
        match wire::text(raw.get()) {
            Some(word) => Ok((path, word)),
            None => Err(ApiError::field(&path, "a string")),
        }
    };
    elements.into_iter().enumerate().map(word).collect()
}

fn offset(raw: &str) -> Result<i64, ApiError> {
    match integer("offset", raw)?.unwrap_or(0) {
        offset if offset < 0 => Err(ApiError::field("offset", "0 or greater")),
        offset => Ok(offset),
    }
}

/// A limit of any size; [`crate::model::HistoryQuery::new`] checks the maximum.
fn limit(raw: &str) -> Result<Option<i64>, ApiError> {
    // A number that is out of range is so in any notation: 1e21 is JavaScript's form of a long number.
    let is_out_of_range =
        |number: f64| (number.fract() == 0.0 || number.is_infinite()) && !(0.0..=1000.0).contains(&number);
    match wire::integer(raw) {
        Err(NotAnInteger::TooLarge) => Ok(Some(i64::MAX)),
        Err(NotAnInteger::TooSmall) => Ok(Some(i64::MIN)),
        Err(NotAnInteger::Fraction) if raw.parse().is_ok_and(is_out_of_range) => Ok(Some(i64::MAX)),
        _ => integer("limit", raw),
    }
}

fn integer(path: &str, raw: &str) -> Result<Option<i64>, ApiError> {
    if raw == "null" {
        return Ok(None);
    }
    wire::integer(raw).map(Some).map_err(|error| match error {
        NotAnInteger::WrongType | NotAnInteger::Fraction => ApiError::field(path, "an integer"),
        NotAnInteger::TooSmall | NotAnInteger::TooLarge => ApiError::field(path, "an integer of 64 bits"),
    })
}

fn date(path: &str, raw: &str, rounding: Rounding) -> Result<Option<Instant>, ApiError> {
    one_of(path, raw, "an ISO 8601 date such as 2026-03-01T10:00:00Z", |word| Instant::parse(word, rounding))
}

/// Maps a word to its meaning; an empty one means "not given".
fn one_of<T>(path: &str, raw: &str, wanted: &str, meaning: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ApiError> {
    match text(path, raw)?.as_deref() {
        None | Some("") => Ok(None),
        Some(word) => meaning(word).map(Some).ok_or_else(|| ApiError::field(path, wanted)),
    }
}

fn text(path: &str, raw: &str) -> Result<Option<String>, ApiError> {
    if raw == "null" {
        return Ok(None);
    }
    wire::text(raw).map(Some).ok_or_else(|| ApiError::field(path, "a string"))
}
