//! `pull` copies another endpoint's history into the store, whatever that endpoint does.

mod commands;
mod fake_upstream;
mod inconsistent_pages;
mod upstream_errors;
mod windows;

use std::time::Duration;

use history_gateway::model::upstream::{UpstreamKey, UpstreamUrl};
use history_gateway::model::{Instant, TenantId};
use history_gateway::pull::upstream::Upstream;
use history_gateway::pull::{Observer, Pull, PullError, PullLimits, PullOptions, PullStats, RetryPolicy};
use history_gateway::store::messages;
use serde_json::{Value, json};

use crate::support::{NOW, TENANT, TestApp, instant, message};
use fake_upstream::FakeUpstream;

/// The events that a pull reported, a line each.
#[derive(Default)]
struct Events(Vec<String>);

impl Observer for Events {
    fn resumes_from(&mut self, requested_from: Instant) {
        self.0.push(format!("goes on after {}", requested_from.iso()));
    }

    fn rejected(&mut self, position: &str, reason: &str) {
        self.0.push(format!("{position}: {reason}"));
    }

    fn retrying(&mut self, reason: &str, pause: Duration) {
        self.0.push(format!("waits {pause:?}: {reason}"));
    }

    fn incomplete(&mut self, from: Instant, to: Instant, reason: &str) {
        self.0.push(format!("{} to {}: {reason}", from.iso(), to.iso()));
    }
}

/// The outcome of a pull.
struct Outcome {
    result: Result<bool, PullError>,
    stats: PullStats,
    events: Vec<String>,
}

impl Outcome {
    /// `imported+updated+unchanged`, with `incomplete` or the error.
    fn summary(&self) -> String {
        let recorded = self.stats.recorded;
        let counts = format!("{}+{}+{}", recorded.imported, recorded.updated, recorded.unchanged);
        match &self.result {
            Ok(true) => counts,
            Ok(false) => format!("{counts} incomplete"),
            Err(error) => format!("{counts} {error}"),
        }
    }
}

/// How the tests pull: pages of ten, windows of at most fifty messages, and hardly a pause.
fn options() -> PullOptions {
    PullOptions {
        from: None,
        to: None,
        overlap: Duration::from_hours(48),
        poll_interval: Duration::from_millis(1),
        retry: RetryPolicy {
            requests_per_second: 1e6,
            attempts: Some(4),
            initial_backoff: Duration::from_micros(10),
            max_backoff: Duration::from_micros(20),
            max_retry_after: Duration::from_millis(5),
        },
        limits: PullLimits { page_size: 10, max_offset: 50, max_pages_per_window: 30, ..PullLimits::default() },
    }
}

fn upstream(fake: &FakeUpstream, tenant: TenantId, retry: Duration) -> Upstream {
    let key = UpstreamKey::parse("the-key-of-another-account").unwrap();
    Upstream::new(UpstreamUrl::parse(&fake.url).unwrap(), key, tenant, retry)
}

async fn pull(app: &TestApp, fake: &FakeUpstream, change: impl FnOnce(&mut PullOptions)) -> Outcome {
    pull_at(app, fake, NOW, change).await
}

async fn pull_at(app: &TestApp, fake: &FakeUpstream, now: &str, change: impl FnOnce(&mut PullOptions)) -> Outcome {
    let mut options = options();
    change(&mut options);
    let (upstream, now) = (upstream(fake, TENANT, Duration::from_secs(20)), instant(now));
    let mut pull = Pull::new(app.gateway.app.ingest.clone(), upstream, options, move || now, Events::default());
    let result = pull.run_once().await;
    Outcome { result, stats: pull.stats(), events: std::mem::take(&mut pull.observer().0) }
}

/// All items of a store, as it exports them.
async fn exported_items(app: &TestApp) -> Vec<String> {
    let all = |connection: &mut _| messages::page_after(connection, TENANT, i64::MIN, (None, None), 1_000_000);
    app.store.read_primary(all).await.unwrap().into_iter().map(|(_, item)| item).collect()
}

/// The items of a store after an import of these messages.
async fn items_after_import(items: impl IntoIterator<Item = Value>) -> Vec<String> {
    let app = TestApp::new().await;
    app.import(items).await;
    exported_items(&app).await
}

/// Messages at these times, with ids from one on.
fn messages_at(times: impl IntoIterator<Item = String>) -> Vec<Value> {
    (1..).zip(times).map(|(id, time)| message(id, json!({"sentOrReceivedAt": time}))).collect()
}

/// So many messages, one each minute from an instant on.
fn messages_each_minute(first: &str, count: i64) -> Vec<Value> {
    let first = instant(first);
    messages_at((0..count).map(|minute| Instant(first.0 + minute * 60_000).iso()))
}
