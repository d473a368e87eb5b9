//! Processes pending messages whose subject is known by now, if the process that learned the subject stopped before it
//! did; knows no message.

use std::time::Duration;

use crate::app::App;

/// Usually there are none, so a run is cheap.
pub const INTERVAL: Duration = Duration::from_secs(1);

pub async fn run(app: App) {
    if let Err(error) = app.ingest.process_all_pending().await {
        tracing::warn!(cause = %error, "pending messages could not be processed; they stay pending");
    }
}
