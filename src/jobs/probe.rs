//! Tries whether the store can be written to, so that `/readyz` knows without waiting for a writer.

use std::time::Duration;

use crate::app::App;

/// How long `/readyz` may be behind.
pub const EVERY: Duration = Duration::from_secs(5);

pub async fn run(app: App) {
    if let Err(error) = app.store.probe().await {
        tracing::warn!(cause = %error, "the store could not be written to");
    }
}
