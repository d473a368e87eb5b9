//! The OneUptime dialect in the OpenAPI document: routes, requests and responses; nothing here runs on a request.

mod errors;
mod query;
mod read_only;
mod request;
mod row;

pub use crate::oneuptime::error::LogError;
pub use read_only::*;

use crate::oneuptime::handlers::LogCount;
use errors::{CountErrors, ItemErrors, ListErrors};
use request::{CountRequest, ItemRequest, ListRequest};
use row::{LogItem, LogList};

/// List rows of the WhatsApp log
///
/// Paths are accepted in any letter case, with or without a trailing slash.
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/get-list",
    operation_id = "listWhatsAppLogs",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(
        ("skip" = Option<i64>, Query, description = "Rows to skip after sorting; overrides the body's.", minimum = 0, nullable = false),
        ("limit" = Option<i64>, Query, description = "Rows to return at most; overrides the body's. Over 100, in the live form over 10,000: 400.", minimum = 0, maximum = 10_000, nullable = false)
    ),
    request_body = Option<ListRequest>,
    responses((status = 200, description = "The page.", body = LogList), ListErrors)
)]
pub fn log_list() {}

/// List rows of the WhatsApp log, by GET
///
/// A JSON body is read as for POST. A program that sends no body with GET can give `skip` and `limit` in the URL.
#[utoipa::path(
    get,
    path = "/api/whatsapp-log/get-list",
    operation_id = "listWhatsAppLogsByGet",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(
        ("skip" = Option<i64>, Query, description = "Rows to skip after sorting.", minimum = 0, nullable = false),
        ("limit" = Option<i64>, Query, description = "Rows to return at most; 10 when not given or 0. Over 100, in the live form over 10,000: 400.", minimum = 0, maximum = 10_000, nullable = false)
    ),
    responses((status = 200, description = "The page.", body = LogList), ListErrors)
)]
pub fn log_list_by_get() {}

/// Get one row of the WhatsApp log
///
/// The response is an empty object if the row does not exist or is another project's.
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/{id}/get-item",
    operation_id = "getWhatsAppLog",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.", example = "26bf3d06-4dbd-4fb7-a0c1-d101af1142bc")),
    request_body = Option<ItemRequest>,
    responses((status = 200, description = "The row, or `{}`.", body = LogItem, examples(
        ("row" = (value = json!({"_id": "26bf3d06-4dbd-4fb7-a0c1-d101af1142bc", "toNumber": "+15550000000", "status": "Sent"}))),
        ("no-such-row" = (value = json!({})))
    )), ItemErrors)
)]
pub fn log_item() {}

/// Get one row of the WhatsApp log, by GET
///
/// A JSON body is read as for POST. Without one, the response contains only `_id`.
#[utoipa::path(
    get,
    path = "/api/whatsapp-log/{id}/get-item",
    operation_id = "getWhatsAppLogByGet",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.", example = "26bf3d06-4dbd-4fb7-a0c1-d101af1142bc")),
    responses((status = 200, description = "The row, or `{}`.", body = LogItem, examples(
        ("row" = (value = json!({"_id": "26bf3d06-4dbd-4fb7-a0c1-d101af1142bc"}))),
        ("no-such-row" = (value = json!({})))
    )), ItemErrors)
)]
pub fn log_item_by_get() {}

/// Count rows of the WhatsApp log
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/count",
    operation_id = "countWhatsAppLogs",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    request_body = Option<CountRequest>,
    responses((status = 200, description = "The exact number of matching rows.", body = LogCount), CountErrors)
)]
pub fn log_count() {}
