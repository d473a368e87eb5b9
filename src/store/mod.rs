//! The store: the only place that knows diesel, and the only place that leaves async.

pub mod api_keys;
pub mod connection;
pub mod days;
pub mod dialect;
pub mod error;
pub mod history;
pub mod messages;
pub mod migrate;
pub mod order;
pub mod schema;
pub mod subjects;
pub mod subscribers;
pub mod tenants;

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::Connection as _;
use tokio::sync::Semaphore;

pub use connection::{Connection, DatabaseUrl};
pub use error::StoreError;

use connection::{Connections, Purpose};

/// Runs work between a transaction's beginning and end, and says why it failed.
///
/// Where the database has undone everything already, as on a full disk, undoing it once more fails too;
/// that failure says nothing, so the first one is kept.
macro_rules! in_transaction {
    ($connection:ident.$kind:ident($work:expr)) => {{
        let mut cause = None;
        let result = $connection.$kind(|connection| {
            $work(connection).map_err(|error| {
                cause = Some(error);
                StoreError::Failed("the change was undone".into())
            })
        });
        result.map_err(|error| cause.unwrap_or(error))
    }};
}
/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many questions are answered at the same time.
    pub readers: u32,
    /// How long to wait for a free connection, or for another process's write lock.
    pub wait: Duration,
    /// How long one piece of work may take before its caller is told that the store is busy.
    pub deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, wait: Duration::from_secs(5), deadline: Duration::from_secs(30) }
    }
}

/// A handle to one open store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    readers: Lane,
    /// For what takes no time, so that it never waits behind what does.
    glances: Lane,
    writer: Lane,
    options: Options,
}

/// How many glances are taken at the same time.
const GLANCES: u32 = 2;

/// Connections for one purpose and the permits to use them, so that waiting for one blocks no thread.
#[derive(Clone)]
struct Lane {
    connections: Connections,
    permits: Arc<Semaphore>,
}

impl Store {
    /// Opens a store and brings its schema up to date, making the file where there is none.
    pub fn open(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        let deadline = Instant::now() + options.wait;
        // Where several processes make one store at once, SQLite refuses some of their steps without waiting.
        while let Err(error) = migrate::bring_up_to_date(url, options.wait) {
            if !matches!(error, StoreError::Busy) || Instant::now() > deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let lane = |size: u32, purpose| Lane {
            connections: url.pool(size, purpose, options.wait, options.wait),
            permits: Arc::new(Semaphore::new(size as usize)),
        };
        Ok(Self {
            readers: lane(options.readers, Purpose::Read),
            glances: lane(GLANCES, Purpose::Read),
            writer: lane(1, Purpose::Write),
            options,
        })
    }

    /// Runs a question beside others, on one state of the store.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.readers, |connection| in_transaction!(connection.transaction(work))).await
    }

    /// Looks something up that takes no time: a key, a row. It does not wait behind questions that do.
    pub async fn glance<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.glances, work).await
    }

    /// Runs a change, whole or not at all, durable when this returns.
    ///
    /// It begins with the write lock: a transaction that reads first and locks later fails under load.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.writer, |connection| in_transaction!(connection.immediate_transaction(work))).await
    }

    /// Sees to it that nothing stays on the disk of what was deleted.
    pub async fn forget_deleted(&self) -> Result<(), StoreError> {
        self.run(&self.writer, connection::empty_log).await
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: &Lane,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = tokio::time::timeout(self.options.wait, Arc::clone(&lane.permits).acquire_owned());
        // The semaphore is never closed, so both failures mean that nothing came free in time.
        let Ok(Ok(permit)) = permit.await else { return Err(StoreError::Busy) };
        let lane = lane.clone();
        let work = tokio::task::spawn_blocking(move || {
            let result = lane.connection().and_then(|mut connection| work(&mut connection));
            drop(permit);
            result
        });
        match tokio::time::timeout(self.options.deadline, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(StoreError::Failed("its work was cut short".into())),
            Err(_) => Err(StoreError::Busy),
        }
    }
}

impl Lane {
    fn connection(
        &self,
    ) -> Result<diesel::r2d2::PooledConnection<diesel::r2d2::ConnectionManager<Connection>>, StoreError> {
        self.connections.get().map_err(|error| dialect::failure(&error.to_string()))
    }
}
