//! Delivery statuses and their precedence; knows no message.

use std::cmp::Ordering;

use super::Instant;

/// The documented status words, by ascending rank (docs/edna.md 6.3).
pub const KNOWN: [&str; 11] = [
    "ACCEPTED",
    "ENQUEUED",
    "DELAYED",
    "SENT",
    "INVALID",
    "UNDELIVERED",
    "FAILED",
    "CANCELLED",
    "EXPIRED",
    "DELIVERED",
    "READ",
];

/// A delivery status: its word, its time and its text.
///
/// Ordered by precedence: by rank, then time, then word, then text. A message has the greatest of its known statuses,
/// so the order of arrival does not matter, and a late SENT never replaces READ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryStatus {
    pub word: Option<String>,
    pub at: Option<Instant>,
    pub message: Option<String>,
}

/// A known word in upper case, any other word unchanged.
pub fn canonical(word: String) -> String {
    let upper = word.to_ascii_uppercase();
    if KNOWN.contains(&upper.as_str()) { upper } else { word }
}

/// Whether a status word says that the message will not arrive.
pub fn is_failure(word: &str) -> bool {
    rank(Some(word)) == FAILURE
}

/// The rank of the words for a failure.
const FAILURE: u8 = 5;

fn rank(word: Option<&str>) -> u8 {
    match word {
        None => 0,
        Some("ACCEPTED") => 1,
        Some("ENQUEUED") => 2,
        Some("DELAYED") => 3,
        Some("INVALID" | "UNDELIVERED" | "FAILED" | "CANCELLED" | "EXPIRED") => FAILURE,
        Some("DELIVERED") => 6,
        Some("READ") => 7,
        Some(_) => 4,
    }
}

impl Ord for DeliveryStatus {
    fn cmp(&self, other: &Self) -> Ordering {
        rank(self.word.as_deref())
            .cmp(&rank(other.word.as_deref()))
            .then_with(|| self.at.cmp(&other.at))
            .then_with(|| self.word.cmp(&other.word))
            .then_with(|| self.message.cmp(&other.message))
    }
}

impl PartialOrd for DeliveryStatus {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The status with the highest precedence, whatever the order of arrival (docs/edna.md 6.3).
pub fn highest<'a>(events: impl IntoIterator<Item = &'a DeliveryStatus>) -> Option<&'a DeliveryStatus> {
    events.into_iter().max()
}
