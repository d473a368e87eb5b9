//! What feeds bring: where something was heard, statuses, and messages that do not know their channel; knows no store.

use sha2::{Digest, Sha256};

use super::{DeliveryStatus, Instant, Item, Property, TenantId, Value};

/// A way by which messages and statuses get in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A file of items; everything of before there were other feeds too.
    #[default]
    Import,
    /// edna's webhooks.
    Webhook,
    /// A request of an own system.
    Api,
    /// Another endpoint's history.
    Pull,
    /// A request of an own system whose key may touch messages of some subjects only.
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

    /// The number that stands for it in the store.
    pub fn number(self) -> i32 {
        self as i32
    }

    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.number() == number)
    }
}

/// Where something was heard first, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    pub source: Source,
    /// Not known of what was stored before there were other feeds.
    pub received_at: Option<Instant>,
}

/// A status event on its own, as a webhook or an own system tells it (docs/edna.md 6.2).
///
/// It does not print: it can hold a sender's own text.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusEvent {
    /// The message it is about; some events name it by their request only.
    pub message_id: Option<i64>,
    pub request_id: Option<String>,
    pub subject_id: Option<i64>,
    pub status: DeliveryStatus,
    pub cascade_id: Option<i64>,
    pub cascade_stage_uuid: Option<String>,
    pub comment: Option<String>,
    pub provenance: Provenance,
    /// As it came; `None` where it came with a message.
    pub body: Option<String>,
}

impl StatusEvent {
    /// The status event that an item brings with it; `None` where it says nothing of a status.
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

    /// What tells a repeat: the same for two events of a source that say the same.
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
        // What else it says is not understood, and not lost either.
        fingerprint.text(self.body.as_deref());
        fingerprint.digest()
    }

    /// What it tells of a message besides its status.
    pub fn value(&self, property: Property) -> Option<Value> {
        match property {
            Property::CascadeId => self.cascade_id.map(Value::Integer),
            Property::CascadeStageUuid => self.cascade_stage_uuid.clone().map(Value::Text),
            Property::Comment => self.comment.clone().map(Value::Text),
            _ => None,
        }
    }

    /// Whether it counts for a message: what was said with a key that may touch messages of some subjects only counts
    /// for those of the subject it names.
    pub fn counts_for(&self, message: &Item) -> bool {
        self.provenance.source != Source::RestrictedApi || self.subject_id == message.integer(Property::SubjectId)
    }

    /// The request and subject that tie events without a message id to a message.
    pub fn sending(&self) -> Option<(&str, i64)> {
        self.request_id.as_deref().zip(self.subject_id)
    }
}

impl AsRef<Self> for StatusEvent {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A message that lacks nothing but its channel, which its subject tells (docs/edna.md 6.1).
#[derive(Clone, PartialEq, Eq)]
pub struct PendingMessage(Item);

impl PendingMessage {
    /// A message of known fields; `None` where one is missing that is required, or its subject.
    pub fn from_values(values: impl IntoIterator<Item = (Property, Value)>) -> Option<Self> {
        let no_channel = (Property::ChannelType, Value::Text(String::new()));
        Item::from_values(values.into_iter().chain([no_channel])).and_then(Self::of)
    }

    /// Reads what `render` wrote.
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
        // Nothing makes one without.
        self.0.integer(Property::SubjectId).unwrap_or_default()
    }

    /// About how long it is.
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

    /// What tells a repeat.
    pub fn digest(&self) -> String {
        let mut fingerprint = Fingerprint::default();
        fingerprint.text(Some(&self.render()));
        fingerprint.digest()
    }
}

/// What tells a repeat of an event of any other kind.
pub fn digest(body: &str) -> String {
    let mut fingerprint = Fingerprint::default();
    fingerprint.text(Some(body));
    fingerprint.digest()
}

/// Values one after another, none of which can be taken for a part of another.
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

    /// Half of the SHA-256, which is more than enough to tell events apart.
    fn digest(self) -> String {
        self.0.finalize().iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}
