//! Recounts pending messages and other events, because a gateway of an earlier version does not update the counts
//! during an upgrade; knows no message.

use std::time::Duration;

use crate::app::App;

/// Gateways of an earlier version stop soon, and every new one recounts when it starts.
pub const EVERY: Duration = Duration::from_hours(1);

pub async fn run(app: App) {
    if let Err(error) = app.ingest.recount().await {
        tracing::warn!(cause = %error, "the counts of pending data could not be corrected");
    }
}
