//! One connection to the configured database, and how its transactions begin and end; knows no table.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::{Connection as _, MultiConnection, RunQueryDsl, SqliteConnection};

use crate::model::Position;
use crate::store::Options;
use crate::store::db::budget::CurrentBudget;
#[cfg(feature = "postgres")]
use crate::store::db::postgres;
use crate::store::db::session::{Purpose, SessionState};
use crate::store::db::sqlite;
use crate::store::error::StoreError;

pub type Backend = MultiBackend;

/// A connection to a SQLite file, for statements that only it runs.
pub type FileConnection = SqliteConnection;

/// One connection to either kind of database. Statements are built once and run on both.
#[derive(MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
}

/// Runs an expression on the connection of one database, for the few statements that the common type lacks: the same
/// expression for both databases, or one for SQLite and one for PostgreSQL.
macro_rules! on_each {
    ($connection:expr, |$inner:ident| $statement:expr) => {
        on_each!($connection, |$inner| $statement, |$inner| $statement)
    };
    ($connection:expr, |$file:ident| $on_file:expr, |$server:ident| $on_server:expr) => {
        match $connection {
            crate::store::Connection::Sqlite($file) => $on_file,
            #[cfg(feature = "postgres")]
            crate::store::Connection::Postgres($server) => $on_server,
        }
    };
}
pub(in crate::store) use on_each;

impl AnyConnection {
    /// Makes work on a SQLite connection cancellable, by functions that check the current budget. Work on PostgreSQL is
    /// cancelled from another connection.
    pub fn make_cancellable(&mut self, current: &CurrentBudget) -> Result<(), StoreError> {
        on_each!(self, |file| sqlite::register(file, current)?, |_server| {});
        Ok(())
    }

    /// The position of a PostgreSQL server after a commit that has returned; `None` on SQLite, which has no replicas.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no timeline"))]
    pub fn position(&mut self, timeline: Option<u32>) -> Result<Option<Position>, StoreError> {
        on_each!(self, |_file| Ok(None), |server| {
            let Some(timeline) = timeline else { return Ok(None) };
            Ok(Some(Position { timeline, offset: postgres::identity::flushed(server)? }))
        })
    }

    /// Whether a commit on PostgreSQL waits for standbys; `None` on SQLite, which has none.
    pub fn is_synchronous(&mut self) -> Result<Option<bool>, StoreError> {
        on_each!(self, |_file| Ok(None), |server| postgres::identity::is_synchronous(server).map(Some))
    }

    /// Up to where a replica has applied the log.
    pub fn applied(&mut self) -> Result<u64, StoreError> {
        on_each!(self, |_file| Ok(0), |server| postgres::identity::applied(server))
    }

    /// The timeline that a connection behind a pooler has reached at the moment.
    pub fn timeline(&mut self) -> Result<Option<u32>, StoreError> {
        on_each!(self, |_file| Ok(None), |server| Ok(postgres::identity::identify(server)?.timeline))
    }

    /// Begins a transaction. A read sees one state of the store. On SQLite, which has only one write lock, a write
    /// begins by taking it, because a transaction that reads first and locks later fails under load.
    pub fn begin(&mut self, purpose: Purpose, options: &Options, sessions: SessionState) -> Result<(), StoreError> {
        match (self, purpose) {
            (Self::Sqlite(connection), Purpose::Read) => {
                sqlite::BEGIN.execute(connection)?;
            }
            (Self::Sqlite(connection), Purpose::Write) => {
                AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?;
            }
            #[cfg(feature = "postgres")]
            (Self::Postgres(connection), purpose) => {
                let sql = postgres::begin(purpose, options, sessions);
                AnsiTransactionManager::begin_transaction_sql(connection, &sql)?;
            }
        }
        #[cfg(not(feature = "postgres"))]
        let _ = (options, sessions);
        Ok(())
    }

    /// Writes without changing anything, to test whether a SQLite file can be written to.
    pub fn touch(&mut self) -> Result<(), StoreError> {
        on_each!(self, |file| file.batch_execute(sqlite::TOUCH)?, |_server| {});
        Ok(())
    }

    pub fn is_server(&self) -> bool {
        on_each!(self, |_file| false, |_server| true)
    }

    pub fn commit(&mut self, purpose: Purpose) -> Result<(), StoreError> {
        if let (Self::Sqlite(connection), Purpose::Read) = (&mut *self, purpose) {
            sqlite::COMMIT.execute(connection)?;
            return Ok(());
        }
        on_each!(self, |connection| AnsiTransactionManager::commit_transaction(connection)?);
        Ok(())
    }

    /// Rolls back a transaction. If the database has done so already, as on a full disk, this fails; that error is
    /// ignored, because the caller already has a cause to report. Returns whether it succeeded.
    pub fn roll_back(&mut self, purpose: Purpose) -> bool {
        if let (Self::Sqlite(connection), Purpose::Read) = (&mut *self, purpose) {
            return sqlite::ROLLBACK.execute(connection).is_ok();
        }
        on_each!(self, |connection| AnsiTransactionManager::rollback_transaction(connection)).is_ok()
    }

    /// Rejects an unsuitable PostgreSQL server. A SQLite file is checked when it is read.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no name to tell"))]
    pub fn check(&mut self, name: &str) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::check(server, name))
    }

    /// Waits for the schema lock. SQLite needs none, because the write lock is already held.
    pub fn lock_schema(&mut self) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::lock_schema(server))
    }

    /// Returns those of some months that have partitions; `None` on SQLite, which has no partitions.
    pub fn partitions(&mut self, months: Vec<String>) -> Result<Option<Vec<String>>, StoreError> {
        on_each!(
            self,
            |_file| {
                drop(months);
                Ok(None)
            },
            |server| postgres::partitions::existing(server, &months).map(Some)
        )
    }

    /// Returns the ids of all partitions of messages; `None` on SQLite, which has no partitions.
    pub fn partition_ids(&mut self) -> Result<Option<BTreeSet<String>>, StoreError> {
        on_each!(self, |_file| Ok(None), |server| postgres::partitions::ids(server).map(Some))
    }

    /// Returns the ids of the partitions that contain a tenant's messages with ids in a range, separated by commas;
    /// nothing on SQLite.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no partitions"))]
    pub fn partitions_of(&mut self, tenant: i64, ids: (i64, i64)) -> Result<String, StoreError> {
        on_each!(self, |_file| Ok(String::new()), |server| postgres::partitions::of(server, tenant, ids))
    }

    /// Creates the partitions of a month, which is between two times, the later one excluded.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no partitions"))]
    pub fn create_partitions(&mut self, month: &str, from: i64, to: i64) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::partitions::create(server, month, from, to))
    }

    /// Drops the partitions of a month.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no partitions"))]
    pub fn drop_partitions(&mut self, month: &str) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::partitions::drop(server, month))
    }

    /// The size of the database in bytes.
    pub fn bytes(&mut self) -> Result<i64, StoreError> {
        #[derive(diesel::QueryableByName)]
        struct Bytes {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            value: i64,
        }
        let bytes: Bytes = on_each!(self, |file| diesel::sql_query(sqlite::BYTES).get_result(file)?, |server| {
            diesel::sql_query(postgres::BYTES).get_result(server)?
        });
        Ok(bytes.value)
    }

    /// Runs part of a change with a limit on how long it waits for locks of other writers. Returns `false` if it would
    /// wait longer; the rest of the change is then unaffected. SQLite has no locks but the one that every change holds.
    pub fn within_lock_wait(
        &mut self,
        wait: Duration,
        work: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let before: Option<String> = on_each!(self, |_file| None, |server| Some(postgres::lock_timeout(server)?));
        let Some(before) = before else { return work(self).map(|()| true) };
        let started = Instant::now();
        let result = self.transaction(|connection| {
            // PostgreSQL takes zero for no limit.
            connection.set_lock_timeout(&format!("{}ms", wait.as_millis().max(1)))?;
            work(connection)?;
            connection.set_lock_timeout(&before)
        });
        match result {
            Err(StoreError::Busy) => Ok(false),
            // PostgreSQL's error text may be in any language, so the elapsed time decides.
            Err(StoreError::Failed(_)) if started.elapsed() >= wait => Ok(false),
            result => result.map(|()| true),
        }
    }

    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, clippy::unnecessary_wraps, reason = "a file has no locks to wait for")
    )]
    fn set_lock_timeout(&mut self, timeout: &str) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::set_lock_timeout(server, timeout))
    }

    /// Returns free space to the file system. On SQLite, the file is rewritten; on PostgreSQL, one after the other, the
    /// partitions that contain dropped columns.
    pub fn shrink(&mut self, progress: &impl Fn(usize, usize)) -> Result<(), StoreError> {
        on_each!(
            self,
            |file| {
                #[derive(diesel::QueryableByName)]
                struct Moved {
                    #[diesel(sql_type = diesel::sql_types::Integer)]
                    busy: i32,
                }
                file.batch_execute(sqlite::SHRINK)?;
                let Moved { busy } = diesel::sql_query(sqlite::TRUNCATE_LOG).get_result(file)?;
                if busy != 0 {
                    return Err(StoreError::Busy);
                }
                progress(1, 1);
            },
            |server| postgres::partitions::shrink(server, progress)?
        );
        Ok(())
    }

    /// Removes deleted data from the disk. On SQLite, the write-ahead log is moved into the file, where that data is
    /// already overwritten. On PostgreSQL, the space of dead rows becomes available to new ones, which is all that it
    /// offers.
    pub fn purge_deleted(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(sqlite::TRUNCATE_LOG)?,
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.batch_execute(postgres::VACUUM)?,
        }
        Ok(())
    }
}
