//! A pool of connections for one purpose, and how work gets a connection; knows no table.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::model::{CallerId, Freshness};
use crate::store::Connection;
use crate::store::Options;
use crate::store::db::admission::Admission;
use crate::store::db::budget::{Budget, CurrentBudget};
use crate::store::db::pooled::Session;
use crate::store::db::session::Purpose;
use crate::store::db::slot::{HeldSlot, SlotGuard, Waiter};
use crate::store::db::threads;
use crate::store::db::url::{DatabaseUrl, Opened};
use crate::store::db::watch::Watch;
use crate::store::error::{CancelReason, StoreError};

/// The result of a transaction, and how recent a read has to be to see what it wrote; `None` on SQLite.
pub struct Committed<T> {
    pub value: T,
    pub position: Option<Freshness>,
}

/// Connections for one purpose. Work waits for a slot without blocking a thread, and there is no other queue: work with
/// a slot takes an idle connection or opens one, and fails at once if that fails.
#[derive(Clone)]
pub struct Pool {
    url: Arc<DatabaseUrl>,
    purpose: Purpose,
    options: Options,
    admission: Admission,
    watch: Arc<Watch>,
    /// Whether its work runs at lower priority than all other work.
    is_background: bool,
    /// How long to wait for a slot.
    wait: Duration,
    idle: Arc<Mutex<Vec<Session>>>,
    uses: Arc<AtomicU64>,
}

impl Pool {
    pub fn new(
        url: &Arc<DatabaseUrl>,
        purpose: Purpose,
        options: Options,
        admission: Admission,
        watch: &Arc<Watch>,
    ) -> Self {
        Self {
            url: Arc::clone(url),
            purpose,
            options,
            admission,
            watch: Arc::clone(watch),
            is_background: false,
            wait: options.wait,
            idle: Arc::default(),
            uses: Arc::default(),
        }
    }

    /// Runs its work on threads of lower priority than all others.
    #[must_use]
    pub fn in_background(self) -> Self {
        // With a wait shorter than a query may run, a query might never get a slot while other queries keep coming.
        Self { is_background: true, wait: self.options.deadline, ..self }
    }

    /// The same pool, for work that waits for no slot.
    #[must_use]
    pub fn without_waiting(&self) -> Self {
        Self { wait: Duration::ZERO, ..self.clone() }
    }

    /// How many times work got a slot.
    pub fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }

    /// How many queries wait in the fair queue.
    pub fn waiting(&self) -> usize {
        self.admission.waiting()
    }

    /// Runs work in a transaction, off the async threads.
    pub async fn transaction<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.commit(caller, budget, work).await.map(|committed| committed.value)
    }

    /// The same, and tells where the server's log was after the commit.
    pub async fn commit<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Committed<T>, StoreError> {
        let work_budget = Arc::clone(&budget);
        self.run(caller, budget, move |pool| pool.in_transaction(&work_budget, work)).await
    }

    /// Runs a small read in a transaction on the calling thread; its budget keeps it from holding up that thread for
    /// long.
    pub fn transaction_here<T>(
        &self,
        budget: &Arc<Budget>,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.uses.fetch_add(1, Ordering::Relaxed);
        let _held = self.watch.hold_async_thread();
        self.in_transaction(budget, work).map(|committed| committed.value)
    }

    fn in_transaction<T>(
        &self,
        budget: &Arc<Budget>,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<Committed<T>, StoreError> {
        let is_write = self.purpose == Purpose::Write;
        let _write_guard = if is_write { self.url.lock_for_writing(self.options.wait)? } else { None };
        let mut session =
            self.begin().inspect_err(|error| self.watch.record(&Err::<(), _>(error.clone()), is_write))?;
        let started = Instant::now();
        if budget.requires_small_plan() {
            // The time that opening a connection takes is not the query's.
            budget.start();
        }
        session.attach(budget);
        let result = budget.check().and_then(|()| work(&mut session.connection));
        let result = result.and_then(|value| session.connection.commit(self.purpose).map(|()| value));
        let result =
            result.and_then(|value| if is_write { self.check_written(&session).map(|()| value) } else { Ok(value) });
        self.watch.record(&result, is_write);
        session.detach(budget);
        match result {
            Ok(value) => {
                let position = if is_write { self.position(&mut session) } else { None };
                self.recycle_unless_cancelled(session, budget);
                Ok(Committed { value, position })
            }
            Err(error) => {
                self.notice(&error);
                let is_over = session.connection.roll_back(self.purpose);
                let error = self.explain_failure(error, budget, started.elapsed());
                // Any other failure may have left the connection in an unknown state, so it is dropped.
                let is_cancelled_inside = !budget.cancel_was_sent() && matches!(error, StoreError::Cancelled(_));
                if is_over && (error.is_request_error() || is_cancelled_inside) {
                    self.recycle(session);
                }
                Err(error)
            }
        }
    }

    /// Runs work that is one statement, without a transaction if that is as good, which saves two round trips to
    /// PostgreSQL.
    pub async fn statement<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.url.sessions().settings_persist {
            self.without_transaction(caller, budget, work).await
        } else {
            self.transaction(caller, budget, work).await
        }
    }

    /// Runs work outside of any transaction. An idle connection may have been lost with its server, so the work then
    /// starts again on the next one.
    pub async fn without_transaction<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let work_budget = Arc::clone(&budget);
        self.run(caller, budget, move |pool| {
            loop {
                let (mut session, was_idle) = pool.session()?;
                let started = Instant::now();
                session.attach(&work_budget);
                let result = work_budget.check().and_then(|()| work(&mut session.connection));
                session.detach(&work_budget);
                match result {
                    Ok(value) => {
                        pool.recycle_unless_cancelled(session, &work_budget);
                        return Ok(value);
                    }
                    Err(StoreError::ConnectionLost { .. }) if was_idle => {}
                    Err(error) => {
                        pool.notice(&error);
                        return Err(pool.explain_failure(error, &work_budget, started.elapsed()));
                    }
                }
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.admission.admit(caller, self.wait).await?;
        self.uses.fetch_add(1, Ordering::Relaxed);
        budget.start();
        let held = Arc::new(HeldSlot { permit: Mutex::new(Some(permit)), watch: Arc::clone(&self.watch) });
        let mut waiter = Waiter {
            budget: Arc::clone(&budget),
            held: Arc::clone(&held),
            is_cancelled_with_client: self.purpose == Purpose::Read,
            runtime: Handle::current(),
            is_done: false,
        };
        let (pool, (sender, receiver)) = (self.clone(), oneshot::channel());
        let interrupted = self.url.interrupted();
        let job = move || {
            let guard = SlotGuard(held);
            let result = work(&pool);
            drop(guard);
            // The waiter may be gone.
            let _ = sender.send(result);
        };
        if self.is_background {
            threads::spawn_in_background(job).inspect_err(|_| waiter.is_done = true)?;
        } else {
            tokio::task::spawn_blocking(job);
        }
        let deadline = tokio::time::sleep_until(budget.deadline().into());
        let stopped = async {
            if budget.is_cancelled_on_stop() {
                self.watch.stopped().await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let reason = tokio::select! {
            result = receiver => {
                waiter.is_done = true;
                return result.unwrap_or(Err(StoreError::Failed("its work was cut short".into())));
            }
            () = deadline => budget.at_deadline(),
            () = stopped => CancelReason::Stopping,
            () = interrupted => CancelReason::ServerLost,
        };
        if reason == CancelReason::ServerLost {
            // Its thread may wait for a server that does not respond.
            waiter.held.abandon();
            waiter.is_done = true;
        }
        if self.purpose == Purpose::Write {
            // The write may still be committed.
            return Err(StoreError::Busy);
        }
        budget.cancel(reason);
        Err(StoreError::Cancelled(budget.cancelled().unwrap_or(reason)))
    }

    /// Begins a transaction on a connection. An idle one may have been lost with its server, so the next one is tried
    /// then.
    fn begin(&self) -> Result<Session, StoreError> {
        loop {
            let (mut session, was_idle) = self.session()?;
            let begun = session.connection.begin(self.purpose, &self.options, self.url.sessions());
            match begun.and_then(|()| self.check_server(&mut session)) {
                Err(StoreError::ConnectionLost { .. }) if was_idle => {}
                Err(error) => {
                    self.notice(&error);
                    return Err(error);
                }
                Ok(()) => return Ok(session),
            }
        }
    }

    /// Behind a pooler, a connection may reach another server than before.
    fn check_server(&self, session: &mut Session) -> Result<(), StoreError> {
        if self.purpose == Purpose::Write && self.url.is_server() && !self.url.sessions().settings_persist {
            session.timeline = session.connection.timeline()?;
            self.url.check_timeline(session.timeline)?;
        }
        Ok(())
    }

    /// A write into a file that was removed or replaced is not acknowledged, nor one to a server that has been replaced
    /// meanwhile.
    fn check_written(&self, session: &Session) -> Result<(), StoreError> {
        self.url.check_written()?;
        self.url.check_timeline(session.timeline)
    }

    /// Where the server's log is after a commit; `None` on SQLite. If the server does not tell, only its primary is sure
    /// to have the write.
    fn position(&self, session: &mut Session) -> Option<Freshness> {
        match session.connection.position(session.timeline) {
            Ok(position) => position.map(Freshness::Since),
            Err(_) => self.url.is_server().then_some(Freshness::Primary),
        }
    }

    /// A lost connection, or a server that has become a standby, may be the first sign of a fail-over.
    fn notice(&self, error: &StoreError) {
        if matches!(error, StoreError::ConnectionLost { .. } | StoreError::ReadOnly) && self.url.is_server() {
            self.url.nudge();
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// An idle connection, or a new one; and whether it was idle.
    fn session(&self) -> Result<(Session, bool), StoreError> {
        self.url.check_file()?;
        let generation = self.url.generation();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|session| session.generation == generation);
        if let Some(session) = idle.pop() {
            return Ok((session, true));
        }
        drop(idle);
        let Opened { mut connection, process, timeline } = self.url.open_for(self.purpose, &self.options)?;
        let (current, is_read) = (CurrentBudget::default(), self.purpose == Purpose::Read);
        if is_read {
            connection.make_cancellable(&current)?;
        }
        Ok((Session { connection, current, process: process.filter(|_| is_read), timeline, generation }, false))
    }

    /// Why work failed. PostgreSQL's error text may be in any language, so the budget and the elapsed time decide.
    fn explain_failure(&self, error: StoreError, budget: &Budget, took: Duration) -> StoreError {
        if let Some(reason) = budget.cancelled() {
            return StoreError::Cancelled(reason);
        }
        let limit = match self.purpose {
            Purpose::Read => self.options.deadline,
            Purpose::Write => self.options.deadline.min(self.options.wait),
        };
        if !matches!(error, StoreError::Failed(_)) || took < limit {
            return error;
        }
        tracing::warn!(cause = %error, "work took too long and was cancelled");
        StoreError::Busy
    }

    /// Recycles a connection unless PostgreSQL was asked to cancel its work: the request may arrive after the work has
    /// ended, and cancel the next work.
    fn recycle_unless_cancelled(&self, session: Session, budget: &Budget) {
        if !budget.cancel_was_sent() {
            self.recycle(session);
        }
    }

    fn recycle(&self, session: Session) {
        if session.generation != self.url.generation() {
            return;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}
