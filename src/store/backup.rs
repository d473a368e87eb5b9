//! Copies a store's file to another one and back, as one state of it and checked; a server has programs of its own for it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::store::Connection;
use crate::store::check;
use crate::store::db::connection::on_each;
use crate::store::db::migrate;
use crate::store::db::sqlite;
use crate::store::db::url::DatabaseUrl;
use crate::store::error::StoreError;

/// How long to wait for others to let go of a store that is to be replaced.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// How often to look how far a copy is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What SQLite keeps beside a file, and would apply to another one of the same name.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Why there is no backup, or nothing was restored.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("'{0}' exists already and was left as it is; name a file that is not there")]
    Exists(String),
    #[error("'{file}' cannot be written: {cause}; check its directory's permissions and its disk")]
    Unwritable { file: String, cause: String },
    #[error("the copy of the store is damaged and was thrown away: {0}; 'history-gateway check' tells more")]
    DamagedCopy(String),
    #[error("there is no backup '{0}'")]
    NoBackup(String),
    #[error("'{0}' is no backup of a history-gateway store; nothing was restored")]
    NotABackup(String),
    #[error("the backup '{file}' is damaged, and nothing was restored: {cause}; take another one")]
    DamagedBackup { file: String, cause: String },
    #[error("there is a store at '{0}' already, and nothing was restored; --replace puts the backup in its place")]
    StoreThere(String),
    #[error("the store '{0}' is in use, and nothing was restored; stop every gateway and command that has it open")]
    InUse(String),
    #[error("{0}")]
    OnServer(String),
}

/// A file that is not complete yet, in the directory of the one it is to become; only its owner may read it, and it is
/// removed where it is dropped.
pub struct TemporaryFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl TemporaryFile {
    pub fn beside(target: &Path) -> Result<Self, BackupError> {
        let file = tempfile::Builder::new().prefix(".history-gateway-").suffix(".part").tempfile_in(folder(target));
        let file = file.map_err(|error| unwritable(target, &error))?;
        Ok(Self { file, target: target.to_owned() })
    }

    pub fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    /// Makes it durable under its name, unless there is a file of that name.
    pub fn publish(self) -> Result<u64, BackupError> {
        let Self { file, target } = self;
        let bytes = synced(&file, &target)?;
        file.persist_noclobber(&target).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => BackupError::Exists(display(&target)),
            _ => unwritable(&target, &error.error),
        })?;
        sync_folder(&target)?;
        Ok(bytes)
    }

    /// The same in the place of whatever has its name.
    fn replace(self) -> Result<u64, BackupError> {
        let Self { file, target } = self;
        let bytes = synced(&file, &target)?;
        for ending in SIDE_FILES {
            match std::fs::remove_file(display(&target) + ending) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(&target, &error)),
                _ => {}
            }
        }
        file.persist(&target).map_err(|error| unwritable(&target, &error.error))?;
        sync_folder(&target)?;
        Ok(bytes)
    }
}

/// Begins a backup: refuses a server's store, one that is missing, and a file that exists.
pub fn begin(url: &DatabaseUrl, target: &Path) -> Result<TemporaryFile, BackupError> {
    if let Some(sentence) = url.dump_hint(&display(target)) {
        return Err(BackupError::OnServer(sentence));
    }
    url.require()?;
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(display(target)));
    }
    TemporaryFile::beside(target)
}

/// Copies a store as it is at this moment, others writing to it or not, and checks the copy.
pub fn copy(
    url: &DatabaseUrl,
    into: &Path,
    wait: Duration,
    progress: impl FnMut(u64) + Send,
) -> Result<(), BackupError> {
    let mut source = url.connect_to_look(wait)?;
    migrate::require_store(&mut source, url)?;
    copy_from(&mut source, into, progress)?;
    let found = faults(into, wait)?;
    found.map_or(Ok(()), |cause| Err(BackupError::DamagedCopy(cause)))
}

/// Puts a backup in a store's place; gives its bytes.
pub fn restore(url: &DatabaseUrl, backup: &Path, replace: bool, wait: Duration) -> Result<u64, BackupError> {
    let Some(target) = url.file() else {
        return Err(BackupError::OnServer(url.restore_hint(&display(backup)).unwrap_or_default()));
    };
    // Where a link leads to the store, the store is replaced and not the link.
    let target = std::fs::canonicalize(target).unwrap_or_else(|_| target.into());
    let exists = target.symlink_metadata().is_ok();
    if exists && !replace {
        return Err(BackupError::StoreThere(url.name()));
    }
    let mut source = readable(backup, wait)?;
    // Held until the new file has the old one's name.
    let _lock = if exists { lock_exclusively(url)? } else { None };
    let temporary = TemporaryFile::beside(&target)?;
    copy_from(&mut source, &temporary.path(), |_| {})?;
    if let Some(cause) = faults(&temporary.path(), wait)? {
        return Err(BackupError::DamagedBackup { file: display(backup), cause });
    }
    temporary.replace()
}

/// Opens a backup, and refuses what is none.
fn readable(backup: &Path, wait: Duration) -> Result<Connection, BackupError> {
    let name = display(backup);
    let url = DatabaseUrl::parse(&format!("sqlite://{name}"))?;
    match url.require() {
        Err(StoreError::Missing { file }) => return Err(BackupError::NoBackup(file)),
        other => other?,
    }
    let refused = |error| match error {
        StoreError::NotAStore { file } => BackupError::NotABackup(file),
        StoreError::Damaged { file, cause } => BackupError::DamagedBackup { file, cause },
        other => BackupError::Store(other),
    };
    let mut source = url.connect_to_look(wait)?;
    migrate::require_store(&mut source, &url).map_err(refused)?;
    match faults(backup, wait)? {
        None => Ok(source),
        Some(cause) => Err(BackupError::DamagedBackup { file: name, cause }),
    }
}

/// Takes a store that is to be replaced away from everybody else; `None` where it is too damaged for locks.
fn lock_exclusively(
    url: &DatabaseUrl,
) -> Result<Option<(Connection, Option<crate::store::db::write_lock::WriteGuard>)>, BackupError> {
    let in_use = |error| match error {
        StoreError::Busy => BackupError::InUse(url.name()),
        other => BackupError::Store(other),
    };
    let mut connection = url.connect(LOCK_WAIT)?;
    match migrate::require_store(&mut connection, url) {
        Ok(()) | Err(StoreError::NewerSchema { .. }) => {}
        Err(StoreError::Damaged { .. }) => return Ok(None),
        Err(error) => return Err(in_use(error)),
    }
    let turn = url.lock_for_writing(LOCK_WAIT).map_err(in_use)?;
    let alone: QueryResult<()> = on_each!(
        &mut connection,
        |file| diesel::connection::SimpleConnection::batch_execute(file, sqlite::EXCLUSIVE),
        |_server| Ok(())
    );
    match alone.map_err(StoreError::from) {
        Ok(()) => Ok(Some((connection, turn))),
        Err(StoreError::Failed(_) | StoreError::Malformed(_)) => Ok(None),
        Err(error) => Err(in_use(error)),
    }
}

fn copy_from(source: &mut Connection, into: &Path, mut progress: impl FnMut(u64) + Send) -> Result<(), BackupError> {
    let (done, is_done) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(PROGRESS_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                progress(into.metadata().map_or(0, |metadata| metadata.len()));
            }
        });
        let copied: QueryResult<usize> = on_each!(
            source,
            |file| diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(display(into)).execute(file),
            |_server| Ok(0)
        );
        drop(done);
        copied.map(|_| ()).map_err(|error| BackupError::Store(error.into()))
    })
}

/// What is wrong with a file's structure, in a few words.
fn faults(file: &Path, wait: Duration) -> Result<Option<String>, BackupError> {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", display(file)))?;
    Ok(check::structure(&mut url.connect_to_look(wait)?)?.into_iter().next())
}

fn synced(file: &NamedTempFile, target: &Path) -> Result<u64, BackupError> {
    let synced = file.as_file().sync_all().and_then(|()| file.as_file().metadata());
    synced.map(|metadata| metadata.len()).map_err(|error| unwritable(target, &error))
}

/// Makes a new name in a directory durable.
fn sync_folder(target: &Path) -> Result<(), BackupError> {
    if cfg!(unix) {
        let synced = std::fs::File::open(folder(target)).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unwritable(target, &error))?;
    }
    Ok(())
}

/// The directory of a file.
fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

fn unwritable(file: &Path, error: &std::io::Error) -> BackupError {
    // The temporary file's name would tell nobody anything.
    let cause = error.to_string();
    let cause = cause.split(" at path ").next().unwrap_or_default().to_owned();
    BackupError::Unwritable { file: display(file), cause }
}
