//! Counts the journal's requests that fit a match, and finds those that almost do; knows no journal's limits.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{ControlError, object};
use super::journal::Entry;
use super::matching::Match;

/// How many entries that almost fit a response has.
const CLOSEST: usize = 3;

/// What is verified.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    #[serde(default, deserialize_with = "object")]
    r#match: AnsweredMatch,
    count: Option<u64>,
    at_least: Option<u64>,
    at_most: Option<u64>,
}

/// A match that also says how the request was answered.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnsweredMatch {
    method: Option<String>,
    route: Option<String>,
    #[serde(default)]
    body: std::collections::BTreeMap<String, serde_json::Value>,
    status: Option<u16>,
}

#[derive(Debug, Serialize)]
pub struct Verified {
    ok: bool,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closest: Option<Vec<Closest>>,
}

/// How many requests were expected to fit.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Expected {
    Count(u64),
    AtLeast(u64),
    AtMost(u64),
    Between { at_least: u64, at_most: u64 },
}

/// An entry that fits all parts but one.
#[derive(Debug, Serialize)]
struct Closest {
    #[serde(flatten)]
    entry: Arc<Entry>,
    differs: String,
}

impl Expected {
    fn fits(self, count: u64) -> bool {
        match self {
            Self::Count(wanted) => count == wanted,
            Self::AtLeast(least) => count >= least,
            Self::AtMost(most) => count <= most,
            Self::Between { at_least, at_most } => (at_least..=at_most).contains(&count),
        }
    }
}

impl Verification {
    /// Compares the entries of a journal.
    pub fn run(self, entries: Vec<Arc<Entry>>) -> Result<Verified, ControlError> {
        let expected = match (self.count, self.at_least, self.at_most) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                return Err(ControlError::not_valid("The field 'count' must be given without 'atLeast' and 'atMost'."));
            }
            (Some(count), None, None) => Expected::Count(count),
            (None, Some(at_least), Some(at_most)) => Expected::Between { at_least, at_most },
            (None, None, Some(at_most)) => Expected::AtMost(at_most),
            (None, at_least, None) => Expected::AtLeast(at_least.unwrap_or(1)),
        };
        let AnsweredMatch { method, route, body, status } = self.r#match;
        let mut wanted = Match { method, route, body };
        wanted.check("match")?;
        let (mut count, mut closest) = (0, Vec::new());
        for entry in entries.into_iter().rev() {
            let body = if wanted.body.is_empty() { None } else { entry.body.value() };
            let mut differences = wanted.differences(entry.facts(body.as_ref()), 2);
            if status.is_some() && status != entry.status {
                differences.push("status".into());
            }
            match (differences.pop(), differences.is_empty()) {
                (None, _) => count += 1,
                (Some(differs), true) if closest.len() < CLOSEST => closest.push(Closest { entry, differs }),
                _ => {}
            }
        }
        let ok = expected.fits(count);
        Ok(Verified { ok, count, expected: (!ok).then_some(expected), closest: (!ok).then_some(closest) })
    }
}
