//! One server: the app, and what only the web server needs; knows no route.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actix_web::web::Data;
use tokio::sync::Semaphore;

use super::compress::MAX_COMPRESSIONS;
use super::{docs, openapi};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::console::Console;
use crate::store::Store;

/// What the server's own handlers share.
pub struct Gateway {
    pub app: App,
    pub(super) document: Data<openapi::Shared>,
    pub(super) stopping: AtomicBool,
    pub(super) docs: Data<docs::Files>,
    pub(super) console: Data<Console>,
    pub(super) compressions: Arc<Semaphore>,
}

impl Gateway {
    /// Must be called on the runtime that is to run the ingest commits.
    pub fn new(config: &Config, store: Store, clock: Clock) -> Self {
        Self {
            app: App::new(config, store, clock),
            document: Data::new(openapi::Shared::default()),
            stopping: AtomicBool::new(false),
            docs: Data::new(docs::Files::new(&[])),
            console: Data::new(Console::default()),
            compressions: Arc::new(Semaphore::new(MAX_COMPRESSIONS)),
        }
    }

    /// The same gateway, with keys that its page shows to everyone who opens it.
    #[must_use]
    pub fn showing(self, keys: &[docs::ShownKey]) -> Self {
        Self { docs: Data::new(docs::Files::new(keys)), ..self }
    }
}
