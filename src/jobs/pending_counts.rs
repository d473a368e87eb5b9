//! Counts anew what waits, where a gateway of an earlier version has not kept count during an upgrade.

use std::time::Duration;

use crate::app::App;

/// Such a gateway ends soon; each that is new counts at its start.
pub const EVERY: Duration = Duration::from_hours(1);

pub async fn run(app: App) {
    if let Err(error) = app.ingest.recount().await {
        tracing::warn!(cause = %error, "what waits was not counted anew");
    }
}
