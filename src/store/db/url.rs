//! A database's address, and how a connection to it is opened; knows no table and no transaction.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, SqliteConnection};

use crate::store::Options;
use crate::store::db::budget::Budget;
use crate::store::db::connection::{AnyConnection, on_each};
use crate::store::db::file::{self, StoreFile};
#[cfg(feature = "postgres")]
use crate::store::db::postgres;
#[cfg(feature = "postgres")]
use crate::store::db::session::PreparedStatements;
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
    Postgres { url: String, sessions: SessionState },
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
            "postgres" | "postgresql" => Ok(Self::Postgres { url: url.to_owned(), sessions: SessionState::default() }),
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
            Self::Postgres { ref url, .. } => {
                let sessions = match options.prepared_statements {
                    // A pooler may track the names of statements; none tracks all settings.
                    PreparedStatements::Always => SessionState { statements_persist: true, settings_persist: false },
                    PreparedStatements::Never => SessionState::default(),
                    PreparedStatements::Auto => {
                        let direct = !postgres::pooler::is_pooled(url, options.wait, &self.name())?;
                        SessionState { statements_persist: direct, settings_persist: direct }
                    }
                };
                Ok(Self::Postgres { url: url.clone(), sessions })
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
            Self::Postgres { url, sessions } => {
                sessions.settings_persist.then(|| postgres::cancel::canceller(url, options.wait, &self.name()))
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
        match self {
            Self::Sqlite { file, opened: None } => {
                file::create_private(file);
                self.open(file, busy)
            }
            // A file that was removed is not created again.
            Self::Sqlite { file, opened: Some(opened) } => {
                opened.check()?;
                self.open(&uri(file, "rw"), busy)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres { url, sessions } => {
                postgres::connect(url, sessions.statements_persist, busy, &self.name()).map(AnyConnection::Postgres)
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
        let mut connection = self.connect(options.wait)?;
        on_each!(&mut connection, |file| file.batch_execute(&file_settings(purpose, options))?, |server| {
            if self.sessions().settings_persist {
                server.batch_execute(&postgres::settings(purpose, options, self.sessions()))?;
            }
        });
        Ok(connection)
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

/// Whether user and password end at the first `@`, and two hexadecimal digits follow every `%`.
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

/// An address as logs and errors may show it: a SQLite address unchanged, a PostgreSQL address without user, password
/// and settings, and of an address that cannot be parsed only what cannot be a password.
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
