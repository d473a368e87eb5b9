//! Copies the SQLite file of a store to another file and back, as one consistent and checked state; knows no PostgreSQL
//! backup, which has its own programs.

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
use crate::store::tenants;

/// How long to wait until other processes release a store that is to be replaced.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// How often the progress of a copy is reported.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Endings of the files that SQLite keeps next to a database file. It would apply leftover ones to another database of
/// the same name.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Why a backup or a restore failed.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("'{0}' exists already and was left as it is; name a new file")]
    Exists(String),
    #[error("'{file}' cannot be written: {cause}; check its directory's permissions and its disk")]
    Unwritable { file: String, cause: String },
    #[error("the copy of the store is damaged and was deleted: {0}; 'history-gateway check' shows details")]
    DamagedCopy(String),
    #[error("there is no backup '{0}'")]
    NoBackup(String),
    #[error("'{0}' is no backup of a history-gateway store; nothing was restored")]
    NotABackup(String),
    #[error("the backup '{file}' is damaged, and nothing was restored: {cause}; take another one")]
    DamagedBackup { file: String, cause: String },
    #[error("there is a store at '{0}' already, and nothing was restored; --replace puts the backup in its place")]
    StoreExists(String),
    #[error("the store '{0}' is in use, and nothing was restored; stop every gateway and command that has it open")]
    InUse(String),
    #[error("{0}")]
    NotAFile(String),
}

/// An incomplete file in the directory of its target. Only its owner may read it, and it is removed on drop.
pub struct TemporaryFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl TemporaryFile {
    pub fn next_to(target: &Path) -> Result<Self, BackupError> {
        let file = tempfile::Builder::new().prefix(".history-gateway-").suffix(".part").tempfile_in(folder(target));
        let file = file.map_err(|error| unwritable(target, &error))?;
        Ok(Self { file, target: target.to_owned() })
    }

    pub fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    /// Makes the file durable under the target's name, unless a file of that name exists. Returns its size in bytes.
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

    /// Like `publish`, but replaces an existing file of that name.
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

/// Begins a backup. Rejects a store on PostgreSQL, a missing store, and a target that exists.
pub fn begin(url: &DatabaseUrl, target: &Path) -> Result<TemporaryFile, BackupError> {
    if let Some(hint) = url.dump_hint(&display(target)) {
        return Err(BackupError::NotAFile(hint));
    }
    url.require()?;
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(display(target)));
    }
    TemporaryFile::next_to(target)
}

/// Copies one consistent state of a store, even while others write to it, and checks the copy.
pub fn copy(
    url: &DatabaseUrl,
    into: &Path,
    wait: Duration,
    progress: impl FnMut(u64) + Send,
) -> Result<(), BackupError> {
    let mut source = url.connect_read_only(wait)?;
    migrate::require_store(&mut source, url)?;
    copy_from(&mut source, into, progress)?;
    let fault = first_fault(into, wait)?;
    fault.map_or(Ok(()), |cause| Err(BackupError::DamagedCopy(cause)))?;
    // The copy may be served as it is.
    Ok(renew_epochs(into, wait)?)
}

/// Puts a backup in a store's place. Returns its size in bytes.
pub fn restore(url: &DatabaseUrl, backup: &Path, replace: bool, wait: Duration) -> Result<u64, BackupError> {
    let Some(target) = url.file() else {
        return Err(BackupError::NotAFile(url.restore_hint(&display(backup)).unwrap_or_default()));
    };
    // If a symbolic link leads to the store, the store is replaced, not the link.
    let target = std::fs::canonicalize(target).unwrap_or_else(|_| target.into());
    let exists = target.symlink_metadata().is_ok();
    if exists && !replace {
        return Err(BackupError::StoreExists(url.name()));
    }
    let mut source = readable(backup, wait)?;
    // Held until the new file has the old file's name.
    let _lock = if exists { lock_exclusively(url)? } else { None };
    let temporary = TemporaryFile::next_to(&target)?;
    copy_from(&mut source, &temporary.path(), |_| {})?;
    if let Some(cause) = first_fault(&temporary.path(), wait)? {
        return Err(BackupError::DamagedBackup { file: display(backup), cause });
    }
    renew_epochs(&temporary.path(), wait)?;
    temporary.replace()
}

/// Lets readers that have followed the changes of the store further than the backup notice it. A store of an earlier version
/// gets its epochs when it is brought up to date.
fn renew_epochs(file: &Path, wait: Duration) -> Result<(), StoreError> {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", display(file)))?;
    let mut connection = url.connect(wait)?;
    if migrate::is_current(&mut connection)? {
        tenants::renew_epochs(&mut connection)?;
    }
    Ok(())
}

/// Opens a backup; rejects a file that is not a backup or is damaged.
fn readable(backup: &Path, wait: Duration) -> Result<Connection, BackupError> {
    let name = display(backup);
    let url = DatabaseUrl::parse(&format!("sqlite://{name}"))?;
    match url.require() {
        Err(StoreError::Missing { file }) => return Err(BackupError::NoBackup(file)),
        other => other?,
    }
    let to_backup_error = |error| match error {
        StoreError::NotAStore { file } => BackupError::NotABackup(file),
        StoreError::Damaged { file, cause } => BackupError::DamagedBackup { file, cause },
        other => BackupError::Store(other),
    };
    let mut source = url.connect_read_only(wait)?;
    migrate::require_store(&mut source, &url).map_err(to_backup_error)?;
    match first_fault(backup, wait)? {
        None => Ok(source),
        Some(cause) => Err(BackupError::DamagedBackup { file: name, cause }),
    }
}

/// Locks every other process out of a store that is to be replaced; `None` if it is too damaged to be locked.
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
    let write_guard = url.lock_for_writing(LOCK_WAIT).map_err(in_use)?;
    let locked: QueryResult<()> = on_each!(
        &mut connection,
        |file| diesel::connection::SimpleConnection::batch_execute(file, sqlite::EXCLUSIVE),
        |_server| Ok(())
    );
    match locked.map_err(StoreError::from) {
        Ok(()) => Ok(Some((connection, write_guard))),
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

/// The first fault in a file's structure, if there is one.
fn first_fault(file: &Path, wait: Duration) -> Result<Option<String>, BackupError> {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", display(file)))?;
    Ok(check::structure(&mut url.connect_read_only(wait)?)?.into_iter().next())
}

fn synced(file: &NamedTempFile, target: &Path) -> Result<u64, BackupError> {
    let synced = file.as_file().sync_all().and_then(|()| file.as_file().metadata());
    synced.map(|metadata| metadata.len()).map_err(|error| unwritable(target, &error))
}

/// Makes a new directory entry durable.
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
    // The error contains the path of the temporary file, which means nothing to the reader.
    let cause = error.to_string();
    let cause = cause.split(" at path ").next().unwrap_or_default().to_owned();
    BackupError::Unwritable { file: display(file), cause }
}
