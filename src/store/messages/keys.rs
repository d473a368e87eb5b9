//! The indexed columns by which messages are found, other than recipient and subject; knows no statement.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::model::Item;
use crate::model::Property;
use crate::store::db::text::encode;

/// The longest status word that is indexed, in bytes.
const MAX_STATUS_BYTES: usize = 256;

/// The statuses that most messages have: an index would not help to find them.
const FREQUENT: [&str; 3] = ["SENT", "DELIVERED", "READ"];

/// The values of a message's columns; one that it does not have costs nothing.
pub struct MessageKeys<'a> {
    pub comment_key: Option<i64>,
    pub undelivered_status: Option<Cow<'a, str>>,
    pub cascade_id: Option<i64>,
    pub broadcast_id: Option<i64>,
}

impl<'a> MessageKeys<'a> {
    pub fn of(item: &'a Item) -> Self {
        Self {
            comment_key: item.text(Property::Comment).map(comment_key),
            undelivered_status: item.text(Property::DeliveryStatus).and_then(undelivered_status),
            cascade_id: item.integer(Property::CascadeId),
            broadcast_id: item.integer(Property::BroadcastId),
        }
    }
}

/// The number by which messages with a comment are found: 5 bytes of the digest of all but its last 3 bytes, then these.
/// A comment can be longer than an index allows; comments that are numbered one after the other stay side by side, so
/// that recording them changes few pages.
pub fn comment_key(comment: &str) -> i64 {
    let encoded = encode(comment);
    let (beginning, end) = encoded.as_bytes().split_at(encoded.len().saturating_sub(3));
    let mut key = [0; 8];
    key[..5].copy_from_slice(&Sha256::digest(beginning)[..5]);
    key[8 - end.len()..].copy_from_slice(end);
    i64::from_be_bytes(key)
}

/// A status as its column contains it; `None` if it is not indexed.
pub fn undelivered_status(word: &str) -> Option<Cow<'_, str>> {
    let encoded = encode(word);
    let is_indexed = !FREQUENT.contains(&word) && encoded.len() <= MAX_STATUS_BYTES;
    is_indexed.then_some(encoded)
}
