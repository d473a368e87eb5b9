//! Delivery statuses and which of two is the greater; knows no message.

use std::cmp::Ordering;

use super::Instant;

/// The documented words, in the order of their rank (docs/edna.md 6.3).
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

/// One status event: what was said of a message's delivery, and when.
///
/// Ordered by rank, then time, then word, then message text. The status of a message is the greatest
/// event known for it, so the order of arrival does not matter and a late SENT never undoes READ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryStatus {
    pub word: Option<String>,
    pub at: Option<Instant>,
    pub message: Option<String>,
}

/// A known word in capitals, any other as it came.
pub fn canonical(word: String) -> String {
    let upper = word.to_ascii_uppercase();
    if KNOWN.contains(&upper.as_str()) { upper } else { word }
}

fn rank(word: Option<&str>) -> u8 {
    match word {
        None => 0,
        Some("ACCEPTED") => 1,
        Some("ENQUEUED") => 2,
        Some("DELAYED") => 3,
        Some("INVALID" | "UNDELIVERED" | "FAILED" | "CANCELLED" | "EXPIRED") => 5,
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

/// The status that some events come to: the greatest of them, in whatever order they came (docs/edna.md 6.3).
pub fn greatest<'a>(events: impl IntoIterator<Item = &'a DeliveryStatus>) -> Option<&'a DeliveryStatus> {
    events.into_iter().max()
}
