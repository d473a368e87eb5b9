//! The known fields of an item in edna's order, and the types of their values; knows no message.

use super::Instant;

/// The type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Integer,
    Text,
    Instant,
}

/// A field's value. Those of one field are ordered as responses are sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Integer(i64),
    Text(String),
    Instant(Instant),
}

macro_rules! properties {
    ($($name:ident $wire:literal $kind:ident,)*) => {
        /// A known field of an item, in the order of a response's keys (docs/edna.md §4).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Property { $($name,)* }

        impl Property {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($wire => Some(Self::$name),)*
                    _ => None,
                }
            }

            pub fn kind(self) -> ValueType {
                match self { $(Self::$name => ValueType::$kind,)* }
            }
        }
    };
}

properties! {
    MessageId "messageId" Integer,
    TenantId "tenantId" Integer,
    ChannelType "channelType" Text,
    Direction "direction" Text,
    Address "address" Text,
    Content "content" Text,
    DeliveryStatus "deliveryStatus" Text,
    DeliveryStatusAt "deliveryStatusAt" Instant,
    DeliveryStatusMessage "deliveryStatusMessage" Text,
    SentOrReceivedAt "sentOrReceivedAt" Instant,
    SubjectId "subjectId" Integer,
    SubjectName "subjectName" Text,
    CascadeId "cascadeId" Integer,
    CascadeName "cascadeName" Text,
    MatcherId "matcherId" Integer,
    MatcherName "matcherName" Text,
    CascadeStageUuid "cascadeStageUuid" Text,
    BroadcastId "broadcastId" Integer,
    BroadcastName "broadcastName" Text,
    TrafficType "trafficType" Text,
    Segments "segments" Integer,
    SubscriberId "subscriberId" Integer,
    Comment "comment" Text,
    ReplyInMessageId "replyInMessageId" Integer,
    ReplyOutMessageId "replyOutMessageId" Integer,
    ReplyOutMessageExternalRequestId "replyOutMessageExternalRequestId" Text,
}

impl Property {
    pub const COUNT: usize = Self::ALL.len();

    /// Whether it is one of the three fields that are one unit, the status (docs/edna.md 6.3).
    pub fn is_status(self) -> bool {
        matches!(self, Self::DeliveryStatus | Self::DeliveryStatusAt | Self::DeliveryStatusMessage)
    }

    /// Whether every message must have it (docs/edna.md 6.6).
    pub fn is_required(self) -> bool {
        matches!(
            self,
            Self::MessageId
                | Self::TenantId
                | Self::ChannelType
                | Self::Direction
                | Self::Address
                | Self::Content
                | Self::SentOrReceivedAt
        )
    }
}
