//! The parameters of `/v1/messages` and `/v1/changes`, from a URL or from JSON, read strictly: an ignored filter would
//! look like an answer (docs/api.md §1). Knows no filter.

use std::collections::HashMap;

use crate::model::instant::Rounding;
use crate::model::wire::{self, NotAnInteger};
use crate::model::{Instant, wire::Fields};
use crate::web::ApiError;

/// How often a parameter may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    One,
    /// Several times; in a URL also separated by commas.
    Many,
    /// Several times; its values may contain commas.
    ManyVerbatim,
}

/// A parameter's name, and how often it may be given.
pub type Known = (&'static str, Arity);

/// A name of a parameter is repeated in an error only if it has at most so many digits: it could be an address.
const MAX_DIGITS: usize = 4;
/// The same for its length in bytes.
const MAX_NAME: usize = 64;

/// A value as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scalar {
    Text(String),
    /// Any other JSON value that is no list, as it stands in the body.
    Json(String),
}

/// The parameters that a request gives.
pub struct Parameters(HashMap<&'static str, Vec<Scalar>>);

impl Parameters {
    /// Reads the query string of a URL.
    pub fn from_url(query: &str, known: &[Known]) -> Result<Self, ApiError> {
        let mut parameters = Self(HashMap::new());
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|_| ApiError::NotValid("The query string of the URL cannot be read.".into()))?;
        let is_utf8 = !pairs.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'));
        if !is_utf8 && !query.to_ascii_uppercase().contains("%EF%BF%BD") {
            return Err(ApiError::NotValid("The query string of the URL is not valid UTF-8.".into()));
        }
        for (name, value) in pairs {
            let (name, arity) = find(&name, known)?;
            let given = parameters.0.entry(name).or_default();
            match arity {
                Arity::One if !given.is_empty() => return Err(given_twice(name)),
                Arity::Many => given.extend(value.split(',').map(|part| Scalar::Text(part.to_owned()))),
                Arity::One | Arity::ManyVerbatim => given.push(Scalar::Text(value)),
            }
        }
        Ok(parameters)
    }

    /// Reads the body of a request, whose URL has no parameters.
    pub fn of_body(body: &str, query: &str, known: &[Known]) -> Result<Self, ApiError> {
        if !query.is_empty() {
            return Err(ApiError::NotValid(
                "The URL must have no query string: put the parameters in the body.".into(),
            ));
        }
        Self::from_json(body, known)
    }

    /// Reads a JSON object, in which a list is an array. An empty body means `{}`, and null that a parameter is not given.
    fn from_json(body: &str, known: &[Known]) -> Result<Self, ApiError> {
        let mut parameters = Self(HashMap::new());
        let fields = if body.trim().is_empty() { Fields(Vec::new()) } else { wire::object(body)? };
        for (name, raw) in &fields.0 {
            let (name, arity) = find(name, known)?;
            let values = match wire::array(raw.get()) {
                Some(_) if arity == Arity::One => return Err(invalid(name, "one value, not a list")),
                // Finding everything, because a list turned out to be empty, would be an accident.
                Some(list) if list.is_empty() => return Err(invalid(name, "left out, or a list with a value")),
                Some(list) => list.into_iter().map(|raw| scalar(raw.get())).collect(),
                None if raw.get() == "null" => Vec::new(),
                None => vec![scalar(raw.get())],
            };
            if parameters.0.insert(name, values).is_some() {
                return Err(given_twice(name));
            }
        }
        Ok(parameters)
    }

    /// The strings of a parameter; none of them is empty.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let text = |scalar: &Scalar| match scalar {
            Scalar::Text(text) if text.is_empty() => Err(invalid(name, "left out, or not empty")),
            Scalar::Text(text) => Ok(text.clone()),
            Scalar::Json(_) => Err(invalid(name, "a string")),
        };
        self.given(name).iter().map(text).collect()
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.texts(name)?.pop())
    }

    /// The strings of a parameter, each one of some words.
    pub fn words<T>(&self, name: &str, wanted: &str, meaning: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, ApiError> {
        let word = |word: &String| meaning(word).ok_or_else(|| invalid(name, wanted));
        self.texts(name)?.iter().map(word).collect()
    }

    pub fn word<T>(
        &self,
        name: &str,
        wanted: &str,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        Ok(self.words(name, wanted, meaning)?.pop())
    }

    pub fn date(&self, name: &str, rounding: Rounding) -> Result<Option<Instant>, ApiError> {
        let wanted = "an ISO 8601 date such as 2026-03-01T10:00:00Z";
        // In a URL, a plus sign that is not encoded means a space: `+03:00` arrives as ` 03:00`.
        self.word(name, wanted, |word| Instant::parse(&word.replace(' ', "+"), rounding))
    }

    /// The integers of a parameter, as numbers or as strings of digits.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>, ApiError> {
        self.given(name).iter().map(|scalar| integer(scalar).map_err(|error| not_an_integer(name, error))).collect()
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        Ok(self.integers(name)?.pop())
    }

    /// An integer of a range. One of any size outside of it is an error of its own.
    pub fn within(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
        outside: impl Fn() -> ApiError,
    ) -> Result<Option<i64>, ApiError> {
        let Some(scalar) = self.given(name).first() else { return Ok(None) };
        match integer(scalar) {
            Ok(value) if range.contains(&value) => Ok(Some(value)),
            Ok(_) | Err(NotAnInteger::TooSmall | NotAnInteger::TooLarge) => Err(outside()),
            Err(error) => Err(not_an_integer(name, error)),
        }
    }

    fn given(&self, name: &str) -> &[Scalar] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

fn integer(scalar: &Scalar) -> Result<i64, NotAnInteger> {
    match scalar {
        // A string of digits inside quotes is read like a number.
        Scalar::Text(text) if text.starts_with('"') => Err(NotAnInteger::WrongType),
        Scalar::Text(text) => wire::integer(text),
        Scalar::Json(raw) => wire::integer(raw),
    }
}

fn not_an_integer(name: &str, error: NotAnInteger) -> ApiError {
    match error {
        NotAnInteger::WrongType | NotAnInteger::Fraction => invalid(name, "an integer"),
        NotAnInteger::TooSmall | NotAnInteger::TooLarge => invalid(name, "an integer of 64 bits"),
    }
}

fn scalar(raw: &str) -> Scalar {
    wire::text(raw).map_or_else(|| Scalar::Json(raw.to_owned()), Scalar::Text)
}

fn find(name: &str, known: &[Known]) -> Result<Known, ApiError> {
    known.iter().find(|(known, _)| *known == name).copied().ok_or_else(|| {
        let digits = name.chars().filter(|char| char.is_numeric()).count();
        let is_shown = digits <= MAX_DIGITS && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
        let shown = if is_shown { name } else { "…" };
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        ApiError::NotValid(format!("The parameter '{shown}' is unknown; known are {}.", names.join(", ")))
    })
}

/// An invalid parameter: names what is expected there, never what was sent.
pub fn invalid(name: &str, wanted: &str) -> ApiError {
    ApiError::NotValid(format!("The parameter '{name}' must be {wanted}."))
}

fn given_twice(name: &str) -> ApiError {
    ApiError::NotValid(format!("The parameter '{name}' is given twice; give it once."))
}
