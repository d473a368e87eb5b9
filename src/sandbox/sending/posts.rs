//! One callback to be posted, its attempts, and the list of what was posted; knows no message.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::Instant;
use crate::sandbox::duration::Duration;

/// After how many seconds a callback that was not answered with 200 is posted again, each counted from the attempt
/// before.
const RETRIES: [i64; 3] = [4, 128, 2048];

/// A callback and the number of its next attempt.
#[derive(Clone)]
pub struct Post {
    pub url: String,
    pub body: String,
    pub attempt: usize,
}

/// An attempt, as it is listed.
#[derive(Clone, Serialize)]
pub struct Posted {
    at: String,
    url: String,
    body: Box<RawValue>,
    /// Null if nothing answered.
    status: Option<u16>,
    attempt: usize,
}

impl Post {
    pub fn new(url: String, body: String) -> Self {
        Self { url, body, attempt: 1 }
    }

    /// The attempt as it is listed; `None` if its body is no JSON, which it always is.
    pub fn posted(&self, at: Instant, status: Option<u16>) -> Option<Posted> {
        let body = RawValue::from_string(self.body.clone()).ok()?;
        Some(Posted { at: at.iso(), url: self.url.clone(), body, status, attempt: self.attempt })
    }

    /// The next attempt after one at a time, and when it is due; `None` if that was the last.
    pub fn retry(mut self, at: Instant) -> Option<(Instant, Self)> {
        let wait = RETRIES.get(self.attempt.checked_sub(1)?)?;
        self.attempt += 1;
        Some((Duration::of_seconds(*wait).after(at)?, self))
    }
}
