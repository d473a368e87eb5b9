//! Copies another endpoint's history through the one door, and keeps it fresh; knows no HTTP, no clock and no terminal.
//!
//! Progress is kept in the store after what it speaks of is durable, and recording is safe to repeat, so a pull may be
//! stopped at any point and however often. A later one begins where messages may still have changed since they were
//! read: their statuses come late, for as long as the `tail`.

mod page;
mod patience;
mod window;

use std::collections::HashSet;
use std::time::Duration;

use thiserror::Error;

pub use patience::Patience;

use super::upstream::{Page, Question, Trouble, Upstream};
use crate::ingest::{Door, Recorded};
use crate::model::Instant;
use crate::model::instant::DAY;
use crate::store::pulls::{self, Progress};
use crate::store::{StoreError, tenants};
use patience::Pace;
use window::{Aim, Walked};

/// As far back as there is: 2010-01-01.
const BEGINNING: Instant = Instant(1_262_304_000_000);

/// How many windows that may be incomplete are remembered one by one. Beyond them, the last one grows.
const MOST_REMEMBERED: usize = 64;

/// How many fingerprints of rejected messages are kept, so that none is told of at every turn.
const MOST_FINGERPRINTS: usize = 10_000;

/// What to copy, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// The first instant; `None` for going on where an earlier pull ended, or as far back as there is.
    pub from: Option<Instant>,
    /// The last instant; `None` for now.
    pub to: Option<Instant>,
    /// For how long messages may change after they were sent.
    pub tail: Duration,
    /// How long to rest between two looks of one that follows.
    pub every: Duration,
    pub patience: Patience,
    pub limits: Limits,
}

/// Bounds on how an upstream is read. The defaults are those of the real thing.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
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

impl Default for Limits {
    fn default() -> Self {
        Self { page: 1000, deep: 10_000, shortest: 60_000, longest: 366 * DAY, restarts: 3, pages: 300, incomplete: 10 }
    }
}

/// What came of a pull so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub recorded: Recorded,
    /// Messages that cannot be read, each counted once.
    pub rejected: u64,
    /// Questions, those that were not answered included.
    pub requests: u64,
    /// Fields that edna does not document; they are kept.
    pub unknown_fields: usize,
}

/// Who wants to hear of a pull while it runs. Nothing that is told is private.
pub trait Watch {
    /// Everything between the first two instants is read up to the third.
    fn reached(&mut self, _from: Instant, _to: Instant, _up_to: Instant, _sum: &Sum) {}

    /// A look is done, and the next one comes later.
    fn rested(&mut self, _sum: &Sum) {}

    /// An earlier pull was asked for nothing before an instant, and this one goes on after it.
    fn goes_on_after(&mut self, _asked_from: Instant) {}

    /// A message cannot be read.
    fn rejected(&mut self, place: &str, reason: &str);

    /// There is no answer; the same is asked again after a pause.
    fn waits(&mut self, reason: &str, pause: Duration);

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
    door: Door,
    upstream: Upstream,
    order: Order,
    now: N,
    watch: W,
    sum: Sum,
    progress: Progress,
    pace: Pace,
    /// How long the next window is, in milliseconds.
    span: i64,
    /// Whether the window before had too many messages.
    dense: bool,
    /// Which rejected messages were told of.
    fingerprints: HashSet<u64>,
}

impl<N: Fn() -> Instant, W: Watch> Pull<N, W> {
    pub fn new(door: Door, upstream: Upstream, order: Order, now: N, watch: W) -> Self {
        let (pace, span) = (Pace::new(&order.patience), order.limits.longest);
        Self {
            door,
            upstream,
            order,
            now,
            watch,
            sum: Sum::default(),
            progress: Progress::default(),
            pace,
            span,
            dense: false,
            fingerprints: HashSet::new(),
        }
    }

    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// Gives the watch back, to end what it shows.
    pub fn watch(&mut self) -> &mut W {
        &mut self.watch
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
        let to = self.order.to.map_or(now, |to| to.min(now));
        self.progress = match known {
            Some(known) if self.goes_on(&known, to) => known,
            _ => Progress { asked_from: self.order.from, ..Progress::default() },
        };
        self.progress.asked_to = self.order.to;
        if let (None, Some(asked_from)) = (self.order.from, self.progress.asked_from) {
            self.watch.goes_on_after(asked_from);
        }
        let incomplete = self.progress.incomplete.clone();
        self.range(self.begin(), to, Aim::On).await?;
        self.note().await?;
        let mut unfit = 0;
        for (from, to) in incomplete {
            // Those that are left come first the next time: one that is incomplete again goes to the end.
            if unfit >= self.order.limits.incomplete {
                break;
            }
            // The store has it until the window was read again.
            self.progress.incomplete.retain(|window| *window != (from, to));
            unfit += self.range(from, to, Aim::Again).await?;
            self.note().await?;
        }
        Ok(self.progress.incomplete.is_empty())
    }

    /// Copies what was ordered and looks again and again for what is new. Ends only where somebody has to do something.
    pub async fn follow(&mut self) -> PullError {
        self.order.patience.attempts = None;
        loop {
            match self.once().await {
                Ok(_) => {}
                // None of them needs anybody: the next look may find it better.
                Err(
                    error @ (PullError::Stopped { .. } | PullError::Store(StoreError::Busy | StoreError::Away { .. })),
                ) => self.watch.waits(&error.to_string(), self.order.every),
                Err(error) => return error,
            }
            self.watch.rested(&self.sum);
            tokio::time::sleep(self.order.every).await;
        }
    }

    /// Whether what is asked for is what was asked for before.
    fn goes_on(&self, known: &Progress, to: Instant) -> bool {
        let (from, until) = (self.order.from, self.order.to);
        let is_same = from.is_none_or(|_| from == known.asked_from) && until.is_none_or(|_| until == known.asked_to);
        // Whoever names both ends of what is read already wants it read again.
        let is_done = known.complete_up_to.is_some_and(|complete| complete >= to) && known.incomplete.is_empty();
        is_same && !(is_done && from.is_some() && until.is_some())
    }

    /// Where to begin: in the window that an earlier pull was ended in, or a tail before the end of what is complete.
    fn begin(&self) -> Instant {
        let progress = &self.progress;
        let first = progress.asked_from.unwrap_or(BEGINNING);
        let (Some(settled), Some(complete)) = (progress.settled_up_to, progress.complete_up_to) else { return first };
        let unsettled = Instant(settled.0 + 1);
        if progress.window.is_some_and(|window| window.from == unsettled) {
            return unsettled;
        }
        unsettled.min(Instant(complete.0.saturating_sub(self.tail()) + 1)).max(first)
    }

    /// For how many milliseconds messages may change after they were sent.
    fn tail(&self) -> i64 {
        i64::try_from(self.order.tail.as_millis()).unwrap_or(i64::MAX)
    }

    /// Reads a range in windows that follow each other without a gap: the next begins a millisecond after the last.
    /// Gives how many of them may be incomplete.
    async fn range(&mut self, from: Instant, to: Instant, aim: Aim) -> Result<u32, PullError> {
        let (mut at, mut incomplete) = (from, 0);
        while at <= to {
            // What did not fit together before is read again apart, and keeps nothing else from being read.
            if let Some(end) = self.remembered(at).filter(|_| aim == Aim::On) {
                self.done(at, end.min(to), (self.now)()).await?;
                at = Instant(end.0 + 1);
                continue;
            }
            let begun = self.progress.window.filter(|window| aim == Aim::On && window.from == at && window.to <= to);
            let end = begun.map_or_else(|| self.end(at, to), |begun| begun.to);
            let (since, read, fault) = match self.window(at, end, begun, aim).await? {
                Walked::Whole { since, read, fault } => (since, read, fault),
                Walked::Shorter { by } => {
                    self.progress.window = self.progress.window.filter(|_| aim == Aim::Again);
                    self.span = ((end.0 - at.0 + 1) / by).max(self.order.limits.shortest);
                    continue;
                }
            };
            if let Some(reason) = fault {
                incomplete += 1;
                self.watch.incomplete(at, end, reason);
                self.remember(at, end);
            }
            if aim == Aim::On {
                self.done(at, end, since).await?;
            }
            if read < self.order.limits.deep / 4 {
                self.span = self.span.saturating_mul(2).min(self.order.limits.longest);
            }
            self.watch.reached(from, to, end, &self.sum);
            at = Instant(end.0 + 1);
            if incomplete < self.order.limits.incomplete {
                continue;
            }
            match aim {
                Aim::On => return Err(PullError::Stopped { windows: incomplete, up_to: end }),
                // What else there is to read is not to wait for what never fits.
                Aim::Again if at <= to => self.remember(at, to),
                Aim::Again => {}
            }
            break;
        }
        Ok(incomplete)
    }

    /// The end of the window that may be incomplete and holds an instant.
    fn remembered(&self, at: Instant) -> Option<Instant> {
        self.progress.incomplete.iter().find(|(from, to)| (*from..=*to).contains(&at)).map(|(_, to)| *to)
    }

    /// Where a window is to end that begins at an instant: before any that may be incomplete.
    fn end(&self, at: Instant, to: Instant) -> Instant {
        let end = Instant(at.0.saturating_add(self.span - 1)).min(to);
        let later = self.progress.incomplete.iter().map(|(from, _)| *from).filter(|from| *from > at);
        later.map(|from| Instant(from.0 - 1)).fold(end, Instant::min)
    }

    /// Notes that a window is here, which begins where everything before it is complete.
    async fn done(&mut self, from: Instant, to: Instant, since: Instant) -> Result<(), PullError> {
        let tail = self.tail();
        let progress = &mut self.progress;
        let settled = progress.settled_up_to.unwrap_or(Instant(progress.asked_from.unwrap_or(BEGINNING).0 - 1));
        // A gap stays unsettled, whatever comes after it.
        if from.0 <= settled.0 + 1 {
            progress.settled_up_to = Some(settled.max(to.min(Instant(since.0.saturating_sub(tail)))));
        }
        progress.complete_up_to = progress.complete_up_to.max(Some(to));
        progress.window = None;
        self.note().await
    }

    /// Remembers a window that may be incomplete, so that the next pull reads it again.
    fn remember(&mut self, from: Instant, to: Instant) {
        let is_full = self.progress.incomplete.len() >= MOST_REMEMBERED;
        match self.progress.incomplete.last_mut() {
            Some(last) if is_full || last.1.0 + 1 == from.0 => *last = (last.0.min(from), last.1.max(to)),
            _ => self.progress.incomplete.push((from, to)),
        }
    }

    async fn note(&self) -> Result<(), PullError> {
        let (tenant, url, progress) = (self.upstream.tenant(), self.upstream.url().clone(), self.progress.clone());
        let noted = self.door.store().write(move |connection| pulls::note(connection, tenant, url.as_str(), &progress));
        Ok(noted.await?)
    }

    /// Asks until there is an answer, or nobody wants to wait any more.
    async fn ask(&mut self, question: Question) -> Result<Page, PullError> {
        let mut failures = 0;
        loop {
            self.pace.wait().await;
            self.sum.requests += 1;
            let (reason, again) = match self.upstream.page(question).await {
                Ok(page) => return Ok(page),
                Err(Trouble::Final(reason)) => return Err(PullError::Refused(reason)),
                Err(Trouble::Passing { reason, again }) => (reason, again),
            };
            failures += 1;
            let patience = &self.order.patience;
            if patience.attempts.is_some_and(|attempts| failures >= attempts) {
                return Err(PullError::GaveUp { reason, attempts: failures });
            }
            let pause = patience.pause(failures, again, (self.now)());
            self.watch.waits(&reason, pause);
            tokio::time::sleep(pause).await;
        }
    }
}
