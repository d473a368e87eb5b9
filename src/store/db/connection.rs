//! One connection to the database that the URL names, and how transactions begin and end there; knows no table.

use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::{Connection as _, MultiConnection, RunQueryDsl, SqliteConnection};

use crate::store::Options;
use crate::store::db::budget::Current;
#[cfg(feature = "postgres")]
use crate::store::db::postgres;
use crate::store::db::session::{Purpose, Sessions};
use crate::store::db::sqlite;
use crate::store::error::StoreError;

pub type Backend = MultiBackend;

/// One connection to either kind of database. Statements are built once and run on both.
#[derive(MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
}

/// Runs an expression on whichever connection there is, for the few statements that the common one lacks: the same
/// for both, or one for a file and one for a server.
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
    /// Sees to it that work on this connection can be ended: by functions that ask the budget of what it works on, or by
    /// the number of the server's process, which this gives.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file's work ends from inside"))]
    pub fn watch(
        &mut self,
        current: &Current,
        purpose: Purpose,
        sessions: Sessions,
    ) -> Result<Option<i32>, StoreError> {
        on_each!(
            self,
            |file| {
                if purpose == Purpose::Read {
                    sqlite::register(file, current)?;
                }
                Ok(None)
            },
            |server| {
                let may_cancel = purpose == Purpose::Read && sessions.set_once;
                Ok(if may_cancel { Some(postgres::process(server)?) } else { None })
            }
        )
    }

    /// Begins a transaction: a question's sees one state of the store; a change's begins with the write lock where
    /// the database has only one, because a transaction that reads first and locks later fails under load.
    pub fn begin(&mut self, purpose: Purpose, options: &Options, sessions: Sessions) -> Result<(), StoreError> {
        match (self, purpose) {
            (Self::Sqlite(connection), Purpose::Read) => AnsiTransactionManager::begin_transaction(connection)?,
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

    /// Writes something that means nothing, to see whether a file can be written to.
    pub fn touch(&mut self) -> Result<(), StoreError> {
        on_each!(self, |file| file.batch_execute(sqlite::TOUCH)?, |_server| {});
        Ok(())
    }

    pub fn is_server(&self) -> bool {
        on_each!(self, |_file| false, |_server| true)
    }

    pub fn commit(&mut self) -> Result<(), StoreError> {
        on_each!(self, |connection| AnsiTransactionManager::commit_transaction(connection)?);
        Ok(())
    }

    /// Undoes a transaction. Where the database has undone it already, as on a full disk, this fails and says nothing
    /// new, so nothing is made of it: who undoes has a cause to report already.
    pub fn roll_back(&mut self) {
        let _ = on_each!(self, |connection| AnsiTransactionManager::rollback_transaction(connection));
    }

    /// Refuses a server that will not do; a file is looked at when it is read.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no name to tell"))]
    pub fn check(&mut self, name: &str) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::check(server, name))
    }

    /// Waits until nobody else changes the schema; a file's write lock, which is held already, sees to that.
    pub fn lock_schema(&mut self) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::lock_schema(server))
    }

    /// The months among some that have their partitions; `None` where there are none at all.
    pub fn partitions(&mut self, months: Vec<String>) -> Result<Option<Vec<String>>, StoreError> {
        on_each!(
            self,
            |_file| {
                drop(months);
                Ok(None)
            },
            |server| postgres::partitions(server, &months).map(Some)
        )
    }

    /// Makes the partitions for a month, which is between two times, the later one excluded.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has no partitions"))]
    pub fn create_partitions(&mut self, month: &str, from: i64, to: i64) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::create_partitions(server, month, from, to))
    }

    /// How many bytes the database takes.
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

    /// Does work within a change that waits no longer than `wait` for what somebody else has locked; `false` where it would,
    /// and the rest of the change is as it was. A file has no locks but the one that every change has.
    pub fn within_lock_wait(
        &mut self,
        wait: Duration,
        work: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let before: Option<String> = on_each!(self, |_file| None, |server| Some(postgres::lock_timeout(server)?));
        let Some(before) = before else { return work(self).map(|()| true) };
        let started = Instant::now();
        let done = self.transaction(|connection| {
            // None at all would be none to the server.
            connection.set_lock_timeout(&format!("{}ms", wait.as_millis().max(1)))?;
            work(connection)?;
            connection.set_lock_timeout(&before)
        });
        match done {
            Err(StoreError::Busy) => Ok(false),
            // A server says it in its own language, so the time tells.
            Err(StoreError::Failed(_)) if started.elapsed() >= wait => Ok(false),
            done => done.map(|()| true),
        }
    }

    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, clippy::unnecessary_wraps, reason = "a file has no locks to wait for")
    )]
    fn set_lock_timeout(&mut self, timeout: &str) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::set_lock_timeout(server, timeout))
    }

    /// Makes away with what was deleted: a file's log is moved into the file, where it was overwritten already; a
    /// server gives the space of dead rows to new ones, which is as far as it goes.
    pub fn forget_deleted(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?,
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.batch_execute(postgres::VACUUM)?,
        }
        Ok(())
    }
}
