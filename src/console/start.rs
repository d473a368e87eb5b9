//! The start page; knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::html;

use super::visit::SignedIn;

/// `GET /console/`.
pub async fn show_start(signed_in: SignedIn) -> HttpResponse {
    let title = signed_in.visit.texts().text("start");
    signed_in.page(StatusCode::OK, &title, &html! {})
}
