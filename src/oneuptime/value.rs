//! Single values: how each profile renders them, and how they are parsed, plain or with their type; knows no column.

use serde_json::Value as Json;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::model::Instant;
use crate::model::instant::Rounding;
use crate::model::key::Profile;
use crate::model::log_query::Operand;
use crate::model::whatsapp_log::ColumnType;
use crate::model::wire::{self, Fields};

/// The types that a value can carry.
const WRAPPERS: [&str; 3] = ["ObjectID", "Phone", "DateTime"];

/// Renders a value of one of these types, plain or with its type (docs/oneuptime.md 3.7).
fn push(out: &mut String, profile: Profile, of_type: &str, text: &str) {
    match profile {
        Profile::Published => wire::push_text(out, text),
        Profile::Live => {
            out.push_str(r#"{"_type":""#);
            out.push_str(of_type);
            out.push_str(r#"","value":"#);
            wire::push_text(out, text);
            out.push('}');
        }
    }
}

pub fn push_id(out: &mut String, profile: Profile, id: &str) {
    push(out, profile, "ObjectID", id);
}

pub fn push_phone(out: &mut String, profile: Profile, phone: &str) {
    push(out, profile, "Phone", phone);
}

pub fn push_date(out: &mut String, profile: Profile, at: Instant) {
    push(out, profile, "DateTime", &at.iso());
}

/// The fields of a JSON object, in order. If a field occurs twice, the last value counts, as in JavaScript.
pub fn object(raw: &str) -> Option<Vec<(String, &RawValue)>> {
    wire::object(raw).ok().map(last_of_each)
}

/// The fields of an object that is parsed already, likewise.
pub fn last_of_each(object: Fields<'_>) -> Vec<(String, &RawValue)> {
    let mut fields: Vec<(String, &RawValue)> = Vec::new();
    let mut positions = std::collections::HashMap::new();
    for (name, value) in object.0 {
        let position = *positions.entry(name.clone()).or_insert(fields.len());
        if position == fields.len() {
            fields.push((name.into_owned(), value));
        } else {
            fields[position].1 = value;
        }
    }
    fields
}

/// An object with a `_type`.
pub struct Typed<'a> {
    pub of_type: String,
    fields: Vec<(String, &'a RawValue)>,
}

impl<'a> Typed<'a> {
    /// `None` if it is not an object, or has no `_type`.
    pub fn read(raw: &'a str) -> Option<Self> {
        let fields = object(raw)?;
        let named = fields.iter().find(|(name, _)| name == "_type")?;
        Some(Self { of_type: wire::text(named.1.get())?, fields })
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, raw)| raw.get())
    }

    /// Whether it is only a value with its type, rather than an operator.
    pub fn is_wrapper(&self) -> bool {
        WRAPPERS.contains(&self.of_type.as_str())
    }
}

/// A value without its type, as the text of a string or the digits of a number, and whether it is a string.
fn without_type(raw: &str) -> Option<(String, bool)> {
    let typed = Typed::read(raw);
    let raw = match &typed {
        Some(typed) if typed.is_wrapper() => typed.get("value")?,
        _ => raw,
    };
    match serde_json::from_str(raw).ok()? {
        Json::String(text) => Some((text, true)),
        Json::Number(number) => {
            Some((number.as_f64().and_then(exact_integer).map_or_else(|| raw.to_owned(), |n| n.to_string()), false))
        }
        _ => None,
    }
}

/// The integer that a number equals, if JavaScript prints the number as one, however it is written in the JSON.
fn exact_integer(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within what is exact")]
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// The text of a string or of a number.
pub fn text(raw: &str) -> Option<String> {
    without_type(raw).map(|(text, _)| text)
}

/// The operand for a column of a type; `None` if the value does not have that type.
pub fn value(raw: &str, kind: ColumnType) -> Option<Operand> {
    let (text, is_string) = without_type(raw)?;
    match kind {
        ColumnType::Text => Some(Operand::Text(text)),
        ColumnType::Integer => wire::integer(&text).ok().map(Operand::Integer),
        ColumnType::Instant if is_string => Some(Operand::Integer(instant(&text)?.0)),
        ColumnType::Id if is_string => id(&text).map(|id| Operand::Text(id.to_string())),
        ColumnType::Instant | ColumnType::Id => None,
    }
}

/// Parses a date, to the millisecond.
pub fn instant(text: &str) -> Option<Instant> {
    Instant::parse(text, Rounding::Down)
}

/// Parses an id in the only form that OneUptime accepts: with hyphens, in any letter case.
pub fn id(text: &str) -> Option<Uuid> {
    (text.len() == uuid::fmt::Hyphenated::LENGTH).then(|| Uuid::try_parse(text).ok()).flatten()
}
