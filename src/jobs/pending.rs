//! Takes in messages whose subject became known where the program that learned of it was ended before it could.

use std::time::Duration;

use crate::app::App;

/// As a rule, there are none.
pub const EVERY: Duration = Duration::from_secs(1);

pub async fn run(app: App) {
    if let Err(error) = app.ingest.process_all_pending().await {
        tracing::warn!(cause = %error, "messages that waited for their subject wait on");
    }
}
