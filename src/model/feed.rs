//! What feeds deliver: provenance, status events, and messages without a channel; knows no store.

use sha2::{Digest, Sha256};

use super::{DeliveryStatus, Instant, Item, Property, TenantId, Value};

/// A feed through which messages and statuses are received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A file of items. Data that was recorded before the other feeds existed has this source too.
    #[default]
    Import,
    /// edna's webhooks.
    Webhook,
    /// A request of one of the tenant's own systems.
    Api,
    /// Another endpoint's history.
    Pull,
    /// A request of one of the tenant's own systems, with a key that is restricted to some subjects.
    RestrictedApi,
}

impl Source {
    pub const ALL: [Self; 5] = [Self::Import, Self::Webhook, Self::Api, Self::Pull, Self::RestrictedApi];

    pub fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Webhook => "webhook",
            Self::Api | Self::RestrictedApi => "api",
            Self::Pull => "pull",
        }
    }

    /// The number that represents it in the store.
    pub fn number(self) -> i32 {
        self as i32
    }

    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.number() == number)
    }
}

/// The feed through which something was first received, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    pub source: Source,
    /// `None` if it is not known, as for data that was recorded before the other feeds existed.
    pub received_at: Option<Instant>,
}

/// A status event, as received from a webhook or from one of the tenant's own systems (docs/edna.md 6.2).
///
/// It has no `Debug`, because it can contain the sender's own text.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusEvent {
    /// The message that it is about; `None` if the event names only its request.
    pub message_id: Option<i64>,
    pub request_id: Option<String>,
    pub subject_id: Option<i64>,
    pub status: DeliveryStatus,
    pub cascade_id: Option<i64>,
    pub cascade_stage_uuid: Option<String>,
    pub comment: Option<String>,
    pub provenance: Provenance,
    /// The event as it was received; `None` if it was part of a message or was read from the store.
    pub body: Option<String>,
}

impl StatusEvent {
    /// The status event that an item contains; `None` if it has no status.
    pub fn of_item(item: &Item, provenance: Provenance) -> Option<Self> {
        let status = item.status();
        status.word.as_ref()?;
        Some(Self {
            message_id: Some(item.message_id()),
            request_id: None,
            subject_id: item.integer(Property::SubjectId),
            status,
            cascade_id: None,
            cascade_stage_uuid: None,
            comment: None,
            provenance,
            body: None,
        })
    }

    /// Identifies repeats: equal for two events of one source with the same content.
    pub fn digest(&self) -> String {
        let mut fingerprint = Fingerprint::default();
        fingerprint.number(Some(i64::from(self.provenance.source.number())));
        fingerprint.text(self.request_id.as_deref());
        fingerprint.number(self.subject_id);
        fingerprint.text(self.status.word.as_deref());
        fingerprint.number(self.status.at.map(|at| at.0));
        fingerprint.text(self.status.message.as_deref());
        fingerprint.number(self.cascade_id);
        fingerprint.text(self.cascade_stage_uuid.as_deref());
        fingerprint.text(self.comment.as_deref());
        // Fields that are not understood distinguish events too, so that none of them is lost.
        fingerprint.text(self.body.as_deref());
        fingerprint.digest()
    }

    /// Its value of a field of the message that is not part of the status.
    pub fn value(&self, property: Property) -> Option<Value> {
        match property {
            Property::CascadeId => self.cascade_id.map(Value::Integer),
            Property::CascadeStageUuid => self.cascade_stage_uuid.clone().map(Value::Text),
            Property::Comment => self.comment.clone().map(Value::Text),
            _ => None,
        }
    }

    /// Whether it counts for a message. An event of a restricted key counts only for messages of the subject that it
    /// names.
    pub fn counts_for(&self, message: &Item) -> bool {
        self.provenance.source != Source::RestrictedApi || self.subject_id == message.integer(Property::SubjectId)
    }

    /// The request id and the subject that tie events without a message id to a message.
    pub fn request_key(&self) -> Option<(&str, i64)> {
        self.request_id.as_deref().zip(self.subject_id)
    }
}

impl AsRef<Self> for StatusEvent {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A message that is complete except for its channel, which is that of its subject (docs/edna.md 6.1).
#[derive(Clone, PartialEq, Eq)]
pub struct PendingMessage(Item);

impl PendingMessage {
    /// Builds a message from known fields; `None` if a required one or the subject is missing.
    pub fn from_values(values: impl IntoIterator<Item = (Property, Value)>) -> Option<Self> {
        let no_channel = (Property::ChannelType, Value::Text(String::new()));
        Item::from_values(values.into_iter().chain([no_channel])).and_then(Self::of)
    }

    /// Parses what `render` wrote.
    pub fn parse(text: &str, tenant: TenantId) -> Option<Self> {
        Item::parse_with(text, tenant, &[(Property::ChannelType, Value::Text(String::new()))]).ok().and_then(Self::of)
    }

    fn of(item: Item) -> Option<Self> {
        item.integer(Property::SubjectId).map(|_| Self(item))
    }

    pub fn message_id(&self) -> i64 {
        self.0.message_id()
    }

    pub fn subject_id(&self) -> i64 {
        // `of` ensures that there is one.
        self.0.integer(Property::SubjectId).unwrap_or_default()
    }

    /// Its approximate length in bytes.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    pub fn sent_or_received_at(&self) -> Option<Instant> {
        self.0.instant(Property::SentOrReceivedAt)
    }

    /// The message with its channel.
    #[must_use]
    pub fn with_channel_type(mut self, channel_type: &str) -> Item {
        self.0.set(Property::ChannelType, Some(Value::Text(channel_type.to_owned())));
        self.0
    }

    /// An item without a channelType.
    pub fn render(&self) -> String {
        let mut item = self.0.clone();
        item.set(Property::ChannelType, None);
        item.render()
    }

    /// Identifies repeats.
    pub fn digest(&self) -> String {
        let mut fingerprint = Fingerprint::default();
        fingerprint.text(Some(&self.render()));
        fingerprint.digest()
    }
}

/// Identifies repeats of an event of any other kind.
pub fn digest(body: &str) -> String {
    let mut fingerprint = Fingerprint::default();
    fingerprint.text(Some(body));
    fingerprint.digest()
}

/// Hashes a sequence of values unambiguously: a presence byte precedes each value, and its length each text.
#[derive(Default)]
struct Fingerprint(Sha256);

impl Fingerprint {
    fn text(&mut self, text: Option<&str>) {
        self.number(text.map(|text| i64::try_from(text.len()).unwrap_or(i64::MAX)));
        self.0.update(text.unwrap_or_default());
    }

    fn number(&mut self, number: Option<i64>) {
        self.0.update([u8::from(number.is_some())]);
        self.0.update(number.unwrap_or_default().to_le_bytes());
    }

    /// The first half of the SHA-256 in hexadecimal, which is more than enough to distinguish events.
    fn digest(self) -> String {
        super::hexadecimal(&self.0.finalize()[..16])
    }
}
