//! The changes that the gateway rejects, unlike OneUptime, in the OpenAPI document; nothing here runs on a request.

use super::errors::{CreateErrors, DeleteErrors, UpdateErrors};

/// Create a row (not allowed: the log is read-only)
#[utoipa::path(
    post,
    path = "/api/whatsapp-log",
    operation_id = "createWhatsAppLog",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    responses(CreateErrors)
)]
pub fn create() {}

/// Update a row (not allowed: the log is read-only)
#[utoipa::path(
    put,
    path = "/api/whatsapp-log/{id}",
    operation_id = "updateWhatsAppLog",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.")),
    responses(UpdateErrors)
)]
pub fn update() {}

/// Delete a row (not allowed: the log is read-only)
#[utoipa::path(
    delete,
    path = "/api/whatsapp-log/{id}",
    operation_id = "deleteWhatsAppLog",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.")),
    responses(DeleteErrors)
)]
pub fn delete() {}

/// Update a row, by POST (not allowed: the log is read-only)
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/{id}/update-item",
    operation_id = "updateWhatsAppLogByPost",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.")),
    responses(UpdateErrors)
)]
pub fn update_by_post() {}

/// Update a row, by GET (not allowed: the log is read-only)
#[utoipa::path(
    get,
    path = "/api/whatsapp-log/{id}/update-item",
    operation_id = "updateWhatsAppLogByGet",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.")),
    responses(UpdateErrors)
)]
pub fn update_by_get() {}

/// Delete a row, by POST (not allowed: the log is read-only)
#[utoipa::path(
    post,
    path = "/api/whatsapp-log/{id}/delete-item",
    operation_id = "deleteWhatsAppLogByPost",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.")),
    responses(DeleteErrors)
)]
pub fn delete_by_post() {}

/// Delete a row, by GET (not allowed: the log is read-only)
#[utoipa::path(
    get,
    path = "/api/whatsapp-log/{id}/delete-item",
    operation_id = "deleteWhatsAppLogByGet",
    tag = "oneuptime",
    security(("ApiKey" = [])),
    params(("id" = String, Path, format = "uuid", description = "The row's `_id`.")),
    responses(DeleteErrors)
)]
pub fn delete_by_get() {}
