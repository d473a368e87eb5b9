//! The responses to unknown paths and unsupported methods; knows no rule of any dialect.

use actix_web::HttpResponse;
use actix_web::http::header::{ALLOW, HeaderValue};

use crate::oneuptime::OneUptimeError;
use crate::web::error::respond;
use crate::web::{ApiError, Public, Request};

/// 404, in the format of the dialect that the client seems to use.
pub async fn not_found(request: Request<Public>) -> HttpResponse {
    let path = request.path();
    if is_for_oneuptime(path, request.has_header("x-api-key")) {
        respond(&OneUptimeError::PageNotFound(path.to_owned()))
    } else {
        respond(&ApiError::NotFound)
    }
}

/// Whether a request seems to come from a client of OneUptime.
pub fn is_for_oneuptime(path: &str, has_edna_key: bool) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_api = lower.starts_with("/api/") && !lower.starts_with("/api/messages");
    (is_api && !has_edna_key) || lower.contains("whatsapp-log")
}

/// 405, with the supported methods.
pub fn not_allowed(allow: &'static str, _: &Request<Public>) -> HttpResponse {
    let mut response = respond(&ApiError::MethodNotAllowed);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}
