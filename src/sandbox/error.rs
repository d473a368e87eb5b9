//! The errors of control requests, in the form of edna's errors; knows no control route.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::model::ErrorTitle;
use crate::store::StoreError;
use crate::web::error::ErrorResponse;

/// How many digits a field's name may have that an error repeats.
const MAX_DIGITS: usize = 4;

/// Why a control request is rejected. No sentence repeats a value of the request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ControlError {
    #[error("{0}")]
    NotValid(String),
    /// What keeps pages of other origins out.
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("There is no {0} with this id.")]
    NotFound(&'static str),
    #[error("The body must be at most {limit} bytes long.")]
    TooLarge { limit: usize },
    #[error("The sandbox cannot do this now; its log tells why.")]
    Failed,
}

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl ControlError {
    pub fn not_valid(sentence: impl Into<String>) -> Self {
        Self::NotValid(sentence.into())
    }

    /// An invalid field: names what is expected there.
    pub fn field(path: &str, wanted: &str) -> Self {
        Self::NotValid(format!("The field '{path}' must be {wanted}."))
    }
}

impl ErrorResponse for ControlError {
    fn status(&self) -> u16 {
        match self {
            Self::NotValid(_) => 400,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::TooLarge { .. } => 413,
            Self::Failed => 500,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotValid(_) => ErrorTitle::NotValidRequest,
            Self::Forbidden(_) => ErrorTitle::AccessDenied,
            Self::NotFound(_) => ErrorTitle::NotFound,
            Self::TooLarge { .. } => ErrorTitle::RequestTooLarge,
            Self::Failed => ErrorTitle::InternalError,
        }
        .as_str()
    }

    fn retry_after(&self) -> Option<u64> {
        None
    }

    fn body(&self) -> String {
        body(self.title(), self.status(), &self.to_string())
    }
}

/// The body of an error in edna's form.
pub fn body(title: &str, status: u16, detail: &str) -> String {
    // Two strings and a number can always be serialized.
    serde_json::to_string(&Body { title, status, detail }).unwrap_or_default()
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        error.log("a control request of the sandbox failed");
        Self::Failed
    }
}

/// Reads a control request's JSON. The error names the field that is wrong and what belongs there.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, ControlError> {
    if !json.trim_start().starts_with('{') {
        let value: Result<IgnoredAny, _> = serde_json::from_str(json);
        return Err(value.map_or_else(|error| malformed(&error), |_| not_an_object()));
    }
    let is_json: Result<IgnoredAny, _> = serde_json::from_str(json);
    is_json.map_err(|error| malformed(&error))?;
    let mut reader = serde_json::Deserializer::from_str(json);
    let value: Result<T, _> = serde_path_to_error::deserialize(&mut reader);
    value.map_err(|error| sentence(&shown(&error.path().to_string()), error.inner()))
}

fn not_an_object() -> ControlError {
    ControlError::not_valid("The body must be a JSON object.")
}

/// Reads a field that must be an object. serde's own derives read a list as one too.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

fn malformed(error: &serde_json::Error) -> ControlError {
    ControlError::NotValid(format!("The body is not valid JSON: line {}, column {}.", error.line(), error.column()))
}

/// A field's path; a name that could be a phone number is not repeated.
fn shown(path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or_default();
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    if digits > MAX_DIGITS { format!("{}…", path.strip_suffix(name).unwrap_or_default()) } else { path.to_owned() }
}

/// What is wrong with a field, without its value: serde's own sentences repeat it.
fn sentence(path: &str, error: &serde_json::Error) -> ControlError {
    if error.is_syntax() || error.is_eof() {
        // It is JSON, but no number that a program can hold.
        return ControlError::field(path, "in the range of numbers");
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if text.starts_with("unknown field") {
        let known = text.split_once("expected ").map_or("", |(_, known)| known).replace('`', "'");
        let known = known.trim_start_matches("one of ");
        return ControlError::NotValid(format!("The field '{path}' is unknown; known here: {known}."));
    }
    if let Some(name) = text.strip_prefix("missing field ") {
        let name = name.replace('`', "");
        let path = if path == "." { name } else { format!("{path}.{name}") };
        return ControlError::NotValid(format!("The field '{path}' is missing."));
    }
    if let Some(name) = text.strip_prefix("duplicate field ") {
        return ControlError::NotValid(format!("The field '{}' is given twice.", name.replace('`', "")));
    }
    let wanted = text.split_once("expected ").map_or("of another form", |(_, wanted)| wanted);
    let wanted = plain(wanted);
    if path == "." {
        return not_an_object();
    }
    ControlError::field(path, &wanted)
}

/// serde's names of types, as people say them.
fn plain(wanted: &str) -> String {
    match wanted {
        "u16" => "an integer from 0 to 65535".into(),
        "u8" | "u32" | "u64" | "usize" => "an integer of at least 0".into(),
        "i64" | "i32" => "an integer".into(),
        "f64" | "f32" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "an object".into(),
        wanted if wanted.starts_with("struct ") => "an object".into(),
        wanted => wanted.replace('`', "'"),
    }
}
