//! The edna dialect as an OpenAPI document: shapes, bounds, errors and examples; nothing here runs on a request.
#![expect(
    dead_code,
    clippy::struct_field_names,
    reason = "the shapes are only described from, and named as on the wire"
)]

use utoipa::ToSchema;

/// What to look for. Every field may be left out; `null` and `[]` mean the same as leaving it out, `{}` too for
/// `subscriberFilter`, and `""` for dates, `direction` and `subscriberFilter.type`. Unknown fields are passed over.
/// Integers may be sent as strings of digits.
#[derive(ToSchema)]
#[schema(example = json!({
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
#[schema(rename_all = "camelCase")]
pub struct HistoryRequest {
    /// Whose messages: every message of the subscribers whose address this is. All subscribers' when left out.
    subscriber_filter: Option<SubscriberFilter>,
    /// Messages to skip after sorting.
    #[schema(minimum = 0, default = 0)]
    offset: Option<i64>,
    /// Messages to return at the most; 0 means the default. Over 1000 or negative: `limit-not-valid`.
    #[schema(minimum = 0, maximum = 1000, default = 15)]
    limit: Option<i64>,
    /// Channel types to keep: WHATSAPP, SMS, VIBER, PUSH, VK_NOTIFY, OK_NOTIFY, and any other that the tenant has.
    #[schema(example = json!(["WHATSAPP", "SMS"]))]
    channel_types: Option<Vec<String>>,
    /// One message by its id, all other filters and the window included; 0 means not given.
    message_id: Option<i64>,
    /// One direction only.
    direction: Option<Direction>,
    /// Start of the window on `sentOrReceivedAt`, inclusive; ISO 8601, UTC where it has no zone.
    /// Default: 30 days before now.
    #[schema(format = DateTime, example = "2026-03-01T10:00:00Z")]
    date_from: Option<String>,
    /// End of the window, inclusive. Default: now. Both ends given: at most 366 days apart.
    #[schema(format = DateTime, example = "2026-03-02T10:00:00Z")]
    date_to: Option<String>,
    /// The order of the answer; a single object is accepted too. `messageId`, in the direction of the last entry,
    /// always ends it. Text is compared by code point; a message without a value comes last in both directions.
    /// Default: `messageId` DESC.
    sort: Option<Vec<SortEntry>>,
    /// Keeps OUT messages of these traffic types; with `direction` IN it is ignored.
    traffic_types: Option<Vec<TrafficType>>,
    /// One subject only; 0 means not given. `subjectID` is accepted too.
    #[schema(example = 50192)]
    subject_id: Option<i64>,
}

/// An address and what kind of address it is.
#[derive(ToSchema)]
pub struct SubscriberFilter {
    /// A phone in any spelling (`+7 (900) 000-00-00`), or another address as it is. Not empty.
    #[schema(min_length = 1, example = "79000000000")]
    address: String,
    /// PHONE asks the addresses of SMS, WHATSAPP, VIBER, VK_NOTIFY and OK_NOTIFY; EDNA_ID asks for a `subscriberId`;
    /// every other type asks the addresses of all other channels, EMAIL without regard to case.
    #[schema(default = "PHONE")]
    r#type: Option<AddressType>,
}

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AddressType {
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

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    In,
    Out,
}

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
    /// Any field of a message; an entry without it is passed over.
    property: Option<Property>,
    #[schema(default = "DESC")]
    direction: Option<SortDirection>,
}

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SortDirection {
    Asc,
    Desc,
}

/// The name of a message's field.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub enum Property {
    MessageId,
    TenantId,
    ChannelType,
    Direction,
    Address,
    Content,
    DeliveryStatus,
    DeliveryStatusAt,
    DeliveryStatusMessage,
    SentOrReceivedAt,
    SubjectId,
    SubjectName,
    CascadeId,
    CascadeName,
    MatcherId,
    MatcherName,
    CascadeStageUuid,
    BroadcastId,
    BroadcastName,
    TrafficType,
    Segments,
    SubscriberId,
    Comment,
    ReplyInMessageId,
    ReplyOutMessageId,
    ReplyOutMessageExternalRequestId,
}

/// One page of messages.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct HistoryAnswer {
    content: Vec<Message>,
    /// Whether a message follows the last one of this page.
    has_next: bool,
}

/// A message. A field without a value is left out. Fields that edna adds are kept and follow the known ones.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
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
    "trafficType": "AD",
    "segments": 1,
    "subscriberId": 11_354_769
}))]
pub struct Message {
    message_id: i64,
    tenant_id: i64,
    /// WHATSAPP, SMS, VIBER, PUSH, VK_NOTIFY, OK_NOTIFY, or another that edna has added.
    channel_type: String,
    direction: Direction,
    /// The sender of an IN, the recipient of an OUT message; phones as digits.
    address: String,
    /// A string that holds JSON, byte for byte as it was stored; its key `type` names the kind.
    content: String,
    /// ACCEPTED, INVALID, ENQUEUED, SENT, UNDELIVERED, DELIVERED, READ, FAILED, CANCELLED, DELAYED, EXPIRED,
    /// or another that edna has added.
    delivery_status: Option<String>,
    /// UTC with three fraction digits and a zone without colon.
    #[schema(pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}\+0000$")]
    delivery_status_at: Option<String>,
    delivery_status_message: Option<String>,
    /// UTC with three fraction digits and a zone without colon.
    #[schema(pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}\+0000$")]
    sent_or_received_at: String,
    subject_id: Option<i64>,
    subject_name: Option<String>,
    cascade_id: Option<i64>,
    cascade_name: Option<String>,
    /// The message template.
    matcher_id: Option<i64>,
    matcher_name: Option<String>,
    cascade_stage_uuid: Option<String>,
    broadcast_id: Option<i64>,
    broadcast_name: Option<String>,
    /// AD, SERVICE, HSM or CHAT; OUT messages only.
    traffic_type: Option<String>,
    segments: Option<i64>,
    subscriber_id: Option<i64>,
    /// The sender's own correlation text, as it was sent.
    comment: Option<String>,
    reply_in_message_id: Option<i64>,
    reply_out_message_id: Option<i64>,
    reply_out_message_external_request_id: Option<String>,
}

/// Every error has this shape.
#[derive(ToSchema)]
pub struct ErrorAnswer {
    title: ErrorTitle,
    /// The HTTP status again.
    status: u16,
    /// An English sentence. It names the field that is wrong and never repeats a value.
    detail: String,
}

/// What went wrong, for programs.
#[derive(ToSchema)]
pub enum ErrorTitle {
    #[schema(rename = "Api-key not found")]
    KeyNotFound,
    #[schema(rename = "access-denied")]
    AccessDenied,
    #[schema(rename = "not-valid-request")]
    NotValidRequest,
    #[schema(rename = "limit-not-valid")]
    LimitNotValid,
    #[schema(rename = "date-range-not-valid")]
    DateRangeNotValid,
    #[schema(rename = "message-matcher-subject-not-found")]
    SubjectNotFound,
    #[schema(rename = "not-found")]
    NotFound,
    #[schema(rename = "method-not-allowed")]
    MethodNotAllowed,
    #[schema(rename = "request-too-large")]
    RequestTooLarge,
    #[schema(rename = "too-many-requests")]
    TooManyRequests,
    #[schema(rename = "service-unavailable")]
    ServiceUnavailable,
    #[schema(rename = "internal-error")]
    InternalError,
}

/// What was sent to a recipient, and came from it
///
/// The newest 15 messages of the last 30 days where nothing else is asked for. The body is read as JSON whatever
/// its Content-Type; an empty one means `{}`.
#[utoipa::path(
    post,
    path = "/api/messages/history",
    operation_id = "history",
    tag = "edna",
    security(("x-api-key" = [])),
    request_body(content = HistoryRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "One page of messages.", body = HistoryAnswer),
        (status = 400, description = "`not-valid-request`, `limit-not-valid`, `date-range-not-valid` or `message-matcher-subject-not-found`.", body = ErrorAnswer,
            examples(
                ("empty address" = (value = json!({"title": "not-valid-request", "status": 400, "detail": "The field 'subscriberFilter.address' must not be empty."}))),
                ("limit over 1000" = (value = json!({"title": "limit-not-valid", "status": 400, "detail": "The field 'limit' must be between 0 and 1000."}))),
                ("over 366 days" = (value = json!({"title": "date-range-not-valid", "status": 400, "detail": "The fields 'dateFrom' and 'dateTo' must be at most 366 days apart."}))),
                ("unknown subject" = (value = json!({"title": "message-matcher-subject-not-found", "status": 400, "detail": "The field 'subjectId' names a subject that does not exist."}))),
            )),
        (status = 401, description = "`Api-key not found`: no key, or a wrong, expired or revoked one.", body = ErrorAnswer,
            example = json!({"title": "Api-key not found", "status": 401, "detail": "The x-api-key header holds no valid API key."})),
        (status = 403, description = "`access-denied`: the key is not of the group message-history, or the subject is not among its senders.", body = ErrorAnswer,
            example = json!({"title": "access-denied", "status": 403, "detail": "The key does not belong to the message-history group."})),
        (status = 405, description = "`method-not-allowed`", body = ErrorAnswer,
            headers(("Allow" = String, description = "The methods it answers."))),
        (status = 413, description = "`request-too-large`: a body over the limit, 1 MiB by default.", body = ErrorAnswer,
            example = json!({"title": "request-too-large", "status": 413, "detail": "The body must be at most 1048576 bytes long."})),
        (status = 429, description = "`too-many-requests`; only where a limit is set.", body = ErrorAnswer,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
        (status = 503, description = "`service-unavailable`: the store is busy or away.", body = ErrorAnswer,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    )
)]
pub fn history() {}
