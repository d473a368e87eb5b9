//! Copies another endpoint's history into the ingest queue, and keeps the copy up to date; knows no HTTP, no clock and
//! no terminal.
//!
//! Progress is saved only after the messages that it covers are durable, and recording a message again changes nothing,
//! so a pull may be stopped at any point, any number of times. The next one starts at the first message that may have
//! changed since it was read: statuses can arrive late by up to the `overlap`.

mod page;
mod retry;
pub mod upstream;
mod window;

use std::collections::HashSet;
use std::time::Duration;

use thiserror::Error;

pub use retry::RetryPolicy;

use crate::ingest::{IngestQueue, OutcomeCounts};
use crate::model::Instant;
use crate::model::instant::DAY;
use crate::store::pulls::{self, PullProgress};
use crate::store::{StoreError, tenants};
use retry::RateLimit;
use upstream::{PageRequest, Upstream, UpstreamError, UpstreamPage};
use window::{Pass, WindowOutcome};

/// Where a pull without a first instant begins: 2010-01-01.
const BEGINNING: Instant = Instant(1_262_304_000_000);

/// The maximum number of incomplete windows that are stored separately. Beyond it, the last one is extended.
const MAX_INCOMPLETE: usize = 64;

/// The maximum number of fingerprints of rejected messages, which keep a message from being reported in every poll.
const MAX_FINGERPRINTS: usize = 10_000;

/// What to copy, and how.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// The first instant; `None` to resume where an earlier pull ended, or to start at the beginning if there is none.
    pub from: Option<Instant>,
    /// The last instant; `None` for now.
    pub to: Option<Instant>,
    /// For how long a message may change after it was sent.
    pub overlap: Duration,
    /// The pause between two polls of a pull that follows.
    pub poll_interval: Duration,
    pub retry: RetryPolicy,
    pub limits: PullLimits,
}

/// Limits on how an upstream is read. The defaults are those of production; tests use smaller ones.
#[derive(Clone, Copy, Debug)]
pub struct PullLimits {
    /// The page size, in messages.
    pub page_size: usize,
    /// How many messages a window may have before it is shortened: a large offset is expensive for the upstream.
    pub max_offset: u64,
    /// The shortest window, in milliseconds.
    pub min_window: i64,
    /// The longest window, in milliseconds.
    pub max_window: i64,
    /// How many times a window whose pages do not match is read again from its start.
    pub max_restarts: u32,
    /// The maximum number of pages that are requested for one window.
    pub max_pages_per_window: u32,
    /// The number of incomplete windows at which a pull stops.
    pub max_incomplete_windows: u32,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self {
            page_size: 1000,
            max_offset: 10_000,
            min_window: 60_000,
            max_window: 366 * DAY,
            max_restarts: 3,
            max_pages_per_window: 300,
            max_incomplete_windows: 10,
        }
    }
}

/// The results of a pull so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PullStats {
    pub recorded: OutcomeCounts,
    /// Messages that were rejected, each counted once.
    pub rejected: u64,
    /// Requests, including those without a response.
    pub requests: u64,
    /// Fields that edna does not document; they are stored.
    pub unknown_fields: usize,
}

/// Observes a running pull. No argument contains anything private.
pub trait Observer {
    /// Everything from `from` up to `up_to` has been read; the range ends at `to`.
    fn progressed(&mut self, _from: Instant, _to: Instant, _up_to: Instant, _stats: &PullStats) {}

    /// A poll is complete; the next one follows after a pause.
    fn caught_up(&mut self, _stats: &PullStats) {}

    /// This pull resumes an earlier one, which began at `requested_from`; nothing before that is copied.
    fn resumes_from(&mut self, _requested_from: Instant) {}

    /// A message was rejected.
    fn rejected(&mut self, place: &str, reason: &str);

    /// A request or a poll failed; it is repeated after a pause.
    fn retrying(&mut self, reason: &str, pause: Duration);

    /// Messages of a window may be missing.
    fn incomplete(&mut self, from: Instant, to: Instant, reason: &str);
}

/// Why a pull stopped before it was complete. What was recorded stays recorded, and the next pull resumes there.
#[derive(Debug, Error)]
pub enum PullError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the upstream returned no messages: {0}")]
    Refused(String),
    #[error("the upstream returned no messages: {reason}, {attempts} times in a row; try again later")]
    GaveUp { reason: String, attempts: u32 },
    #[error(
        "the upstream's pages do not match: {windows} windows up to {} may be incomplete, and what is later \
         was not read",
        up_to.iso()
    )]
    Stopped { windows: u32, up_to: Instant },
}

/// One tenant's pull from one upstream.
pub struct Pull<Now, O> {
    queue: IngestQueue,
    upstream: Upstream,
    options: PullOptions,
    now: Now,
    observer: O,
    stats: PullStats,
    progress: PullProgress,
    pace: RateLimit,
    /// How long the next window is, in milliseconds.
    window_length: i64,
    /// Whether the previous window had too many messages.
    previous_was_dense: bool,
    /// The rejected messages that have been reported.
    fingerprints: HashSet<u64>,
}

impl<Now: Fn() -> Instant, O: Observer> Pull<Now, O> {
    pub fn new(queue: IngestQueue, upstream: Upstream, options: PullOptions, now: Now, observer: O) -> Self {
        let (pace, window_length) = (RateLimit::new(&options.retry), options.limits.max_window);
        Self {
            queue,
            upstream,
            options,
            now,
            observer,
            stats: PullStats::default(),
            progress: PullProgress::default(),
            pace,
            window_length,
            previous_was_dense: false,
            fingerprints: HashSet::new(),
        }
    }

    pub fn stats(&self) -> PullStats {
        self.stats
    }

    /// The observer, so that its output can be finished.
    pub fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    /// Copies the range of the options; returns `false` if messages may be missing.
    pub async fn run_once(&mut self) -> Result<bool, PullError> {
        let (tenant, url) = (self.upstream.tenant(), self.upstream.url().clone());
        let known = self.queue.store().read(move |connection| {
            tenants::require(connection, tenant)?;
            pulls::load(connection, tenant, url.as_str())
        });
        let known = known.await?;
        let now = (self.now)();
        let to = self.options.to.map_or(now, |to| to.min(now));
        self.progress = match known {
            Some(known) if self.continues(&known, to) => known,
            _ => PullProgress { asked_from: self.options.from, ..PullProgress::default() },
        };
        self.progress.asked_to = self.options.to;
        if let (None, Some(asked_from)) = (self.options.from, self.progress.asked_from) {
            self.observer.resumes_from(asked_from);
        }
        let incomplete = self.progress.incomplete.clone();
        self.copy_range(self.first_instant(), to, Pass::Forward).await?;
        self.save_progress().await?;
        let mut incomplete_windows = 0;
        for (from, to) in incomplete {
            // The remaining ones come first the next time: a window that is incomplete again goes to the end.
            if incomplete_windows >= self.options.limits.max_incomplete_windows {
                break;
            }
            // The store still lists the window until it has been read again.
            self.progress.incomplete.retain(|window| *window != (from, to));
            incomplete_windows += self.copy_range(from, to, Pass::Recheck).await?;
            self.save_progress().await?;
        }
        Ok(self.progress.incomplete.is_empty())
    }

    /// Copies the range of the options, and then polls for new messages. Returns only if somebody has to intervene.
    pub async fn follow(&mut self) -> PullError {
        self.options.retry.attempts = None;
        loop {
            match self.run_once().await {
                Ok(_) => {}
                // These need no intervention: the next poll may succeed.
                Err(
                    error @ (PullError::Stopped { .. }
                    | PullError::Store(StoreError::Busy | StoreError::ConnectionLost { .. })),
                ) => self.observer.retrying(&error.to_string(), self.options.poll_interval),
                Err(error) => return error,
            }
            self.observer.caught_up(&self.stats);
            tokio::time::sleep(self.options.poll_interval).await;
        }
    }

    /// Whether the options continue an earlier pull.
    fn continues(&self, known: &PullProgress, to: Instant) -> bool {
        let (from, until) = (self.options.from, self.options.to);
        let is_same = from.is_none_or(|_| from == known.asked_from) && until.is_none_or(|_| until == known.asked_to);
        // If both ends are given and the range is complete, it is read again.
        let is_done = known.complete_up_to.is_some_and(|complete| complete >= to) && known.incomplete.is_empty();
        is_same && !(is_done && from.is_some() && until.is_some())
    }

    /// Where to start: in the window in which an earlier pull stopped, or one overlap before the end of what is
    /// complete.
    fn first_instant(&self) -> Instant {
        let progress = &self.progress;
        let first = progress.asked_from.unwrap_or(BEGINNING);
        let (Some(settled), Some(complete)) = (progress.settled_up_to, progress.complete_up_to) else { return first };
        let unsettled = Instant(settled.0 + 1);
        if progress.window.is_some_and(|window| window.from == unsettled) {
            return unsettled;
        }
        unsettled.min(Instant(complete.0.saturating_sub(self.overlap()) + 1)).max(first)
    }

    /// The overlap, in milliseconds.
    fn overlap(&self) -> i64 {
        i64::try_from(self.options.overlap.as_millis()).unwrap_or(i64::MAX)
    }

    /// Reads a range in consecutive windows without gaps: each begins one millisecond after the end of the previous
    /// one. Returns how many of them may be incomplete.
    async fn copy_range(&mut self, from: Instant, to: Instant, pass: Pass) -> Result<u32, PullError> {
        let (mut at, mut incomplete) = (from, 0);
        while at <= to {
            // An incomplete window is read again separately, and does not keep anything else from being read.
            if let Some(end) = self.incomplete_end_at(at).filter(|_| pass == Pass::Forward) {
                self.save_window(at, end.min(to), (self.now)()).await?;
                at = Instant(end.0 + 1);
                continue;
            }
            let resumed =
                self.progress.window.filter(|window| pass == Pass::Forward && window.from == at && window.to <= to);
            let end = resumed.map_or_else(|| self.window_end(at, to), |resumed| resumed.to);
            let (since, read, fault) = match self.copy_window(at, end, resumed, pass).await? {
                WindowOutcome::Read { since, read, fault } => (since, read, fault),
                WindowOutcome::Shorten { by } => {
                    self.progress.window = self.progress.window.filter(|_| pass == Pass::Recheck);
                    self.window_length = ((end.0 - at.0 + 1) / by).max(self.options.limits.min_window);
                    continue;
                }
            };
            if let Some(reason) = fault {
                incomplete += 1;
                self.observer.incomplete(at, end, reason);
                self.add_incomplete(at, end);
            }
            if pass == Pass::Forward {
                self.save_window(at, end, since).await?;
            }
            // The window had few messages, so the next one may be twice as long.
            if read < self.options.limits.max_offset / 4 {
                self.window_length = self.window_length.saturating_mul(2).min(self.options.limits.max_window);
            }
            self.observer.progressed(from, to, end, &self.stats);
            at = Instant(end.0 + 1);
            if incomplete < self.options.limits.max_incomplete_windows {
                continue;
            }
            match pass {
                Pass::Forward => return Err(PullError::Stopped { windows: incomplete, up_to: end }),
                // The other ranges must not wait for one whose pages never match.
                Pass::Recheck if at <= to => self.add_incomplete(at, to),
                Pass::Recheck => {}
            }
            break;
        }
        Ok(incomplete)
    }

    /// The end of the incomplete window that contains an instant.
    fn incomplete_end_at(&self, at: Instant) -> Option<Instant> {
        self.progress.incomplete.iter().find(|(from, to)| (*from..=*to).contains(&at)).map(|(_, to)| *to)
    }

    /// The end of a new window that begins at an instant: before any incomplete window.
    fn window_end(&self, at: Instant, to: Instant) -> Instant {
        let end = Instant(at.0.saturating_add(self.window_length - 1)).min(to);
        let later = self.progress.incomplete.iter().map(|(from, _)| *from).filter(|from| *from > at);
        later.map(|from| Instant(from.0 - 1)).fold(end, Instant::min)
    }

    /// Saves that everything up to the end of a window has been read. `since` is when its first page was requested.
    async fn save_window(&mut self, from: Instant, to: Instant, since: Instant) -> Result<(), PullError> {
        let overlap = self.overlap();
        let progress = &mut self.progress;
        let settled = progress.settled_up_to.unwrap_or(Instant(progress.asked_from.unwrap_or(BEGINNING).0 - 1));
        // A gap stays unsettled, even if a later window is complete.
        if from.0 <= settled.0 + 1 {
            progress.settled_up_to = Some(settled.max(to.min(Instant(since.0.saturating_sub(overlap)))));
        }
        progress.complete_up_to = progress.complete_up_to.max(Some(to));
        progress.window = None;
        self.save_progress().await
    }

    /// Adds an incomplete window, which the next pull reads again.
    fn add_incomplete(&mut self, from: Instant, to: Instant) {
        let is_full = self.progress.incomplete.len() >= MAX_INCOMPLETE;
        match self.progress.incomplete.last_mut() {
            Some(last) if is_full || last.1.0 + 1 == from.0 => *last = (last.0.min(from), last.1.max(to)),
            _ => self.progress.incomplete.push((from, to)),
        }
    }

    async fn save_progress(&self) -> Result<(), PullError> {
        let (tenant, url, progress) = (self.upstream.tenant(), self.upstream.url().clone(), self.progress.clone());
        let save = self.queue.store().write(move |connection| pulls::save(connection, tenant, url.as_str(), &progress));
        Ok(save.await?)
    }

    /// Requests a page, with retries up to the limit of the options.
    async fn request_page(&mut self, request: PageRequest) -> Result<UpstreamPage, PullError> {
        let mut failures = 0;
        loop {
            self.pace.wait().await;
            self.stats.requests += 1;
            let (reason, retry_after) = match self.upstream.page(request).await {
                Ok(page) => return Ok(page),
                Err(UpstreamError::Permanent(reason)) => return Err(PullError::Refused(reason)),
                Err(UpstreamError::Transient { reason, retry_after }) => (reason, retry_after),
            };
            failures += 1;
            let retry = &self.options.retry;
            if retry.attempts.is_some_and(|attempts| failures >= attempts) {
                return Err(PullError::GaveUp { reason, attempts: failures });
            }
            let pause = retry.pause(failures, retry_after, (self.now)());
            self.observer.retrying(&reason, pause);
            tokio::time::sleep(pause).await;
        }
    }
}
