//! A history request as an OpenAPI document: its fields, their bounds, and what stands for "not given"; nothing here
//! runs on a request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::document::{
    DATE_PATTERN, IntegerOrDigits, LimitOrDigits, OffsetOrDigits, either, list_of, reference, scalar, text, word,
};
use crate::model::Property;
use crate::model::subscriber::AddressType;

/// What to look for. Every field may be left out; `null` and `[]` mean the same as leaving it out, `{}` too for
/// `subscriberFilter`, and `""` for dates, `direction` and `subscriberFilter.type`. Unknown fields are passed over.
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
    /// Whose messages: every message of the subscribers whose address this is. Everybody's when not given.
    subscriber_filter: Option<SubscriberFilter>,
    /// Messages to skip after sorting; 0 when not given.
    offset: Option<OffsetOrDigits>,
    /// Messages to return at the most; 15 when not given or 0. Over 1000 or negative: `limit-not-valid`.
    limit: Option<LimitOrDigits>,
    /// Channel types to keep: WHATSAPP, SMS, VIBER, PUSH, VK_NOTIFY, OK_NOTIFY, and any other that the tenant has.
    channel_types: Option<Vec<String>>,
    /// One message by its id, all other filters and the window included; 0 means not given.
    message_id: Option<IntegerOrDigits>,
    /// One direction only.
    #[schema(inline)]
    direction: Option<WantedDirection>,
    /// Start of the window on `sentOrReceivedAt`, inclusive; 30 days before now when not given.
    #[schema(inline)]
    date_from: Option<WantedDate>,
    /// End of the window, inclusive; now when not given. Two given ends are at most 366 days apart.
    #[schema(inline)]
    date_to: Option<WantedDate>,
    /// The order of the answer: one entry or several, of which each later one breaks the ties of those before.
    /// `messageId`, in the direction of the last entry, always ends it; without any, `messageId` DESC. Text is
    /// compared by code point, and a message without a value comes last in both directions.
    #[schema(inline)]
    sort: Option<Sort>,
    /// Keeps OUT messages of these traffic types; with `direction` IN it is ignored.
    traffic_types: Option<Vec<TrafficType>>,
    /// One subject only; 0 means not given. One that the tenant does not know: `message-matcher-subject-not-found`.
    /// `subjectID`, the spelling of edna's table, is read as the same field.
    subject_id: Option<IntegerOrDigits>,
}

/// An address and what kind of address it is.
#[derive(ToSchema)]
pub struct SubscriberFilter {
    /// A phone in any spelling (`+7 (900) 000-00-00`), or another address as it is.
    #[schema(pattern = r"[^\s+().\[\]{}-]", examples("79000000000"))]
    address: String,
    /// PHONE, also when not given, asks the addresses of SMS, WHATSAPP, VIBER, VK_NOTIFY and OK_NOTIFY; EDNA_ID asks
    /// for a `subscriberId`; every other type asks the addresses of all other channels, EMAIL without regard to case.
    #[schema(inline)]
    r#type: Option<WantedAddressType>,
}

/// AD, SERVICE, HSM or CHAT.
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
    /// The name of a message's field; an entry without it is passed over.
    #[schema(inline)]
    property: Option<SortProperty>,
    /// DESC when not given.
    #[schema(inline)]
    direction: Option<SortDirection>,
}

scalar!(SortProperty, {
    let names: Vec<_> = Property::ALL.iter().map(|property| property.name()).collect();
    word("The name of a message's field.", &names).into()
});
scalar!(SortDirection, word("Ascending or descending; empty means not given.", &["ASC", "DESC", ""]).into());
scalar!(
    WantedDirection,
    word("IN came from the subscriber, OUT went to it; empty means not given.", &["IN", "OUT", ""]).into()
);
scalar!(WantedAddressType, {
    let words: Vec<_> = AddressType::WORDS.into_iter().chain([""]).collect();
    word("A kind of address; empty means not given.", &words).into()
});
scalar!(
    WantedDate,
    text(
        "An ISO 8601 date, or a date and a time that ends in `Z`, `±hh:mm`, `±hhmm`, `±hh` or in no zone, which is UTC; \
         empty means not given."
    )
    .pattern(Some(format!("^$|{DATE_PATTERN}")))
    .examples(["2026-03-01T10:00:00Z"])
    .into()
);

/// A list of sort keys, or a single one.
pub struct Sort;

impl utoipa::PartialSchema for Sort {
    fn schema() -> RefOr<Schema> {
        let several = list_of("SortEntry", "Several sort keys.");
        either("A list of sort keys, or a single one.", [several, reference("SortEntry")])
    }
}

impl ToSchema for Sort {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("SortEntry".into(), <SortEntry as utoipa::PartialSchema>::schema()));
    }
}
