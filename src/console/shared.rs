//! What all pages share, and whether there is a console; knows no page.

use std::sync::atomic::{AtomicBool, Ordering};

use super::assets::Asset;
use super::texts::Texts;
use crate::app::App;

pub struct Console {
    pub(super) texts: Texts,
    pub(super) style: Asset,
    /// Whether there was a user at any time. Until then, there is no console.
    has_users: AtomicBool,
}

impl Default for Console {
    fn default() -> Self {
        Self { texts: Texts::default(), style: Asset::style(), has_users: AtomicBool::new(false) }
    }
}

impl Console {
    /// Whether there is a console: it is switched on, and somebody may use it.
    pub(super) async fn is_open(&self, app: &App) -> bool {
        if !app.config.console.enabled {
            return false;
        }
        if self.has_users.load(Ordering::Relaxed) {
            return true;
        }
        let has_users = app.sign_in.has_users().await;
        if let Ok(true) = has_users {
            self.has_users.store(true, Ordering::Relaxed);
        }
        // While the store does not answer, the pages say so.
        has_users.unwrap_or(true)
    }
}
