//! Brings the text index of each tenant forward in the background, without delaying those who write; knows no search.

use std::time::{Duration, Instant};

use crate::app::App;
use crate::store::StoreError;
use crate::store::search::indexing;

/// How often the job looks for what is new.
pub const INTERVAL: Duration = Duration::from_millis(200);

/// How many messages one transaction indexes.
const BATCH: i64 = 500;

/// While others write, the job pauses 15 times as long as its transaction took, so it uses a sixteenth of the writer's time.
const PAUSE_FACTOR: u32 = 15;

/// While others write, one round over all tenants takes at least this long, because a writer of SQLite rereads its pages
/// after each transaction.
const MIN_ROUND: Duration = Duration::from_millis(100);

pub async fn run(app: App) {
    if !app.config.search.enabled {
        return;
    }
    if let Err(error) = index_all(&app).await {
        tracing::warn!(cause = %error, "the text indexes were not brought up to date");
    }
}

/// Indexes in turn what is left of each tenant, until nothing is.
async fn index_all(app: &App) -> Result<(), StoreError> {
    let mut behind = app.store.tenants_to_index().await?;
    let mut commits = app.ingest.commits();
    while !behind.is_empty() {
        let round_started = Instant::now();
        let mut others_write = false;
        let mut still_behind = Vec::new();
        for tenant in behind {
            let now = app.clock.now();
            // Without the time for which it waits for another writer.
            let timed_step = move |connection: &mut _| {
                let started = Instant::now();
                indexing::step(connection, tenant, BATCH, now).map(|step| (step, started))
            };
            let mut took = Duration::ZERO;
            match app.store.write(timed_step).await {
                Ok((step, started)) => {
                    took = started.elapsed();
                    if step.is_behind {
                        still_behind.push(tenant);
                    }
                }
                Err(StoreError::UnknownTenant(_)) => {}
                // Another tenant's server may work.
                Err(error) => tracing::warn!(cause = %error, %tenant, "the text index was not brought up to date"),
            }
            let commits_now = app.ingest.commits();
            if commits_now != commits || app.ingest.callers_waiting() > 0 {
                commits = commits_now;
                others_write = true;
                tokio::time::sleep(took * PAUSE_FACTOR).await;
            }
        }
        if others_write {
            tokio::time::sleep(MIN_ROUND.saturating_sub(round_started.elapsed())).await;
        }
        behind = still_behind;
    }
    Ok(())
}
