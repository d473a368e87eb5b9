//! A WhatsApp log row, and the row that represents an edna message; knows no store and no JSON form of rows.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Instant, Item, Property, TenantId, subscriber};

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Id,
    Integer,
    Instant,
    Text,
}

/// A column in which rows can differ (docs/oneuptime.md §2). The project is the tenant's, the same for all rows.
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

    /// Whether it may be null.
    pub fn is_nullable(self) -> bool {
        use Column::{FromNumber, MessageText, Related, StatusMessage, WhatsAppMessageId};
        matches!(self, FromNumber | MessageText | StatusMessage | WhatsAppMessageId | Related(_))
    }
}

/// The other OneUptime objects that a row can belong to. The gateway stores only their ids.
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

    /// In the order of a response's keys.
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

/// One row. The fields are ordered so that the newer of two copies is the greater one. That one is kept, whatever the
/// order of arrival.
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

/// Shows only the id: the rest is private.
impl std::fmt::Debug for WhatsAppLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WhatsAppLog({})", self.id)
    }
}

impl WhatsAppLog {
    /// The row of a message; `None` if it is not an outgoing WhatsApp message.
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
            message_text: item.text(Property::Content).and_then(text_of_content),
            status_message: item.text(Property::DeliveryStatusMessage).map(str::to_owned),
            whatsapp_message_id: None,
            status: status(item.text(Property::DeliveryStatus)).to_owned(),
            cost_in_usd_cents: 0,
            related: [None; Relation::COUNT],
        })
    }

    /// The value of an integer column, or the milliseconds of an instant column.
    pub fn integer(&self, column: Column) -> Option<i64> {
        match column {
            Column::CreatedAt => Some(self.created_at.0),
            Column::UpdatedAt => Some(self.updated_at.0),
            Column::Version => Some(self.version),
            Column::Cost => Some(self.cost_in_usd_cents),
            _ => None,
        }
    }

    /// The value of a text column.
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

/// The row id of a message, which is always the same: a UUID of version 8 from a prefix for the tenant and the message
/// id, so that the rows of a tenant have the order of their messages.
pub fn id_of_message(tenant: TenantId, message_id: i64) -> Uuid {
    let tenant_prefix = tenant.derived_project_id().as_u128() >> 80;
    // With the sign bit inverted, negative ids sort before the others.
    let id = u128::from(message_id.cast_unsigned() ^ (1 << 63));
    let (high, low) = (id >> 62, id & ((1 << 62) - 1));
    Uuid::from_u128(tenant_prefix << 80 | 8 << 76 | high << 64 | 2 << 62 | low)
}

/// A phone number as OneUptime writes it; any other address verbatim.
fn phone(address: &str) -> String {
    let stored = subscriber::stored_form(address);
    if stored.bytes().all(|byte| byte.is_ascii_digit()) { format!("+{stored}") } else { stored }
}

/// The text of a content: the field `text` of a JSON object, the text of a JSON string, or else the content itself.
fn text_of_content(content: &str) -> Option<String> {
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
