//! The OneUptime dialect as an OpenAPI document: its routes, what they take and answer; nothing here runs on a request.

mod errors;
mod query;
mod refused;
mod request;
mod row;

pub use crate::oneuptime::error::LogError;
pub use refused::*;

use crate::oneuptime::handlers::LogCount;
use errors::{CountErrors, ItemErrors, ListErrors};
use request::{CountRequest, ItemRequest, ListRequest};
use row::{LogItem, LogList};

/// A page of the WhatsApp log
///
/// Paths are read in any case, with or without a slash at their end.
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/get-list",
    operation_id = "listWhatsAppLogs",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(
        ("skip" = Option<i64>, Query, description = "Rows to skip after sorting; wins over the body's.", minimum = 0, nullable = false),
        ("limit" = Option<i64>, Query, description = "Rows to return at the most; wins over the body's. Over 100, in the live form over 10,000: 400.", minimum = 0, maximum = 10_000, nullable = false)
    ),
    request_body = Option<ListRequest>,
    responses((status = 200, description = "The page.", body = LogList), ListErrors)
)]
pub fn log_list() {}

/// A page of the WhatsApp log, by GET
///
/// A JSON body is read here too, as POST takes it; what programs that send none with GET can say stands in the URL.
#[utoipa::path(
    get,
    path = "/api/whatsapp-log/get-list",
    operation_id = "listWhatsAppLogsByGet",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(
        ("skip" = Option<i64>, Query, description = "Rows to skip after sorting.", minimum = 0, nullable = false),
        ("limit" = Option<i64>, Query, description = "Rows to return at the most; 10 when not given or 0. Over 100, in the live form over 10,000: 400.", minimum = 0, maximum = 10_000, nullable = false)
    ),
    responses((status = 200, description = "The page.", body = LogList), ListErrors)
)]
pub fn log_list_by_get() {}

/// One row of the WhatsApp log
///
/// A row that is not there, or is another project's, is an empty object.
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

/// One row of the WhatsApp log, by GET
///
/// A JSON body is read here too, as POST takes it; without one the answer holds `_id` alone.
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

/// How many rows of the WhatsApp log match
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/count",
    operation_id = "countWhatsAppLogs",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    request_body = Option<CountRequest>,
    responses((status = 200, description = "The number.", body = LogCount), CountErrors)
)]
pub fn log_count() {}
