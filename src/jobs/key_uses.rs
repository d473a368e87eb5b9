//! Saves when keys were last used, for `key list`; knows no key.

use std::time::Duration;

use crate::app::App;

/// `key list` need not be exact to the second.
pub const INTERVAL: Duration = Duration::from_secs(10);

pub async fn run(app: App) {
    if let Err(error) = app.keys.save_last_uses().await {
        tracing::warn!(cause = %error, "the last uses of keys were not saved");
    }
}
