//! How a store is opened: limits of time and number; knows no connection.

use std::time::Duration;

use crate::store::db::session::PreparedStatements;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many cheap queries run at the same time.
    pub read_connections: u32,
    /// How many expensive queries run at the same time.
    pub expensive: u32,
    /// How many expensive queries wait in the queue; one more is rejected at once.
    pub expensive_queue: u32,
    /// How many rows a cheap query may examine.
    pub cheap_rows: u32,
    /// How many messages one page of `/v1/messages` examines at most before it ends early, and how long it may take.
    pub walk_rows: u32,
    pub walk_time: Duration,
    /// How long a small query may keep an async thread from other requests; zero if none may.
    pub small_time: Duration,
    /// Whether a commit to a file waits for the disk.
    pub durable: bool,
    /// How long to wait for a slot, or for another process's write lock.
    pub wait: Duration,
    /// How long one piece of work may run before a query is cancelled, or a write is reported as busy.
    pub deadline: Duration,
    /// How many threads may wait for a database that does not return before the process should exit.
    pub abandoned_threads: u32,
    /// Whether PostgreSQL prepares statements once for each connection; SQLite always does.
    pub prepared_statements: PreparedStatements,
    /// Whether PostgreSQL plans a prepared statement once for all values, or decides itself.
    pub generic_plans: bool,
}

/// How long a process waits while another one migrates the store.
const MIGRATION_WAIT: Duration = Duration::from_mins(10);

impl Options {
    /// A migration has no deadline, and the wait for that of another process is longer.
    #[must_use]
    pub fn for_migrating(self) -> Self {
        Self { deadline: Duration::ZERO, wait: self.wait.max(MIGRATION_WAIT), ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            read_connections: 4,
            expensive: 1,
            expensive_queue: 8,
            cheap_rows: 4000,
            walk_rows: 100_000,
            walk_time: Duration::from_secs(2),
            small_time: Duration::from_millis(2),
            durable: true,
            wait: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            abandoned_threads: 64,
            prepared_statements: PreparedStatements::Auto,
            generic_plans: true,
        }
    }
}
