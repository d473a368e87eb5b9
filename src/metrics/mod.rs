//! The metrics for Prometheus: requests, the ingest queue, the store, the process; `docs/metrics.md` describes each
//! one. No label contains an address, a text or a key; knows no route.

mod process;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::in_flight::InFlight;
use crate::ingest::IngestQueue;
use crate::model::Instant;
use crate::store::stats::StoreStats;
use crate::store::{LookupFor, Store, StoreError, stats};

/// How long reading the store's metrics may take before the last known values are returned instead.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// The upper bounds of the buckets of request durations, in seconds.
const BUCKETS: [f64; 15] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

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
struct Upstream {
    tenant: i64,
    upstream: String,
}

/// A replica's number in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Replica {
    replica: u32,
}

/// The metrics of one server.
pub struct Metrics {
    store: Store,
    ingest: IngestQueue,
    in_flight: InFlight,
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram>,
    dropped_lines: Counter,
    count_dropped_lines: Mutex<Box<dyn Fn() -> u64 + Send>>,
    bytes_in_flight: Gauge,
    change_readers: Gauge,
    queue_callers: Gauge,
    queue_bytes: Gauge,
    expensive_running: Gauge,
    expensive_waiting: Gauge,
    abandoned_threads: Gauge,
    wal_bytes: Gauge,
    replicas_in_use: Gauge,
    replica_lag: Family<Replica, Gauge<f64, AtomicU64>>,
    of_store: StoreMetrics,
}

/// The metrics that are read from the store.
#[derive(Default)]
struct StoreMetrics {
    up: Gauge,
    bytes: Gauge,
    pending_messages: Family<Tenant, Gauge>,
    other_events: Family<Tenant, Gauge>,
    search_behind: Family<Tenant, Gauge>,
    pull_lag: Family<Upstream, Gauge>,
    pull_success: Family<Upstream, Gauge<f64, AtomicU64>>,
}

impl Metrics {
    pub fn new(store: Store, ingest: IngestQueue, in_flight: InFlight) -> Self {
        let mut metrics = Self {
            store,
            ingest,
            in_flight,
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            dropped_lines: Counter::default(),
            count_dropped_lines: Mutex::new(Box::new(|| 0)),
            bytes_in_flight: Gauge::default(),
            change_readers: Gauge::default(),
            queue_callers: Gauge::default(),
            queue_bytes: Gauge::default(),
            expensive_running: Gauge::default(),
            expensive_waiting: Gauge::default(),
            abandoned_threads: Gauge::default(),
            wal_bytes: Gauge::default(),
            replicas_in_use: Gauge::default(),
            replica_lag: Family::default(),
            of_store: StoreMetrics::default(),
        };
        metrics.registry.register_collector(Box::new(process::Process));
        let registry = metrics.registry.sub_registry_with_prefix("history_gateway");
        registry.register("build", "The program's version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("requests", "Requests by route and status", metrics.requests.clone());
        registry.register("request_seconds", "Seconds until a request was answered", metrics.seconds.clone());
        let in_flight = "Bytes of request bodies and answers in memory";
        registry.register("bytes_in_flight", in_flight, metrics.bytes_in_flight.clone());
        let dropped = "Log lines that were dropped because standard error was not read fast enough";
        registry.register("log_lines_dropped", dropped, metrics.dropped_lines.clone());
        metrics.ingest.counters().register(registry);
        let readers = "Readers that wait for a change";
        registry.register("change_readers_waiting", readers, metrics.change_readers.clone());
        registry.register("queue_callers", "Callers that wait for a commit to begin", metrics.queue_callers.clone());
        registry.register("queue_bytes", "Bytes of events that wait for their commit", metrics.queue_bytes.clone());
        metrics.store.register_metrics(registry);
        let running = "Expensive queries that are running";
        registry.register("expensive_queries_running", running, metrics.expensive_running.clone());
        let waiting = "Expensive queries that wait for a slot";
        registry.register("expensive_queries_waiting", waiting, metrics.expensive_waiting.clone());
        let abandoned = "Threads that wait for a database that does not return";
        registry.register("abandoned_threads", abandoned, metrics.abandoned_threads.clone());
        if metrics.store.wal_bytes().is_some() {
            registry.register("store_wal_bytes", "Size of the write-ahead log's file", metrics.wal_bytes.clone());
        }
        if !metrics.store.replicas().is_empty() {
            let in_use = "Replicas that serve reads";
            registry.register("replicas_in_use", in_use, metrics.replicas_in_use.clone());
            let lag = "Seconds since the last transaction that a replica has applied, 0 if it has applied all";
            registry.register("replica_lag_seconds", lag, metrics.replica_lag.clone());
        }
        metrics.of_store.register(registry);
        metrics
    }

    /// Sets the function that returns the number of dropped log lines.
    pub fn count_dropped_lines(&self, count: impl Fn() -> u64 + Send + 'static) {
        *self.count_dropped_lines.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(count);
    }

    /// All metrics as OpenMetrics text.
    pub async fn open_metrics(&self, now: Instant) -> String {
        self.of_store.update(&self.store, now).await;
        self.update();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Counts a request that has a response.
    pub fn answered(&self, route: &str, status: u16, took: Duration) {
        self.requests.get_or_create(&Request { route: route.to_owned(), status }).inc();
        self.seconds.get_or_create(&Route { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Updates the metrics that are not counted as they happen and need no connection.
    fn update(&self) {
        let count = self.count_dropped_lines.lock().unwrap_or_else(PoisonError::into_inner);
        self.dropped_lines.inner().store(count(), Ordering::Relaxed);
        let set = |gauge: &Gauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        set(&self.bytes_in_flight, self.in_flight.bytes_in_use());
        set(&self.change_readers, self.store.change_signals().waiting());
        set(&self.queue_callers, self.ingest.callers_waiting());
        set(&self.queue_bytes, self.ingest.bytes_waiting());
        set(&self.expensive_running, self.store.expensive_running());
        set(&self.expensive_waiting, self.store.expensive_waiting());
        self.abandoned_threads.set(self.store.abandoned_threads().into());
        let replicas = self.store.replicas();
        set(&self.replicas_in_use, replicas.iter().filter(|replica| replica.is_in_use).count());
        self.replica_lag.clear();
        for (replica, status) in (1..).zip(&replicas) {
            if let Some(lag) = status.lag {
                self.replica_lag.get_or_create(&Replica { replica }).set(lag.as_secs_f64());
            }
        }
        self.wal_bytes.set(self.store.wal_bytes().and_then(|bytes| bytes.try_into().ok()).unwrap_or_default());
    }
}

impl StoreMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("store_up", "1 if the store responded in time, otherwise 0", self.up.clone());
        registry.register("store_bytes", "Size of the database", self.bytes.clone());
        let waiting = "Messages that wait until their subject is known";
        registry.register("pending_messages", waiting, self.pending_messages.clone());
        let other_events = "Events of webhooks that are neither messages nor statuses";
        registry.register("other_events", other_events, self.other_events.clone());
        let behind = "Changes of messages that are not in the text index yet";
        registry.register("search_changes_behind", behind, self.search_behind.clone());
        let lag = "Seconds since the instant up to which another endpoint's history is copied";
        registry.register("pull_lag_seconds", lag, self.pull_lag.clone());
        let success = "The instant up to which another endpoint's history is copied, in seconds since 1970";
        registry.register("pull_last_success_timestamp_seconds", success, self.pull_success.clone());
    }

    /// Reads the store's metrics, within a timeout. If that fails, the last values remain.
    async fn update(&self, store: &Store, now: Instant) {
        let read = async { Ok((store.quick_read(LookupFor::Gateway, stats::bytes).await?, store.stats().await?)) };
        match tokio::time::timeout(STORE_TIMEOUT, read).await.unwrap_or(Err(StoreError::Busy)) {
            Ok((bytes, stats)) => self.set(bytes, stats, now),
            Err(error) => {
                self.up.set(0);
                tracing::warn!(cause = %error, "the store's metrics could not be read");
            }
        }
    }

    fn set(&self, bytes: i64, stats: StoreStats, now: Instant) {
        self.up.set(1);
        self.bytes.set(bytes);
        self.pending_messages.clear();
        self.other_events.clear();
        for (tenant, counts) in stats.pending {
            let tenant = Tenant { tenant: tenant.0 };
            for (gauges, count) in
                [(&self.pending_messages, counts.messages), (&self.other_events, counts.other_events)]
            {
                if count > 0 {
                    gauges.get_or_create(&tenant).set(count);
                }
            }
        }
        self.search_behind.clear();
        for (tenant, changes) in stats.search_behind {
            self.search_behind.get_or_create(&Tenant { tenant: tenant.0 }).set(changes);
        }
        self.pull_lag.clear();
        self.pull_success.clear();
        for (tenant, upstream, up_to) in stats.pull_progress {
            let labels = Upstream { tenant: tenant.0, upstream };
            self.pull_lag.get_or_create(&labels).set((now.0 - up_to.0) / 1000);
            let since_1970 = Duration::from_millis(up_to.0.try_into().unwrap_or_default());
            self.pull_success.get_or_create(&labels).set(since_1970.as_secs_f64());
        }
    }
}
