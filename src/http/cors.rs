//! Response headers for browsers: CORS and defaults; knows no route.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::DefaultHeaders;

use crate::web::answer::POSITION_HEADER;

/// CORS for pages of the given origins. A request from any other origin is served too, but its browser withholds the
/// response from the page.
pub fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_any_header()
        .expose_headers(["x-request-id", "retry-after", POSITION_HEADER])
        .max_age(3600)
        .block_on_origin_mismatch(false);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// The headers of every response that does not set its own: no caching, no content sniffing, no framing.
pub fn default_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((CACHE_CONTROL, "no-store"))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"))
}
