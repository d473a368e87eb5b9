//! Creates the partitions of the coming months, so that no write has to wait for one; knows no message.

use std::time::Duration;

use crate::app::App;

/// A partition is created long before the first day of its month.
pub const INTERVAL: Duration = Duration::from_hours(1);

pub async fn run(app: App) {
    if let Err(error) = app.store.create_partitions_ahead(app.clock.now()).await {
        tracing::warn!(cause = %error, "the partitions of the coming months were not created");
    }
}
