//! Compares requests with the `match` of a fault rule or of a verification; knows no route's handler.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ControlError;
use super::routes;

/// What a request must be like; a part that is not given fits every request.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The documented template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Values at dotted paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub body: BTreeMap<String, Value>,
}

/// What is compared of a request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub method: &'a str,
    pub route: Option<&'a str>,
    /// The body, if it is JSON.
    pub body: Option<&'a Value>,
}

impl Match {
    /// Checks what only the sandbox can, and turns each part into the form that requests have. `path` is where the match
    /// is in its request.
    pub fn check(&mut self, path: &str) -> Result<(), ControlError> {
        if let Some(method) = &mut self.method {
            let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
            if !is_method {
                return Err(ControlError::field(&format!("{path}.method"), "a method such as POST"));
            }
            method.make_ascii_uppercase();
        }
        if let Some(route) = &mut self.route {
            let found = routes::find(route).ok_or_else(|| {
                ControlError::field(&format!("{path}.route"), "a documented route such as /api/messages/history")
            })?;
            found.template.clone_into(route);
        }
        match self.body.keys().find(|path| path.is_empty() || path.split('.').any(str::is_empty)) {
            Some(_) => Err(ControlError::field(&format!("{path}.body"), "an object of values by dotted paths")),
            None => Ok(()),
        }
    }

    /// The names of the parts that a request does not fit; no more than `most` are looked for.
    pub fn differences(&self, facts: Facts<'_>, most: usize) -> Vec<String> {
        let method = self.method.as_deref().is_some_and(|method| method != facts.method).then(|| "method".to_owned());
        let route = self.route.as_deref().is_some_and(|route| Some(route) != facts.route).then(|| "route".to_owned());
        let differs = |(path, wanted): &(&String, &Value)| {
            !facts.body.and_then(|body| at(body, path)).is_some_and(|found| is_equal(found, wanted))
        };
        let body = self.body.iter().filter(differs).map(|(path, _)| format!("body.{path}"));
        method.into_iter().chain(route).chain(body).take(most).collect()
    }

    pub fn fits(&self, facts: Facts<'_>) -> bool {
        self.differences(facts, 1).is_empty()
    }
}

/// The value at a dotted path, in which a number is a place in a list.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Whether two values are the same JSON value. `1` and `1.0` are the same number, `"1"` is none.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            // Integers are exact, which their floating-point forms are not.
            let has_fraction = one.is_f64() || other.is_f64();
            one == other
                || has_fraction
                    && one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| is_equal(one, other)))
        }
        _ => one == other,
    }
}
