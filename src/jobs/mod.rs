//! The background jobs of a running gateway: one file each, and the list that starts and stops them; knows no request.

mod audit;
mod blocks;
mod changes;
mod key_uses;
mod partitions;
mod pending;
mod pending_counts;
mod probe;
pub mod pulls;
mod search;
mod whatsapp_logs;

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::app::App;
use crate::config::Config;

use pulls::UpstreamJob;

/// The running jobs; dropping this aborts them.
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Starts every job, including a pull from each upstream. Must be called within a `LocalSet` or an actix runtime.
    pub fn start(app: &App, config: &Config, upstreams: Vec<UpstreamJob>) -> Self {
        let mut jobs = JoinSet::new();
        for upstream in upstreams {
            jobs.spawn_local(pulls::run(app.clone(), pulls::options(config), upstream));
        }
        jobs.spawn_local(every(audit::INTERVAL, app, audit::run));
        jobs.spawn_local(every(audit::SUMMARY_INTERVAL, app, audit::summarize));
        jobs.spawn_local(every(blocks::INTERVAL, app, blocks::run));
        jobs.spawn_local(every(changes::INTERVAL, app, changes::run));
        jobs.spawn_local(every(key_uses::INTERVAL, app, key_uses::run));
        jobs.spawn_local(every(partitions::INTERVAL, app, partitions::run));
        jobs.spawn_local(every(pending::INTERVAL, app, pending::run));
        jobs.spawn_local(every(pending_counts::INTERVAL, app, pending_counts::run));
        jobs.spawn_local(every(probe::INTERVAL, app, probe::run));
        jobs.spawn_local(every(search::INTERVAL, app, search::run));
        jobs.spawn_local(every(whatsapp_logs::INTERVAL, app, whatsapp_logs::run));
        Self(jobs)
    }

    /// Aborts every job and saves what would otherwise be lost, within a timeout, so that a database that does not
    /// return cannot block the shutdown.
    pub async fn stop(mut self, app: &App, within: Duration) {
        self.0.abort_all();
        if tokio::time::timeout(within, key_uses::run(app.clone())).await.is_err() {
            tracing::warn!("the last uses of keys were not saved: the store does not respond");
        }
        if tokio::time::timeout(within, audit::finish(app.clone())).await.is_err() {
            tracing::warn!("the last records of the audit log were not written: the store does not respond");
        }
    }
}

/// Runs a job at once, and then periodically.
fn every<F: Future<Output = ()>>(period: Duration, app: &App, job: fn(App) -> F) -> impl Future<Output = ()> + use<F> {
    let app = app.clone();
    async move {
        let mut ticks = tokio::time::interval(period);
        loop {
            ticks.tick().await;
            job(app.clone()).await;
        }
    }
}
