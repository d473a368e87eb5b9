//! What every part of a running gateway is handed: the store, the way into it, the keys and the clock; knows no request.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::ingest::Door;
use crate::keys::Keys;
use crate::store::Store;

/// One running gateway; clones share it.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub door: Door,
    pub keys: Arc<Keys>,
    pub clock: Clock,
}

impl App {
    /// Call it on the runtime that is to write what feeds bring.
    pub fn new(config: &Config, store: Store, clock: Clock) -> Self {
        let keys = Keys::new(store.clone(), config.edna.requests_per_second, config.auth.wrong_keys_per_minute);
        Self { door: Door::new(store.clone(), config.ingest_limits()), keys: Arc::new(keys), store, clock }
    }
}
