//! Builds the WhatsApp log of tenants whose messages could not be read when the server started; knows no message.

use std::time::Duration;

use crate::app::App;
use crate::ingest::logs;

/// Usually there are none, so a run is cheap.
pub const INTERVAL: Duration = Duration::from_mins(1);

pub async fn run(app: App) {
    if let Err(error) = logs::catch_up(&app.store, |_| {}).await {
        tracing::warn!(cause = %error, "the WhatsApp log of some messages was not built");
    }
}
