//! Writes the records of the audit log that wait; knows no record.

use std::time::Duration;

use crate::app::App;

/// Records of API requests are on disk after this time and that of a commit.
pub const INTERVAL: Duration = Duration::from_millis(100);

/// How often the reads of keys are summarized.
pub const SUMMARY_INTERVAL: Duration = Duration::from_mins(1);

pub async fn run(app: App) {
    // In a task of its own, which goes on when the jobs are aborted: a batch that is being written must not be dropped.
    let _ = tokio::task::spawn_local(flush(app)).await;
}

async fn flush(app: App) {
    if let Err(error) = app.audit.flush(app.clock.now()).await
        && app.audit.may_log()
    {
        error.log("records of the audit log were not written yet");
    }
}

pub async fn summarize(app: App) {
    app.audit.summarize(app.clock.now());
}

/// Writes what is left when the server stops.
pub async fn finish(app: App) {
    app.audit.summarize(app.clock.now());
    // Waits for one that has begun.
    flush(app).await;
}
