//! The routes of a sandbox as their documentation names them, and the dialect that each belongs to; knows no handler.

/// Whose errors a route answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// edna's, which `/v1` and the webhooks share.
    Edna,
    OneUptime,
}

/// A documented route.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    pub template: &'static str,
    pub dialect: Dialect,
}

const fn edna(template: &'static str) -> Route {
    Route { template, dialect: Dialect::Edna }
}

const fn oneuptime(template: &'static str) -> Route {
    Route { template, dialect: Dialect::OneUptime }
}

pub const HISTORY: &str = "/api/messages/history";

/// Every route that takes a key.
pub const ROUTES: [Route; 22] = [
    edna(HISTORY),
    edna("/api/cascade/schedule"),
    edna("/api/cascade/get-all"),
    edna("/api/channel-profile"),
    edna("/api/callback/set"),
    edna("/api/in-message/change-status"),
    edna("/v1/messages"),
    edna("/v1/messages/query"),
    edna("/v1/messages/{id}"),
    edna("/v1/changes"),
    edna("/v1/changes/query"),
    edna("/v1/statuses"),
    edna("/webhooks/edna"),
    edna("/webhooks/edna/messages"),
    edna("/webhooks/edna/statuses"),
    oneuptime("/api/whatsapp-log/get-list"),
    oneuptime("/api/whatsapp-log/count"),
    oneuptime("/api/whatsapp-log/:id/get-item"),
    oneuptime("/api/whatsapp-log/:id/update-item"),
    oneuptime("/api/whatsapp-log/:id/delete-item"),
    oneuptime("/api/whatsapp-log"),
    oneuptime("/api/whatsapp-log/:id"),
];

/// Routes of the server itself, which take no key.
pub const WITHOUT_KEY: [&str; 6] = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/{file:.*}"];

/// The route of a template, in either notation of a parameter.
pub fn find(template: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| is_same(route.template, template))
}

fn is_same(documented: &str, template: &str) -> bool {
    let mut segments = (documented.split('/'), template.split('/'));
    loop {
        match (segments.0.next(), segments.1.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || is_parameter(one) && is_parameter(other) => {}
            _ => return false,
        }
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with(':') || segment.starts_with('{') && segment.ends_with('}')
}
