//! A WhatsApp log row, and which row an edna message is; knows no store and no JSON form of it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Instant, Item, Property, TenantId, subscriber};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Id,
    Integer,
    Instant,
    Text,
}

/// A column of the resource that rows differ in (docs/oneuptime.md §2); the project is the tenant's, the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    Id,
    CreatedAt,
    UpdatedAt,
    Version,
    ToNumber,
    FromNumber,
    MessageText,
    StatusMessage,
    WhatsAppMessageId,
    Status,
    Cost,
    Related(Relation),
}

impl Column {
    pub fn kind(self) -> ColumnType {
        match self {
            Self::Id | Self::Related(_) => ColumnType::Id,
            Self::CreatedAt | Self::UpdatedAt => ColumnType::Instant,
            Self::Version | Self::Cost => ColumnType::Integer,
            _ => ColumnType::Text,
        }
    }

    /// Whether rows may have no value in it.
    pub fn is_nullable(self) -> bool {
        use Column::{FromNumber, MessageText, Related, StatusMessage, WhatsAppMessageId};
        matches!(self, FromNumber | MessageText | StatusMessage | WhatsAppMessageId | Related(_))
    }
}

/// What else of OneUptime a row can belong to: the gateway keeps their ids and nothing more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    Incident,
    User,
    Alert,
    Monitor,
    ScheduledMaintenance,
    StatusPage,
    StatusPageAnnouncement,
    Team,
    OnCallDutyPolicy,
    OnCallDutyPolicyEscalationRule,
    OnCallDutyPolicySchedule,
}

impl Relation {
    pub const COUNT: usize = 11;

    /// In the order of the resource's keys.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Incident,
        Self::User,
        Self::Alert,
        Self::Monitor,
        Self::ScheduledMaintenance,
        Self::StatusPage,
        Self::StatusPageAnnouncement,
        Self::Team,
        Self::OnCallDutyPolicy,
        Self::OnCallDutyPolicyEscalationRule,
        Self::OnCallDutyPolicySchedule,
    ];
}

/// One row. Ordered by what is newer: of two copies the greater one is kept, in whatever order they came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WhatsAppLog {
    pub updated_at: Instant,
    pub version: i64,
    pub created_at: Instant,
    pub to_number: String,
    pub from_number: Option<String>,
    pub message_text: Option<String>,
    pub status_message: Option<String>,
    pub whatsapp_message_id: Option<String>,
    pub status: String,
    pub cost_in_usd_cents: i64,
    pub related: [Option<Uuid>; Relation::COUNT],
    pub id: Uuid,
}

/// The id only: the rest is private.
impl std::fmt::Debug for WhatsAppLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WhatsAppLog({})", self.id)
    }
}

impl WhatsAppLog {
    /// The row that a message is; `None` where it was not sent out through WhatsApp.
    pub fn of_message(item: &Item, tenant: TenantId) -> Option<Self> {
        let is_sent = item.text(Property::Direction) == Some("OUT");
        if !is_sent || item.text(Property::ChannelType) != Some("WHATSAPP") {
            return None;
        }
        let created_at = item.instant(Property::SentOrReceivedAt)?;
        Some(Self {
            id: id_of_message(tenant, item.message_id()),
            created_at,
            updated_at: item.instant(Property::DeliveryStatusAt).unwrap_or(created_at),
            version: 1,
            to_number: phone(item.text(Property::Address).unwrap_or_default()),
            from_number: None,
            message_text: item.text(Property::Content).and_then(text_inside),
            status_message: item.text(Property::DeliveryStatusMessage).map(str::to_owned),
            whatsapp_message_id: None,
            status: status(item.text(Property::DeliveryStatus)).to_owned(),
            cost_in_usd_cents: 0,
            related: [None; Relation::COUNT],
        })
    }

    /// A column's value, where it is a number or an instant's milliseconds.
    pub fn integer(&self, column: Column) -> Option<i64> {
        match column {
            Column::CreatedAt => Some(self.created_at.0),
            Column::UpdatedAt => Some(self.updated_at.0),
            Column::Version => Some(self.version),
            Column::Cost => Some(self.cost_in_usd_cents),
            _ => None,
        }
    }

    /// A column's value, where it is a text.
    pub fn text(&self, column: Column) -> Option<&str> {
        match column {
            Column::ToNumber => Some(&self.to_number),
            Column::FromNumber => self.from_number.as_deref(),
            Column::MessageText => self.message_text.as_deref(),
            Column::StatusMessage => self.status_message.as_deref(),
            Column::WhatsAppMessageId => self.whatsapp_message_id.as_deref(),
            Column::Status => Some(&self.status),
            _ => None,
        }
    }

    pub fn related(&self, relation: Relation) -> Option<Uuid> {
        self.related[relation as usize]
    }
}

/// The row id of a message, always the same one: a UUID of version 8, the tenant's mark and then the message id, so
/// that the rows of one tenant have the order of their messages.
pub fn id_of_message(tenant: TenantId, message_id: i64) -> Uuid {
    let mark = tenant.derived_project_id().as_u128() >> 80;
    // With the sign turned round, negative ids come before the others.
    let id = u128::from(message_id.cast_unsigned() ^ (1 << 63));
    let (high, low) = (id >> 62, id & ((1 << 62) - 1));
    Uuid::from_u128(mark << 80 | 8 << 76 | high << 64 | 2 << 62 | low)
}

/// A phone as OneUptime writes it; any other address verbatim.
fn phone(address: &str) -> String {
    let stored = subscriber::stored_form(address);
    if stored.bytes().all(|byte| byte.is_ascii_digit()) { format!("+{stored}") } else { stored }
}

/// The text inside a content: a JSON object's field `text`, a JSON string, or else the content, which is a text then.
fn text_inside(content: &str) -> Option<String> {
    match serde_json::from_str(content) {
        Ok(Json::Object(mut fields)) => match fields.remove("text") {
            Some(Json::String(text)) => Some(text),
            _ => None,
        },
        Ok(Json::String(text)) => Some(text),
        _ => Some(content.to_owned()),
    }
}

/// OneUptime's word for a delivery status.
fn status(delivery_status: Option<&str>) -> &'static str {
    match delivery_status {
        Some("ACCEPTED" | "ENQUEUED") => "Queued",
        Some("SENT") => "Sent",
        Some("DELIVERED") => "Delivered",
        Some("READ") => "Read",
        Some("UNDELIVERED" | "FAILED" | "EXPIRED") => "Failed",
        Some("INVALID") => "Error",
        Some("CANCELLED") => "Deleted",
        Some("DELAYED") => "Warning",
        _ => "Unknown",
    }
}
