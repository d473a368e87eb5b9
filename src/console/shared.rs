//! What all pages share, and whether there is a console; knows no page.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::assets::Asset;
use super::texts::Texts;
use crate::app::App;
use crate::store::StoreError;

pub struct Console {
    pub(super) texts: Texts,
    pub(super) style: Asset,
    pub(super) icon: Asset,
    pub(super) script: Asset,
    pub(super) htmx: Asset,
    /// Whether there was a user at any time. Until then, there is no console.
    has_users: AtomicBool,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            texts: Texts::default(),
            style: Asset::style(),
            icon: Asset::icon(),
            script: Asset::script(),
            htmx: Asset::htmx(),
            has_users: AtomicBool::new(false),
        }
    }
}

impl Console {
    /// The files that pages refer to.
    pub(super) fn files(&self) -> [&Asset; 4] {
        [&self.style, &self.icon, &self.script, &self.htmx]
    }

    /// Whether there is a console: it is switched on, and somebody may use it.
    pub(super) async fn exists(&self, app: &App, from: Option<IpAddr>) -> Result<bool, StoreError> {
        if !app.config.console.enabled {
            return Ok(false);
        }
        if self.has_users.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let has_users = app.sign_in.has_users(from).await?;
        if has_users {
            self.has_users.store(true, Ordering::Relaxed);
        }
        Ok(has_users)
    }
}
