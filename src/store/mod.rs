//! The store: the only place that knows diesel, and the only place that leaves async.

pub mod api_keys;
pub mod backup;
pub mod check;
pub mod counters;
pub mod db;
pub mod error;
pub mod messages;
mod parts;
pub mod pulls;
pub mod recipients;
pub mod schema;
pub mod stats;
pub mod subjects;
pub mod tenants;
pub mod whatsapp_logs;

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

pub use counters::{Class, Counters};
pub use db::budget::Budget;
pub use db::connection::AnyConnection as Connection;
pub use db::session::{PreparedStatements, Purpose};
pub use db::url::DatabaseUrl;
pub use error::{CancelReason, StoreError};

use db::admission::Admission;
use db::pool::Pool;
use db::watch::Watch;
use db::{file, migrate};
use messages::history::{self, Page};
use messages::partitions::{self, Month};
use messages::plan;

use crate::model::{CallerId, HistoryQuery, Instant, TenantId};

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many cheap questions are answered at the same time.
    pub read_connections: u32,
    /// How many expensive questions are answered at the same time.
    pub expensive: u32,
    /// How many expensive questions wait for their turn; one more is refused at once.
    pub expensive_queue: u32,
    /// Up to how many rows a cheap question looks at.
    pub cheap_rows: u32,
    /// How long to wait for a free connection, or for another process's write lock.
    pub wait: Duration,
    /// How long one piece of work may take before its caller is told that the store is busy.
    pub deadline: Duration,
    /// How many threads may be lost to a database that does not return, before the process is better ended.
    pub abandoned_threads: u32,
    /// Whether statements are prepared once; a file's always are.
    pub prepared_statements: PreparedStatements,
}

/// How long a gateway waits while another one migrates their database.
const MIGRATION_WAIT: Duration = Duration::from_mins(10);

impl Options {
    /// A migration takes as long as it takes, and who waits for another gateway's has patience.
    fn for_migrating(self, url: &DatabaseUrl) -> Self {
        let wait = if url.is_server() { self.wait.max(MIGRATION_WAIT) } else { self.wait };
        Self { deadline: Duration::ZERO, wait, ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            read_connections: 4,
            expensive: 1,
            expensive_queue: 8,
            cheap_rows: 2000,
            wait: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            abandoned_threads: 64,
            prepared_statements: PreparedStatements::Auto,
        }
    }
}

/// A handle to one open store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    options: Options,
    /// For cheap questions, which never wait for expensive ones; tenants and keys in turn, too.
    readers: Pool,
    /// For questions that look at many rows: few at a time, tenants and keys in turn.
    expensive: Pool,
    /// For what takes no time: a key, a row.
    lookups: Pool,
    /// For the keys of whoever brought too many wrong ones, so that nobody else waits behind a flood of them.
    suspect_lookups: Pool,
    /// For whether the store answers.
    health_lookups: Pool,
    /// For what else the gateway asks for itself, such as what `/metrics` tells.
    own_lookups: Pool,
    writer: Pool,
    watch: Arc<Watch>,
    counters: Counters,
    url: Arc<DatabaseUrl>,
}

/// How many look-ups there are at the same time.
const LOOKUPS: u32 = 2;

/// How many places for cheap questions are kept for tenants that have none.
const RESERVED_READERS: u32 = 1;

/// How long a question is taken for a cheap one where its rows are not counted, or are slow to come.
const CHEAP_TIME: Duration = Duration::from_millis(200);

/// What became of a change that writes messages.
pub enum Written<T> {
    Done(T),
    /// Nothing was written: these months have no partitions.
    NoPartitions(BTreeSet<Month>),
}

/// Whom something is looked up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupFor {
    Caller,
    /// Somebody from an address that brought too many wrong keys. Such addresses take turns.
    Suspect(IpAddr),
    /// Whether the store answers.
    Health,
    Gateway,
}

/// Which of the callers that take turns is an address.
fn fair_queue_id_of(address: IpAddr) -> CallerId {
    let mut hasher = std::hash::DefaultHasher::new();
    address.hash(&mut hasher);
    CallerId { tenant: TenantId(hasher.finish().cast_signed()), key: 0 }
}

/// How many months one transaction makes a place for: each needs locks, of which a server has some thousand.
const MONTHS_AT_ONCE: usize = 12;

impl Store {
    /// Opens a store and brings its schema up to date, making the file where there is none.
    pub fn open(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        let deadline = Monotonic::now() + options.wait;
        // Where several processes make one store at once, SQLite refuses some of their steps without waiting.
        while let Err(error) = migrate::bring_up_to_date(url, &options.for_migrating(url)) {
            if !matches!(error, StoreError::Busy) || Monotonic::now() > deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if let Some(file) = url.file() {
            file::make_private(file);
        }
        let url = Arc::new(url.clone().settled(&options)?);
        let watch = Arc::new(Watch::new(url.canceller(&options), options.abandoned_threads));
        let pool = |purpose, admission| Pool::new(&url, purpose, options, admission, &watch);
        Ok(Self {
            options,
            readers: pool(Purpose::Read, Admission::in_turn(options.read_connections, RESERVED_READERS, u32::MAX)),
            expensive: pool(Purpose::Read, Admission::in_turn(options.expensive, 0, options.expensive_queue))
                .in_background(),
            lookups: pool(Purpose::Read, Admission::in_order(LOOKUPS)),
            suspect_lookups: pool(Purpose::Read, Admission::in_turn(1, 0, u32::MAX)),
            health_lookups: pool(Purpose::Read, Admission::in_order(1)),
            own_lookups: pool(Purpose::Read, Admission::in_order(1)),
            writer: pool(Purpose::Write, Admission::in_order(1)),
            watch,
            counters: Counters::default(),
            url,
        })
    }

    /// Opens a store that is there: a file that is missing is not made.
    pub fn open_existing(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        url.require()?;
        Self::open(url, options)
    }

    /// Fails where the store cannot be read or written to, as far as is known without waiting for a writer.
    pub async fn health(&self) -> Result<(), StoreError> {
        self.url.check_file()?;
        // One that was moved is known by looking.
        if let Some(fault) = self.watch.fault().filter(|fault| !matches!(fault, StoreError::Vanished { .. })) {
            return Err(fault);
        }
        if self.quick_read(LookupFor::Health, migrate::is_current).await? { Ok(()) } else { Err(StoreError::Outdated) }
    }

    /// Tries whether the store can be written to; really writes where the last write failed.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let has_fault = self.watch.fault().is_some();
        self.write(move |connection| if has_fault { connection.touch() } else { Ok(()) }).await
    }

    /// What was asked, ended and refused.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many times something was looked up, a key among others: for tests.
    pub fn lookups(&self) -> u64 {
        [&self.lookups, &self.suspect_lookups, &self.health_lookups, &self.own_lookups].map(Pool::uses).iter().sum()
    }

    /// How many expensive questions wait for their turn.
    pub fn expensive_waiting(&self) -> usize {
        self.expensive.waiting()
    }

    /// How many expensive questions are being answered.
    pub fn expensive_running(&self) -> usize {
        self.counters.expensive_begun().saturating_sub(self.expensive.waiting())
    }

    /// How large the file of a file's write-ahead log is; nothing for a server, whose log is its own.
    pub fn wal_bytes(&self) -> Option<u64> {
        // Where there is no such file, nothing was written yet. It is only looked at: closing it would give up the locks
        // that this process has on it.
        let file = self.url.file()?;
        Some(std::fs::metadata(file::beside(file.as_ref(), "-wal")).map_or(0, |found| found.len()))
    }

    /// How many threads a database holds that does not return.
    pub fn abandoned_threads(&self) -> u32 {
        self.watch.count_abandoned()
    }

    /// Ends expensive questions, now and from now on: the server stops.
    pub fn stop(&self) {
        self.watch.stop();
    }

    /// Done when so many threads wait for a database that does not return that the process is better ended.
    pub async fn failed(&self) {
        self.watch.failed().await;
    }

    /// Asks a question of a caller, on one state of the store. It is taken for a cheap one until it looks at more rows
    /// than a cheap one may; then it is asked again from the beginning, among the expensive ones.
    ///
    /// It is ended where this future is dropped, at its deadline, and, if it is an expensive one, when the server stops.
    pub async fn query<T: Send + 'static>(
        &self,
        caller: CallerId,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_query(caller, false, work).await
    }

    /// Finds a page; without a transaction around it where it is one statement, which sees one state anyway.
    pub async fn page(&self, caller: CallerId, query: Arc<HistoryQuery>) -> Result<Page, StoreError> {
        let in_one = plan::is_one_statement(&query);
        self.run_query(caller, in_one, move |connection, budget| history::page(connection, &query, budget)).await
    }

    async fn run_query<T: Send + 'static>(
        &self,
        caller: CallerId,
        in_one_statement: bool,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let within = CHEAP_TIME.min(self.options.deadline);
        let budget = Arc::new(Budget::cheap(self.options.cheap_rows.into(), within));
        let count = self.counters.begin(caller, Class::Cheap, &budget);
        let (theirs, again) = (Arc::clone(&budget), work.clone());
        let cheap = move |connection: &mut Connection| work(connection, &theirs);
        let answer = if in_one_statement {
            self.readers.statement(caller, budget, cheap).await
        } else {
            self.readers.transaction(caller, budget, cheap).await
        };
        if !matches!(answer, Err(StoreError::Cancelled(CancelReason::TooExpensive))) {
            return count.end(answer);
        }
        count.pass_on();
        let budget = Arc::new(Budget::expensive(self.options.deadline, self.watch.stopping()));
        let count = self.counters.begin(caller, Class::Expensive, &budget);
        let theirs = Arc::clone(&budget);
        let expensive = move |connection: &mut Connection| again(connection, &theirs);
        count.end(self.expensive.transaction(caller, budget, expensive).await)
    }

    /// Reads for the gateway itself, beside others, on one state of the store.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.transaction(CallerId::default(), self.budget(), work).await
    }

    /// Looks something up that takes no time: a key, a row. It does not wait behind questions that do.
    pub async fn quick_read<T: Send + 'static>(
        &self,
        whom: LookupFor,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (pool, turn) = match whom {
            LookupFor::Caller => (&self.lookups, CallerId::default()),
            LookupFor::Suspect(address) => (&self.suspect_lookups, fair_queue_id_of(address)),
            LookupFor::Health => (&self.health_lookups, CallerId::default()),
            LookupFor::Gateway => (&self.own_lookups, CallerId::default()),
        };
        pool.transaction(turn, self.budget(), work).await
    }

    /// Runs a change, whole or not at all, durable when this returns.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.transaction(CallerId::default(), self.budget(), work).await
    }

    /// Runs a change that may meet months without partitions; makes those, and runs it again.
    pub async fn write_into_partitions<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> Result<Written<T>, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        loop {
            match self.write(work.clone()).await? {
                Written::Done(value) => return Ok(value),
                Written::NoPartitions(months) => self.create_partitions(months).await?,
            }
        }
    }

    fn budget(&self) -> Arc<Budget> {
        Arc::new(Budget::new(self.options.deadline))
    }

    /// Makes a place for messages of some months.
    async fn create_partitions(&self, months: BTreeSet<Month>) -> Result<(), StoreError> {
        let months: Vec<Month> = months.into_iter().collect();
        for months in months.chunks(MONTHS_AT_ONCE) {
            let months = months.iter().copied().collect();
            self.write(move |connection| partitions::create(connection, &months)).await?;
        }
        Ok(())
    }

    /// Sees to it that there is a place for the messages of the next months, so that no write waits for it.
    pub async fn create_partitions_ahead(&self, now: Instant) -> Result<(), StoreError> {
        let months = partitions::ahead(now);
        let missing =
            self.quick_read(LookupFor::Gateway, move |connection| partitions::missing(connection, &months)).await?;
        if missing.is_empty() { Ok(()) } else { self.create_partitions(missing).await }
    }

    /// Sees to it that as little as can be stays on the disk of what was deleted.
    pub async fn forget_deleted(&self) -> Result<(), StoreError> {
        self.writer.without_transaction(CallerId::default(), self.budget(), Connection::forget_deleted).await
    }
}
