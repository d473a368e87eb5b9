//! The OneUptime dialect as an OpenAPI document: shapes, bounds, errors and examples; nothing here runs on a request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use utoipa::ToSchema;

/// Which rows, in which order, with which columns. Every field may be left out. `skip` and `limit` in the URL win.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "select": {"createdAt": true, "toNumber": true, "status": true, "messageText": true, "incident": {"title": true}},
    "query": {
        "status": {"_type": "Includes", "value": ["Failed", "Error"]},
        "createdAt": {"_type": "InBetween", "startValue": "2026-03-26T00:00:00.000Z", "endValue": "2026-03-26T23:59:59.999Z"},
        "messageText": {"_type": "Search", "value": "database down"}
    },
    "sort": {"createdAt": -1},
    "skip": 0,
    "limit": 10
}))]
pub struct LogListRequest {
    /// Columns to answer with, each `true`; a relation may be an object of its own columns. Without it rows hold only
    /// `_id`, which is always there.
    select: Option<serde_json::Value>,
    /// Conditions by column, all of which must hold: a value (equal), `null`, a list (any of it), or an operator such as
    /// `{"_type":"Search","value":"…"}`. Operators: EqualTo, NotEqual, EqualToOrNull, IsNull, NotNull, GreaterThan,
    /// GreaterThanOrEqual, LessThan, LessThanOrEqual, GreaterThanOrNull, LessThanOrNull, InBetween (`startValue`,
    /// `endValue`), Search, StartsWith, EndsWith, NotContains, Includes, IncludesAll, IncludesNone, and
    /// MultiSearch (`value`, `fields`) under any name.
    query: Option<serde_json::Value>,
    /// Columns to sort by, in their order: 1, "ASC", -1 or "DESC". Default: `createdAt` descending.
    sort: Option<serde_json::Value>,
    /// Rows to skip after sorting.
    #[schema(minimum = 0, default = 0)]
    skip: Option<i64>,
    /// Rows to return at the most; 0 means the default. At most 100, or 10,000 in the live form.
    #[schema(minimum = 0, default = 10)]
    limit: Option<i64>,
    /// Not supported; an empty object is fine.
    group_by: Option<serde_json::Value>,
}

/// A page of rows, and how many there are on all pages. In the live form `data` comes first.
#[derive(ToSchema)]
pub struct LogList {
    /// How many rows match, whatever the page: exact.
    count: i64,
    /// The limit that was applied.
    limit: i64,
    /// The skip that was applied.
    skip: i64,
    data: Vec<LogRow>,
}

/// A row of the WhatsApp log, as far as its columns were selected: `_id` alone by default, `null` for no value. In the
/// live form ids other than `_id`, phones and dates are objects such as `{"_type":"DateTime","value":"…"}`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct LogRow {
    #[schema(rename = "_id", example = "550e8400-e29b-41d4-a716-446655440000")]
    id: String,
    #[schema(format = DateTime, example = "2026-03-26T10:26:14.311Z")]
    created_at: Option<String>,
    #[schema(format = DateTime, example = "2026-03-26T10:26:14.311Z")]
    updated_at: Option<String>,
    /// Always null.
    #[schema(format = DateTime)]
    deleted_at: Option<String>,
    version: Option<i64>,
    /// The tenant: its id, and its name where that was selected.
    project: Option<serde_json::Value>,
    #[schema(example = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10")]
    project_id: Option<String>,
    #[schema(example = "+15551234567")]
    to_number: Option<String>,
    from_number: Option<String>,
    message_text: Option<String>,
    status_message: Option<String>,
    whats_app_message_id: Option<String>,
    /// Success, Sent, Delivered, Read, Failed, Deleted, Warning, Queued, Error, Low Balance, Not Verified, Unknown, or
    /// any other word that was imported.
    #[schema(example = "Sent")]
    status: Option<String>,
    #[schema(rename = "whatsAppCostInUSDCents")]
    whats_app_cost_in_usd_cents: Option<i64>,
    /// What the row belongs to: `{"_id":…}` or null. Likewise `user`, `alert`, `monitor`, `scheduledMaintenance`,
    /// `statusPage`, `statusPageAnnouncement`, `team`, `onCallDutyPolicy`, `onCallDutyPolicyEscalationRule` and
    /// `onCallDutyPolicySchedule`, each with its id in a column of its own.
    incident: Option<serde_json::Value>,
    #[schema(example = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10")]
    incident_id: Option<String>,
}

/// Which columns.
#[derive(ToSchema)]
#[schema(example = json!({"select": {"toNumber": true, "status": true}}))]
pub struct LogItemRequest {
    /// As in a list.
    select: Option<serde_json::Value>,
}

/// Which rows.
#[derive(ToSchema)]
#[schema(example = json!({"query": {"status": "Sent"}}))]
pub struct LogCountRequest {
    /// As in a list.
    query: Option<serde_json::Value>,
}

/// How many rows match: exact.
#[derive(ToSchema)]
#[schema(example = json!({"count": 42}))]
pub struct LogCount {
    count: i64,
}

/// What went wrong, the same text twice.
#[derive(ToSchema)]
#[schema(example = json!({"error": "Invalid API Key", "message": "Invalid API Key"}))]
pub struct LogError {
    error: String,
    message: String,
}

/// A page of the WhatsApp log
///
/// GET answers too, its body included. Paths are read in any case, with or without a slash at their end.
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/get-list",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(
        ("skip" = Option<i64>, Query, description = "Wins over the body's."),
        ("limit" = Option<i64>, Query, description = "Wins over the body's.")
    ),
    request_body = Option<LogListRequest>,
    responses(
        (status = 200, description = "The page.", body = LogList),
        (status = 400, description = "An invalid key, malformed JSON, an unknown column or operator, a value of the wrong kind, a limit too great.", body = LogError),
        (status = 401, description = "No key.", body = LogError),
        (status = 413, description = "The body is too long.", body = LogError),
        (status = 422, description = "The key may not read the log, or nobody may read a column.", body = LogError),
        (status = 429, description = "Too many requests with this key.", body = LogError,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
        (status = 503, description = "The message store is busy or away.", body = LogError,
            headers(("Retry-After" = u64, description = "Seconds to wait."))),
    )
)]
pub fn log_list() {}

/// One row of the WhatsApp log
///
/// GET answers too. A row that is not there, or is another project's, is an empty object.
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/{id}/get-item",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, description = "The row's `_id`, a UUID.", example = "550e8400-e29b-41d4-a716-446655440000")),
    request_body = Option<LogItemRequest>,
    responses(
        (status = 200, description = "The row, or `{}`.", body = LogRow),
        (status = 400, description = "A malformed id, an invalid key, malformed JSON, an unknown column.", body = LogError),
        (status = 401, description = "No key.", body = LogError),
        (status = 422, description = "The key may not read the log, or nobody may read a column.", body = LogError),
    )
)]
pub fn log_item() {}

/// How many rows of the WhatsApp log match
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/count",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    request_body = Option<LogCountRequest>,
    responses(
        (status = 200, description = "The number.", body = LogCount),
        (status = 400, description = "An invalid key, malformed JSON, an unknown column or operator, a value of the wrong kind.", body = LogError),
        (status = 401, description = "No key.", body = LogError),
        (status = 422, description = "The key may not read the log.", body = LogError),
    )
)]
pub fn log_count() {}
