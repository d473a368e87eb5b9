//! Connections kept for one purpose, and the way work gets to one; knows no table and no database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::Connection;
use super::Options;
use super::connection::{DatabaseUrl, Purpose};
use super::error::StoreError;

/// Connections for one purpose. The permits to use them are waited for without blocking a thread, and they are all
/// the queue there is: whoever has one finds an idle connection or makes one, and hears at once where that fails.
#[derive(Clone)]
pub struct Lane {
    url: Arc<DatabaseUrl>,
    purpose: Purpose,
    options: Options,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Lane {
    pub fn new(url: &Arc<DatabaseUrl>, size: u32, purpose: Purpose, options: Options) -> Self {
        let permits = Arc::new(Semaphore::new(size as usize));
        Self { url: Arc::clone(url), purpose, options, permits, idle: Arc::default() }
    }

    /// Runs work between a transaction's beginning and its end, off the async threads.
    pub async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |lane| {
            let _turn = match lane.purpose {
                Purpose::Read => None,
                Purpose::Write => lane.url.turn(lane.options.wait)?,
            };
            let mut connection = lane.begun()?;
            let started = Instant::now();
            let result = work(&mut connection);
            let result = result.and_then(|value| connection.commit().map(|()| value));
            match result {
                Ok(value) => {
                    lane.keep(connection);
                    Ok(value)
                }
                Err(error) => {
                    connection.roll_back();
                    let error = lane.late(error, started.elapsed());
                    // What failed for a reason of its own may have left the connection in any state.
                    if error.is_about_the_request() {
                        lane.keep(connection);
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
        work: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.url.sessions().set_once { self.plain(work).await } else { self.transaction(work).await }
    }

    /// Runs work outside of any transaction. An idle connection may have died with its server since, so the work is
    /// begun again on the next one then.
    pub async fn plain<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |lane| {
            loop {
                let (mut connection, was_idle) = lane.connection()?;
                let started = Instant::now();
                match work(&mut connection) {
                    Ok(value) => {
                        lane.keep(connection);
                        return Ok(value);
                    }
                    Err(StoreError::Away { .. }) if was_idle => {}
                    Err(error) => return Err(lane.late(error, started.elapsed())),
                }
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = tokio::time::timeout(self.options.wait, Arc::clone(&self.permits).acquire_owned());
        // The semaphore is never closed, so both failures mean that nothing came free in time.
        let Ok(Ok(permit)) = permit.await else { return Err(StoreError::Busy) };
        let lane = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let result = work(&lane);
            drop(permit);
            result
        });
        match tokio::time::timeout(self.options.deadline, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(StoreError::Failed("its work was cut short".into())),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// A connection in a transaction. An idle one may have died with its server since, so the next is tried then.
    fn begun(&self) -> Result<Connection, StoreError> {
        loop {
            let (mut connection, was_idle) = self.connection()?;
            match connection.begin(self.purpose, &self.options, self.url.sessions()) {
                Err(StoreError::Away { .. }) if was_idle => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(connection),
            }
        }
    }

    /// An idle connection, or a new one; and whether it was idle.
    fn connection(&self) -> Result<(Connection, bool), StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok((connection, true)),
            None => Ok((self.url.connect_for(self.purpose, &self.options)?, false)),
        }
    }

    /// What a server says when it ends work that took too long is in its own language, so the time tells.
    fn late(&self, error: StoreError, took: Duration) -> StoreError {
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

    fn keep(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
