//! Addresses under `/console/` that no page has; knows no page.

use actix_web::HttpResponse;

use super::visit::SignedIn;

/// Any method, `/console/…`.
pub async fn show_not_found(signed_in: SignedIn) -> HttpResponse {
    signed_in.no_such_page()
}
