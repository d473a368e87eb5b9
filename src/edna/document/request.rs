//! A history request in the OpenAPI document: its fields, their limits, and the values that mean "not given"; nothing
//! here runs on a request.
#![expect(dead_code, reason = "only used to derive schemas; fields are named as on the wire")]

use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::document::{
    DATE_PATTERN, IntegerOrDigits, LimitOrDigits, OffsetOrDigits, list_of, one_of, reference, scalar, text, word,
};
use crate::model::Property;
use crate::model::subscriber::AddressType;

/// Filters, order and page. Every field may be left out. `null` and `[]` mean "not given" for any field, `{}` for
/// `subscriberFilter`, and `""` for dates, `direction` and `subscriberFilter.type`. Unknown fields are ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "subscriberFilter": {"address": "79000000000", "type": "PHONE"},
    "offset": 0,
    "limit": 1000,
    "channelTypes": ["SMS"],
    "direction": "OUT",
    "dateFrom": "2024-07-01T00:00:00Z",
    "dateTo": "2024-07-24T00:00:00Z",
    "sort": [{"property": "messageId", "direction": "DESC"}],
    "subjectId": 50_192
}))]
pub struct HistoryRequest {
    /// Whose messages: all messages of the subscribers who have this address. Everybody's when not given.
    subscriber_filter: Option<SubscriberFilter>,
    /// How many messages to skip after sorting; 0 when not given.
    offset: Option<OffsetOrDigits>,
    /// How many messages to return at most; 15 when not given or 0. Over 1000 or negative: `limit-not-valid`.
    limit: Option<LimitOrDigits>,
    /// Only messages of these channel types: WHATSAPP, SMS, VIBER, PUSH, VK_NOTIFY, OK_NOTIFY, or any other that the
    /// tenant has.
    channel_types: Option<Vec<String>>,
    /// Only the message with this id, if it matches all other filters and the window too; 0 means not given.
    message_id: Option<IntegerOrDigits>,
    /// Only messages of this direction.
    #[schema(inline)]
    direction: Option<WantedDirection>,
    /// Start of the window on `sentOrReceivedAt`, inclusive; 30 days before now when not given.
    #[schema(inline)]
    date_from: Option<WantedDate>,
    /// End of the window, inclusive; now when not given. If both ends are given, they may be at most 366 days apart.
    #[schema(inline)]
    date_to: Option<WantedDate>,
    /// The order of the messages: one entry or several, of which each later one breaks the ties of those before it.
    /// `messageId`, in the direction of the last entry, always follows them; without any entry, the order is
    /// `messageId` DESC. Text is compared by code point, and a message without a value comes last in both directions.
    #[schema(inline)]
    sort: Option<Sort>,
    /// Only OUT messages of these traffic types; ignored if `direction` is IN.
    traffic_types: Option<Vec<TrafficType>>,
    /// Only messages of this subject; 0 means not given. A subject that the tenant does not have:
    /// `message-matcher-subject-not-found`. `subjectID`, the spelling in edna's table, is read as the same field.
    subject_id: Option<IntegerOrDigits>,
}

/// An address and its type.
#[derive(ToSchema)]
pub struct SubscriberFilter {
    /// A phone number in any notation (`+7 (900) 000-00-00`), or another address verbatim.
    #[schema(pattern = r"[^\s+().\[\]{}-]", examples("79000000000"))]
    address: String,
    /// PHONE, the default, is looked up in the addresses of SMS, WHATSAPP, VIBER, VK_NOTIFY and OK_NOTIFY messages;
    /// EDNA_ID in `subscriberId`; every other type in the addresses of all other channels, EMAIL ignoring case.
    #[schema(inline)]
    r#type: Option<WantedAddressType>,
}

/// The traffic type of an OUT message.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TrafficType {
    Ad,
    Service,
    Hsm,
    Chat,
}

/// One sort key.
#[derive(ToSchema)]
pub struct SortEntry {
    /// The name of a message field; an entry without it is skipped.
    #[schema(inline)]
    property: Option<SortProperty>,
    /// DESC when not given.
    #[schema(inline)]
    direction: Option<SortDirection>,
}

scalar!(SortProperty, {
    let names: Vec<_> = Property::ALL.iter().map(|property| property.name()).collect();
    word("The name of a message field.", &names).into()
});
scalar!(SortDirection, word("Ascending or descending; empty means not given.", &["ASC", "DESC", ""]).into());
scalar!(
    WantedDirection,
    word("IN: from the subscriber. OUT: to the subscriber. Empty means not given.", &["IN", "OUT", ""]).into()
);
scalar!(WantedAddressType, {
    let words: Vec<_> = AddressType::WORDS.into_iter().chain([""]).collect();
    word("The type of the address; empty means not given.", &words).into()
});
scalar!(
    WantedDate,
    text(
        "An ISO 8601 date, or a date and a time that ends in `Z`, `±hh:mm`, `±hhmm` or `±hh`; without a zone it is \
         UTC. Empty means not given."
    )
    .pattern(Some(format!("^$|{DATE_PATTERN}")))
    .examples(["2026-03-01T10:00:00Z"])
    .into()
);

/// A list of sort keys, or a single one.
pub struct Sort;

impl utoipa::PartialSchema for Sort {
    fn schema() -> RefOr<Schema> {
        let several = list_of("SortEntry", "A list of sort keys.");
        one_of("A list of sort keys, or a single one.", [several, reference("SortEntry")])
    }
}

impl ToSchema for Sort {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("SortEntry".into(), <SortEntry as utoipa::PartialSchema>::schema()));
    }
}
