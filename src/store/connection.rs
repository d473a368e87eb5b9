//! Opens connections to the database that the URL names, and begins and ends transactions there; knows no table.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::{Connection as _, MultiConnection, RunQueryDsl, SqliteConnection};

use super::Options;
use super::dialect;
use super::error::StoreError;
#[cfg(feature = "postgres")]
use super::postgres;
use super::turns::{Turn, Turns};

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
pub(super) use on_each;

/// A database's address, its scheme known.
#[derive(Clone)]
pub enum DatabaseUrl {
    Sqlite {
        file: String,
    },
    #[cfg(feature = "postgres")]
    Postgres {
        url: String,
        sessions: Sessions,
    },
}

/// What stays with a connection from one transaction to the next. Nothing does behind a pooler that hands out another
/// server process for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Statements keep their names.
    pub named: bool,
    /// Settings stay, and touch nobody else.
    pub set_once: bool,
}

/// Whether statements are prepared once for each connection, or anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreparedStatements {
    /// Once, unless a pooler shares its server processes.
    Auto,
    Always,
    Never,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
}

impl DatabaseUrl {
    /// Reads `sqlite://FILE` or `postgres://…`. A scheme nobody knows is refused rather than taken for a file's name.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let refuse = |reason| Err(StoreError::Address { url: without_secrets(url), reason });
        let Some((scheme, rest)) = url.split_once(':') else {
            return refuse("it has no scheme");
        };
        let file = rest.strip_prefix("//").unwrap_or(rest);
        match scheme {
            "sqlite" if file.is_empty() => refuse("it names no file"),
            "sqlite" if file.starts_with(":memory:") || file.starts_with("file:") => {
                refuse("the store is a file that several connections share")
            }
            "sqlite" => Ok(Self::Sqlite { file: file.to_owned() }),
            "postgres" | "postgresql" if !rest.starts_with("//") => refuse("its scheme is not followed by //"),
            // Else the parts would be taken for others, and libpq would repeat the wrong ones in its errors.
            "postgres" | "postgresql" if !is_encoded(file) => {
                refuse("a special character in its user, password or settings is not percent-encoded (%40 for @)")
            }
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Ok(Self::Postgres { url: url.to_owned(), sessions: Sessions::default() }),
            #[cfg(not(feature = "postgres"))]
            "postgres" | "postgresql" => refuse("this program was built without PostgreSQL"),
            _ => refuse("its scheme is not known"),
        }
    }

    /// The same address, and how statements are to be prepared there; asks the server where that is to be found out.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file is asked nothing"))]
    pub fn settled(self, options: &Options) -> Result<Self, StoreError> {
        match self {
            file @ Self::Sqlite { .. } => Ok(file),
            #[cfg(feature = "postgres")]
            Self::Postgres { ref url, .. } => {
                let sessions = match options.prepared_statements {
                    // There may be a pooler that keeps track of names; none keeps track of all settings.
                    PreparedStatements::Always => Sessions { named: true, set_once: false },
                    PreparedStatements::Never => Sessions::default(),
                    PreparedStatements::Auto => {
                        let direct = !postgres::is_pooled(url, options.wait, &self.name())?;
                        Sessions { named: direct, set_once: direct }
                    }
                };
                Ok(Self::Postgres { url: url.clone(), sessions })
            }
        }
    }

    /// What to call the store in a message.
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite { file } => file.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres { url, .. } => without_secrets(url),
        }
    }

    /// The store's file; a server has none.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Sqlite { file } => Some(file),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => None,
        }
    }

    /// How a server's store is copied into a file; nothing for a file.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file is copied by us"))]
    pub fn dump_hint(&self, into: &str) -> Option<String> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "postgres")]
            Self::Postgres { url, .. } => Some(postgres::dump_hint(url, into)),
        }
    }

    /// How a server's store is made from such a file; nothing for a file.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file is restored by us"))]
    pub fn restore_hint(&self, from: &str) -> Option<String> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "postgres")]
            Self::Postgres { url, .. } => Some(postgres::restore_hint(url, from)),
        }
    }

    /// Whether it is a server's, which several gateways may share.
    pub fn is_server(&self) -> bool {
        !matches!(self, Self::Sqlite { .. })
    }

    /// Waits for this process's turn to write to a file; a server's writers take turns on their tenant's row.
    pub fn turn(&self, patience: Duration) -> Result<Option<Turn>, StoreError> {
        match self {
            Self::Sqlite { file } => Turns::of(file).wait(patience).map(Some),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => Ok(None),
        }
    }

    /// What stays with a connection of this address.
    pub fn sessions(&self) -> Sessions {
        match self {
            Self::Sqlite { .. } => Sessions::default(),
            #[cfg(feature = "postgres")]
            Self::Postgres { sessions, .. } => *sessions,
        }
    }

    /// Whether there is a store to look at.
    pub fn exists(&self) -> bool {
        match self {
            Self::Sqlite { file } => std::path::Path::new(file).exists(),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => true,
        }
    }

    /// Refuses a file that is missing. One that cannot be looked for is refused where it is opened, with the cause.
    pub fn require(&self) -> Result<(), StoreError> {
        match self.file().map(|file| (file, std::path::Path::new(file).try_exists())) {
            Some((file, Ok(false))) => Err(StoreError::Missing { file: file.to_owned() }),
            _ => Ok(()),
        }
    }

    /// One connection that has changed nothing yet.
    pub fn connect(&self, busy: Duration) -> Result<AnyConnection, StoreError> {
        match self {
            Self::Sqlite { file } => self.open(file, busy),
            #[cfg(feature = "postgres")]
            Self::Postgres { url, sessions } => {
                postgres::connect(url, sessions.named, busy, &self.name()).map(AnyConnection::Postgres)
            }
        }
    }

    /// One connection for looking: it cannot change a file, not even by tidying up when it closes.
    pub fn connect_to_look(&self, busy: Duration) -> Result<AnyConnection, StoreError> {
        match self {
            Self::Sqlite { file } => {
                let path = file.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
                self.open(&format!("file:{path}?mode=ro"), busy)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => self.connect(busy),
        }
    }

    fn open(&self, target: &str, busy: Duration) -> Result<AnyConnection, StoreError> {
        let cannot = |cause: String| StoreError::CannotOpen { file: self.name(), cause };
        if std::path::Path::new(&self.name()).is_dir() {
            return Err(cannot("it is a directory".into()));
        }
        let mut connection = SqliteConnection::establish(target).map_err(|error| cannot(error.to_string()))?;
        connection.batch_execute(&format!("PRAGMA busy_timeout = {}", busy.as_millis()))?;
        Ok(AnyConnection::Sqlite(connection))
    }

    /// One connection for work of its kind.
    pub fn connect_for(&self, purpose: Purpose, options: &Options) -> Result<AnyConnection, StoreError> {
        let mut connection = self.connect(options.wait)?;
        on_each!(&mut connection, |file| file.batch_execute(file_settings(purpose))?, |server| {
            if self.sessions().set_once {
                server.batch_execute(&postgres::settings(purpose, options, self.sessions()))?;
            }
        });
        Ok(connection)
    }
}

/// A URL can hold a password, so it does not print.
impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.name()).finish()
    }
}

fn file_settings(purpose: Purpose) -> &'static str {
    // FULL makes a commit wait for the disk: what was acknowledged survives a power cut.
    // What is deleted is overwritten, so that a person's messages do not stay in the file.
    match purpose {
        Purpose::Read => "PRAGMA journal_mode = WAL; PRAGMA query_only = 1; PRAGMA cache_size = -8192",
        Purpose::Write => {
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
             PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 8192"
        }
    }
}

impl AnyConnection {
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
    pub fn check(&mut self, url: &DatabaseUrl) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::check(server, &url.name()))
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
    pub fn make_partitions(&mut self, month: &str, from: i64, to: i64) -> Result<(), StoreError> {
        on_each!(self, |_file| Ok(()), |server| postgres::make_partitions(server, month, from, to))
    }

    /// How many bytes the database takes.
    pub fn bytes(&mut self) -> Result<i64, StoreError> {
        #[derive(diesel::QueryableByName)]
        struct Bytes {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            value: i64,
        }
        let bytes: Bytes = on_each!(self, |file| diesel::sql_query(dialect::FILE_BYTES).get_result(file)?, |server| {
            diesel::sql_query(dialect::SERVER_BYTES).get_result(server)?
        });
        Ok(bytes.value)
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

/// Whether an address's user and password end where the first `@` is, and every `%` begins a byte's two digits.
fn is_encoded(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let percents = rest.split('%').skip(1);
    rest.matches('@').count() == authority.matches('@').count()
        && authority.matches('@').count() <= 1
        && !rest.contains('#')
        && percents
            .into_iter()
            .all(|after| after.len() > 1 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// An address as a message may show it: a file as it is, a server without user, password and settings, and of what
/// cannot be read no more than could not be a password.
fn without_secrets(url: &str) -> String {
    let plain = url.split('?').next().unwrap_or_default();
    match plain.split_once("://") {
        _ if url.starts_with("sqlite:") || !url.contains([':', '@', '=']) => url.to_owned(),
        Some((scheme @ ("postgres" | "postgresql"), rest))
            if is_encoded(url.split_once("://").map_or("", |(_, rest)| rest)) =>
        {
            let host = rest.split_once('@').map_or(rest, |(_, host)| host);
            if host == rest { plain.to_owned() } else { format!("{scheme}://…@{host}") }
        }
        _ => url
            .split_once(':')
            .filter(|(scheme, _)| !scheme.contains(['@', '=']))
            .map_or("…".into(), |(scheme, _)| format!("{scheme}:…")),
    }
}
