//! Choosing the language and the zone of the pages; knows no page.

use actix_web::HttpResponse;

use super::own_address::own_address;
use super::texts::Language;
use super::visit::{Form, redirect};
use super::zone::Zone;

/// `POST /console/language`.
pub async fn choose_language(form: Form) -> HttpResponse {
    let mut response = redirect(own_address(form.field("next")));
    let cookies = &form.visit().cookies;
    if let Some(language) = Language::from_tag(form.field("language")) {
        response.cookie(cookies.with_language(language));
    }
    if let Some(zone) = Zone::from_name(form.field("zone")).filter(|zone| *zone != form.visit().zone()) {
        response.cookie(cookies.with_zone(zone));
    }
    response.finish()
}
