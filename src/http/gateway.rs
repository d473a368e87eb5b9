//! What handlers have: the app, the dialects, and the settings of the server; knows no route.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpRequest, web};

use super::body::{Reading, Rest};
use super::metrics::Metrics;
use super::{body, client, docs, openapi, unanswered};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Ingest, Server};
use crate::edna::routes::Edna;
use crate::keys::Presented;
use crate::model::TenantId;
use crate::model::ask::{Body, Denial};
use crate::oneuptime::routes::OneUptime;
use crate::store::Store;
use crate::web::InFlight;

/// Everything a request can need.
pub struct Gateway {
    pub app: App,
    pub(super) edna: Edna,
    pub(super) oneuptime: OneUptime,
    pub(super) metrics: Metrics,
    pub(super) in_flight: InFlight,
    pub(super) document: openapi::Shared,
    pub(super) server: Server,
    pub(super) ingest: Ingest,
    pub(super) webhook_header: String,
    pub(super) stopping: AtomicBool,
    pub(super) docs: docs::Files,
}

impl Gateway {
    /// Call it on the runtime that is to write what feeds bring.
    pub fn new(config: &Config, store: Store, clock: Clock) -> Self {
        let in_flight = InFlight::new(config.server.bytes_in_flight);
        let app = App::new(config, store, clock);
        Self {
            metrics: Metrics::new(&app),
            edna: Edna { app: app.clone(), policy: config.policy(), in_flight: in_flight.clone() },
            oneuptime: OneUptime { app: app.clone(), profile: config.profile(), in_flight: in_flight.clone() },
            app,
            in_flight,
            document: openapi::Shared::default(),
            server: config.server.clone(),
            ingest: config.ingest.clone(),
            webhook_header: config.webhooks.header.clone(),
            stopping: AtomicBool::new(false),
            docs: docs::Files::new(&[]),
        }
    }

    /// With keys that its page shows to everybody who opens it.
    #[must_use]
    pub fn showing(self, keys: &[docs::ShownKey]) -> Self {
        Self { docs: docs::Files::new(keys), ..self }
    }

    /// Has `/metrics` tell how many log lines were dropped.
    #[must_use]
    pub fn counting_dropped_lines(mut self, dropped: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.metrics.count_dropped_lines(dropped);
        self
    }

    /// The key that stands in a request's header.
    pub(super) fn presented<'a>(&self, request: &'a HttpRequest, header: &'a str) -> Presented<'a> {
        let key = match request.headers().get(header) {
            None => Err(Denial::NoKey),
            Some(value) => value.to_str().ok().filter(|text| !text.trim().is_empty()).ok_or(Denial::UnknownKey),
        };
        Presented { key, from: client::address(request, &self.server.trusted_proxies) }
    }

    /// Reads a request's body, of which no more than `limit` bytes are kept.
    pub(super) async fn body(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        tenant: Option<TenantId>,
        limit: usize,
    ) -> (Body, Rest) {
        self.weighed_body(request, payload, tenant, limit, 1).await
    }

    pub(super) async fn weighed_body(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        tenant: Option<TenantId>,
        limit: usize,
        weight: usize,
    ) -> (Body, Rest) {
        // What follows is meant for somebody else, and has no end.
        if request.method() == Method::CONNECT {
            return (Body::Incomplete, Rest::of(payload));
        }
        let patience = Duration::from_secs(self.server.body_timeout_seconds);
        let reading = Reading { limit, weight, patience };
        let in_flight = tenant.map_or_else(|| self.in_flight.clone(), |tenant| self.in_flight.of(tenant));
        let read = body::read(request.headers(), payload, reading, &in_flight).await;
        unanswered::body_is_read(request);
        read
    }
}
