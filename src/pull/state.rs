//! What a pull is told, what it reports and what it remembers; knows no window.

use std::collections::HashSet;
use std::time::Duration;

use thiserror::Error;

use super::retry::{RateLimit, RetryPolicy};
use super::upstream::{PageRequest, Upstream, UpstreamError, UpstreamPage};
use crate::ingest::{IngestQueue, OutcomeCounts};
use crate::model::Instant;
use crate::model::instant::DAY;
use crate::store::StoreError;
use crate::store::pulls::{self, PullProgress};

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
    pub(super) queue: IngestQueue,
    pub(super) upstream: Upstream,
    pub(super) options: PullOptions,
    pub(super) now: Now,
    pub(super) observer: O,
    pub(super) stats: PullStats,
    pub(super) progress: PullProgress,
    pub(super) pace: RateLimit,
    /// How long the next window is, in milliseconds.
    pub(super) window_length: i64,
    /// Whether the previous window had too many messages.
    pub(super) previous_was_dense: bool,
    /// The rejected messages that have been reported.
    pub(super) fingerprints: HashSet<u64>,
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

    pub(super) async fn save_progress(&self) -> Result<(), PullError> {
        let (tenant, url, progress) = (self.upstream.tenant(), self.upstream.url().clone(), self.progress.clone());
        let save = self.queue.store().write(move |connection| pulls::save(connection, tenant, url.as_str(), &progress));
        Ok(save.await?)
    }

    /// Requests a page, with retries up to the limit of the options.
    pub(super) async fn request_page(&mut self, request: PageRequest) -> Result<UpstreamPage, PullError> {
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
