//! Parses a request part by part, in the order of the checks (docs/oneuptime.md §6); knows no key's rights.

use super::OneUptimeError;
use super::columns::{ConditionTarget, field};
use super::select::Select;
use super::value;
use crate::model::key::Profile;
use crate::model::log_query::LogSortKey;
use crate::model::whatsapp_log::Column;
use crate::model::{LogQuery, wire};
use crate::web::{Body, CommonError};

const DEFAULT_LIMIT: i64 = 10;

/// The known parts of a body, not parsed yet.
#[derive(Default)]
pub struct RawRequest {
    select: Option<String>,
    query: Option<String>,
    sort: Option<String>,
    group_by: Option<String>,
    skip: Option<i64>,
    limit: Option<i64>,
}

impl RawRequest {
    /// Reads a body as JSON, whatever its `Content-Type`: to ignore a filter would return
    /// rows that the client did not ask for.
    pub fn read(body: &Body) -> Result<Self, OneUptimeError> {
        let bytes = match body {
            Body::Whole(bytes) => bytes,
            Body::TooLarge { limit } => return Err(CommonError::TooLarge { limit: *limit }.into()),
            Body::Overloaded => return Err(CommonError::Unavailable.into()),
            Body::Discarded => return Ok(Self::default()),
            Body::Incomplete => return Err(OneUptimeError::bad("The body did not arrive whole in time.")),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| OneUptimeError::bad("The body is not valid UTF-8."))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // PHP encodes an empty object as an empty list.
        if text.trim().is_empty() || wire::is_empty_list(text.trim()) {
            return Ok(Self::default());
        }
        let object = wire::object(text).map_err(|error| {
            OneUptimeError::Bad(match error {
                wire::NotAnObject::Malformed { line, column } => {
                    format!("The body is not valid JSON (line {line}, column {column}).")
                }
                wire::NotAnObject::Incomplete => "The body ends in the middle of a JSON value.".into(),
                wire::NotAnObject::OtherType => "The body must be a JSON object.".into(),
            })
        })?;
        let mut parts = Self::default();
        for (name, raw) in value::last_of_each(object) {
            let raw = raw.get();
            match name.as_str() {
                // Some programs write null for a map that is not set.
                "select" | "query" | "sort" if raw == "null" => {}
                "select" => parts.select = Some(raw.to_owned()),
                "query" => parts.query = Some(raw.to_owned()),
                "sort" => parts.sort = Some(raw.to_owned()),
                "groupBy" => parts.group_by = Some(raw.to_owned()),
                "skip" => parts.skip = number(raw),
                "limit" => parts.limit = number(raw),
                _ => {}
            }
        }
        Ok(parts)
    }

    pub fn query(&self) -> &str {
        self.query.as_deref().unwrap_or("{}")
    }

    pub fn select(&self) -> Result<Select, OneUptimeError> {
        Select::parse(self.select.as_deref().unwrap_or("{}"))
    }

    /// The sort keys in order, completed so that the order is total.
    pub fn sort(&self) -> Result<Vec<LogSortKey>, OneUptimeError> {
        let raw = self.sort.as_deref().unwrap_or("{}");
        let fields = value::object(raw).ok_or_else(|| OneUptimeError::bad("Sort must be an object."))?;
        let mut keys = Vec::new();
        let is_given = !fields.is_empty();
        for (name, raw) in fields {
            let condition_target = field(&name).map(super::columns::Field::condition_target);
            let condition_target = condition_target.ok_or_else(|| {
                OneUptimeError::Bad(format!("Invalid sort on WhatsApp Log - {name}. Column does not exist."))
            })?;
            if condition_target == ConditionTarget::Hidden {
                return Err(OneUptimeError::Hidden("sort", name));
            }
            let descending = is_descending(raw.get()).ok_or_else(|| {
                OneUptimeError::Bad(format!("Invalid sort on WhatsApp Log - {name}: it must be 1, -1, ASC or DESC."))
            })?;
            // A field that is the same for every row does not affect the order.
            if let ConditionTarget::Column(column) = condition_target {
                keys.push(LogSortKey { column, descending });
            }
        }
        if is_given && keys.is_empty() {
            keys.push(LogSortKey { column: Column::Id, descending: true });
        }
        Ok(LogQuery::sort(keys))
    }

    pub fn group_by(&self) -> Result<(), OneUptimeError> {
        let raw = self.group_by.as_deref().unwrap_or("{}");
        let is_empty = match serde_json::from_str(raw) {
            Ok(serde_json::Value::Object(fields)) => fields.is_empty(),
            Ok(serde_json::Value::Array(list)) => list.is_empty(),
            Ok(serde_json::Value::String(text)) => text.is_empty(),
            Ok(serde_json::Value::Null | serde_json::Value::Bool(false)) => true,
            _ => false,
        };
        if is_empty { Ok(()) } else { Err(OneUptimeError::bad("GroupBy is currently not supported")) }
    }
}

fn is_descending(raw: &str) -> Option<bool> {
    let word = value::text(raw)?.to_ascii_uppercase();
    match word.as_str() {
        "-1" | "DESC" => Some(true),
        "1" | "ASC" => Some(false),
        _ => None,
    }
}

/// The requested page: how many rows to skip, and how many to return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    pub skip: i64,
    pub limit: i64,
}

impl Paging {
    /// Values in the URL override those in the body. Fails if one is negative.
    pub fn new(in_url: &[(String, String)], body: &RawRequest) -> Result<Self, OneUptimeError> {
        let url_value = |name: &str| in_url.iter().find(|(known, value)| known == name && !value.is_empty());
        let value_of = |name: &str, in_body: Option<i64>| match url_value(name) {
            Some((_, value)) => leading_integer(value),
            None => in_body,
        };
        let (skip, limit) = (value_of("skip", body.skip).unwrap_or(0), value_of("limit", body.limit).unwrap_or(0));
        if skip < 0 || limit < 0 {
            return Err(OneUptimeError::bad("positiveNumber cannot be less than 0"));
        }
        Ok(Self { skip, limit: if limit == 0 { DEFAULT_LIMIT } else { limit } })
    }

    /// Fails if the limit exceeds the profile's maximum.
    pub fn check(self, profile: Profile) -> Result<Self, OneUptimeError> {
        let most = match profile {
            Profile::Published => 100,
            Profile::Live => 10_000,
        };
        if self.limit > most {
            return Err(OneUptimeError::Bad(format!("Limit should be less than {most}")));
        }
        Ok(self)
    }
}

/// A number in the body, without its fraction, or a string that begins with an integer.
fn number(raw: &str) -> Option<i64> {
    match serde_json::from_str(raw).ok()? {
        serde_json::Value::String(text) => leading_integer(&text),
        #[expect(clippy::cast_possible_truncation, reason = "a number beyond the greatest becomes the greatest")]
        serde_json::Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|number| number as i64)),
        _ => None,
    }
}

/// The integer that a text begins with, as JavaScript's `parseInt` reads it; one that is too large becomes the maximum.
fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    if end == 0 {
        return None;
    }
    let value = rest[..end].parse().unwrap_or(i64::MAX);
    Some(if negative { -value } else { value })
}
