//! Whether the process runs, and whether it can serve requests; reveals nothing personal and needs no key.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::document::errors::{NotReadyErrors, PublicErrors};
use crate::store::StoreError;
use crate::web::ApiError;

/// Whether the process runs.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the gateway is ready for requests.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// Always `ready`.
    status: &'static str,
}

/// Check that the process runs
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "health", security(()), responses(
    (status = 200, description = "The process runs.", body = Health, example = json!({"status": "ok"})),
    PublicErrors
))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Check that requests can be served
///
/// Ready means that the store responds, has the current schema and accepts writes. A load balancer should send requests
/// only to a gateway that is ready.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "health", security(()), responses(
    (status = 200, description = "Ready for requests.", body = Readiness, example = json!({"status": "ready"})),
    NotReadyErrors
))]
pub async fn readyz(app: Data<App>) -> Result<Json<Readiness>, ApiError> {
    // The store responds, has every migration of this binary, and accepted the last write.
    app.store.health().await.map_err(|error| {
        error.log("the store is not ready");
        ApiError::NotReady(reason(&error))
    })?;
    Ok(Json(Readiness { status: "ready" }))
}

/// Why the store is not ready, without its address.
fn reason(error: &StoreError) -> &'static str {
    match error {
        StoreError::Vanished { .. } => "The store's file was removed, replaced or moved while it was open.",
        StoreError::Full => "The store's disk is full.",
        StoreError::ReadOnly => "The store may not be written to.",
        StoreError::Malformed(_) | StoreError::Damaged { .. } => "The store is damaged.",
        StoreError::Outdated => "The store's schema is out of date.",
        _ => "The message store is busy or away; try again.",
    }
}
