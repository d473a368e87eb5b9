//! Pulls from the upstreams that the settings name, for as long as the gateway runs; knows no command.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Moment};

use crate::app::App;
use crate::config::{Config, PulledUpstream};
use crate::edna::pull::{Limits, Order, Patience, Pull as Pulling, PullError, Sum, Watch};
use crate::edna::upstream::{self, Upstream};
use crate::ingest::Recorded;
use crate::model::upstream::{UpstreamKey, UpstreamUrl};
use crate::model::{Instant, TenantId};

/// How often to say the same kind of thing again.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// A key from its file; otherwise a sentence that holds nothing of it.
pub fn key(path: &Path) -> Result<UpstreamKey, String> {
    let name = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("the key file '{name}' cannot be read: {error}"))?;
    UpstreamKey::parse(&text).map_err(|reason| format!("the key file '{name}' holds no key: {reason}"))
}

/// What the settings say of every pull.
pub fn order(config: &Config) -> Order {
    let pull = &config.pull;
    Order {
        from: None,
        to: None,
        tail: Duration::from_hours(pull.overlap_hours),
        every: Duration::from_secs(pull.poll_interval_seconds),
        patience: Patience::new(pull.requests_per_second, pull.attempts),
        limits: Limits::default(),
    }
}

/// Says something once, and then no more often than once a minute.
#[derive(Default)]
pub struct Seldom(Option<Moment>);

impl Seldom {
    /// One that was said a moment ago.
    pub fn said_now() -> Self {
        Self(Some(Moment::now()))
    }

    pub fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|said| said.elapsed() >= SAY_EVERY);
        if is_due {
            self.0 = Some(Moment::now());
        }
        is_due
    }
}

/// An upstream of the settings that a server pulls from.
pub struct Pulled {
    place: usize,
    tenant: TenantId,
    url: UpstreamUrl,
    key_file: PathBuf,
}

/// The upstreams that the settings name; refuses those without a key before anything else is done.
pub fn upstreams(config: &Config) -> Result<Vec<Pulled>, String> {
    let mut seen = HashSet::new();
    let upstream = |(place, setting): (usize, &PulledUpstream)| {
        let name = format!("pull.upstreams[{place}]");
        let wrong = |field, reason: &str| format!("the settings are wrong: {name}.{field}: {reason}");
        let url = UpstreamUrl::parse(&setting.url).map_err(|reason| wrong("url", reason))?;
        key(&setting.key_file).map_err(|reason| wrong("key_file", &reason))?;
        if !seen.insert((setting.tenant, url.clone())) {
            return Err(wrong("url", "the tenant has this upstream already; name it once"));
        }
        Ok(Pulled { place, tenant: TenantId(setting.tenant), url, key_file: setting.key_file.clone() })
    };
    config.pull.upstreams.iter().enumerate().map(upstream).collect()
}

/// Pulls from one upstream, and begins anew where that fails.
pub async fn run(app: App, order: Order, upstream: Pulled) {
    let mut failing = Seldom::default();
    loop {
        let (tenant, place) = (upstream.tenant.0, upstream.place);
        // Read anew each time, so that a key that was replaced needs no restart.
        let reason = match key(&upstream.key_file) {
            Ok(key) => follow(&app, &upstream, key, order.clone()).await.to_string(),
            Err(reason) => reason,
        };
        if failing.is_due() {
            tracing::warn!(tenant, upstream = place, reason, "an upstream is not pulled from; it is tried again");
        }
        tokio::time::sleep(order.every).await;
    }
}

async fn follow(app: &App, upstream: &Pulled, key: UpstreamKey, order: Order) -> PullError {
    let watch = Log {
        tenant: upstream.tenant.0,
        upstream: upstream.place,
        waiting: Seldom::default(),
        incomplete: Seldom::default(),
        rejected: Seldom::default(),
        told: Recorded::default(),
    };
    let clock = app.clock;
    let upstream = Upstream::new(upstream.url.clone(), key, upstream.tenant, upstream::PATIENCE);
    Pulling::new(app.door.clone(), upstream, order, move || clock.now(), watch).follow().await
}

/// Who reads a server's log.
struct Log {
    tenant: i64,
    upstream: usize,
    waiting: Seldom,
    incomplete: Seldom,
    rejected: Seldom,
    told: Recorded,
}

impl Watch for Log {
    fn rested(&mut self, sum: &Sum) {
        let Recorded { imported, updated, .. } = sum.recorded;
        if (imported, updated) != (self.told.imported, self.told.updated) {
            self.told = sum.recorded;
            tracing::info!(
                tenant = self.tenant,
                upstream = self.upstream,
                imported,
                updated,
                "pulled, since the start"
            );
        }
    }

    fn rejected(&mut self, place: &str, reason: &str) {
        if self.rejected.is_due() {
            tracing::warn!(tenant = self.tenant, upstream = self.upstream, place, reason, "a message was rejected");
        }
    }

    fn waits(&mut self, reason: &str, pause: Duration) {
        if self.waiting.is_due() {
            let seconds = pause.as_secs();
            tracing::warn!(
                tenant = self.tenant,
                upstream = self.upstream,
                seconds,
                reason,
                "an upstream is asked again"
            );
        }
    }

    fn incomplete(&mut self, from: Instant, to: Instant, reason: &str) {
        if self.incomplete.is_due() {
            let (from, to) = (from.iso(), to.iso());
            tracing::warn!(tenant = self.tenant, upstream = self.upstream, from, to, reason, "messages may be missing");
        }
    }
}
