//! Tests whether the store accepts writes, so that `/readyz` need not wait for the write lock; knows no SQL.

use std::time::Duration;

use crate::app::App;

/// How old the result that `/readyz` uses may be.
pub const INTERVAL: Duration = Duration::from_secs(5);

pub async fn run(app: App) {
    if let Err(error) = app.store.probe().await {
        tracing::warn!(cause = %error, "the store could not be written to");
    }
}
