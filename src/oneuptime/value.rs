//! Single values: how each profile writes them, and how they are read, plain or with their type beside them.

use serde_json::Value as Json;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::model::instant::Rounding;
use crate::model::key::Profile;
use crate::model::log_query::Operand;
use crate::model::whatsapp_log::ColumnType;
use crate::model::{Instant, wire};

/// The types that a value can have beside it.
const WRAPPERS: [&str; 3] = ["ObjectID", "Phone", "DateTime"];

/// Writes a value of one of the types: as it is, or with the type beside it (docs/oneuptime.md 3.7).
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

/// A JSON object's fields in their order; of those that stand twice the last one counts, as in JavaScript.
pub fn object(raw: &str) -> Option<Vec<(String, &RawValue)>> {
    let mut fields: Vec<(String, &RawValue)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (name, value) in wire::object(raw).ok()?.0 {
        let place = *places.entry(name.clone()).or_insert(fields.len());
        if place == fields.len() {
            fields.push((name.into_owned(), value));
        } else {
            fields[place].1 = value;
        }
    }
    Some(fields)
}

/// An object that names its type.
pub struct Typed<'a> {
    pub of_type: String,
    fields: Vec<(String, &'a RawValue)>,
}

impl<'a> Typed<'a> {
    /// `None` where it is no object, or names no type.
    pub fn read(raw: &'a str) -> Option<Self> {
        let fields = object(raw)?;
        let named = fields.iter().find(|(name, _)| name == "_type")?;
        Some(Self { of_type: wire::text(named.1.get())?, fields })
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, raw)| raw.get())
    }

    /// Whether it is no more than a value with its type beside it.
    pub fn is_wrapper(&self) -> bool {
        WRAPPERS.contains(&self.of_type.as_str())
    }
}

/// A value without the type beside it: the text of a string, or a number's digits.
fn plain(raw: &str) -> Option<(String, bool)> {
    let typed = Typed::read(raw);
    let raw = match &typed {
        Some(typed) if typed.is_wrapper() => typed.get("value")?,
        _ => raw,
    };
    match serde_json::from_str(raw).ok()? {
        Json::String(text) => Some((text, true)),
        Json::Number(number) => {
            Some((number.as_f64().and_then(whole).map_or_else(|| raw.to_owned(), |n| n.to_string()), false))
        }
        _ => None,
    }
}

/// A number that JavaScript writes without a fraction, however it was written here.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within what is exact")]
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// The text of a string or of a number.
pub fn text(raw: &str) -> Option<String> {
    plain(raw).map(|(text, _)| text)
}

/// What a column of a kind can be compared with; `None` where the value is none of that kind.
pub fn value(raw: &str, kind: ColumnType) -> Option<Operand> {
    let (text, is_string) = plain(raw)?;
    match kind {
        ColumnType::Text => Some(Operand::Text(text)),
        ColumnType::Integer => wire::integer(&text).ok().map(Operand::Integer),
        ColumnType::Instant if is_string => Some(Operand::Integer(instant(&text)?.0)),
        ColumnType::Id if is_string => id(&text).map(|id| Operand::Text(id.to_string())),
        ColumnType::Instant | ColumnType::Id => None,
    }
}

/// A date, to the millisecond.
pub fn instant(text: &str) -> Option<Instant> {
    Instant::parse(text, Rounding::Down)
}

/// An id in the one form that OneUptime takes: with hyphens, its letters in any case.
pub fn id(text: &str) -> Option<Uuid> {
    (text.len() == uuid::fmt::Hyphenated::LENGTH).then(|| Uuid::try_parse(text).ok()).flatten()
}
