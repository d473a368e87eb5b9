//! What every part of a running gateway shares: store, ingest queue, keys, sign-in, audit log, counts, clock, metrics,
//! settings; knows no request.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::in_flight::InFlight;
use crate::ingest::IngestQueue;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::result_cache::ResultCache;
use crate::sign_in::SignIn;
use crate::store::Store;
use crate::store::messages::counts::{CountsKey, WindowCounts};

/// One running gateway; clones share it.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub ingest: IngestQueue,
    pub keys: Arc<Keys>,
    pub sign_in: Arc<SignIn>,
    pub audit: Arc<Audit>,
    pub counts: Arc<ResultCache<CountsKey, Arc<WindowCounts>>>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub in_flight: InFlight,
    pub config: Arc<Config>,
}

impl App {
    /// Must be called on the runtime that is to run the ingest commits.
    pub fn new(config: &Config, store: Store, clock: Clock) -> Self {
        let keys = Keys::new(store.clone(), config.edna.requests_per_second, config.auth.wrong_keys_per_minute)
            .remembering(Duration::from_secs(config.auth.remember_keys_seconds));
        let ingest = IngestQueue::new(store.clone(), config.ingest_limits());
        let audit = Arc::new(Audit::new(store.clone(), &config.audit));
        let in_flight = InFlight::new(config.server.bytes_in_flight);
        Self {
            metrics: Arc::new(Metrics::new(store.clone(), ingest.clone(), in_flight.clone())),
            keys: Arc::new(keys),
            sign_in: Arc::new(SignIn::new(store.clone(), Arc::clone(&audit), &config.console)),
            audit,
            counts: Arc::default(),
            in_flight,
            config: Arc::new(config.clone()),
            ingest,
            store,
            clock,
        }
    }
}
