//! What goes through the door, and what becomes of it; knows no feed's form.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Heard, Instant, Item, Property, StatusNotice, Unplaced};

/// What a feed tells.
pub enum Told {
    Message(Arc<Item>),
    /// A message whose channel its subject tells.
    Unplaced(Box<Unplaced>),
    Status(Box<StatusNotice>),
    /// An event of another kind, as it came.
    Other(String),
}

/// One thing that a feed tells, and on whose word.
pub struct Event {
    pub told: Told,
    pub heard: Heard,
    /// The subjects whose messages it may touch; all of the tenant's where there are none.
    pub senders: Option<Arc<BTreeSet<i64>>>,
}

impl Event {
    pub fn message(item: Item, heard: Heard) -> Self {
        Self { told: Told::Message(Arc::new(item)), heard, senders: None }
    }

    pub fn unplaced(message: Unplaced, heard: Heard) -> Self {
        Self { told: Told::Unplaced(Box::new(message)), heard, senders: None }
    }

    pub fn status(notice: StatusNotice) -> Self {
        Self { heard: notice.heard, told: Told::Status(Box::new(notice)), senders: None }
    }

    pub fn other(body: String, heard: Heard) -> Self {
        Self { told: Told::Other(body), heard, senders: None }
    }

    #[must_use]
    pub fn of_senders(self, senders: Option<Arc<BTreeSet<i64>>>) -> Self {
        Self { senders, ..self }
    }

    /// When its message was sent or received, which decides where it is kept.
    pub fn sent_or_received_at(&self) -> Option<Instant> {
        match &self.told {
            Told::Message(item) => item.instant(Property::SentOrReceivedAt),
            Told::Unplaced(message) => message.sent_or_received_at(),
            Told::Status(_) | Told::Other(_) => None,
        }
    }

    /// About how long its texts are.
    pub fn bytes(&self) -> usize {
        match &self.told {
            Told::Message(item) => item.bytes(),
            Told::Unplaced(message) => message.bytes(),
            Told::Status(notice) => notice.body.as_ref().map_or(0, String::len),
            Told::Other(body) => body.len(),
        }
    }
}

/// An item of a file.
impl From<Item> for Event {
    fn from(item: Item) -> Self {
        Self::message(item, Heard::default())
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A message that was new, or an event of another kind.
    Imported,
    /// It changed a message that the store had.
    Updated,
    /// It told nothing new.
    Unchanged,
    /// It is kept until its subject is known, or its message.
    Waiting,
    /// It is about a message outside of the senders that it may touch.
    Refused,
    /// The tenant has as many events of its kind as are kept.
    NoRoom,
}

/// How many of a tenant's events are kept that are no messages yet, or never.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    pub waiting_messages: i64,
    pub other_events: i64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { waiting_messages: 100_000, other_events: 1_000_000 }
    }
}

/// What became of the items of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Messages that were new.
    pub imported: u64,
    /// Copies that changed a message the store had.
    pub updated: u64,
    /// Copies that told nothing new.
    pub unchanged: u64,
}

impl Recorded {
    pub fn of(fates: &[Fate]) -> Self {
        let count = |fate| fates.iter().filter(|other| **other == fate).count() as u64;
        Self { imported: count(Fate::Imported), updated: count(Fate::Updated), unchanged: count(Fate::Unchanged) }
    }
}

impl std::ops::AddAssign for Recorded {
    fn add_assign(&mut self, other: Self) {
        self.imported += other.imported;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}
