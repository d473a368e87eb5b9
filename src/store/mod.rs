//! The store: the only module that knows diesel, and the only one that decides which thread runs a query;
//! knows no actix and no HTTP.

pub mod api_keys;
pub mod backup;
pub mod check;
pub mod counters;
pub mod db;
pub mod error;
pub mod lookup;
pub mod messages;
pub mod options;
mod parts;
pub mod pulls;
mod queries;
pub mod recipients;
pub mod schema;
pub mod stats;
pub mod subjects;
pub mod tenants;
pub mod whatsapp_logs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

pub use counters::{Class, Counters};
pub use db::budget::Budget;
pub use db::connection::AnyConnection as Connection;
pub use db::migrate::Moved;
pub use db::session::{PreparedStatements, Purpose};
pub use db::url::DatabaseUrl;
pub use error::{CancelReason, StoreError};
pub use lookup::LookupFor;
pub use options::Options;

use db::admission::Admission;
use db::checkpoint::Checkpointer;
use db::pool::Pool;
use db::watch::Watch;
use db::{file, migrate};
use messages::partitions::{self, Month};

use crate::model::{CallerId, Instant};

/// A handle to one open store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    options: Options,
    /// For small queries on a file, which run on the async threads; each takes a connection that no other thread uses.
    small: Option<Pool>,
    /// For cheap queries, which never wait for expensive ones; tenants and keys take turns.
    readers: Pool,
    /// For queries that examine many rows: few at a time; tenants and keys take turns.
    expensive: Pool,
    /// For look-ups that take almost no time: a key, a row.
    lookups: Pool,
    /// For keys from addresses that sent too many wrong ones, so that a flood of them delays no other caller.
    suspect_lookups: Pool,
    /// For health checks.
    health_lookups: Pool,
    /// For the gateway's other look-ups, such as those of `/metrics`.
    gateway_lookups: Pool,
    writer: Pool,
    /// `None` for PostgreSQL, which moves its own log.
    checkpointer: Option<Arc<Checkpointer>>,
    watch: Arc<Watch>,
    counters: Counters,
    url: Arc<DatabaseUrl>,
}

/// How many look-ups for callers run at the same time.
const LOOKUPS: u32 = 2;

/// How many slots for cheap queries are reserved for tenants that hold none.
const RESERVED_READERS: u32 = 1;

/// The outcome of a change that writes messages.
pub enum WriteOutcome<T> {
    Done(T),
    /// Nothing was written: these months have no partitions.
    NoPartitions(BTreeSet<Month>),
}

/// For how many months one transaction creates partitions: each month needs locks, of which a PostgreSQL server has a
/// few thousand.
const MONTHS_AT_ONCE: usize = 12;

impl Store {
    /// Brings a store's schema up to date, as `open` does too, and reports how many messages it has moved. Creates a
    /// SQLite file that does not exist.
    pub fn migrate(url: &DatabaseUrl, options: Options, mut progress: impl FnMut(Moved)) -> Result<(), StoreError> {
        let options = options.for_migrating();
        let deadline = Monotonic::now() + options.wait;
        // If several processes create one store at once, SQLite rejects some of their steps without waiting.
        while let Err(error) = migrate::bring_up_to_date(url, &options, &mut progress) {
            if !matches!(error, StoreError::Busy) || Monotonic::now() > deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Opens a store and brings its schema up to date. Creates a SQLite file that does not exist.
    pub fn open(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        Self::migrate(url, options, |_| {})?;
        if let Some(file) = url.file() {
            file::make_private(file);
        }
        let url = Arc::new(url.clone().resolved(&options)?);
        let watch = Arc::new(Watch::new(url.canceller(&options), options.abandoned_threads, options.deadline));
        let pool = |purpose, admission| Pool::new(&url, purpose, options, admission, &watch);
        // An async thread waits for no lock.
        let small_options = Options { wait: Duration::ZERO, ..options };
        let small = || Pool::new(&url, Purpose::Read, small_options, Admission::in_order(1), &watch);
        Ok(Self {
            options,
            small: (!url.is_server() && !options.small_time.is_zero()).then(small),
            readers: pool(Purpose::Read, Admission::in_turn(options.read_connections, RESERVED_READERS, u32::MAX)),
            expensive: pool(Purpose::Read, Admission::in_turn(options.expensive, 0, options.expensive_queue))
                .in_background(),
            lookups: pool(Purpose::Read, Admission::in_order(LOOKUPS)),
            suspect_lookups: pool(Purpose::Read, Admission::in_turn(1, 0, u32::MAX)),
            health_lookups: pool(Purpose::Read, Admission::in_order(1)),
            gateway_lookups: pool(Purpose::Read, Admission::in_order(1)),
            writer: pool(Purpose::Write, Admission::in_order(1)),
            checkpointer: (!url.is_server()).then(|| Arc::new(Checkpointer::new(&url, options))),
            watch,
            counters: Counters::default(),
            url,
        })
    }

    /// Opens an existing store; does not create a missing SQLite file.
    pub fn open_existing(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        url.require()?;
        Self::open(url, options)
    }

    /// Fails if the store cannot be read or written to, as far as that is known without waiting for a writer.
    pub async fn health(&self) -> Result<(), StoreError> {
        self.url.check_file()?;
        // `check_file` has just shown that the file is in place, so an earlier `Vanished` no longer counts.
        if let Some(fault) = self.watch.fault().filter(|fault| !matches!(fault, StoreError::Vanished { .. })) {
            return Err(fault);
        }
        if self.quick_read(LookupFor::Health, migrate::is_current).await? { Ok(()) } else { Err(StoreError::Outdated) }
    }

    /// Tests whether the store can be written to. It writes only if an earlier failure is still recorded.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let has_fault = self.watch.fault().is_some();
        self.write(move |connection| if has_fault { connection.touch() } else { Ok(()) }).await
    }

    /// The counters of queries.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many look-ups have run, those of keys among them; for tests.
    pub fn lookups(&self) -> u64 {
        [&self.lookups, &self.suspect_lookups, &self.health_lookups, &self.gateway_lookups].map(Pool::uses).iter().sum()
    }

    /// How many expensive queries wait in the queue.
    pub fn expensive_waiting(&self) -> usize {
        self.expensive.waiting()
    }

    /// How many expensive queries are running.
    pub fn expensive_running(&self) -> usize {
        self.counters.expensive_in_progress().saturating_sub(self.expensive.waiting())
    }

    /// The size of SQLite's write-ahead log in bytes; `None` for PostgreSQL, which manages its own.
    pub fn wal_bytes(&self) -> Option<u64> {
        // If there is no such file, nothing has been written yet. Only its metadata is read: closing the file would
        // release the locks that this process holds on it.
        let file = self.url.file()?;
        Some(std::fs::metadata(file::with_suffix(file.as_ref(), "-wal")).map_or(0, |found| found.len()))
    }

    /// How many threads wait for a database that does not return.
    pub fn abandoned_threads(&self) -> u32 {
        self.watch.abandoned_thread_count()
    }

    /// Cancels expensive queries, now and from now on, because the server stops.
    pub fn stop(&self) {
        self.watch.stop();
    }

    /// Completes when threads wait for a database that does not return, so that the process should exit; says which.
    pub async fn too_many_abandoned(&self) -> &'static str {
        self.watch.too_many_abandoned().await
    }

    /// Reads for the gateway itself, on one state of the store, with the connections for cheap queries.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.transaction(CallerId::default(), self.budget(), work).await
    }

    /// Looks up what takes almost no time: a key, a row. A look-up never waits for a query.
    pub async fn quick_read<T: Send + 'static>(
        &self,
        lookup_for: LookupFor,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (pool, caller) = match lookup_for {
            LookupFor::Caller => (&self.lookups, CallerId::default()),
            LookupFor::Suspect(address) => (&self.suspect_lookups, lookup::fair_queue_id_of(address)),
            LookupFor::Health => (&self.health_lookups, CallerId::default()),
            LookupFor::Gateway => (&self.gateway_lookups, CallerId::default()),
        };
        pool.transaction(caller, self.budget(), work).await
    }

    /// Runs a change atomically. It is durable when this returns.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = self.writer.transaction(CallerId::default(), self.budget(), work).await;
        if let Some(checkpointer) = self.checkpointer.as_ref().filter(|_| result.is_ok()) {
            checkpointer.committed();
        }
        result
    }

    /// Runs a change that may need missing partitions; creates these and runs it again.
    pub async fn write_into_partitions<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> Result<WriteOutcome<T>, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        loop {
            match self.write(work.clone()).await? {
                WriteOutcome::Done(value) => return Ok(value),
                WriteOutcome::NoPartitions(months) => self.create_partitions(months).await?,
            }
        }
    }

    fn budget(&self) -> Arc<Budget> {
        Arc::new(Budget::new(self.options.deadline))
    }

    /// Creates the partitions of some months.
    async fn create_partitions(&self, months: BTreeSet<Month>) -> Result<(), StoreError> {
        let months: Vec<Month> = months.into_iter().collect();
        for months in months.chunks(MONTHS_AT_ONCE) {
            let months = months.iter().copied().collect();
            self.write(move |connection| partitions::create(connection, &months)).await?;
        }
        Ok(())
    }

    /// Creates the partitions of the next months in advance, so that no write waits for them.
    pub async fn create_partitions_ahead(&self, now: Instant) -> Result<(), StoreError> {
        let months = partitions::ahead(now);
        let missing =
            self.quick_read(LookupFor::Gateway, move |connection| partitions::missing(connection, &months)).await?;
        if missing.is_empty() { Ok(()) } else { self.create_partitions(missing).await }
    }

    /// Returns free space to the file system (`Connection::shrink`), and calls `progress` after each part, with how many
    /// are done and how many there are. If it is stopped, the next call does the parts that are left.
    pub async fn shrink(&self, progress: impl Fn(usize, usize) + Send + 'static) -> Result<(), StoreError> {
        let (url, wait) = (Arc::clone(&self.url), self.options.wait);
        let shrink = move |connection: &mut Connection| {
            let _write_guard = url.lock_for_writing(wait)?;
            connection.shrink(&progress)
        };
        self.without_checkpoints(shrink).await
    }

    /// Removes deleted data from the disk as far as the database allows.
    pub async fn purge_deleted(&self) -> Result<(), StoreError> {
        self.without_checkpoints(Connection::purge_deleted).await
    }

    /// Runs work outside of any transaction that moves the write-ahead log itself.
    async fn without_checkpoints(
        &self,
        work: impl Fn(&mut Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let checkpointer = self.checkpointer.clone();
        let work = move |connection: &mut Connection| {
            let _paused = checkpointer.as_ref().map(|checkpointer| checkpointer.pause());
            work(connection)
        };
        self.writer.without_transaction(CallerId::default(), self.budget(), work).await
    }
}
