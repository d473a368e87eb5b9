//! `GET /metrics`, for Prometheus: requests, the door, the store. No label holds an address, a text or a key.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::Gateway;
use crate::edna::routes::Edna;
use crate::model::Instant;
use crate::store::{StoreError, stock};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tenant {
    tenant: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pulled {
    tenant: i64,
    upstream: String,
}

/// The numbers of one server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram>,
    queue_callers: Gauge,
    queue_bytes: Gauge,
    store_bytes: Gauge,
    waiting: Family<Tenant, Gauge>,
    other_events: Family<Tenant, Gauge>,
    pull_lag: Family<Pulled, Gauge>,
    dropped_lines: Counter,
    count_dropped_lines: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Metrics {
    pub fn new(edna: &Edna) -> Self {
        // 0.1 ms to 26 s.
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0001, 4.0, 10));
        let mut metrics = Self {
            registry: Registry::with_prefix("history_gateway"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            queue_callers: Gauge::default(),
            queue_bytes: Gauge::default(),
            store_bytes: Gauge::default(),
            waiting: Family::default(),
            other_events: Family::default(),
            pull_lag: Family::default(),
            dropped_lines: Counter::default(),
            count_dropped_lines: Box::new(|| 0),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests by route and status", metrics.requests.clone());
        registry.register("request_seconds", "Seconds until a request was answered", metrics.seconds.clone());
        edna.store.counters().register(registry);
        edna.door.counters().register(registry);
        registry.register("queue_callers", "Callers that wait for a commit to begin", metrics.queue_callers.clone());
        registry.register("queue_bytes", "Bytes of events that wait for their commit", metrics.queue_bytes.clone());
        registry.register("store_bytes", "Size of the database", metrics.store_bytes.clone());
        let waiting = "Messages that wait for somebody to tell of their subject";
        registry.register("messages_waiting", waiting, metrics.waiting.clone());
        let other_events = "Events of webhooks that are neither messages nor statuses";
        registry.register("other_events", other_events, metrics.other_events.clone());
        let lag = "Seconds since the instant up to which another endpoint's history is copied";
        registry.register("pull_lag_seconds", lag, metrics.pull_lag.clone());
        let dropped = "Log lines that were dropped because standard error took no more";
        registry.register("log_lines_dropped", dropped, metrics.dropped_lines.clone());
        metrics
    }

    /// Says who knows how many log lines were dropped.
    pub fn count_dropped_lines(&mut self, count: impl Fn() -> u64 + Send + Sync + 'static) {
        self.count_dropped_lines = Box::new(count);
    }

    /// Counts a request that was answered.
    pub fn answered(&self, route: &str, status: u16, took: Duration) {
        self.requests.get_or_create(&Request { route: route.to_owned(), status }).inc();
        self.seconds.get_or_create(&Route { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Looks at what is not counted as it happens.
    async fn look(&self, edna: &Edna, now: Instant) -> Result<(), StoreError> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.dropped_lines.inner().store((self.count_dropped_lines)(), Ordering::Relaxed);
        self.queue_callers.set(number(edna.door.callers_waiting()));
        self.queue_bytes.set(number(edna.door.bytes_waiting()));
        let stock = edna.store.read(stock::take).await?;
        self.store_bytes.set(stock.bytes);
        self.waiting.clear();
        self.other_events.clear();
        for (tenant, counts) in stock.waiting {
            let tenant = Tenant { tenant: tenant.0 };
            for (gauges, count) in [(&self.waiting, counts.messages), (&self.other_events, counts.other_events)] {
                if count > 0 {
                    gauges.get_or_create(&tenant).set(count);
                }
            }
        }
        self.pull_lag.clear();
        for (tenant, upstream, up_to) in stock.pulled {
            self.pull_lag.get_or_create(&Pulled { tenant: tenant.0, upstream }).set((now.0 - up_to.0) / 1000);
        }
        Ok(())
    }
}

/// The numbers as text. What the store would tell is left as it was where the store is away.
pub async fn metrics(gateway: web::Data<Gateway>) -> HttpResponse {
    if let Err(error) = gateway.metrics.look(&gateway.edna, gateway.clock.now()).await {
        tracing::warn!(cause = %error, "the store told no numbers");
    }
    let mut text = String::new();
    // A text has room for whatever is written to it.
    let _ = encode(&mut text, &gateway.metrics.registry);
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
}
