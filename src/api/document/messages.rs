//! The parameters and responses of `/v1/messages` in the OpenAPI document; nothing here runs on a request.
#![expect(dead_code, reason = "only used to derive schemas; fields are named as on the wire")]

use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::api::parameters::invalid;
use crate::document::errors::{ErrorTable, MIB, not_valid};
use crate::document::{DateText, EdnaDate, IdOrDigits, IntegerOrDigits, Message, Responses};
use crate::model::key::NEEDS_HISTORY;
use crate::web::ApiError;

/// A type of address.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AddressKind {
    Phone,
    Email,
    Utm,
    CookieId,
    InstagramId,
    FacebookId,
    TelegramId,
    GoogleId,
    AppleId,
    YandexId,
    ExtUserId,
    EdnaId,
}

/// `IN`: from the recipient. `OUT`: to the recipient.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageDirection {
    In,
    Out,
}

/// A traffic type.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageTrafficType {
    Ad,
    Service,
    Hsm,
    Chat,
}

/// The order of a walk, by `messageId`.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum WalkOrder {
    /// The newest message first.
    Desc,
    /// The oldest message first.
    Asc,
}

/// Declares the filters twice: as parameters of a URL, and as fields of a JSON object.
macro_rules! filters {
    ($(#[$about:meta])* parameters $parameters:ident, $(#[$body_about:meta])* body $body:ident,
        required { $($(#[$required_about:meta])* $required:ident: $required_kind:ty = $example:literal,)* },
        optional { $($(#[$field_about:meta])* $field:ident: $kind:ty,)* }
    ) => {
        $(#[$about])*
        #[derive(IntoParams)]
        #[into_params(parameter_in = Query, rename_all = "camelCase")]
        pub struct $parameters {
            $($(#[$required_about])* #[param(example = $example)] $required: $required_kind,)*
            $($(#[$field_about])* $field: Option<$kind>,)*
        }

        #[derive(ToSchema)]
        $(#[$body_about])*
        #[serde(deny_unknown_fields)]
        pub struct $body {
            $($(#[$required_about])* $required: $required_kind,)*
            $($(#[$field_about])* $field: Option<$kind>,)*
        }
    };
}

filters! {
    /// Filters, order and page of a list of messages.
    parameters ListParameters,
    /// Filters, order and page of a list of messages. Filters restrict together; a list means any of its values. An unknown
    /// field is an error.
    #[schema(rename_all = "camelCase", example = json!({
        "address": ["+7 900 000-31-93"], "direction": "OUT", "from": "2026-02-01T00:00:00Z", "limit": 100
    }))]
    body ListRequest,
    required {},
    optional {
        /// Only messages of the people who have one of these addresses, at most 100, in any spelling that a person
        /// types: `+7 (900) 000-31-93`, `tel:+79000003193`, `0079000003193`. A Russian number without its country code is
        /// tried with it if no message has it as it stands; then the response has `interpretedAs`.
        address: Vec<String>,
        /// The type of `address`; PHONE when not given.
        address_type: AddressKind,
        /// Only messages of these subscribers, with those that belong to them by their address alone.
        subscriber_id: Vec<IntegerOrDigits>,
        /// Only messages of these channel types: WHATSAPP, SMS, VIBER, PUSH, VK_NOTIFY, OK_NOTIFY, or any other that the
        /// tenant has.
        channel_type: Vec<String>,
        /// Only messages of this direction.
        direction: MessageDirection,
        /// Only messages of these traffic types.
        traffic_type: Vec<MessageTrafficType>,
        /// Only messages of these subjects.
        subject_id: Vec<IntegerOrDigits>,
        /// Only messages with one of these delivery statuses; an unknown word finds nothing.
        delivery_status: Vec<String>,
        /// Only messages of these cascades.
        cascade_id: Vec<IntegerOrDigits>,
        /// Only messages of these broadcasts.
        broadcast_id: Vec<IntegerOrDigits>,
        /// Only messages made from these templates.
        matcher_id: Vec<IntegerOrDigits>,
        /// Only messages with exactly this comment.
        comment: String,
        /// Only these messages, at most 1000.
        message_id: Vec<IdOrDigits>,
        /// Only messages that quote this message.
        reply_to: IntegerOrDigits,
        /// Only messages sent or received at this time or later.
        from: DateText,
        /// Only messages sent or received at this time or earlier.
        to: DateText,
        /// Only messages with these words in their texts: any form of a Russian or English word, `"a phrase"`,
        /// `beginning*`, `-without`. Then each element of `messages` is a `FoundMessage`.
        text: String,
        /// The newest first (`desc`, the default), or the oldest first.
        order: WalkOrder,
        /// How many messages to return at most, between 1 and 1000; 50 when not given.
        limit: IntegerOrDigits,
        /// The `next` of a response to the same filters and order.
        cursor: String,
    }
}

filters! {
    /// Filters and position of a list of changes.
    parameters ChangeParameters,
    /// Filters and position of a list of changes. Filters restrict together; a list means any of its values. An unknown field
    /// is an error.
    #[schema(rename_all = "camelCase", example = json!({"since": "now"}))]
    body ChangeRequest,
    required {
        /// `now`, or the `next` of the last response.
        since: String = "now",
    },
    optional {
        /// For how many seconds, at most 60, the response is held until there is a change; 0 when not given.
        wait: IntegerOrDigits,
        /// How many changes to return at most, between 1 and 1000; 100 when not given.
        limit: IntegerOrDigits,
        /// As in `GET /v1/messages`.
        address: Vec<String>,
        /// The type of `address`; PHONE when not given.
        address_type: AddressKind,
        /// Only messages of these subscribers.
        subscriber_id: Vec<IntegerOrDigits>,
        /// Only messages of these channel types.
        channel_type: Vec<String>,
        /// Only messages of this direction.
        direction: MessageDirection,
        /// Only messages of these traffic types.
        traffic_type: Vec<MessageTrafficType>,
        /// Only messages of these subjects.
        subject_id: Vec<IntegerOrDigits>,
        /// Only messages with one of these delivery statuses.
        delivery_status: Vec<String>,
        /// Only messages of these cascades.
        cascade_id: Vec<IntegerOrDigits>,
        /// Only messages of these broadcasts.
        broadcast_id: Vec<IntegerOrDigits>,
        /// Only messages made from these templates.
        matcher_id: Vec<IntegerOrDigits>,
        /// Only messages with exactly this comment.
        comment: String,
        /// Only these messages.
        message_id: Vec<IdOrDigits>,
        /// Only messages that quote this message.
        reply_to: IntegerOrDigits,
    }
}

/// What happened to a message.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is new, or it changed.
    Upserted,
    /// It was deleted, or it does not match the filters, whether it did before or not.
    Removed,
}

/// A message that changed.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MessageChange {
    /// What happened to it.
    kind: ChangeKind,
    /// The message's id.
    message_id: i64,
    /// The message as it is now; left out if it was removed.
    #[schema(nullable = false)]
    message: Option<Message>,
}

/// Changed messages, in the order of the commits.
#[derive(ToSchema)]
#[schema(example = json!({
    "changes": [{"kind": "removed", "messageId": 8_270_556}],
    "next": "AVuJZo0eTSXcP1SrV2o8iNLrAAAAAAAAAAI", "more": false
}))]
pub struct ChangeList {
    /// Each changed message once, in the order of the commits.
    changes: Vec<MessageChange>,
    /// The token to go on with.
    next: String,
    /// Whether there are more changes already.
    more: bool,
}

/// A message that a search found.
#[derive(ToSchema)]
pub struct FoundMessage {
    /// The message.
    message: Message,
    /// Where its texts have what was searched for.
    hits: Vec<Hit>,
}

/// A place in a text of a message.
#[derive(ToSchema)]
pub struct Hit {
    /// The text: `content.text`, `content.items.0.title`, `content` if it is not a JSON object or list, or `comment`.
    path: String,
    /// Where the place begins, in UTF-16 code units.
    #[schema(minimum = 0)]
    from: i64,
    /// Where it ends: the first code unit after it.
    #[schema(minimum = 0)]
    to: i64,
}

/// A message, or one that a search found.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum ListedMessage {
    /// Of a request without `text`.
    Listed(Message),
    /// Of a request with `text`.
    Found(FoundMessage),
}

/// What a response tells of its search.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SearchSummary {
    /// The words, phrases and beginnings that were searched for.
    terms: Vec<String>,
    /// While the text index is behind: all that was recorded before this time is indexed.
    #[schema(nullable = false)]
    indexed_up_to: Option<EdnaDate>,
}

/// One page of messages.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "messages": [{
        "message": {
            "messageId": 9_000_000_001_i64, "tenantId": 3193, "channelType": "WHATSAPP", "direction": "OUT",
            "address": "79001112233", "content": "{\"type\":\"TEXT\",\"text\":\"Your order is on its way\"}",
            "sentOrReceivedAt": "2026-03-01T10:00:00.000+0000", "subjectId": 501
        },
        "hits": [{"path": "content.text", "from": 5, "to": 10}]
    }],
    "next": "AQ2w-gI1ymttAAAAE1M1cig", "complete": true,
    "interpretedAs": ["79001112233"], "search": {"terms": ["orders"]}
}))]
pub struct MessageList {
    /// The messages, in the order of their ids.
    messages: Vec<ListedMessage>,
    /// The cursor of the next page; left out at the end of the walk.
    #[schema(nullable = false)]
    next: Option<String>,
    /// Whether the page is as long as requested, or the last one. `false` if the query's budget ended before: then the
    /// page may be short or empty, and `next` goes on where it ended.
    complete: bool,
    /// The international forms of Russian phone numbers that no message has as they were typed.
    #[schema(nullable = false)]
    interpreted_as: Option<Vec<String>>,
    /// What was searched for, if the request has a `text`.
    #[schema(nullable = false)]
    search: Option<SearchSummary>,
}

fn list_errors(methods: &str, mut wrong: Vec<(&str, ApiError)>) -> ErrorTable {
    let other = invalid("cursor", "the 'next' of a response to the same filters and order");
    wrong.push(("cursor-of-other-filters", other));
    errors(methods, wrong)
}

fn change_errors(methods: &str, mut wrong: Vec<(&str, ApiError)>) -> ErrorTable {
    let other = invalid("since", "the 'next' of a response for the same tenant, or now");
    wrong.push(("token-of-another-tenant", other));
    let sentence = "`changes-expired`: the token is older than `changes.keep_days`, or from before a bulk removal.";
    errors(methods, wrong).with(410, sentence, &[("too-old-token", ApiError::ChangesExpired)])
}

fn errors(methods: &str, mut wrong: Vec<(&str, ApiError)>) -> ErrorTable {
    wrong.extend([("limit-over-1000", ApiError::PageLimitNotValid), ("unknown-subject", ApiError::SubjectNotFound)]);
    let sentence = "`not-valid-request`, `limit-not-valid` or `message-matcher-subject-not-found`.";
    let denied = "`access-denied`: the key lacks the group message-history, or a subject is none of its senders.";
    let forbidden = [
        ("key-without-the-group", ApiError::AccessDenied(NEEDS_HISTORY)),
        ("subject-outside-the-senders", ApiError::AccessDenied("The subject does not belong to the key's senders.")),
    ];
    ErrorTable::new(methods).with_key().with(400, sentence, &wrong).with(403, denied, &forbidden)
}

pub struct ListErrors;

impl IntoResponses for ListErrors {
    fn responses() -> Responses {
        let unknown = not_valid("The parameter 'phone' is unknown; known are address, addressType and others.");
        list_errors("GET, HEAD, POST", vec![("unknown-parameter", unknown)]).0
    }
}

pub struct QueryErrors;

impl IntoResponses for QueryErrors {
    fn responses() -> Responses {
        list_errors("POST", wrong_bodies()).with_body(MIB).0
    }
}

fn wrong_bodies() -> Vec<(&'static str, ApiError)> {
    vec![
        ("malformed-json", not_valid("The body is not valid JSON: line 1, column 12.")),
        ("wrong-type", invalid("address", "a string")),
    ]
}

pub struct ChangeErrors;

impl IntoResponses for ChangeErrors {
    fn responses() -> Responses {
        let missing =
            not_valid("The parameter 'since' is missing: give 'now' to start, or the 'next' of the last response.");
        change_errors("GET, HEAD", vec![("no-since", missing)]).0
    }
}

pub struct ChangeQueryErrors;

impl IntoResponses for ChangeQueryErrors {
    fn responses() -> Responses {
        change_errors("POST", wrong_bodies()).with_body(MIB).0
    }
}
