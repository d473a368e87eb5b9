//! One server: the app, and what only the web server needs; knows no route.

use std::sync::atomic::AtomicBool;

use super::{docs, openapi};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;

/// What the server's own handlers share.
pub struct Gateway {
    pub app: App,
    pub(super) document: openapi::Shared,
    pub(super) stopping: AtomicBool,
    pub(super) docs: docs::Files,
}

impl Gateway {
    /// Must be called on the runtime that is to run the ingest commits.
    pub fn new(config: &Config, store: Store, clock: Clock) -> Self {
        Self {
            app: App::new(config, store, clock),
            document: openapi::Shared::default(),
            stopping: AtomicBool::new(false),
            docs: docs::Files::new(&[]),
        }
    }

    /// The same gateway, with keys that its page shows to everyone who opens it.
    #[must_use]
    pub fn showing(self, keys: &[docs::ShownKey]) -> Self {
        Self { docs: docs::Files::new(keys), ..self }
    }
}
