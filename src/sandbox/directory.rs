//! The temporary directory of one sandbox, which only its owner can enter; removes what killed sandboxes left behind;
//! knows no tenant.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// How the names of all sandboxes' directories begin.
const PREFIX: &str = "history-gateway-sandbox-";

/// A file that its sandbox keeps locked as long as it lives.
const LOCK: &str = "lock";

/// A directory without a lock file that is older than this was left by a sandbox that was killed while it started.
const UNFINISHED_AGE: Duration = Duration::from_mins(1);

/// A directory that is removed when it is dropped.
pub struct Directory {
    folder: TempDir,
    _lock: File,
    numbers: AtomicU64,
}

impl Directory {
    /// Creates a directory, and removes those of sandboxes that do not live any more.
    pub fn create() -> io::Result<Self> {
        let mut directory = tempfile::Builder::new();
        directory.prefix(PREFIX);
        #[cfg(unix)]
        directory.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = directory.tempdir()?;
        // Locked before it has its name, so that no other sandbox finds it unlocked.
        let unfinished = directory.path().join("unfinished");
        let lock = OpenOptions::new().create_new(true).write(true).open(&unfinished)?;
        lock.lock()?;
        fs::rename(&unfinished, directory.path().join(LOCK))?;
        remove_leftovers(&std::env::temp_dir(), owner(&fs::metadata(directory.path())?));
        Ok(Self { folder: directory, _lock: lock, numbers: AtomicU64::new(0) })
    }

    /// Removes the directory now, whoever still uses a file in it.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(self.folder.path()) {
            tracing::warn!(cause = %error, "the sandbox's directory was not removed");
        }
    }

    /// The path of a file that does not exist yet.
    pub fn new_file(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", self.numbers.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Removes the directories of sandboxes that were killed. What cannot be removed is left for the next sandbox.
fn remove_leftovers(folder: &Path, own_user: u32) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_sandbox = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // The metadata of an entry is never that of what a symbolic link points to.
        if is_sandbox && entry.metadata().is_ok_and(|found| found.is_dir() && owner(&found) == own_user) {
            remove_if_dead(&entry.path());
        }
    }
}

fn remove_if_dead(directory: &Path) {
    let is_dead = match File::open(directory.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => is_old(directory),
        Err(_) => false,
    };
    if is_dead && let Err(error) = fs::remove_dir_all(directory) {
        tracing::debug!(cause = %error, "the files of a killed sandbox were not removed");
    }
}

fn is_old(directory: &Path) -> bool {
    let modified = fs::metadata(directory).and_then(|found| found.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > UNFINISHED_AGE))
}

/// The user that a file belongs to.
#[cfg(unix)]
fn owner(found: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(found)
}

#[cfg(not(unix))]
fn owner(_: &fs::Metadata) -> u32 {
    0
}
