//! `pull`: copies another endpoint's history into the store, once or continuously; knows no SQL.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::common::{COMMAND_WAIT, Common};
use super::dates::{parse_from, parse_to};
use super::failure::{Failure, print, print_note};
use super::signals::stop_signal;
use crate::clock::Clock;
use crate::ingest::{self, IngestQueue, OutcomeCounts};
use crate::jobs::pulls::{LogThrottle, key, options};
use crate::model::upstream::UpstreamUrl;
use crate::model::{Instant, TenantId};
use crate::pull::upstream::{self, Upstream};
use crate::pull::{Observer, Pull as Pulling, PullError, PullOptions, PullStats};

/// Copy the messages of another endpoint, edna's or another gateway's, into the store
#[derive(Args)]
#[command(
    after_help = "Messages are recorded as they arrive, so a pull may be stopped at any time; the same command resumes \
where it stopped. Once everything is copied, a pull without --from continues from there, and reads the \
last 48 hours (setting pull.overlap_hours) again to catch late statuses. A pull with other dates starts \
over for those dates; copying the same messages again changes nothing. A message that cannot be read is \
reported and skipped. The exit status is 1 if there was one, or if messages may be missing, whose dates \
are then reported. With --follow, SIGTERM or Ctrl-C stops the pull with status 0. The last line of \
standard output has the totals:
  {\"imported\":2,\"updated\":0,\"unchanged\":0,\"rejected\":0,\"requests\":1}

Examples:
  history-gateway pull --tenant 3193 \\
      --upstream https://upstream.example --upstream-key-file upstream.key
  history-gateway pull --tenant 3193 --from 2026-01-01 --to 2026-02-01 \\
      --upstream https://upstream.example --upstream-key-file upstream.key
  history-gateway pull --tenant 3193 --follow \\
      --upstream http://127.0.0.1:8081 --upstream-key-file other.key

Dates are ISO 8601: in UTC unless they have a time zone, at midnight unless they have a time. Both ends \
are included. Settings: pull.requests_per_second limits the requests, pull.attempts the retries; \
pull.upstreams lists upstreams that 'serve' pulls from."
)]
pub struct Pull {
    /// The tenant's id
    #[arg(long)]
    tenant: i64,
    /// The address of the upstream, without /api/messages/history, such as `https://upstream.example`
    // Parsed in `run`: an error of clap would repeat the value, which may contain a password.
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// A file that contains the key for the upstream, and nothing else
    #[arg(long, value_name = "FILE")]
    upstream_key_file: PathBuf,
    /// Only messages sent or received at this date or later
    #[arg(long, value_name = "DATE", value_parser = parse_from)]
    from: Option<Instant>,
    /// Only messages sent or received at this date or earlier
    #[arg(long, value_name = "DATE", value_parser = parse_to, conflicts_with = "follow")]
    to: Option<Instant>,
    /// Keep polling for new messages and statuses (setting pull.poll_interval_seconds) until stopped
    #[arg(long)]
    follow: bool,
}

impl Pull {
    pub async fn run(self, common: &Common) -> Result<u8, Failure> {
        let url = UpstreamUrl::parse(&self.upstream).map_err(|reason| {
            Failure::message(format!("--upstream must be an address such as https://upstream.example: {reason}"))
        })?;
        let key = key(&self.upstream_key_file).map_err(Failure::message)?;
        let config = common.load(Vec::new())?;
        // Installed first, so that a pull with --follow exits with 0 whenever a signal arrives.
        let stop = if self.follow { Some(stop_signal()?) } else { None };
        let store = Common::open_existing_store(&config).await?;
        let queue = IngestQueue::new(store, ingest::QueueLimits { wait: COMMAND_WAIT, ..config.ingest_limits() });
        let upstream = Upstream::new(url, key, TenantId(self.tenant), upstream::TIMEOUT);
        let options = PullOptions { from: self.from, to: self.to, ..options(&config) };
        let mut pull = Pulling::new(queue, upstream, options, || Clock::System.now(), Reporter::new());
        let outcome = match stop {
            None => pull.run_once().await,
            Some(stop) => tokio::select! {
                error = pull.follow() => Err(error),
                () = stop => Ok(true),
            },
        };
        pull.observer().bar.finish_and_clear();
        let is_complete = outcome.map_err(|error| match error {
            PullError::Store(error) => Failure::Store(error),
            error => {
                Failure::message(format!("{error}; what was copied is kept, and the same command resumes from there"))
            }
        })?;
        let stats = pull.stats();
        if stats.unknown_fields > 0 {
            print_note(format_args!("Note: fields that edna does not document were kept: {}.", stats.unknown_fields));
        }
        print(&totals(&stats))?;
        Ok(u8::from(!self.follow && (stats.rejected > 0 || !is_complete)))
    }
}

/// The totals as JSON, written by hand to keep the order of the keys, which users see.
fn totals(stats: &PullStats) -> String {
    let OutcomeCounts { imported, updated, unchanged } = stats.recorded;
    let counts = [
        ("imported", imported),
        ("updated", updated),
        ("unchanged", unchanged),
        ("rejected", stats.rejected),
        ("requests", stats.requests),
    ];
    let counts = counts.map(|(name, count)| format!("{}:{count}", json!(name)));
    format!("{{{}}}\n", counts.join(","))
}

/// Reports progress: a bar on a terminal, lines elsewhere.
struct Reporter {
    bar: ProgressBar,
    progress: LogThrottle,
    retries: LogThrottle,
    /// The windows that were already reported as incomplete; with --follow they are requested again and again.
    incomplete: HashSet<(Instant, Instant)>,
}

impl Reporter {
    fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        // The template is a constant that indicatif accepts.
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg} {eta} left") {
            bar.set_style(style);
        }
        // A pull that ends within a minute needs no progress line.
        Self { bar, progress: LogThrottle::starting_now(), retries: LogThrottle::default(), incomplete: HashSet::new() }
    }

    fn print_note(&self, sentence: impl std::fmt::Display) {
        self.bar.suspend(|| print_note(sentence));
    }
}

impl Observer for Reporter {
    fn progressed(&mut self, from: Instant, to: Instant, up_to: Instant, stats: &PullStats) {
        let millis = |one: Instant, other: Instant| u64::try_from(other.0 - one.0).unwrap_or(0);
        self.bar.set_length(millis(from, to));
        self.bar.set_position(millis(from, up_to));
        let messages = stats.recorded.imported;
        self.bar.set_message(format!("{}, {messages} new messages", up_to.date()));
        if self.bar.is_hidden() && self.progress.is_due() {
            let (up_to, requests) = (up_to.iso(), stats.requests);
            print_note(format_args!("Pulled up to {up_to}: {messages} new messages, {requests} requests so far."));
        }
    }

    fn caught_up(&mut self, stats: &PullStats) {
        self.bar.set_message(format!("up to date, {} new messages", stats.recorded.imported));
    }

    fn resumes_from(&mut self, requested_from: Instant) {
        let from = requested_from.iso();
        self.print_note(format_args!(
            "Note: messages before {from} are not requested; an earlier --from includes them."
        ));
    }

    fn rejected(&mut self, place: &str, reason: &str) {
        self.print_note(format_args!("{place}: rejected: {reason}"));
    }

    fn retrying(&mut self, reason: &str, pause: Duration) {
        if self.retries.is_due() {
            let seconds = pause.as_secs_f64().ceil();
            self.print_note(format_args!("The request is retried in {seconds} s: {reason}."));
        }
    }

    fn incomplete(&mut self, from: Instant, to: Instant, reason: &str) {
        if !self.incomplete.insert((from, to)) {
            return;
        }
        let (from, to) = (from.iso(), to.iso());
        self.print_note(format_args!(
            "Messages from {from} to {to} may be missing: {reason}. The next pull requests them again."
        ));
    }
}
