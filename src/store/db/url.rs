//! A database's address, and how a connection to it is opened; knows no table and no transaction.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, SqliteConnection};

use crate::store::Options;
use crate::store::db::budget::{Budget, ServerProcess};
use crate::store::db::connection::{AnyConnection, on_each};
use crate::store::db::file::{self, StoreFile};
#[cfg(feature = "postgres")]
use crate::store::db::postgres;
#[cfg(feature = "postgres")]
use crate::store::db::postgres::identity::{Identity, identify};
use crate::store::db::secrets::{is_encoded, without_secrets};
#[cfg(feature = "postgres")]
use crate::store::db::servers::Servers;
#[cfg(feature = "postgres")]
use crate::store::db::servers::probe;
use crate::store::db::session::{Purpose, SessionState};
use crate::store::db::sqlite;
use crate::store::db::write_lock::{WriteGuard, WriteLock};
use crate::store::error::StoreError;

/// A database address with a known scheme.
#[derive(Clone)]
pub enum DatabaseUrl {
    Sqlite {
        file: String,
        /// The file that was opened: another file under its name is not taken for it.
        opened: Option<Arc<StoreFile>>,
    },
    #[cfg(feature = "postgres")]
    Postgres { url: String, sessions: SessionState, servers: Arc<Servers> },
}

/// A new connection, and the server that it has reached.
pub struct Opened {
    pub connection: AnyConnection,
    /// The PostgreSQL server process, if it stays the same.
    pub process: Option<ServerProcess>,
    /// The timeline of the PostgreSQL server, if it is a primary.
    pub timeline: Option<u32>,
}

impl Opened {
    fn file(connection: AnyConnection) -> Self {
        Self { connection, process: None, timeline: None }
    }
}

impl DatabaseUrl {
    /// Parses `sqlite://FILE` or `postgres://…`. An unknown scheme is rejected rather than taken for a file name.
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
            "sqlite" => Ok(Self::Sqlite { file: file.to_owned(), opened: None }),
            "postgres" | "postgresql" if !rest.starts_with("//") => refuse("its scheme is not followed by //"),
            // Otherwise libpq would split the address in the wrong places, and its errors would repeat the wrong parts.
            "postgres" | "postgresql" if !is_encoded(file) => {
                refuse("a special character in its user, password or settings is not percent-encoded (%40 for @)")
            }
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let servers = Servers::new(url, &[], Duration::ZERO, without_secrets);
                Ok(Self::Postgres {
                    url: url.to_owned(),
                    sessions: SessionState::default(),
                    servers: Arc::new(servers),
                })
            }
            #[cfg(not(feature = "postgres"))]
            "postgres" | "postgresql" => refuse("this program was built without PostgreSQL"),
            _ => refuse("its scheme is not known"),
        }
    }

    /// The same address with what an open store needs: the identity of its SQLite file, or how PostgreSQL prepares
    /// statements, which `PreparedStatements::Auto` finds out from the server.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file is asked nothing"))]
    pub fn resolved(self, options: &Options) -> Result<Self, StoreError> {
        match self {
            Self::Sqlite { file, .. } => {
                let opened = Some(Arc::new(StoreFile::opened(&file)));
                Ok(Self::Sqlite { file, opened })
            }
            #[cfg(feature = "postgres")]
            Self::Postgres { url, servers, .. } => {
                probe::start(&servers, *options)?;
                let server = servers.current()?;
                let sessions = postgres::pooler::sessions(&server.url, &server.name, options)?;
                Ok(Self::Postgres { url, sessions, servers })
            }
        }
    }

    /// The store's name in logs and errors, without secrets.
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite { file, .. } => file.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres { url, .. } => without_secrets(url),
        }
    }

    /// The SQLite file; `None` for PostgreSQL.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Sqlite { file, .. } => Some(file),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => None,
        }
    }

    /// How to copy a PostgreSQL store into a file; `None` for SQLite.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file is copied by us"))]
    pub fn dump_hint(&self, into: &str) -> Option<String> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "postgres")]
            Self::Postgres { url, .. } => Some(postgres::hints::dump_hint(url, into)),
        }
    }

    /// How to restore a PostgreSQL store from such a file; `None` for SQLite.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file is restored by us"))]
    pub fn restore_hint(&self, from: &str) -> Option<String> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "postgres")]
            Self::Postgres { url, .. } => Some(postgres::hints::restore_hint(url, from)),
        }
    }

    /// Whether another address is that of the same store, as far as the two tell.
    pub fn is_same(&self, other: &Self) -> bool {
        let canonical = |file: &str| std::fs::canonicalize(file).unwrap_or_else(|_| file.into());
        match (self, other) {
            (Self::Sqlite { file: one, .. }, Self::Sqlite { file: other, .. }) => canonical(one) == canonical(other),
            #[cfg(feature = "postgres")]
            (Self::Postgres { url: one, .. }, Self::Postgres { url: other, .. }) => one == other,
            #[cfg(feature = "postgres")]
            _ => false,
        }
    }

    /// Whether it is PostgreSQL, which several gateways may share.
    pub fn is_server(&self) -> bool {
        !matches!(self, Self::Sqlite { .. })
    }

    /// Waits for the write lock of a SQLite file. `None` for PostgreSQL, whose writers lock their tenant's row.
    pub fn lock_for_writing(&self, timeout: Duration) -> Result<Option<WriteGuard>, StoreError> {
        match self {
            Self::Sqlite { file, .. } => WriteLock::of(file).wait(timeout).map(Some),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => Ok(None),
        }
    }

    /// What persists on a connection of this address between transactions.
    pub fn sessions(&self) -> SessionState {
        match self {
            Self::Sqlite { .. } => SessionState::default(),
            #[cfg(feature = "postgres")]
            Self::Postgres { sessions, .. } => *sessions,
        }
    }

    /// Where to send budgets whose work PostgreSQL is to cancel; `None` for SQLite, whose work is cancelled from
    /// inside. It is also `None` where a pooler may share server processes: a process may already work for another
    /// client, so `statement_timeout` is the only limit.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file's work ends from inside"))]
    pub fn canceller(&self, options: &Options) -> Option<Sender<Arc<Budget>>> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "postgres")]
            Self::Postgres { sessions, .. } => {
                sessions.settings_persist.then(|| postgres::cancel::canceller(options.wait))
            }
        }
    }

    fn opened(&self) -> Option<&StoreFile> {
        match self {
            Self::Sqlite { opened, .. } => opened.as_deref(),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => None,
        }
    }

    /// Fails if the file is no longer the one that was opened.
    pub fn check_file(&self) -> Result<(), StoreError> {
        self.opened().map_or(Ok(()), StoreFile::check)
    }

    /// The same check after a write.
    pub fn check_written(&self) -> Result<(), StoreError> {
        self.opened().map_or(Ok(()), StoreFile::check_written)
    }

    /// Whether the SQLite file exists; always true for PostgreSQL.
    pub fn exists(&self) -> bool {
        match self {
            Self::Sqlite { file, .. } => std::path::Path::new(file).exists(),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => true,
        }
    }

    /// Rejects a missing file. If its existence cannot be determined, opening it fails with the cause.
    pub fn require(&self) -> Result<(), StoreError> {
        match self.file().map(|file| (file, std::path::Path::new(file).try_exists())) {
            Some((file, Ok(false))) => Err(StoreError::Missing { file: file.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Opens a connection that has changed nothing in the database yet.
    pub fn connect(&self, busy: Duration) -> Result<AnyConnection, StoreError> {
        self.reach(busy, Purpose::Read).map(|opened| opened.connection)
    }

    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file has one way to be opened"))]
    fn reach(&self, busy: Duration, purpose: Purpose) -> Result<Opened, StoreError> {
        match self {
            Self::Sqlite { file, opened: None } => {
                file::create_private(file);
                self.open(file, busy).map(Opened::file)
            }
            // A file that was removed is not created again.
            Self::Sqlite { file, opened: Some(opened) } => {
                opened.check()?;
                self.open(&uri(file, "rw"), busy).map(Opened::file)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres { sessions, servers, .. } => {
                let server = servers.current()?;
                let opened = postgres::connect(&server.url, sessions.statements_persist, busy, &server.name);
                let mut connection = opened.inspect_err(|_| servers.nudge())?;
                let Identity { process, is_standby, timeline } = identify(&mut connection)?;
                self.check_timeline(timeline)?;
                if purpose == Purpose::Write && is_standby {
                    return Err(StoreError::ReadOnly);
                }
                let process =
                    ServerProcess { id: process, url: Arc::clone(&server.url), name: Arc::clone(&server.name) };
                let connection = AnyConnection::Postgres(connection);
                Ok(Opened { connection, process: sessions.settings_persist.then_some(process), timeline })
            }
        }
    }

    /// Opens a connection for inspection. It cannot change a SQLite file, not even by cleaning up when it closes.
    pub fn connect_read_only(&self, busy: Duration) -> Result<AnyConnection, StoreError> {
        match self {
            Self::Sqlite { file, .. } => self.open(&uri(file, "ro"), busy),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => self.connect(busy),
        }
    }

    fn open(&self, target: &str, busy: Duration) -> Result<AnyConnection, StoreError> {
        let cannot_open = |cause: String| StoreError::CannotOpen { file: self.name(), cause };
        if std::path::Path::new(&self.name()).is_dir() {
            return Err(cannot_open("it is a directory".into()));
        }
        let mut connection = SqliteConnection::establish(target).map_err(|error| cannot_open(error.to_string()))?;
        connection.batch_execute(&format!("PRAGMA busy_timeout = {}", busy.as_millis()))?;
        Ok(AnyConnection::Sqlite(connection))
    }

    /// Opens a connection with the settings for its purpose.
    pub fn connect_for(&self, purpose: Purpose, options: &Options) -> Result<AnyConnection, StoreError> {
        self.open_for(purpose, options).map(|opened| opened.connection)
    }

    /// The same, with what is known of the server that it has reached.
    pub fn open_for(&self, purpose: Purpose, options: &Options) -> Result<Opened, StoreError> {
        let mut opened = self.reach(options.wait, purpose)?;
        on_each!(&mut opened.connection, |file| file.batch_execute(&file_settings(purpose, options))?, |server| {
            if self.sessions().settings_persist {
                server.batch_execute(&postgres::settings(purpose, options, self.sessions()))?;
            }
        });
        Ok(opened)
    }
}

/// A file's address in SQLite's URI form, with the mode to open it in.
fn uri(file: &str, mode: &str) -> String {
    let path = file.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?mode={mode}")
}

/// Prints the store's name instead of the URL, which can contain a password.
impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.name()).finish()
    }
}

fn file_settings(purpose: Purpose, options: &Options) -> String {
    // FULL makes a commit wait for the disk: what was acknowledged survives a power cut. Deleted data is overwritten,
    // so that a person's messages do not stay in the file.
    match purpose {
        Purpose::Read => "PRAGMA journal_mode = WAL; PRAGMA query_only = 1; PRAGMA cache_size = -8192".into(),
        Purpose::Write => format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA secure_delete = ON; \
             PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = {}",
            if options.durable { "FULL" } else { "OFF" },
            sqlite::MAX_LOG_PAGES
        ),
    }
}
