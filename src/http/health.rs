//! Whether the process runs, and whether it can answer; says nothing personal and needs no key.

use actix_web::{HttpResponse, web};

use super::Gateway;
use crate::edna::{EdnaError, routes};
use crate::store::StoreError;

/// The process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ok"}"#)
}

/// The store answers, has every migration of this binary, and took the last write; else why not.
pub async fn readyz(gateway: web::Data<Gateway>) -> HttpResponse {
    match gateway.app.store.health().await {
        Ok(()) => HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ready"}"#),
        Err(error) => {
            error.log("the store is not ready");
            routes::respond(&EdnaError::NotReady(reason(&error)))
        }
    }
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
