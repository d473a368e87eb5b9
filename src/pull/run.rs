//! Runs a pull: a range in windows that follow each other, once or again and again; knows no page.

use super::state::{Observer, Pull, PullError};
use super::window::{Pass, WindowOutcome};
use crate::model::Instant;
use crate::store::pulls::{self, PullProgress};
use crate::store::{StoreError, tenants};

/// Where a pull without a first instant begins: 2010-01-01.
const BEGINNING: Instant = Instant(1_262_304_000_000);

/// The maximum number of incomplete windows that are stored separately. Beyond it, the last one is extended.
const MAX_INCOMPLETE: usize = 64;

impl<Now: Fn() -> Instant, O: Observer> Pull<Now, O> {
    /// Copies the range of the options; returns `false` if messages may be missing.
    pub async fn run_once(&mut self) -> Result<bool, PullError> {
        let (tenant, url) = (self.upstream.tenant(), self.upstream.url().clone());
        let known = self.queue.store().read_primary(move |connection| {
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
}
