//! Copies another endpoint's history through the one door, and keeps it fresh; knows no HTTP, no clock and no terminal.
//!
//! Progress is kept in the store after what it speaks of is durable, and recording is safe to repeat, so a pull may be
//! stopped at any point and however often. A later one begins where messages may still have changed since they were
//! read: their statuses come late, for as long as the `overlap`.

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
use retry::Pace;
use upstream::{PageRequest, Upstream, UpstreamError, UpstreamPage};
use window::{Pass, WindowOutcome};

/// As far back as there is: 2010-01-01.
const BEGINNING: Instant = Instant(1_262_304_000_000);

/// How many windows that may be incomplete are remembered one by one. Beyond them, the last one grows.
const MOST_INCOMPLETE: usize = 64;

/// How many fingerprints of rejected messages are kept, so that none is told of at every turn.
const MOST_FINGERPRINTS: usize = 10_000;

/// What to copy, and how.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// The first instant; `None` for going on where an earlier pull ended, or as far back as there is.
    pub from: Option<Instant>,
    /// The last instant; `None` for now.
    pub to: Option<Instant>,
    /// For how long messages may change after they were sent.
    pub overlap: Duration,
    /// How long to rest between two looks of one that follows.
    pub poll_interval: Duration,
    pub retry: RetryPolicy,
    pub limits: PullLimits,
}

/// Bounds on how an upstream is read. The defaults are those of the real thing.
#[derive(Clone, Copy, Debug)]
pub struct PullLimits {
    /// Messages of a page.
    pub page: usize,
    /// How many messages a window may have before a shorter one is taken: a deep offset costs the upstream dear.
    pub deep: u64,
    /// The shortest and the longest window, in milliseconds.
    pub shortest: i64,
    pub longest: i64,
    /// How many times a window whose pages do not fit together is begun again.
    pub restarts: u32,
    /// How many pages of one window are asked for.
    pub pages: u32,
    /// How many windows may stay incomplete before the upstream is left alone.
    pub incomplete: u32,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self { page: 1000, deep: 10_000, shortest: 60_000, longest: 366 * DAY, restarts: 3, pages: 300, incomplete: 10 }
    }
}

/// What came of a pull so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PullStats {
    pub recorded: OutcomeCounts,
    /// Messages that cannot be read, each counted once.
    pub rejected: u64,
    /// Questions, those that were not answered included.
    pub requests: u64,
    /// Fields that edna does not document; they are kept.
    pub unknown_fields: usize,
}

/// Who wants to hear of a pull while it runs. Nothing that is told is private.
pub trait Observer {
    /// Everything between the first two instants is read up to the third.
    fn progressed(&mut self, _from: Instant, _to: Instant, _up_to: Instant, _sum: &PullStats) {}

    /// A look is done, and the next one comes later.
    fn caught_up(&mut self, _sum: &PullStats) {}

    /// An earlier pull was asked for nothing before an instant, and this one goes on after it.
    fn resumes_after(&mut self, _asked_from: Instant) {}

    /// A message cannot be read.
    fn rejected(&mut self, place: &str, reason: &str);

    /// There is no answer; the same is asked again after a pause.
    fn retrying(&mut self, reason: &str, pause: Duration);

    /// Messages of a window may be missing.
    fn incomplete(&mut self, from: Instant, to: Instant, reason: &str);
}

/// Why a pull ended before it was done. What was recorded is kept, and the next one goes on there.
#[derive(Debug, Error)]
pub enum PullError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the upstream gives no messages: {0}")]
    Refused(String),
    #[error("the upstream gives no messages: {reason}, {attempts} times in a row; try again later")]
    GaveUp { reason: String, attempts: u32 },
    #[error(
        "the upstream's pages do not fit together: {windows} windows up to {} may be incomplete, and what is later \
         was not read",
        up_to.iso()
    )]
    Stopped { windows: u32, up_to: Instant },
}

/// One tenant's pull from one upstream.
pub struct Pull<N, W> {
    door: IngestQueue,
    upstream: Upstream,
    options: PullOptions,
    now: N,
    observer: W,
    stats: PullStats,
    progress: PullProgress,
    pace: Pace,
    /// How long the next window is, in milliseconds.
    span: i64,
    /// Whether the window before had too many messages.
    dense: bool,
    /// Which rejected messages were told of.
    fingerprints: HashSet<u64>,
}

impl<N: Fn() -> Instant, W: Observer> Pull<N, W> {
    pub fn new(door: IngestQueue, upstream: Upstream, options: PullOptions, now: N, observer: W) -> Self {
        let (pace, span) = (Pace::new(&options.retry), options.limits.longest);
        Self {
            door,
            upstream,
            options,
            now,
            observer,
            stats: PullStats::default(),
            progress: PullProgress::default(),
            pace,
            span,
            dense: false,
            fingerprints: HashSet::new(),
        }
    }

    pub fn stats(&self) -> PullStats {
        self.stats
    }

    /// Gives the observer back, to end what it shows.
    pub fn observer(&mut self) -> &mut W {
        &mut self.observer
    }

    /// Copies what was ordered; `false` where messages may be missing.
    pub async fn once(&mut self) -> Result<bool, PullError> {
        let (tenant, url) = (self.upstream.tenant(), self.upstream.url().clone());
        let known = self.door.store().read(move |connection| {
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
            self.observer.resumes_after(asked_from);
        }
        let incomplete = self.progress.incomplete.clone();
        self.copy_range(self.begin(), to, Pass::Forward).await?;
        self.save_progress().await?;
        let mut incomplete_windows = 0;
        for (from, to) in incomplete {
            // Those that are left come first the next time: one that is incomplete again goes to the end.
            if incomplete_windows >= self.options.limits.incomplete {
                break;
            }
            // The store has it until the window was read again.
            self.progress.incomplete.retain(|window| *window != (from, to));
            incomplete_windows += self.copy_range(from, to, Pass::Recheck).await?;
            self.save_progress().await?;
        }
        Ok(self.progress.incomplete.is_empty())
    }

    /// Copies what was ordered and looks again and again for what is new. Ends only where somebody has to do something.
    pub async fn follow(&mut self) -> PullError {
        self.options.retry.attempts = None;
        loop {
            match self.once().await {
                Ok(_) => {}
                // None of them needs anybody: the next look may find it better.
                Err(
                    error @ (PullError::Stopped { .. } | PullError::Store(StoreError::Busy | StoreError::Away { .. })),
                ) => self.observer.retrying(&error.to_string(), self.options.poll_interval),
                Err(error) => return error,
            }
            self.observer.caught_up(&self.stats);
            tokio::time::sleep(self.options.poll_interval).await;
        }
    }

    /// Whether what is asked for is what was asked for before.
    fn continues(&self, known: &PullProgress, to: Instant) -> bool {
        let (from, until) = (self.options.from, self.options.to);
        let is_same = from.is_none_or(|_| from == known.asked_from) && until.is_none_or(|_| until == known.asked_to);
        // Whoever names both ends of what is read already wants it read again.
        let is_done = known.complete_up_to.is_some_and(|complete| complete >= to) && known.incomplete.is_empty();
        is_same && !(is_done && from.is_some() && until.is_some())
    }

    /// Where to begin: in the window that an earlier pull was ended in, or an overlap before the end of what is complete.
    fn begin(&self) -> Instant {
        let progress = &self.progress;
        let first = progress.asked_from.unwrap_or(BEGINNING);
        let (Some(settled), Some(complete)) = (progress.settled_up_to, progress.complete_up_to) else { return first };
        let unsettled = Instant(settled.0 + 1);
        if progress.window.is_some_and(|window| window.from == unsettled) {
            return unsettled;
        }
        unsettled.min(Instant(complete.0.saturating_sub(self.overlap()) + 1)).max(first)
    }

    /// For how many milliseconds messages may change after they were sent.
    fn overlap(&self) -> i64 {
        i64::try_from(self.options.overlap.as_millis()).unwrap_or(i64::MAX)
    }

    /// Reads a range in windows that follow each other without a gap: the next begins a millisecond after the last.
    /// Gives how many of them may be incomplete.
    async fn copy_range(&mut self, from: Instant, to: Instant, pass: Pass) -> Result<u32, PullError> {
        let (mut at, mut incomplete) = (from, 0);
        while at <= to {
            // What did not fit together before is read again apart, and keeps nothing else from being read.
            if let Some(end) = self.incomplete_end_at(at).filter(|_| pass == Pass::Forward) {
                self.window_done(at, end.min(to), (self.now)()).await?;
                at = Instant(end.0 + 1);
                continue;
            }
            let begun =
                self.progress.window.filter(|window| pass == Pass::Forward && window.from == at && window.to <= to);
            let end = begun.map_or_else(|| self.end(at, to), |begun| begun.to);
            let (since, read, fault) = match self.copy_window(at, end, begun, pass).await? {
                WindowOutcome::Read { since, read, fault } => (since, read, fault),
                WindowOutcome::Shorten { by } => {
                    self.progress.window = self.progress.window.filter(|_| pass == Pass::Recheck);
                    self.span = ((end.0 - at.0 + 1) / by).max(self.options.limits.shortest);
                    continue;
                }
            };
            if let Some(reason) = fault {
                incomplete += 1;
                self.observer.incomplete(at, end, reason);
                self.add_incomplete(at, end);
            }
            if pass == Pass::Forward {
                self.window_done(at, end, since).await?;
            }
            if read < self.options.limits.deep / 4 {
                self.span = self.span.saturating_mul(2).min(self.options.limits.longest);
            }
            self.observer.progressed(from, to, end, &self.stats);
            at = Instant(end.0 + 1);
            if incomplete < self.options.limits.incomplete {
                continue;
            }
            match pass {
                Pass::Forward => return Err(PullError::Stopped { windows: incomplete, up_to: end }),
                // What else there is to read is not to wait for what never fits.
                Pass::Recheck if at <= to => self.add_incomplete(at, to),
                Pass::Recheck => {}
            }
            break;
        }
        Ok(incomplete)
    }

    /// The end of the window that may be incomplete and holds an instant.
    fn incomplete_end_at(&self, at: Instant) -> Option<Instant> {
        self.progress.incomplete.iter().find(|(from, to)| (*from..=*to).contains(&at)).map(|(_, to)| *to)
    }

    /// Where a window is to end that begins at an instant: before any that may be incomplete.
    fn end(&self, at: Instant, to: Instant) -> Instant {
        let end = Instant(at.0.saturating_add(self.span - 1)).min(to);
        let later = self.progress.incomplete.iter().map(|(from, _)| *from).filter(|from| *from > at);
        later.map(|from| Instant(from.0 - 1)).fold(end, Instant::min)
    }

    /// Notes that a window is here, which begins where everything before it is complete.
    async fn window_done(&mut self, from: Instant, to: Instant, since: Instant) -> Result<(), PullError> {
        let overlap = self.overlap();
        let progress = &mut self.progress;
        let settled = progress.settled_up_to.unwrap_or(Instant(progress.asked_from.unwrap_or(BEGINNING).0 - 1));
        // A gap stays unsettled, whatever comes after it.
        if from.0 <= settled.0 + 1 {
            progress.settled_up_to = Some(settled.max(to.min(Instant(since.0.saturating_sub(overlap)))));
        }
        progress.complete_up_to = progress.complete_up_to.max(Some(to));
        progress.window = None;
        self.save_progress().await
    }

    /// Remembers a window that may be incomplete, so that the next pull reads it again.
    fn add_incomplete(&mut self, from: Instant, to: Instant) {
        let is_full = self.progress.incomplete.len() >= MOST_INCOMPLETE;
        match self.progress.incomplete.last_mut() {
            Some(last) if is_full || last.1.0 + 1 == from.0 => *last = (last.0.min(from), last.1.max(to)),
            _ => self.progress.incomplete.push((from, to)),
        }
    }

    async fn save_progress(&self) -> Result<(), PullError> {
        let (tenant, url, progress) = (self.upstream.tenant(), self.upstream.url().clone(), self.progress.clone());
        let noted = self.door.store().write(move |connection| pulls::save(connection, tenant, url.as_str(), &progress));
        Ok(noted.await?)
    }

    /// Asks until there is an answer, or nobody wants to wait any more.
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
