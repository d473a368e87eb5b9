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
use crate::store::db::session::{Purpose, Sessions};
use crate::store::db::write_lock::{WriteGuard, WriteLock};
use crate::store::error::StoreError;

/// A database's address, its scheme known.
#[derive(Clone)]
pub enum DatabaseUrl {
    Sqlite {
        file: String,
        /// The file that was opened, which others with its name are not to be taken for.
        opened: Option<Arc<StoreFile>>,
    },
    #[cfg(feature = "postgres")]
    Postgres { url: String, sessions: Sessions },
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
            "sqlite" => Ok(Self::Sqlite { file: file.to_owned(), opened: None }),
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
            Self::Sqlite { file, .. } => {
                let opened = Some(Arc::new(StoreFile::opened(&file)));
                Ok(Self::Sqlite { file, opened })
            }
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
            Self::Sqlite { file, .. } => file.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres { url, .. } => without_secrets(url),
        }
    }

    /// The store's file; a server has none.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Sqlite { file, .. } => Some(file),
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
    pub fn lock_for_writing(&self, timeout: Duration) -> Result<Option<WriteGuard>, StoreError> {
        match self {
            Self::Sqlite { file, .. } => WriteLock::of(file).wait(timeout).map(Some),
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

    /// By what work on a server is ended; a file's ends from inside. Behind a pooler that shares its processes, the
    /// server's own deadline is all there is, because a process may work for somebody else already.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a file's work ends from inside"))]
    pub fn canceller(&self, options: &Options) -> Option<Sender<Arc<Budget>>> {
        match self {
            Self::Sqlite { .. } => None,
            #[cfg(feature = "postgres")]
            Self::Postgres { url, sessions } => {
                sessions.set_once.then(|| postgres::canceller(url, options.wait, &self.name()))
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

    /// Fails where a file is not the one any more that was opened.
    pub fn check_file(&self) -> Result<(), StoreError> {
        self.opened().map_or(Ok(()), StoreFile::check)
    }

    /// The same after something was written.
    pub fn check_written(&self) -> Result<(), StoreError> {
        self.opened().map_or(Ok(()), StoreFile::check_written)
    }

    /// Whether there is a store to look at.
    pub fn exists(&self) -> bool {
        match self {
            Self::Sqlite { file, .. } => std::path::Path::new(file).exists(),
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
            Self::Sqlite { file, opened: None } => {
                file::create_private(file);
                self.open(file, busy)
            }
            // One that was removed is not made anew.
            Self::Sqlite { file, opened: Some(opened) } => {
                opened.check()?;
                self.open(&uri(file, "rw"), busy)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres { url, sessions } => {
                postgres::connect(url, sessions.named, busy, &self.name()).map(AnyConnection::Postgres)
            }
        }
    }

    /// One connection for looking: it cannot change a file, not even by tidying up when it closes.
    pub fn connect_to_look(&self, busy: Duration) -> Result<AnyConnection, StoreError> {
        match self {
            Self::Sqlite { file, .. } => self.open(&uri(file, "ro"), busy),
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

/// A file's address in SQLite's own form, with how it is opened.
fn uri(file: &str, mode: &str) -> String {
    let path = file.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?mode={mode}")
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
