//! The store: the only place that knows diesel, and the only place that leaves async.

pub mod api_keys;
pub mod backup;
pub mod check;
pub mod connection;
pub mod days;
pub mod dialect;
pub mod error;
pub mod explain;
pub mod history;
mod lane;
pub mod messages;
pub mod migrate;
pub mod order;
pub mod partitions;
pub mod people;
mod person;
#[cfg(feature = "postgres")]
mod postgres;
pub mod pulls;
mod rows;
pub mod schema;
pub mod status_events;
pub mod stock;
pub mod subjects;
pub mod subscribers;
pub mod tenants;
mod text;
mod turns;
pub mod waiting;
pub mod whatsapp_logs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use connection::{AnyConnection as Connection, DatabaseUrl, PreparedStatements};
pub use error::StoreError;

use connection::Purpose;
use lane::Lane;
use partitions::Month;

use crate::model::{HistoryQuery, Instant};
use history::Page;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many questions are answered at the same time.
    pub readers: u32,
    /// How long to wait for a free connection, or for another process's write lock.
    pub wait: Duration,
    /// How long one piece of work may take before its caller is told that the store is busy.
    pub deadline: Duration,
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
            readers: 4,
            wait: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            prepared_statements: PreparedStatements::Auto,
        }
    }
}

/// A handle to one open store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    readers: Lane,
    /// For the WhatsApp log, because a search walks all rows and no other question is to wait behind it.
    searches: Lane,
    /// For what takes no time, so that it never waits behind what does.
    glances: Lane,
    writer: Lane,
}

/// How many glances are taken at the same time.
const GLANCES: u32 = 2;

/// How many months one transaction makes a place for: each needs locks, of which a server has some thousand.
const MONTHS_AT_ONCE: usize = 12;

impl Store {
    /// Opens a store and brings its schema up to date, making the file where there is none.
    pub fn open(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        let deadline = std::time::Instant::now() + options.wait;
        // Where several processes make one store at once, SQLite refuses some of their steps without waiting.
        while let Err(error) = migrate::bring_up_to_date(url, &options.for_migrating(url)) {
            if !matches!(error, StoreError::Busy) || std::time::Instant::now() > deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let url = Arc::new(url.clone().settled(&options)?);
        let lane = |size, purpose| Lane::new(&url, size, purpose, options);
        Ok(Self {
            readers: lane(options.readers, Purpose::Read),
            searches: lane(options.readers, Purpose::Read),
            glances: lane(GLANCES, Purpose::Read),
            writer: lane(1, Purpose::Write),
        })
    }

    /// Opens a store that is there: a file that is missing is not made.
    pub fn open_existing(url: &DatabaseUrl, options: Options) -> Result<Self, StoreError> {
        url.require()?;
        Self::open(url, options)
    }

    /// Runs a question beside others, on one state of the store.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.transaction(work).await
    }

    /// Runs a question for the WhatsApp log beside others, on one state of the store.
    pub async fn search<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.searches.transaction(work).await
    }

    /// Finds a page; without a transaction around it where it is one statement, which sees one state anyway.
    pub async fn page(&self, query: HistoryQuery) -> Result<Page, StoreError> {
        let in_one = history::is_one_statement(&query);
        let work = move |connection: &mut Connection| history::page(connection, &query);
        if in_one { self.readers.statement(work).await } else { self.readers.transaction(work).await }
    }

    /// Looks something up that takes no time: a key, a row. It does not wait behind questions that do.
    pub async fn glance<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.glances.transaction(work).await
    }

    /// Runs a change, whole or not at all, durable when this returns.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.transaction(work).await
    }

    /// Makes a place for messages of some months.
    pub async fn make_room(&self, months: BTreeSet<Month>) -> Result<(), StoreError> {
        let months: Vec<Month> = months.into_iter().collect();
        for months in months.chunks(MONTHS_AT_ONCE) {
            let months = months.iter().copied().collect();
            self.write(move |connection| partitions::make(connection, &months)).await?;
        }
        Ok(())
    }

    /// Sees to it that there is a place for the messages of the next months, so that no write waits for it.
    pub async fn make_room_ahead(&self, now: Instant) -> Result<(), StoreError> {
        let months = partitions::ahead(now);
        let missing = self.glance(move |connection| partitions::missing(connection, &months)).await?;
        if missing.is_empty() { Ok(()) } else { self.make_room(missing).await }
    }

    /// Sees to it that as little as can be stays on the disk of what was deleted.
    pub async fn forget_deleted(&self) -> Result<(), StoreError> {
        self.writer.plain(Connection::forget_deleted).await
    }
}
