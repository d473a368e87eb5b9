//! Reads JSON as it came: fields in their order, numbers and unknown values untouched; knows no field by name.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

/// A JSON object's fields in the order they came, doubles included, values unread.
///
/// Values are skipped without recursion, so any depth of nesting is safe.
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

/// How many fields an object is expected to have: a message has about so many.
const FIELDS: usize = 24;

/// A field's name, borrowed where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Fields<'a> {
    /// A field's value; `None` where it is not there, or null.
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
                let mut fields = Vec::with_capacity(FIELDS);
                while let Some((Name(name), raw)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    fields.push((name, raw));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Why a JSON text is not the object that was wanted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotAnObject {
    /// The text is not JSON; where it stops being so.
    #[error("it is not valid JSON (column {column})")]
    Malformed { line: usize, column: usize },
    /// The text ends too early: more of it might make it JSON.
    #[error("it ends in the middle of a JSON value")]
    Incomplete,
    /// It is JSON, but no object.
    #[error("it is not a JSON object")]
    OtherType,
}

/// The fields of a JSON object.
pub fn object(text: &str) -> Result<Fields<'_>, NotAnObject> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        // A wrong type is reported before the rest is read, so the rest is looked at here.
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

/// A text that is not empty; an integer's digits too, however many.
pub fn text_or_digits(raw: &str) -> Option<String> {
    let digits = || raw.bytes().all(|byte| byte.is_ascii_digit()).then(|| raw.to_owned());
    text(raw).or_else(digits).filter(|text| !text.is_empty())
}

/// A JSON string's text, or `None` for any other value (and for a lone surrogate, which is no text).
pub fn text(raw: &str) -> Option<String> {
    // Why another value is none would be told in a sentence, which takes longer than all the rest.
    if raw.trim_ascii_start().starts_with('"') { serde_json::from_str(raw).ok() } else { None }
}

/// Why a value is no 64-bit integer.
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

/// Whether a value means "not given": null, or a list of nothing (docs/edna.md 1.1a).
pub fn is_not_given(raw: &str) -> bool {
    raw == "null" || is_empty_list(raw)
}

/// Whether a value is a list of nothing, as some programs write an object without fields.
pub fn is_empty_list(raw: &str) -> bool {
    let inner = raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

/// The same JSON without the white space between its tokens; strings and numbers stay as they are.
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

/// The same JSON without its nulls, nested ones included, and without white space, read once from its beginning to its end;
/// strings and numbers stay as they are.
pub fn without_nulls(json: &str) -> String {
    /// A list or an object that is open.
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
        let inside = open.last_mut();
        let name = inside.and_then(|open| {
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

/// How long the token is that a JSON text begins with.
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
            let ends = |byte: &u8| matches!(byte, b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r');
            bytes.iter().position(ends).unwrap_or(bytes.len())
        }
    }
}

/// Counts the brackets of a JSON text that are open, those inside its strings aside.
#[derive(Default)]
pub struct Nesting {
    /// How many are open now.
    pub depth: i64,
    /// How many were open at the most.
    pub deepest: i64,
}

impl Nesting {
    /// Reads on. No string goes beyond what is read at once: JSON's strings end on their line.
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

/// How deep the lists and objects of a JSON text are nested.
pub fn depth(raw: &str) -> i64 {
    let mut nesting = Nesting::default();
    nesting.read(raw.as_bytes());
    nesting.deepest
}

/// Appends a text as a JSON string.
pub fn push_text(out: &mut String, text: &str) {
    // All bytes are looked at, many at once, because most texts have none that is escaped.
    let is_escaped = |byte| matches!(byte, ..b' ' | b'"' | b'\\');
    if text.bytes().fold(false, |any, byte| any | is_escaped(byte)) {
        // A string's serialisation has nothing that can fail.
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

    /// The same, value by value.
    fn plainly(value: Value) -> Value {
        match value {
            Value::Array(list) => list.into_iter().filter(|value| !value.is_null()).map(plainly).collect(),
            Value::Object(fields) => {
                let given = fields.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(given.map(|(name, value)| (name, plainly(value))).collect())
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn nulls_are_removed_at_every_level(value in json().prop_filter("a value", |value| !value.is_null())) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(without_nulls(&pretty), plainly(value).to_string());
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
