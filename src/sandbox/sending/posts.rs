//! One callback to be posted, its attempts, and the list of what was posted; knows no message.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::model::Instant;
use crate::sandbox::duration::Duration;

/// After how many seconds a callback that was not answered with 200 is posted again, each counted from the attempt
/// before.
const RETRIES: [i64; 3] = [4, 128, 2048];

/// About how much memory a listed attempt takes besides its texts.
const POSTED_BYTES: usize = 128;

/// A callback and the number of its next attempt.
#[derive(Clone)]
pub struct Post {
    pub url: String,
    pub body: Arc<str>,
    pub attempt: usize,
}

/// An attempt, as it is listed.
#[derive(Clone, Serialize)]
pub struct Posted {
    at: String,
    url: String,
    #[serde(serialize_with = "raw")]
    body: Arc<str>,
    /// Null if nothing answered.
    status: Option<u16>,
    attempt: usize,
}

impl Post {
    pub fn new(url: String, body: String) -> Self {
        Self { url, body: body.into(), attempt: 1 }
    }

    /// The attempt as it is listed.
    pub fn posted(&self, at: Instant, status: Option<u16>) -> Posted {
        Posted { at: at.iso(), url: self.url.clone(), body: Arc::clone(&self.body), status, attempt: self.attempt }
    }

    /// The next attempt after one at a time, and when it is due; `None` if that was the last.
    pub fn retry(mut self, at: Instant) -> Option<(Instant, Self)> {
        let wait = RETRIES.get(self.attempt.checked_sub(1)?)?;
        self.attempt += 1;
        Some((Duration::of_seconds(*wait).after(at)?, self))
    }
}

impl Posted {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        self.url.len() + self.body.len() + POSTED_BYTES
    }
}

/// Writes a body, which is JSON, as it is.
fn raw<S: Serializer>(body: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    let raw: &RawValue = serde_json::from_str(body).map_err(serde::ser::Error::custom)?;
    raw.serialize(serializer)
}
