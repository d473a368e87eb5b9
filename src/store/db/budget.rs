//! What one question may still cost, and whether anybody still waits for it; knows no statement and no table.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::error::{CancelReason, StoreError};

/// How many rows are looked at between two looks at the time.
const ROWS_BETWEEN_LOOKS: u64 = 16;

/// After how many microseconds an expensive question gives way to others.
const TURN: u64 = 200;

/// The bounds of one question, shared by whoever waits for it and whoever works on it.
pub struct Budget {
    within: Duration,
    made: Instant,
    /// Microseconds from when it was made until its deadline.
    deadline: AtomicU64,
    at_deadline: CancelReason,
    most_rows: u64,
    rows: AtomicU64,
    /// 0 while it goes on; else one more than the reason's place in `CancelReason::ALL`.
    end: AtomicU8,
    stopping: Option<Arc<AtomicBool>>,
    /// Microseconds from when it was made until its thread last gave way to others; only expensive ones do.
    gave_way: AtomicU64,
    /// The server's process that works on it.
    process: Mutex<Option<i32>>,
    was_cancelled: AtomicBool,
}

/// Without bounds.
impl Default for Budget {
    fn default() -> Self {
        Self::new(Duration::from_hours(24 * 365))
    }
}

impl Budget {
    /// For work that may look at anything, and is told of its deadline by whoever waits for it.
    pub fn new(within: Duration) -> Self {
        Self {
            within,
            made: Instant::now(),
            deadline: AtomicU64::new(microseconds(within)),
            at_deadline: CancelReason::Deadline,
            most_rows: u64::MAX,
            rows: AtomicU64::new(0),
            end: AtomicU8::new(0),
            stopping: None,
            gave_way: AtomicU64::new(0),
            process: Mutex::new(None),
            was_cancelled: AtomicBool::new(false),
        }
    }

    /// For a question that is taken for a cheap one until it has looked at so many rows, or for so long.
    pub fn cheap(most_rows: u64, within: Duration) -> Self {
        Self { most_rows, at_deadline: CancelReason::TooExpensive, ..Self::new(within) }
    }

    /// For an expensive question, which a stopping server ends.
    pub fn expensive(within: Duration, stopping: Arc<AtomicBool>) -> Self {
        Self { stopping: Some(stopping), ..Self::new(within) }
    }

    /// Lets its time begin now: what waited for its turn has as long as what did not.
    pub fn start(&self) {
        self.deadline.store(microseconds(self.made.elapsed() + self.within), Ordering::Relaxed);
    }

    pub fn deadline(&self) -> Instant {
        self.made + Duration::from_micros(self.deadline.load(Ordering::Relaxed))
    }

    /// What the deadline means.
    pub fn at_deadline(&self) -> CancelReason {
        self.at_deadline
    }

    pub fn is_cancelled_on_stop(&self) -> bool {
        self.stopping.is_some()
    }

    /// How many rows were looked at so far, where they are counted.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Refuses a question of which it is known before that it looks at more rows than it may.
    pub fn expect_rows(&self, rows: i64) -> Result<(), StoreError> {
        self.check()?;
        if self.covers(rows) {
            return Ok(());
        }
        self.cancel(CancelReason::TooExpensive);
        Err(StoreError::Cancelled(CancelReason::TooExpensive))
    }

    /// Whether a cheap question may look at so many rows.
    pub fn covers(&self, rows: i64) -> bool {
        u64::try_from(rows).unwrap_or(0) <= self.most_rows
    }

    /// Called for every row that a statement looks at.
    pub fn count_row(&self) -> Result<(), StoreError> {
        let rows = self.rows.fetch_add(1, Ordering::Relaxed) + 1;
        if rows > self.most_rows {
            self.cancel(CancelReason::TooExpensive);
        }
        if rows.is_multiple_of(ROWS_BETWEEN_LOOKS) { self.check() } else { self.so_far() }
    }

    /// Called now and then by whatever may take long.
    pub fn check(&self) -> Result<(), StoreError> {
        let elapsed = microseconds(self.made.elapsed());
        if elapsed >= self.deadline.load(Ordering::Relaxed) {
            self.cancel(self.at_deadline);
        }
        if let Some(stopping) = &self.stopping {
            if stopping.load(Ordering::Relaxed) {
                self.cancel(CancelReason::Stopping);
            }
            if elapsed.saturating_sub(self.gave_way.load(Ordering::Relaxed)) > TURN {
                self.gave_way.store(elapsed, Ordering::Relaxed);
                // A scheduler lets a thread of any priority have its turn of some milliseconds, longer than most answers take.
                std::thread::yield_now();
            }
        }
        self.so_far()
    }

    fn so_far(&self) -> Result<(), StoreError> {
        self.cancelled().map_or(Ok(()), |reason| Err(StoreError::Cancelled(reason)))
    }

    /// Ends the question; the first reason counts.
    pub fn cancel(&self, reason: CancelReason) {
        let place = CancelReason::ALL.iter().position(|known| *known == reason).unwrap_or_default();
        let place = u8::try_from(place + 1).unwrap_or(1);
        // It may have ended already.
        let _ = self.end.compare_exchange(0, place, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub fn cancelled(&self) -> Option<CancelReason> {
        let place = self.end.load(Ordering::Relaxed).checked_sub(1)?;
        CancelReason::ALL.get(usize::from(place)).copied()
    }

    /// Tells which process of a server works on it from now on, or that none does. Returns once nobody is about to cancel
    /// what that process works on.
    pub fn run_on(&self, process: Option<i32>) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = process;
    }

    /// Whether a server was told to cancel it, which may reach what its connection does next.
    pub fn was_cancelled(&self) -> bool {
        self.was_cancelled.load(Ordering::Relaxed)
    }

    /// Does something to the process that works on it, which works on nothing else meanwhile.
    pub fn with_process(&self, cancel: impl FnOnce(i32)) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = *process {
            self.was_cancelled.store(true, Ordering::Relaxed);
            cancel(process);
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The budget of whatever a connection works on at the moment.
#[derive(Clone, Default)]
pub struct Current(Arc<Mutex<Option<Arc<Budget>>>>);

impl Current {
    pub fn set(&self, budget: Option<&Arc<Budget>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = budget.map(Arc::clone);
    }

    /// Asks the budget, if there is one.
    pub fn ask(&self, question: impl FnOnce(&Budget) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map_or(Ok(()), |budget| question(budget))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_end_reason_wins() {
        let budget = Budget::new(Duration::from_mins(1));
        assert!(budget.check().is_ok());
        budget.cancel(CancelReason::ClientGone);
        budget.cancel(CancelReason::Deadline);
        assert_eq!(budget.cancelled(), Some(CancelReason::ClientGone));
        assert!(budget.count_row().is_err());
    }

    #[test]
    fn cheap_query_ends_at_its_row_limit_and_its_deadline() {
        let budget = Budget::cheap(3, Duration::from_mins(1));
        assert!((0..3).all(|_| budget.count_row().is_ok()));
        assert!(budget.count_row().is_err());
        assert_eq!((budget.rows(), budget.cancelled()), (4, Some(CancelReason::TooExpensive)));
        let late = Budget::cheap(3, Duration::ZERO);
        assert!(late.check().is_err());
        assert_eq!(late.cancelled(), Some(CancelReason::TooExpensive));
        let waited = Budget::cheap(3, Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(30));
        waited.start();
        assert!(waited.check().is_ok(), "its time begins with its turn");
        assert!(Budget::cheap(3, Duration::from_mins(1)).expect_rows(4).is_err());
        assert!(Budget::new(Duration::from_mins(1)).expect_rows(i64::MAX).is_ok());
    }

    #[test]
    fn shutdown_ends_expensive_queries() {
        let stopping = Arc::new(AtomicBool::new(false));
        let budget = Budget::expensive(Duration::from_mins(1), Arc::clone(&stopping));
        assert!(budget.check().is_ok());
        stopping.store(true, Ordering::Relaxed);
        assert!(budget.check().is_err());
        assert_eq!(budget.cancelled(), Some(CancelReason::Stopping));
    }
}
