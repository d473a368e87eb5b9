//! A message in the OpenAPI document: as responses contain it, and as your own systems send it; nothing here runs on a
//! request.

use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

use super::{
    ADDRESS_PATTERN, DateText, EdnaDate, IdOrDigits, IntegerOrDigits, WORD_PATTERN, any_object, described,
    described_reference, or_null, reference, text, word,
};
use crate::model::Property;
use crate::model::property::ValueType;

/// A message as responses contain it.
pub struct Message;

impl utoipa::PartialSchema for Message {
    fn schema() -> RefOr<Schema> {
        let message = Property::ALL.iter().fold(ObjectBuilder::new(), |message, property| {
            let meaning = meaning(*property);
            let schema: RefOr<Schema> = match (property, property.kind()) {
                (Property::Direction, _) => word(meaning, &["IN", "OUT"]).into(),
                (_, ValueType::Integer) => integer(meaning).into(),
                (_, ValueType::Instant) => described_reference("EdnaDate", meaning),
                (_, ValueType::Text) => text(meaning).into(),
            };
            let message = message.property(property.name(), schema);
            if property.is_required() { message.required(property.name()) } else { message }
        });
        let sentence = "A message. A field without a value is left out, never null. Fields that edna adds in future \
                        follow the known ones.";
        message.description(Some(sentence)).examples([sample()]).into()
    }
}

impl ToSchema for Message {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("EdnaDate".into(), <EdnaDate as utoipa::PartialSchema>::schema()));
    }
}

/// A message as your own systems send it.
pub struct NewMessage;

impl utoipa::PartialSchema for NewMessage {
    fn schema() -> RefOr<Schema> {
        let message = Property::ALL.iter().fold(ObjectBuilder::new(), |message, property| {
            let is_required = property.is_required() && *property != Property::TenantId;
            let given = accepted(*property, is_required);
            if is_required {
                return message.property(property.name(), given).required(property.name());
            }
            message.property(property.name(), or_null(meaning(*property), given))
        });
        let sentence = "A message from your own system, at most 1 MiB long. A field that is null counts as not given; \
                        unknown fields are stored too.";
        let example = json!({
            "messageId": 9_000_000_001_u64,
            "channelType": "WHATSAPP",
            "direction": "OUT",
            "address": "+7 900 111-22-33",
            "content": {"type": "TEXT", "text": "Your order is on its way"},
            "sentOrReceivedAt": "2026-03-01T10:00:00Z",
            "subjectId": 501,
            "deliveryStatus": "ACCEPTED",
            "deliveryStatusAt": "2026-03-01T10:00:00Z"
        });
        message.description(Some(sentence)).examples([example]).into()
    }
}

impl ToSchema for NewMessage {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("DateText".into(), <DateText as utoipa::PartialSchema>::schema()));
        schemas.push(("IdOrDigits".into(), <IdOrDigits as utoipa::PartialSchema>::schema()));
        schemas.push(("IntegerOrDigits".into(), <IntegerOrDigits as utoipa::PartialSchema>::schema()));
    }
}

/// The accepted values of a field.
fn accepted(property: Property, is_required: bool) -> RefOr<Schema> {
    let meaning = meaning(property);
    match (property, property.kind()) {
        (Property::MessageId, _) => described_reference("IdOrDigits", meaning),
        (Property::Direction, _) => word(meaning, &["IN", "OUT"]).into(),
        (Property::Address, _) => text(meaning).pattern(Some(ADDRESS_PATTERN)).max_length(Some(1024)).into(),
        (Property::ChannelType, _) => text(meaning).pattern(Some(WORD_PATTERN)).max_length(Some(256)).into(),
        (Property::TrafficType, _) => text(meaning).max_length(Some(256)).into(),
        (Property::Content, _) => {
            let object = any_object("Stored as compact JSON.");
            let string = text("Stored byte for byte, whatever it contains.");
            OneOfBuilder::new().item(object).item(string).description(Some(meaning)).into()
        }
        (Property::ReplyOutMessageExternalRequestId, _) => {
            let digits = described(Type::Integer, "Stored as a string of its digits.");
            OneOfBuilder::new().item(text("Stored unchanged.")).item(digits).description(Some(meaning)).into()
        }
        (_, ValueType::Integer) => reference("IntegerOrDigits"),
        (_, ValueType::Instant) if is_required => described_reference("DateText", meaning),
        (_, ValueType::Instant) => reference("DateText"),
        (_, ValueType::Text) => text(meaning).into(),
    }
}

fn integer(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(description))
}

fn meaning(property: Property) -> &'static str {
    match property {
        Property::MessageId => "edna's id of the message: 64 bits, more than a JavaScript number holds exactly.",
        Property::TenantId => "The account. It may be left out when a message is sent, and must be the key's own.",
        Property::ChannelType => "WHATSAPP, SMS, VIBER, PUSH, VK_NOTIFY, OK_NOTIFY, or another that edna has added.",
        Property::Direction => "IN: from the subscriber. OUT: to the subscriber.",
        Property::Address => {
            "The sender of an IN or the recipient of an OUT message; phone numbers are stored as digits."
        }
        Property::Content => "JSON in a string, byte for byte as it was stored; its key `type` gives the kind.",
        Property::DeliveryStatus => {
            "ACCEPTED, INVALID, ENQUEUED, SENT, UNDELIVERED, DELIVERED, READ, FAILED, CANCELLED, DELAYED, EXPIRED, or \
             another that edna has added."
        }
        Property::DeliveryStatusAt => "The time of the status.",
        Property::DeliveryStatusMessage => "The provider's explanation of the status, such as why delivery failed.",
        Property::SentOrReceivedAt => "When the message was sent or received; `dateFrom` and `dateTo` apply to it.",
        Property::SubjectId => "The subject: one of the account's own senders on a channel.",
        Property::SubjectName => "The subject's name.",
        Property::CascadeId => "The cascade that sent the message.",
        Property::CascadeName => "The cascade's name.",
        Property::MatcherId => "The message template.",
        Property::MatcherName => "The template's name.",
        Property::CascadeStageUuid => "The stage of the cascade.",
        Property::BroadcastId => "The broadcast that the message belongs to.",
        Property::BroadcastName => "The broadcast's name.",
        Property::TrafficType => "AD, SERVICE, HSM or CHAT; OUT messages only.",
        Property::Segments => "The number of segments of an SMS.",
        Property::SubscriberId => "The person, who may have several addresses.",
        Property::Comment => "The sender's own text for correlating sends, returned unchanged.",
        Property::ReplyInMessageId => "The IN message that this one quotes.",
        Property::ReplyOutMessageId => "The OUT message that this one replies to.",
        Property::ReplyOutMessageExternalRequestId => "The sender's own id of the message that this one replies to.",
    }
}

/// The newer message of edna's published sample, which the sandbox contains.
fn sample() -> serde_json::Value {
    json!({
        "messageId": 8_270_556,
        "tenantId": 3193,
        "channelType": "SMS",
        "direction": "OUT",
        "address": "79000000000",
        "content": "{\"text\": \"Hello. Glad to see\", \"type\": \"TEXT\"}",
        "deliveryStatus": "DELIVERED",
        "deliveryStatusAt": "2024-07-23T08:08:20.000+0000",
        "sentOrReceivedAt": "2024-07-23T08:08:20.201+0000",
        "subjectId": 50_192,
        "subjectName": "subject_sms",
        "cascadeId": 32_522,
        "cascadeName": "cascade_sms",
        "cascadeStageUuid": "b75c5b32-d185-4784-aac0-ec3adc468a71",
        "broadcastId": 318_463,
        "broadcastName": "cxzxzcxzcxz",
        "trafficType": "AD",
        "segments": 1,
        "subscriberId": 11_354_769
    })
}
