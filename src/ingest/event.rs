//! What goes through the door, and what becomes of it; knows no feed's form.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Instant, Item, PendingMessage, Property, Provenance, StatusEvent};

/// What a feed tells.
pub enum Payload {
    Message(Arc<Item>),
    /// A message whose channel its subject tells.
    Pending(Box<PendingMessage>),
    Status(Box<StatusEvent>),
    /// An event of another kind, as it came.
    Other(String),
}

/// One thing that a feed tells, and on whose word.
pub struct Event {
    pub payload: Payload,
    pub provenance: Provenance,
    /// The subjects whose messages it may touch; all of the tenant's where there are none.
    pub senders: Option<Arc<BTreeSet<i64>>>,
}

impl Event {
    pub fn message(item: Item, provenance: Provenance) -> Self {
        Self { payload: Payload::Message(Arc::new(item)), provenance, senders: None }
    }

    pub fn pending(message: PendingMessage, provenance: Provenance) -> Self {
        Self { payload: Payload::Pending(Box::new(message)), provenance, senders: None }
    }

    pub fn status(event: StatusEvent) -> Self {
        Self { provenance: event.provenance, payload: Payload::Status(Box::new(event)), senders: None }
    }

    pub fn other(body: String, provenance: Provenance) -> Self {
        Self { payload: Payload::Other(body), provenance, senders: None }
    }

    #[must_use]
    pub fn of_senders(self, senders: Option<Arc<BTreeSet<i64>>>) -> Self {
        Self { senders, ..self }
    }

    /// When its message was sent or received, which decides where it is kept.
    pub fn sent_or_received_at(&self) -> Option<Instant> {
        match &self.payload {
            Payload::Message(item) => item.instant(Property::SentOrReceivedAt),
            Payload::Pending(message) => message.sent_or_received_at(),
            Payload::Status(_) | Payload::Other(_) => None,
        }
    }

    /// About how long its texts are.
    pub fn bytes(&self) -> usize {
        match &self.payload {
            Payload::Message(item) => item.bytes(),
            Payload::Pending(message) => message.bytes(),
            Payload::Status(event) => event.body.as_ref().map_or(0, String::len),
            Payload::Other(body) => body.len(),
        }
    }
}

/// An item of a file.
impl From<Item> for Event {
    fn from(item: Item) -> Self {
        Self::message(item, Provenance::default())
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A message that was new, or an event of another kind.
    Imported,
    /// It changed a message that the store had.
    Updated,
    /// It told nothing new.
    Unchanged,
    /// It is kept until its subject is known, or its message.
    Pending,
    /// It is about a message outside of the senders that it may touch.
    Forbidden,
    /// The tenant has as many events of its kind as are kept.
    LimitReached,
}

/// How many of a tenant's events are kept that are no messages yet, or never.
#[derive(Clone, Copy, Debug)]
pub struct TenantLimits {
    pub pending_messages: i64,
    pub other_events: i64,
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self { pending_messages: 100_000, other_events: 1_000_000 }
    }
}

/// What became of the items of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Messages that were new.
    pub imported: u64,
    /// Copies that changed a message the store had.
    pub updated: u64,
    /// Copies that told nothing new.
    pub unchanged: u64,
}

impl OutcomeCounts {
    pub fn of(outcomes: &[Outcome]) -> Self {
        let count = |outcome| outcomes.iter().filter(|other| **other == outcome).count() as u64;
        Self {
            imported: count(Outcome::Imported),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
        }
    }
}

impl std::ops::AddAssign for OutcomeCounts {
    fn add_assign(&mut self, other: Self) {
        self.imported += other.imported;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}
