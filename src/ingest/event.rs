//! The events that are ingested, and their outcomes; knows no feed's form.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Instant, Item, PendingMessage, Property, Provenance, StatusEvent};

/// The content of an event.
pub enum Payload {
    Message(Arc<Item>),
    /// A message without a channel: it gets that of its subject.
    Pending(Box<PendingMessage>),
    Status(Box<StatusEvent>),
    /// An event of another kind, as it was received.
    Other(String),
}

/// One event of a feed, and its provenance.
pub struct Event {
    pub payload: Payload,
    pub provenance: Provenance,
    /// The subjects whose messages it may change; `None` for all of the tenant's.
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

    /// When its message was sent or received, which decides its partition.
    pub fn sent_or_received_at(&self) -> Option<Instant> {
        match &self.payload {
            Payload::Message(item) => item.instant(Property::SentOrReceivedAt),
            Payload::Pending(message) => message.sent_or_received_at(),
            Payload::Status(_) | Payload::Other(_) => None,
        }
    }

    /// The approximate length of its text in bytes.
    pub fn bytes(&self) -> usize {
        match &self.payload {
            Payload::Message(item) => item.bytes(),
            Payload::Pending(message) => message.bytes(),
            Payload::Status(event) => event.body.as_ref().map_or(0, String::len),
            Payload::Other(body) => body.len(),
        }
    }
}

/// An imported item whose time of receipt is not known.
impl From<Item> for Event {
    fn from(item: Item) -> Self {
        Self::message(item, Provenance::default())
    }
}

/// The outcome of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is a new message, or a new event of another kind.
    Imported,
    /// It changed a stored message.
    Updated,
    /// It added nothing.
    Unchanged,
    /// It is stored until its subject or its message is known.
    Pending,
    /// It is about a message of a subject that is not among its senders.
    Forbidden,
    /// The tenant has reached the limit of stored events of this kind.
    LimitReached,
}

/// How many pending messages and how many other events of a tenant are stored at most.
#[derive(Clone, Copy, Debug)]
pub struct TenantLimits {
    pub pending_messages: i64,
    pub other_events: i64,
}

impl TenantLimits {
    pub const NONE: Self = Self { pending_messages: i64::MAX, other_events: i64::MAX };
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self { pending_messages: 100_000, other_events: 1_000_000 }
    }
}

/// The outcomes of a batch, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// New messages.
    pub imported: u64,
    /// Copies that changed a stored message.
    pub updated: u64,
    /// Copies that added nothing.
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
