//! Connections kept for one purpose, and the way work gets to one; knows no table and no database.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::model::CallerId;
use crate::store::Connection;
use crate::store::Options;
use crate::store::db::admission::{Admission, Permit};
use crate::store::db::budget::{Budget, Current};
use crate::store::db::session::Purpose;
use crate::store::db::threads;
use crate::store::db::url::DatabaseUrl;
use crate::store::db::watch::Watch;
use crate::store::error::{CancelReason, StoreError};

/// How long work that was ended may take to notice, before its place is given to the next.
const GRACE: Duration = Duration::from_secs(1);

/// How many times a server is told to cancel within that time.
const CANCELS: u32 = 8;

/// Connections for one purpose. The places to use them are waited for without blocking a thread, and they are all the
/// queue there is: whoever has one finds an idle connection or makes one, and hears at once where that fails.
#[derive(Clone)]
pub struct Pool {
    url: Arc<DatabaseUrl>,
    purpose: Purpose,
    options: Options,
    admission: Admission,
    watch: Arc<Watch>,
    /// Whether its work gives way to all other.
    is_background: bool,
    /// How long to wait for a place.
    wait: Duration,
    idle: Arc<Mutex<Vec<Session>>>,
    uses: Arc<AtomicU64>,
}

/// A connection, and by what its work is ended.
struct Session {
    connection: Connection,
    current: Current,
    /// The server's process, where it stays the same and may be told to cancel.
    process: Option<i32>,
}

impl Session {
    fn attach(&self, budget: &Arc<Budget>) {
        self.current.set(Some(budget));
        budget.run_on(self.process);
    }

    fn detach(&self, budget: &Budget) {
        budget.run_on(None);
        self.current.set(None);
    }
}

/// A place that its thread gives back when it is done, or that is taken from a thread that does not end.
struct HeldSlot {
    permit: Mutex<Option<Permit>>,
    watch: Arc<Watch>,
}

impl HeldSlot {
    fn take(&self) -> Option<Permit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_taken(&self) -> bool {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Gives the place to the next, and its thread up; counted before the thread can be found again.
    fn abandon(&self) {
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        if permit.is_some() {
            self.watch.abandoned();
        }
        let given_back = permit.take();
        drop(permit);
        drop(given_back);
    }
}

/// A thread's hold on its place.
struct SlotGuard(Arc<HeldSlot>);

impl Drop for SlotGuard {
    fn drop(&mut self) {
        if self.0.take().is_none() {
            self.0.watch.found_again();
        }
    }
}

/// Whoever waits for work. Where it is dropped before the work is done, nobody waits any more.
struct Waiter {
    budget: Arc<Budget>,
    held: Arc<HeldSlot>,
    ends_with_client: bool,
    runtime: Handle,
    is_done: bool,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if self.ends_with_client {
            self.budget.cancel(CancelReason::ClientGone);
            self.held.watch.cancel(&self.budget);
        }
        let (held, budget) = (Arc::clone(&self.held), Arc::clone(&self.budget));
        let ends_with_client = self.ends_with_client;
        self.runtime.spawn(async move {
            if !ends_with_client {
                tokio::time::sleep_until(budget.deadline().into()).await;
            }
            for _ in 0..CANCELS {
                tokio::time::sleep(GRACE / CANCELS).await;
                if held.is_taken() {
                    return;
                }
                if ends_with_client {
                    // A server that was between two statements has not heard of it.
                    held.watch.cancel(&budget);
                }
            }
            held.abandon();
        });
    }
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

    /// Runs its work on threads that give way to all others.
    #[must_use]
    pub fn in_background(self) -> Self {
        // Who waits less than a turn may take never gets one beside somebody who always asks.
        Self { is_background: true, wait: self.options.deadline, ..self }
    }

    /// How many times it was used.
    pub fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }

    /// How many callers wait for a place in a queue with turns.
    pub fn waiting(&self) -> usize {
        self.admission.waiting()
    }

    /// Runs work between a transaction's beginning and its end, off the async threads.
    pub async fn transaction<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let theirs = Arc::clone(&budget);
        self.run(caller, budget, move |pool| {
            let _turn = match pool.purpose {
                Purpose::Read => None,
                Purpose::Write => pool.url.lock_for_writing(pool.options.wait)?,
            };
            let is_write = pool.purpose == Purpose::Write;
            let mut session =
                pool.begun().inspect_err(|error| pool.watch.note(&Err::<(), _>(error.clone()), is_write))?;
            let started = Instant::now();
            session.attach(&theirs);
            let result = theirs.check().and_then(|()| work(&mut session.connection));
            let result = result.and_then(|value| session.connection.commit().map(|()| value));
            // What was written into a file that nobody finds again is not acknowledged.
            let result =
                result.and_then(|value| if is_write { pool.url.check_written().map(|()| value) } else { Ok(value) });
            pool.watch.note(&result, is_write);
            session.detach(&theirs);
            match result {
                Ok(value) => {
                    pool.keep_unless_cancelled(session, &theirs);
                    Ok(value)
                }
                Err(error) => {
                    session.connection.roll_back();
                    let error = pool.why(error, &theirs, started.elapsed());
                    // What failed for a reason of its own may have left the connection in any state.
                    let is_ended_inside = !theirs.was_cancelled() && matches!(error, StoreError::Cancelled(_));
                    if error.is_about_the_request() || is_ended_inside {
                        pool.keep(session);
                    }
                    Err(error)
                }
            }
        })
        .await
    }

    /// Runs work that is one statement: without a transaction where that is as good, which spares two ways to a server.
    pub async fn statement<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.url.sessions().set_once {
            self.without_transaction(caller, budget, work).await
        } else {
            self.transaction(caller, budget, work).await
        }
    }

    /// Runs work outside of any transaction. An idle connection may have died with its server since, so the work is
    /// begun again on the next one then.
    pub async fn without_transaction<T: Send + 'static>(
        &self,
        caller: CallerId,
        budget: Arc<Budget>,
        work: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let theirs = Arc::clone(&budget);
        self.run(caller, budget, move |pool| {
            loop {
                let (mut session, was_idle) = pool.session()?;
                let started = Instant::now();
                session.attach(&theirs);
                let result = theirs.check().and_then(|()| work(&mut session.connection));
                session.detach(&theirs);
                match result {
                    Ok(value) => {
                        pool.keep_unless_cancelled(session, &theirs);
                        return Ok(value);
                    }
                    Err(StoreError::Away { .. }) if was_idle => {}
                    Err(error) => return Err(pool.why(error, &theirs, started.elapsed())),
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
        let mut waiting = Waiter {
            budget: Arc::clone(&budget),
            held: Arc::clone(&held),
            ends_with_client: self.purpose == Purpose::Read,
            runtime: Handle::current(),
            is_done: false,
        };
        let (pool, (tell, done)) = (self.clone(), oneshot::channel());
        let job = move || {
            let working = SlotGuard(held);
            let result = work(&pool);
            drop(working);
            // Nobody may wait for it any more.
            let _ = tell.send(result);
        };
        if self.is_background {
            threads::spawn_in_background(job).inspect_err(|_| waiting.is_done = true)?;
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
            done = done => {
                waiting.is_done = true;
                return done.unwrap_or(Err(StoreError::Failed("its work was cut short".into())));
            }
            () = deadline => budget.at_deadline(),
            () = stopped => CancelReason::Stopping,
        };
        if self.purpose == Purpose::Write {
            // It may be written yet.
            return Err(StoreError::Busy);
        }
        budget.cancel(reason);
        Err(StoreError::Cancelled(budget.cancelled().unwrap_or(reason)))
    }

    /// A connection in a transaction. An idle one may have died with its server since, so the next is tried then.
    fn begun(&self) -> Result<Session, StoreError> {
        loop {
            let (mut session, was_idle) = self.session()?;
            match session.connection.begin(self.purpose, &self.options, self.url.sessions()) {
                Err(StoreError::Away { .. }) if was_idle => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(session),
            }
        }
    }

    /// An idle connection, or a new one; and whether it was idle.
    fn session(&self) -> Result<(Session, bool), StoreError> {
        self.url.check_file()?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(session) = idle {
            return Ok((session, true));
        }
        let (mut connection, current) = (self.url.connect_for(self.purpose, &self.options)?, Current::default());
        let process = connection.watch(&current, self.purpose, self.url.sessions())?;
        Ok((Session { connection, current, process }, false))
    }

    /// Why work failed: what a server says when it ends work is in its own language, so the budget and the time tell.
    fn why(&self, error: StoreError, budget: &Budget, took: Duration) -> StoreError {
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
        tracing::warn!(cause = %error, "work took too long and was ended");
        StoreError::Busy
    }

    /// A server may have been told to cancel what had ended by itself; its next work is not to meet that.
    fn keep_unless_cancelled(&self, session: Session, budget: &Budget) {
        if !budget.was_cancelled() {
            self.keep(session);
        }
    }

    fn keep(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}
