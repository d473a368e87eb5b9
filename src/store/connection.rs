//! Opens connections to the database that the URL names; knows no table.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::{Connection as _, SqliteConnection};

use super::error::StoreError;

pub type Connection = SqliteConnection;
pub type Connections = Pool<ConnectionManager<Connection>>;

/// A database's address, its scheme known.
#[derive(Clone, Debug)]
pub struct DatabaseUrl {
    file: String,
}

impl DatabaseUrl {
    /// Reads `sqlite://FILE`. A scheme nobody knows is refused rather than taken for a file's name.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let refuse = |reason| Err(StoreError::Address { url: without_password(url), reason });
        let Some((scheme, rest)) = url.split_once(':') else {
            return refuse("it has no scheme");
        };
        let file = rest.strip_prefix("//").unwrap_or(rest);
        match scheme {
            "sqlite" if file.is_empty() => refuse("it names no file"),
            "sqlite" if file.starts_with(":memory:") || file.starts_with("file:") => {
                refuse("the store is a file that several connections share")
            }
            "sqlite" => Ok(Self { file: file.to_owned() }),
            _ => refuse("its scheme is not known"),
        }
    }

    /// What to call the store in a message.
    pub fn name(&self) -> &str {
        &self.file
    }

    /// One connection that has changed nothing yet.
    pub fn connect(&self, busy: Duration) -> Result<Connection, StoreError> {
        self.establish(&self.file, busy)
    }

    /// Whether there is a file to look at.
    pub fn exists(&self) -> bool {
        std::path::Path::new(&self.file).exists()
    }

    /// One connection that cannot change anything, not even by tidying up when it closes.
    pub fn connect_to_look(&self, busy: Duration) -> Result<Connection, StoreError> {
        let path = self.file.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        self.establish(&format!("file:{path}?mode=ro"), busy)
    }

    fn establish(&self, target: &str, busy: Duration) -> Result<Connection, StoreError> {
        let cannot = |cause: String| StoreError::CannotOpen { file: self.file.clone(), cause };
        if std::path::Path::new(&self.file).is_dir() {
            return Err(cannot("it is a directory".into()));
        }
        let mut connection = SqliteConnection::establish(target).map_err(|error| cannot(error.to_string()))?;
        connection.batch_execute(&format!("PRAGMA busy_timeout = {}", busy.as_millis()))?;
        Ok(connection)
    }

    /// One connection, set up as a pool's are.
    pub fn connect_for(&self, purpose: Purpose, busy: Duration) -> Result<Connection, StoreError> {
        let mut connection = self.connect(busy)?;
        connection.batch_execute(&Settings { purpose, busy }.statements())?;
        Ok(connection)
    }

    /// Connections that are made when they are first needed.
    pub fn pool(&self, size: u32, purpose: Purpose, wait: Duration, busy: Duration) -> Connections {
        Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(wait)
            .test_on_check_out(false)
            .connection_customizer(Box::new(Settings { purpose, busy }))
            .build_unchecked(ConnectionManager::new(&self.file))
    }
}

/// What a pool's connections are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
}

#[derive(Debug)]
struct Settings {
    purpose: Purpose,
    busy: Duration,
}

impl Settings {
    fn statements(&self) -> String {
        let busy = self.busy.as_millis();
        // FULL makes a commit wait for the disk: what was acknowledged survives a power cut.
        // What is deleted is overwritten, so that a person's messages do not stay in the file.
        let own = match self.purpose {
            Purpose::Read => "PRAGMA query_only = 1; PRAGMA cache_size = -8192",
            Purpose::Write => {
                "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -32768; \
                 PRAGMA wal_autocheckpoint = 8192"
            }
        };
        format!("PRAGMA busy_timeout = {busy}; PRAGMA journal_mode = WAL; {own};")
    }
}

impl CustomizeConnection<Connection, diesel::r2d2::Error> for Settings {
    fn on_acquire(&self, connection: &mut Connection) -> Result<(), diesel::r2d2::Error> {
        connection.batch_execute(&self.statements()).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Moves everything from the log beside the file into it, so that nothing stays there of what was deleted.
pub fn empty_log(connection: &mut Connection) -> Result<(), StoreError> {
    Ok(connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?)
}

/// The URL of another kind of database can hold a password, which no message may show.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rfind('@')) {
        (Some((scheme, _)), Some(at)) => format!("{scheme}://…{}", &url[at..]),
        _ => url.to_owned(),
    }
}
