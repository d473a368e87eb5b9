//! The store: the only module that knows diesel, and the only one that decides which thread runs a query;
//! knows no actix and no HTTP.

pub mod api_keys;
pub mod audit;
pub mod backup;
mod breaker;
pub mod changes;
pub mod check;
pub mod counters;
pub mod db;
pub mod error;
pub mod lookup;
mod maintenance;
pub mod messages;
pub mod options;
mod parts;
mod pools;
pub mod pulls;
mod queries;
mod reader;
pub mod recipients;
mod replicas;
pub mod reveals;
mod routing;
pub mod schema;
pub mod search;
pub mod sessions;
pub mod stats;
pub mod subjects;
mod tenant_reads;
pub mod tenants;
pub mod users;
mod waiting;
pub mod whatsapp_logs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use prometheus_client::registry::Registry;

pub use counters::{Class, Counters};
pub use db::budget::Budget;
pub use db::connection::AnyConnection as Connection;
pub use db::migrate::Moved;
pub use db::pool::Committed;
pub use db::replica::ReplicaStatus;
pub use db::session::{PreparedStatements, Purpose};
pub use db::url::DatabaseUrl;
pub use error::{CancelReason, StoreError};
pub use lookup::LookupFor;
pub use options::Options;
pub use reader::Reader;

use changes::signals::ChangeSignals;
use db::admission::Admission;
use db::checkpoint::Checkpointer;
use db::pool::Pool;
use db::watch::Watch;
use db::{file, migrate};
use messages::partitions::Month;
use pools::ReadPools;
use replicas::Replicas;

use crate::model::{CallerId, Freshness};

/// A handle to one open store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    options: Options,
    /// For small queries on a file, which run on the async threads; each takes a connection that no other thread uses.
    small: Option<Pool>,
    /// For callers' queries on the primary, or on the file.
    read_pools: ReadPools,
    replicas: Arc<Replicas>,
    /// For look-ups that take almost no time: a key, a row.
    lookups: Pool,
    /// For keys from addresses that sent too many wrong ones, so that a flood of them delays no other caller.
    suspect_lookups: Pool,
    /// For the console, whose callers may be anybody.
    console_lookups: Pool,
    /// For health checks.
    health_lookups: Pool,
    /// For the gateway's other look-ups, such as those of `/metrics`.
    gateway_lookups: Pool,
    writer: Pool,
    /// `None` for PostgreSQL, which moves its own log.
    checkpointer: Option<Arc<Checkpointer>>,
    watch: Arc<Watch>,
    counters: Counters,
    changes: ChangeSignals,
    url: Arc<DatabaseUrl>,
}

/// How many look-ups for callers run at the same time.
const LOOKUPS: u32 = 2;

/// What a store can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// There is no primary, and replicas serve reads.
    ReadOnly,
}

/// The outcome of a change that writes messages.
pub enum WriteOutcome<T> {
    Done(T),
    /// Nothing was written: these months have no partitions.
    NoPartitions(BTreeSet<Month>),
}

impl Store {
    /// Brings a store's schema up to date, as `open` does too, and reports how many messages it has moved. Creates a
    /// SQLite file that does not exist.
    pub fn migrate(url: &DatabaseUrl, options: Options, mut progress: impl FnMut(Moved)) -> Result<(), StoreError> {
        url.watch_servers(&options)?;
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
        // Of several servers, one that does not respond is left, and the process goes on.
        let max_abandoned = if url.is_watched() { u32::MAX } else { options.abandoned_threads };
        let watch = Arc::new(Watch::new(url.canceller(&options), max_abandoned, options.deadline));
        let pool = |purpose, admission| Pool::new(&url, purpose, options, admission, &watch);
        // An async thread waits for no lock.
        let small_options = Options { wait: Duration::ZERO, ..options };
        let small = || Pool::new(&url, Purpose::Read, small_options, Admission::in_order(1), &watch);
        Ok(Self {
            options,
            small: (!url.is_server() && !options.small_time.is_zero()).then(small),
            read_pools: ReadPools::new(&url, options, &watch),
            replicas: Arc::new(Replicas::new(&url, options)),
            lookups: pool(Purpose::Read, Admission::in_order(LOOKUPS)),
            suspect_lookups: pool(Purpose::Read, Admission::in_turn(1, 0, u32::MAX)),
            console_lookups: pool(Purpose::Read, Admission::in_turn(1, 0, u32::MAX)),
            health_lookups: pool(Purpose::Read, Admission::in_order(1)),
            gateway_lookups: pool(Purpose::Read, Admission::in_order(1)),
            writer: pool(Purpose::Write, Admission::in_order(1)),
            checkpointer: (!url.is_server()).then(|| Arc::new(Checkpointer::new(&url, options))),
            watch,
            counters: Counters::default(),
            changes: ChangeSignals::default(),
            url,
        })
    }

    /// Opens an existing store that is of this version; changes nothing.
    pub fn open_current(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        url.require()?;
        url.watch_servers(&options)?;
        let mut connection = url.connect_read_only(options.wait)?;
        migrate::require_store(&mut connection, url)?;
        migrate::require_current(&mut connection, url)?;
        drop(connection);
        Self::open(url, options)
    }

    /// Opens an existing store; does not create a missing SQLite file.
    pub fn open_existing(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        url.require()?;
        Self::open(url, options)
    }

    /// Whether the store can be read and written to. Without a primary, it can be read while a replica works; otherwise
    /// this fails.
    pub async fn health(&self) -> Result<Health, StoreError> {
        match self.primary_health().await {
            Ok(()) => Ok(Health::Ready),
            Err(error) if self.is_primary_away(&error) && self.replica_works().await => Ok(Health::ReadOnly),
            Err(error) => Err(error),
        }
    }

    fn is_primary_away(&self, error: &StoreError) -> bool {
        let is_away = matches!(
            error,
            StoreError::NoPrimary { .. }
                | StoreError::CannotConnect { .. }
                | StoreError::ConnectionLost { .. }
                | StoreError::OldPrimary { .. }
                | StoreError::Cancelled(CancelReason::ServerLost)
        );
        is_away || !self.has_primary()
    }

    /// Fails if the primary, or the file, cannot be read or written to, as far as that is known without waiting for a
    /// writer.
    async fn primary_health(&self) -> Result<(), StoreError> {
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

    /// A reader for a request of a caller.
    pub fn reader(&self, caller: CallerId, freshness: Freshness) -> Reader {
        Reader::new(caller, freshness, !self.replicas.is_empty())
    }

    /// A reader for the gateway itself that sees everything committed before.
    pub async fn up_to_date_reader(&self) -> Reader {
        let freshness = if self.replicas.is_empty() { None } else { self.current_position().await };
        self.reader(CallerId::default(), freshness.unwrap_or_default())
    }

    /// How recent a read has to be to see all commits so far; `None` if there is no primary that tells.
    async fn current_position(&self) -> Option<Freshness> {
        let committed = self.commit(|_| Ok(())).await;
        committed.ok().and_then(|committed| committed.position)
    }

    /// Whether commits wait for standbys; `None` on SQLite, which has none.
    pub async fn is_synchronous(&self) -> Result<Option<bool>, StoreError> {
        self.quick_read(LookupFor::Health, Connection::is_synchronous).await
    }

    pub fn replicas(&self) -> Vec<ReplicaStatus> {
        self.replicas.statuses()
    }

    pub fn register_metrics(&self, registry: &mut Registry) {
        self.counters.register(registry);
        self.replicas.register(registry);
    }

    /// Whether a server accepts writes, as far as is known.
    fn has_primary(&self) -> bool {
        self.url.servers().is_none_or(|servers| servers.has_primary())
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
        self.read_pools.expensive.waiting()
    }

    /// How many expensive queries are running.
    pub fn expensive_running(&self) -> usize {
        self.counters.expensive_in_progress().saturating_sub(self.read_pools.expensive.waiting())
    }

    /// The size of SQLite's write-ahead log in bytes; `None` for PostgreSQL, which manages its own.
    pub fn wal_bytes(&self) -> Option<u64> {
        // If there is no such file, nothing has been written yet. Only its metadata is read: closing the file would
        // release the locks that this process holds on it.
        let file = self.url.file()?;
        Some(std::fs::metadata(file::with_suffix(file.as_ref(), "-wal")).map_or(0, |found| found.len()))
    }

    /// The SQLite file; `None` for PostgreSQL.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.url.file().map(AsRef::as_ref)
    }

    /// How many threads wait for a database that does not return.
    pub fn abandoned_threads(&self) -> u32 {
        self.watch.abandoned_thread_count() + self.replicas.abandoned_threads()
    }

    /// The readers that wait for changes.
    pub fn change_signals(&self) -> &ChangeSignals {
        &self.changes
    }

    /// Cancels expensive queries, and wakes readers that wait for changes, now and from now on, because the server stops.
    pub fn stop(&self) {
        self.changes.stop();
        self.watch.stop();
        self.replicas.stop();
    }

    /// Completes when threads wait for a database that does not return, so that the process should exit; says which.
    pub async fn too_many_abandoned(&self) -> &'static str {
        self.watch.too_many_abandoned().await
    }

    /// Reads for the gateway itself, on one state of the store, from the primary: what is about to be changed, and what
    /// must not be out of date.
    pub async fn read_primary<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read_pools.readers.transaction(CallerId::default(), self.budget(), work).await
    }

    /// Looks up on the primary what takes almost no time: a key, a row. A look-up never waits for a query.
    pub async fn quick_read<T: Send + 'static>(
        &self,
        lookup_for: LookupFor,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (pool, caller) = match lookup_for {
            LookupFor::Caller => (&self.lookups, CallerId::default()),
            LookupFor::Suspect(address) => (&self.suspect_lookups, lookup::fair_queue_id_of(address)),
            LookupFor::Console(address) => {
                (&self.console_lookups, address.map(lookup::fair_queue_id_of).unwrap_or_default())
            }
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
        self.commit(work).await.map(|committed| committed.value)
    }

    /// The same, and tells how recent a read has to be to see the change.
    async fn commit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Committed<T>, StoreError> {
        let result = self.writer.commit(CallerId::default(), self.budget(), work).await;
        if let Some(checkpointer) = self.checkpointer.as_ref().filter(|_| result.is_ok()) {
            checkpointer.committed();
        }
        result
    }

    /// Runs a change that may need missing partitions; creates these and runs it again.
    pub async fn write_into_partitions<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> Result<WriteOutcome<T>, StoreError> + Clone + Send + 'static,
    ) -> Result<Committed<T>, StoreError> {
        loop {
            let Committed { value, position } = self.commit(work.clone()).await?;
            match value {
                WriteOutcome::Done(value) => return Ok(Committed { value, position }),
                WriteOutcome::NoPartitions(months) => self.create_partitions(months).await?,
            }
        }
    }

    fn budget(&self) -> Arc<Budget> {
        Arc::new(Budget::new(self.options.deadline))
    }
}
