//! `pull`: another endpoint's history into the store, once or for as long as it is let.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::export::{parse_from, parse_to};
use super::failure::{Failure, print, print_note};
use super::signals::stop_signal;
use super::{COMMAND_WAIT, Common};
use crate::clock::Clock;
use crate::ingest::{self, IngestQueue, OutcomeCounts};
use crate::jobs::pulls::{LogThrottle, key, options};
use crate::model::upstream::UpstreamUrl;
use crate::model::{Instant, TenantId};
use crate::pull::upstream::{self, Upstream};
use crate::pull::{Observer, Pull as Pulling, PullError, PullOptions, PullStats};

/// Copy the messages of another endpoint, edna's or a gateway's, into the store
#[derive(Args)]
#[command(
    after_help = "What is copied is kept at once, so a pull may be stopped at any time; the same command goes on \
where it was. A later one without --from goes on where everything is copied, and reads the last 48 hours \
(setting pull.overlap_hours) again, so that late statuses arrive. Other dates than before begin anew for \
those dates; repeating does no harm. A message that cannot be read is named and skipped. Exit status 1 \
tells that there was one, or that messages may be missing, which is said with their dates. With --follow, \
SIGTERM or Ctrl-C ends it with 0. The last line of standard output sums up:
  {\"imported\":2,\"updated\":0,\"unchanged\":0,\"rejected\":0,\"requests\":1}

Examples:
  history-gateway pull --tenant 3193 \\
      --upstream https://upstream.example --upstream-key-file upstream.key
  history-gateway pull --tenant 3193 --from 2026-01-01 --to 2026-02-01 \\
      --upstream https://upstream.example --upstream-key-file upstream.key
  history-gateway pull --tenant 3193 --follow \\
      --upstream http://127.0.0.1:8081 --upstream-key-file other.key

Dates are ISO 8601, UTC where they have no zone; a date alone is its midnight. Both ends are included. \
How gently the upstream is asked, and for how long in vain: settings pull.requests_per_second and \
pull.attempts. To have a server do this beside its work: setting pull.upstreams."
)]
pub struct Pull {
    /// The tenant's number
    #[arg(long)]
    tenant: i64,
    /// The address before /api/messages/history, such as `https://upstream.example`
    // Read by hand: a refusal of the parser's would repeat it, with the password it may hold.
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// A file that holds the key to the upstream, and nothing else
    #[arg(long, value_name = "FILE")]
    upstream_key_file: PathBuf,
    /// Only messages sent or received at this instant or later
    #[arg(long, value_name = "DATE", value_parser = parse_from)]
    from: Option<Instant>,
    /// Only messages sent or received at this instant or earlier
    #[arg(long, value_name = "DATE", value_parser = parse_to, conflicts_with = "follow")]
    to: Option<Instant>,
    /// Go on looking for new messages and statuses (setting pull.poll_interval_seconds) until told to stop
    #[arg(long)]
    follow: bool,
}

impl Pull {
    pub async fn run(self, common: &Common) -> Result<u8, Failure> {
        let url = UpstreamUrl::parse(&self.upstream).map_err(|reason| {
            Failure::message(format!("--upstream is no address such as https://upstream.example: {reason}"))
        })?;
        let key = key(&self.upstream_key_file).map_err(Failure::message)?;
        let config = common.load(Vec::new())?;
        // Listened for from the beginning, so that one that follows ends with 0 whenever it is asked to.
        let stop = if self.follow { Some(stop_signal()?) } else { None };
        let store = Common::store_of(&config).await?;
        let door = IngestQueue::new(store, ingest::QueueLimits { wait: COMMAND_WAIT, ..config.ingest_limits() });
        let upstream = Upstream::new(url, key, TenantId(self.tenant), upstream::TIMEOUT);
        let options = PullOptions { from: self.from, to: self.to, ..options(&config) };
        let mut pull = Pulling::new(door, upstream, options, || Clock::Machine.now(), Terminal::new());
        let outcome = match stop {
            None => pull.once().await,
            Some(stop) => tokio::select! {
                error = pull.follow() => Err(error),
                () = stop => Ok(true),
            },
        };
        pull.observer().bar.finish_and_clear();
        let is_complete = outcome.map_err(|error| match error {
            PullError::Store(error) => Failure::Store(error),
            error => {
                Failure::message(format!("{error}; what was copied is kept, and the same command goes on from there"))
            }
        })?;
        let stats = pull.stats();
        if stats.unknown_fields > 0 {
            print_note(format_args!("Note: {} fields that edna does not document were kept.", stats.unknown_fields));
        }
        print(&line(&stats))?;
        Ok(u8::from(!self.follow && (stats.rejected > 0 || !is_complete)))
    }
}

/// The last line, written by hand for the order of its keys, which readers see.
fn line(stats: &PullStats) -> String {
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

/// Who looks at a terminal, or at the lines that went to a file.
struct Terminal {
    bar: ProgressBar,
    far: LogThrottle,
    waiting: LogThrottle,
    /// The windows that were said to be incomplete: one that follows tries them again and again.
    incomplete: HashSet<(Instant, Instant)>,
}

impl Terminal {
    fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        // The template is a constant that indicatif accepts.
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg} {eta} left") {
            bar.set_style(style);
        }
        // What is over within a minute needs no line.
        Self { bar, far: LogThrottle::said_now(), waiting: LogThrottle::default(), incomplete: HashSet::new() }
    }

    fn print_note(&self, sentence: impl std::fmt::Display) {
        self.bar.suspend(|| print_note(sentence));
    }
}

impl Observer for Terminal {
    fn progressed(&mut self, from: Instant, to: Instant, up_to: Instant, stats: &PullStats) {
        let millis = |one: Instant, other: Instant| u64::try_from(other.0 - one.0).unwrap_or(0);
        self.bar.set_length(millis(from, to));
        self.bar.set_position(millis(from, up_to));
        let messages = stats.recorded.imported;
        self.bar.set_message(format!("{}, {messages} new messages", up_to.date()));
        if self.bar.is_hidden() && self.far.is_due() {
            let (up_to, requests) = (up_to.iso(), stats.requests);
            print_note(format_args!("Pulled up to {up_to}: {messages} new messages, {requests} requests so far."));
        }
    }

    fn caught_up(&mut self, stats: &PullStats) {
        self.bar.set_message(format!("up to date, {} new messages", stats.recorded.imported));
    }

    fn resumes_after(&mut self, asked_from: Instant) {
        let from = asked_from.iso();
        self.print_note(format_args!(
            "Note: what is older than {from} was not asked for; --from names an earlier date."
        ));
    }

    fn rejected(&mut self, place: &str, reason: &str) {
        self.print_note(format_args!("{place}: rejected: {reason}"));
    }

    fn retrying(&mut self, reason: &str, pause: Duration) {
        if self.waiting.is_due() {
            let seconds = pause.as_secs_f64().ceil();
            self.print_note(format_args!("The upstream is asked again in {seconds} s: {reason}."));
        }
    }

    fn incomplete(&mut self, from: Instant, to: Instant, reason: &str) {
        if !self.incomplete.insert((from, to)) {
            return;
        }
        let (from, to) = (from.iso(), to.iso());
        self.print_note(format_args!(
            "Messages of {from} to {to} may be missing: {reason}. The next pull reads them again."
        ));
    }
}
