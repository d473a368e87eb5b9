//! Pulls from the upstreams in the settings for as long as the gateway runs; knows no command.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Moment};

use crate::app::App;
use crate::config::{Config, PulledUpstream};
use crate::ingest::OutcomeCounts;
use crate::model::upstream::{UpstreamKey, UpstreamUrl};
use crate::model::{Instant, TenantId};
use crate::pull::upstream::{self, Upstream};
use crate::pull::{Observer, Pull as Pulling, PullError, PullLimits, PullOptions, PullStats, RetryPolicy};

/// The minimum interval between log lines of the same kind.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// Reads a key from its file; an error never contains any of the file's text.
pub fn key(path: &Path) -> Result<UpstreamKey, String> {
    let name = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("the key file '{name}' cannot be read: {error}"))?;
    UpstreamKey::parse(&text).map_err(|reason| format!("the key file '{name}' holds no key: {reason}"))
}

/// The options of every pull, from the settings.
pub fn options(config: &Config) -> PullOptions {
    let pull = &config.pull;
    PullOptions {
        from: None,
        to: None,
        overlap: Duration::from_hours(pull.overlap_hours),
        poll_interval: Duration::from_secs(pull.poll_interval_seconds),
        retry: RetryPolicy::new(pull.requests_per_second, pull.attempts),
        limits: PullLimits::default(),
    }
}

/// Limits log lines of one kind to one a minute; the first is due at once.
#[derive(Default)]
pub struct LogThrottle(Option<Moment>);

impl LogThrottle {
    /// A throttle for a line that was logged just now.
    pub fn starting_now() -> Self {
        Self(Some(Moment::now()))
    }

    pub fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL);
        if is_due {
            self.0 = Some(Moment::now());
        }
        is_due
    }
}

/// An upstream from the settings, which the server pulls from.
pub struct UpstreamJob {
    place: usize,
    tenant: TenantId,
    url: UpstreamUrl,
    key_file: PathBuf,
}

/// The upstreams in the settings. Fails before anything is pulled if an address is invalid or listed twice, or if a key
/// cannot be read.
pub fn upstreams(config: &Config) -> Result<Vec<UpstreamJob>, String> {
    let mut seen = HashSet::new();
    let upstream = |(place, setting): (usize, &PulledUpstream)| {
        let name = format!("pull.upstreams[{place}]");
        let wrong = |field, reason: &str| format!("the settings are wrong: {name}.{field}: {reason}");
        let url = UpstreamUrl::parse(&setting.url).map_err(|reason| wrong("url", reason))?;
        key(&setting.key_file).map_err(|reason| wrong("key_file", &reason))?;
        if !seen.insert((setting.tenant, url.clone())) {
            return Err(wrong("url", "the tenant has this upstream already; name it once"));
        }
        Ok(UpstreamJob { place, tenant: TenantId(setting.tenant), url, key_file: setting.key_file.clone() })
    };
    config.pull.upstreams.iter().enumerate().map(upstream).collect()
}

/// Pulls from one upstream, and starts again after an interval if that fails.
pub async fn run(app: App, options: PullOptions, upstream: UpstreamJob) {
    let mut failing = LogThrottle::default();
    loop {
        let (tenant, place) = (upstream.tenant.0, upstream.place);
        // The key is read again each time, so that replacing it needs no restart.
        let reason = match key(&upstream.key_file) {
            Ok(key) => follow(&app, &upstream, key, options.clone()).await.to_string(),
            Err(reason) => reason,
        };
        if failing.is_due() {
            tracing::warn!(tenant, upstream = place, reason, "a pull failed and is retried");
        }
        tokio::time::sleep(options.poll_interval).await;
    }
}

async fn follow(app: &App, upstream: &UpstreamJob, key: UpstreamKey, options: PullOptions) -> PullError {
    let observer = LogObserver {
        tenant: upstream.tenant.0,
        upstream: upstream.place,
        retries: LogThrottle::default(),
        incomplete: LogThrottle::default(),
        rejected: LogThrottle::default(),
        last_logged: OutcomeCounts::default(),
    };
    let clock = app.clock.clone();
    let upstream = Upstream::new(upstream.url.clone(), key, upstream.tenant, upstream::TIMEOUT);
    Pulling::new(app.ingest.clone(), upstream, options, move || clock.now(), observer).follow().await
}

/// Reports a pull in the server's log.
struct LogObserver {
    tenant: i64,
    upstream: usize,
    retries: LogThrottle,
    incomplete: LogThrottle,
    rejected: LogThrottle,
    last_logged: OutcomeCounts,
}

impl Observer for LogObserver {
    fn caught_up(&mut self, stats: &PullStats) {
        let OutcomeCounts { imported, updated, .. } = stats.recorded;
        if (imported, updated) != (self.last_logged.imported, self.last_logged.updated) {
            self.last_logged = stats.recorded;
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

    fn retrying(&mut self, reason: &str, pause: Duration) {
        if self.retries.is_due() {
            let seconds = pause.as_secs();
            tracing::warn!(
                tenant = self.tenant,
                upstream = self.upstream,
                seconds,
                reason,
                "a request to an upstream is retried"
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
