//! The budget of one query: what it may still cost, and whether it is cancelled; knows no statement and no table.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::error::{CancelReason, StoreError};

/// How many rows are counted between two checks of the time.
const ROWS_BETWEEN_CHECKS: u64 = 16;

/// After how many microseconds an expensive query yields to other threads.
const YIELD_INTERVAL: u64 = 200;

/// A process of a PostgreSQL server.
#[derive(Clone)]
pub struct ServerProcess {
    pub id: i32,
    pub url: Arc<str>,
    /// The server's address without secrets.
    pub name: Arc<str>,
}

/// The limits of one query, shared by the task that waits for it and the thread that runs it.
pub struct Budget {
    time_limit: Duration,
    created: Instant,
    /// Microseconds from its creation to its deadline.
    deadline: AtomicU64,
    at_deadline: CancelReason,
    max_rows: u64,
    requires_small_plan: bool,
    rows: AtomicU64,
    /// 0 until it is cancelled; then one more than the reason's index in `CancelReason::ALL`.
    cancel_code: AtomicU8,
    stopping: Option<Arc<AtomicBool>>,
    /// Microseconds from its creation until its thread last yielded; only expensive queries yield.
    last_yield: AtomicU64,
    /// The PostgreSQL server process that runs it.
    process: Mutex<Option<ServerProcess>>,
    cancel_was_sent: AtomicBool,
}

/// Without a practical limit.
impl Default for Budget {
    fn default() -> Self {
        Self::new(Duration::from_hours(24 * 365))
    }
}

impl Budget {
    /// For work that may examine any number of rows; the task that waits for it also enforces its deadline.
    pub fn new(time_limit: Duration) -> Self {
        Self {
            time_limit,
            created: Instant::now(),
            deadline: AtomicU64::new(microseconds(time_limit)),
            at_deadline: CancelReason::Deadline,
            max_rows: u64::MAX,
            requires_small_plan: false,
            rows: AtomicU64::new(0),
            cancel_code: AtomicU8::new(0),
            stopping: None,
            last_yield: AtomicU64::new(0),
            process: Mutex::new(None),
            cancel_was_sent: AtomicBool::new(false),
        }
    }

    /// For a query that counts as cheap until it has examined a number of rows or run for some time.
    pub fn cheap(max_rows: u64, time_limit: Duration) -> Self {
        Self { max_rows, at_deadline: CancelReason::TooExpensive, ..Self::new(time_limit) }
    }

    /// For a query that runs on an async thread, which serves other requests too: its plan has to show that it is small.
    pub fn small(max_rows: u64, time_limit: Duration) -> Self {
        Self { requires_small_plan: true, ..Self::cheap(max_rows, time_limit) }
    }

    /// For an expensive query, which is cancelled when the server stops.
    pub fn expensive(time_limit: Duration, stopping: Arc<AtomicBool>) -> Self {
        Self { stopping: Some(stopping), ..Self::new(time_limit) }
    }

    /// Starts its time now: the time in the queue does not count.
    pub fn start(&self) {
        self.deadline.store(microseconds(self.created.elapsed() + self.time_limit), Ordering::Relaxed);
    }

    pub fn deadline(&self) -> Instant {
        self.created + Duration::from_micros(self.deadline.load(Ordering::Relaxed))
    }

    /// The reason with which it is cancelled at its deadline.
    pub fn at_deadline(&self) -> CancelReason {
        self.at_deadline
    }

    pub fn is_cancelled_on_stop(&self) -> bool {
        self.stopping.is_some()
    }

    /// How many rows have been examined so far, where they are counted.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Cancels a query that is known in advance to examine more rows than it may.
    pub fn expect_rows(&self, rows: i64) -> Result<(), StoreError> {
        self.check()?;
        if self.allows_rows(rows) {
            return Ok(());
        }
        self.cancel(CancelReason::TooExpensive);
        Err(StoreError::Cancelled(CancelReason::TooExpensive))
    }

    /// Cancels a query that has to be small unless its plan shows how many rows it examines, and these are few.
    pub fn expect_small(&self, rows: Option<i64>) -> Result<(), StoreError> {
        if self.requires_small_plan { self.expect_rows(rows.unwrap_or(i64::MAX)) } else { Ok(()) }
    }

    /// Whether it is a small query's.
    pub fn requires_small_plan(&self) -> bool {
        self.requires_small_plan
    }

    /// Whether it may examine so many rows.
    pub fn allows_rows(&self, rows: i64) -> bool {
        u64::try_from(rows).unwrap_or(0) <= self.max_rows
    }

    /// Called for every row that a statement examines.
    pub fn count_row(&self) -> Result<(), StoreError> {
        let rows = self.add_rows(1);
        if rows.is_multiple_of(ROWS_BETWEEN_CHECKS) { self.check() } else { self.check_cancelled() }
    }

    /// Called for work that takes as long as examining so many rows.
    pub fn count_rows(&self, rows: u64) -> Result<(), StoreError> {
        self.add_rows(rows);
        self.check()
    }

    fn add_rows(&self, more: u64) -> u64 {
        let rows = self.rows.fetch_add(more, Ordering::Relaxed) + more;
        if rows > self.max_rows {
            self.cancel(CancelReason::TooExpensive);
        }
        rows
    }

    /// Called from time to time by work that may take long.
    pub fn check(&self) -> Result<(), StoreError> {
        let elapsed = microseconds(self.created.elapsed());
        if elapsed >= self.deadline.load(Ordering::Relaxed) {
            self.cancel(self.at_deadline);
        }
        if let Some(stopping) = &self.stopping {
            if stopping.load(Ordering::Relaxed) {
                self.cancel(CancelReason::Stopping);
            }
            if elapsed.saturating_sub(self.last_yield.load(Ordering::Relaxed)) > YIELD_INTERVAL {
                self.last_yield.store(elapsed, Ordering::Relaxed);
                // A scheduler lets a thread of any priority run for some milliseconds, longer than most queries take.
                std::thread::yield_now();
            }
        }
        self.check_cancelled()
    }

    fn check_cancelled(&self) -> Result<(), StoreError> {
        self.cancelled().map_or(Ok(()), |reason| Err(StoreError::Cancelled(reason)))
    }

    /// Cancels the query; the first reason counts.
    pub fn cancel(&self, reason: CancelReason) {
        let index = CancelReason::ALL.iter().position(|known| *known == reason).unwrap_or_default();
        let index = u8::try_from(index + 1).unwrap_or(1);
        // It may be cancelled already.
        let _ = self.cancel_code.compare_exchange(0, index, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub fn cancelled(&self) -> Option<CancelReason> {
        let index = self.cancel_code.load(Ordering::Relaxed).checked_sub(1)?;
        CancelReason::ALL.get(usize::from(index)).copied()
    }

    /// Sets which PostgreSQL server process runs it from now on, or none. Waits for a cancellation in progress, so that
    /// it cannot hit the next work of that process.
    pub fn set_process(&self, process: Option<ServerProcess>) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = process;
    }

    /// The server that runs it; `None` if there is none, or while a cancellation is in progress.
    pub fn server_url(&self) -> Option<Arc<str>> {
        self.process.try_lock().ok()?.as_ref().map(|process| Arc::clone(&process.url))
    }

    /// Whether PostgreSQL was asked to cancel it, which may hit the next work of its connection.
    pub fn cancel_was_sent(&self) -> bool {
        self.cancel_was_sent.load(Ordering::Relaxed)
    }

    /// Calls `cancel` with the server process that runs it, if there is one, which runs nothing else meanwhile.
    pub fn with_process(&self, cancel: impl FnOnce(&ServerProcess)) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = &*process {
            self.cancel_was_sent.store(true, Ordering::Relaxed);
            cancel(process);
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The budget of the work that a connection runs at the moment.
#[derive(Clone, Default)]
pub struct CurrentBudget(Arc<Mutex<Option<Arc<Budget>>>>);

impl CurrentBudget {
    pub fn set(&self, budget: Option<&Arc<Budget>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = budget.map(Arc::clone);
    }

    /// Runs a check on the budget, if there is one.
    pub fn check_with(&self, check: impl FnOnce(&Budget) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map_or(Ok(()), |budget| check(budget))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_cancel_reason_wins() {
        let budget = Budget::new(Duration::from_mins(1));
        assert!(budget.check().is_ok());
        budget.cancel(CancelReason::ClientGone);
        budget.cancel(CancelReason::Deadline);
        assert_eq!(budget.cancelled(), Some(CancelReason::ClientGone));
        assert!(budget.count_row().is_err());
    }

    #[test]
    fn cheap_query_is_cancelled_at_its_row_limit_and_its_deadline() {
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
    fn shutdown_cancels_expensive_queries() {
        let stopping = Arc::new(AtomicBool::new(false));
        let budget = Budget::expensive(Duration::from_mins(1), Arc::clone(&stopping));
        assert!(budget.check().is_ok());
        stopping.store(true, Ordering::Relaxed);
        assert!(budget.check().is_err());
        assert_eq!(budget.cancelled(), Some(CancelReason::Stopping));
    }
}
