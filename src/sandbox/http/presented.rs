//! The keys that a request presents in any header for keys; knows no tenant.

use actix_web::http::header::HeaderMap;

use crate::model::key::Secret;
use crate::sandbox::routes::{Dialect, Route};

/// The keys of a request, that in the header of its route first.
pub fn keys(headers: &HeaderMap, webhook_header: &str, route: Option<&Route>) -> impl Iterator<Item = Secret> {
    let own = match route {
        Some(Route { dialect: Dialect::OneUptime, .. }) => "apikey",
        Some(route) if route.template.starts_with("/webhooks/") => webhook_header,
        _ => "x-api-key",
    };
    [own, "x-api-key", "apikey", webhook_header].into_iter().flat_map(|name| headers.get_all(name)).filter_map(
        |value| {
            let value = value.to_str().ok()?.trim();
            Secret::parse(value.split_once(' ').map_or(value, |(_, key)| key))
        },
    )
}
