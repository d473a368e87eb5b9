//! Choosing the language of the pages; knows no page.

use actix_web::HttpResponse;

use super::own_address::own_address;
use super::texts::Language;
use super::visit::{Form, redirect};

/// `POST /console/language`.
pub async fn choose_language(form: Form) -> HttpResponse {
    let mut response = redirect(own_address(form.field("next")));
    if let Some(language) = Language::from_tag(form.field("language")) {
        response.cookie(form.visit().cookies.with_language(language));
    }
    response.finish()
}
