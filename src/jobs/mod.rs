//! What a running gateway does beside requests: one file a job, and the one list that starts and stops them.

mod key_uses;
mod partitions;
mod pending;
mod pending_counts;
mod probe;
pub mod pulls;

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::app::App;
use crate::config::Config;

use pulls::Pulled;

/// The jobs that run; they end with this.
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Starts every job, a pull from each upstream among them. Call it from a thread that runs local tasks.
    pub fn start(app: &App, config: &Config, upstreams: Vec<Pulled>) -> Self {
        let mut jobs = JoinSet::new();
        for upstream in upstreams {
            jobs.spawn_local(pulls::run(app.clone(), pulls::options(config), upstream));
        }
        jobs.spawn_local(every(key_uses::EVERY, app, key_uses::run));
        jobs.spawn_local(every(partitions::EVERY, app, partitions::run));
        jobs.spawn_local(every(pending::EVERY, app, pending::run));
        jobs.spawn_local(every(pending_counts::EVERY, app, pending_counts::run));
        jobs.spawn_local(every(probe::EVERY, app, probe::run));
        Self(jobs)
    }

    /// Ends every job, and does what would be lost otherwise. A database that hangs keeps no server from its end.
    pub async fn stop(mut self, app: &App, within: Duration) {
        self.0.abort_all();
        if tokio::time::timeout(within, key_uses::run(app.clone())).await.is_err() {
            tracing::warn!("the last uses of keys were not written down: the store does not answer");
        }
    }
}

/// Runs a job at once, and then again and again.
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
