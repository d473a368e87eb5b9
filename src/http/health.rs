//! Whether the process runs, and whether it can answer; says nothing personal and needs no key.

use actix_web::{HttpResponse, web};

use super::Gateway;
use crate::edna::{EdnaError, routes};
use crate::store::migrate;

/// The process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ok"}"#)
}

/// The store answers and has every migration of this binary.
pub async fn readyz(gateway: web::Data<Gateway>) -> HttpResponse {
    match gateway.edna.store.quick_read(migrate::is_current).await {
        Ok(true) => HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ready"}"#),
        Ok(false) => {
            tracing::error!("the store's schema is out of date; run 'history-gateway migrate'");
            routes::respond(&EdnaError::Unavailable)
        }
        Err(error) => routes::respond(&error.into()),
    }
}
