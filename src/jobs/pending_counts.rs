//! Corrects the counts of pending messages and other events, because a gateway of an earlier version does not update
//! them during an upgrade; knows no message.

use std::time::Duration;

use crate::app::App;

/// Gateways of an earlier version stop soon, and every new one corrects the counts when it starts.
pub const INTERVAL: Duration = Duration::from_hours(1);

pub async fn run(app: App) {
    if let Err(error) = app.ingest.correct_pending_counts().await {
        tracing::warn!(cause = %error, "the counts of pending data could not be corrected");
    }
}
