//! Parses JSON verbatim: fields in their order, numbers and unknown values unchanged; knows no field by name.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

/// The fields of a JSON object in the order in which they were received, duplicates included, values not parsed.
///
/// Values are skipped without recursion, so any depth of nesting is safe.
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

/// The expected number of fields, which is about that of a message.
const EXPECTED_FIELDS: usize = 24;

/// A field's name, borrowed if nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Fields<'a> {
    /// A field's value; `None` if it is absent or null.
    pub fn given(&self, name: &str) -> Option<&'a str> {
        let mut named = self.0.iter().filter(|(known, _)| known == name).map(|(_, raw)| raw.get());
        named.find(|raw| *raw != "null")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut fields = Vec::with_capacity(EXPECTED_FIELDS);
                while let Some((Name(name), raw)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    fields.push((name, raw));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Why a text is not a JSON object.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotAnObject {
    /// The text is not JSON. Contains the position of the error.
    #[error("it is not valid JSON (column {column})")]
    Malformed { line: usize, column: usize },
    /// The text ends too early: with more text it might be valid.
    #[error("it ends in the middle of a JSON value")]
    Incomplete,
    /// It is JSON, but not an object.
    #[error("it is not a JSON object")]
    OtherType,
}

/// The fields of a JSON object.
pub fn object(text: &str) -> Result<Fields<'_>, NotAnObject> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        // serde reports a wrong type before it has parsed the rest, so the rest is checked here.
        serde_json::error::Category::Data => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => NotAnObject::OtherType,
            Err(error) => malformed(&error),
        },
        _ => malformed(&error),
    })
}

fn malformed(error: &serde_json::Error) -> NotAnObject {
    match error.classify() {
        serde_json::error::Category::Eof => NotAnObject::Incomplete,
        _ => NotAnObject::Malformed { line: error.line(), column: error.column() },
    }
}

/// The elements of a JSON array, or `None` for any other value.
pub fn array(raw: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw).ok()
}

/// A string that is not empty, or the digits of an integer, however many.
pub fn text_or_digits(raw: &str) -> Option<String> {
    let digits = || raw.bytes().all(|byte| byte.is_ascii_digit()).then(|| raw.to_owned());
    text(raw).or_else(digits).filter(|text| !text.is_empty())
}

/// The text of a JSON string; `None` for any other value, and for a lone surrogate, which is not valid text.
pub fn text(raw: &str) -> Option<String> {
    // Checked first, because formatting serde's error for another type would take longer than everything else.
    if raw.trim_ascii_start().starts_with('"') { serde_json::from_str(raw).ok() } else { None }
}

/// Why a value is not a 64-bit integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAnInteger {
    WrongType,
    Fraction,
    TooSmall,
    TooLarge,
}

/// An integer, as a JSON number or as a string of digits (docs/edna.md 1.2).
pub fn integer(raw: &str) -> Result<i64, NotAnInteger> {
    let quoted = text(raw);
    let token = quoted.as_deref().unwrap_or(raw);
    let digits = token.strip_prefix('-').unwrap_or(token);
    if digits.is_empty() || !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(NotAnInteger::WrongType);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        return Err(if number { NotAnInteger::Fraction } else { NotAnInteger::WrongType });
    }
    token.parse().map_err(|_| if token.len() > digits.len() { NotAnInteger::TooSmall } else { NotAnInteger::TooLarge })
}

/// Whether a value means "not given": null, or an empty list (docs/edna.md 1.1a).
pub fn is_not_given(raw: &str) -> bool {
    raw == "null" || is_empty_list(raw)
}

/// Whether a value is an empty list, which some programs write for an object without fields.
pub fn is_empty_list(raw: &str) -> bool {
    let inner = raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

/// The same JSON without whitespace between its tokens; strings and numbers are unchanged.
pub fn compact(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let (mut quoted, mut escaped) = (false, false);
    for char in raw.chars() {
        if quoted {
            (quoted, escaped) = (escaped || char != '"', !escaped && char == '\\');
        } else if char.is_ascii_whitespace() {
            continue;
        } else {
            quoted = char == '"';
        }
        out.push(char);
    }
    out
}

/// The same JSON without its nulls, nested ones included, and without whitespace, in a single pass; strings and numbers
/// are unchanged.
pub fn without_nulls(json: &str) -> String {
    /// A list or an object that is not closed yet.
    struct Open<'a> {
        is_object: bool,
        is_empty: bool,
        name: Option<&'a str>,
    }
    let mut out = String::with_capacity(json.len());
    let mut open: Vec<Open> = Vec::new();
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let (token, after) = rest.split_at(token_length(rest));
        rest = after;
        match first {
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => continue,
            b'}' | b']' => {
                open.pop();
                out.push_str(token);
                continue;
            }
            _ => {}
        }
        if let Some(object) = open.last_mut().filter(|open| open.is_object && open.name.is_none()) {
            object.name = Some(token);
            continue;
        }
        let parent = open.last_mut();
        let name = parent.and_then(|open| {
            let name = open.name.take();
            if token != "null" && !std::mem::replace(&mut open.is_empty, false) {
                out.push(',');
            }
            name
        });
        if token == "null" {
            continue;
        }
        if let Some(name) = name {
            match text(name) {
                Some(name) => push_text(&mut out, &name),
                None => out.push_str(name),
            }
            out.push(':');
        }
        out.push_str(token);
        if matches!(first, b'{' | b'[') {
            open.push(Open { is_object: first == b'{', is_empty: true, name: None });
        }
    }
    out
}

/// The length of the first token of a JSON text.
fn token_length(json: &str) -> usize {
    let bytes = json.as_bytes();
    match bytes.first() {
        Some(b'"') => {
            let mut escaped = false;
            let end = bytes.iter().skip(1).position(|byte| {
                let is_end = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                is_end
            });
            end.map_or(bytes.len(), |end| end + 2)
        }
        Some(b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r') => 1,
        _ => {
            let is_delimiter = |byte: &u8| matches!(byte, b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r');
            bytes.iter().position(is_delimiter).unwrap_or(bytes.len())
        }
    }
}

/// Counts the open brackets of a JSON text, except those inside strings.
#[derive(Default)]
pub struct Nesting {
    /// How many are open.
    pub depth: i64,
    /// The greatest depth so far.
    pub deepest: i64,
}

impl Nesting {
    /// Processes the next part of the text. A string must not span two parts; JSON strings do not span lines.
    pub fn read(&mut self, json: &[u8]) {
        let (mut quoted, mut escaped) = (false, false);
        for byte in json {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => {
                    self.depth += 1;
                    self.deepest = self.deepest.max(self.depth);
                }
                b'}' | b']' if !quoted => self.depth -= 1,
                _ => {}
            }
        }
    }
}

/// How deeply the lists and objects of a JSON text are nested.
pub fn depth(raw: &str) -> i64 {
    let mut nesting = Nesting::default();
    nesting.read(raw.as_bytes());
    nesting.deepest
}

/// Appends a text as a JSON string.
pub fn push_text(out: &mut String, text: &str) {
    // Without an early exit the bytes are examined many at a time; most texts have none to escape.
    let is_escaped = |byte| matches!(byte, ..b' ' | b'"' | b'\\');
    if text.bytes().fold(false, |any, byte| any | is_escaped(byte)) {
        // Serializing a string cannot fail.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::without_nulls;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            r#"[a-zé"\\ {}\[\],:]{0,6}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(r#"[a-z"\\]{0,3}"#, inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// A naive implementation on parsed values.
    fn naive(value: Value) -> Value {
        match value {
            Value::Array(list) => list.into_iter().filter(|value| !value.is_null()).map(naive).collect(),
            Value::Object(fields) => {
                let given = fields.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(given.map(|(name, value)| (name, naive(value))).collect())
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn nulls_are_removed_at_every_level(value in json().prop_filter("a value", |value| !value.is_null())) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(without_nulls(&pretty), naive(value).to_string());
        }
    }

    #[test]
    fn deep_nesting_is_handled_and_numbers_stay_verbatim() {
        let depth = 100_000;
        let text = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(without_nulls(&text), text);
        assert_eq!(
            without_nulls(r#" {"\u0061" : 1.50 , "b":null,"c":[ null, {"d":null} ]}"#),
            r#"{"a":1.50,"c":[{}]}"#
        );
    }
}
