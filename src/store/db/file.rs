//! The SQLite file of a store as the file system sees it: its permissions, and whether it is still the file that was
//! opened; knows no statement. It never opens an existing database file, because closing it would release SQLite's
//! locks on it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::error::StoreError;

/// Endings of the files next to a store's file: its write-ahead log, the log's index, and the two lock files of
/// `write_lock`.
const SIDE_FILES: [&str; 4] = ["-wal", "-shm", "-turn", "-next"];

/// The file of an open store.
pub struct StoreFile {
    path: PathBuf,
    identity: Option<Identity>,
    /// Whether the write-ahead log existed after a write.
    has_log: AtomicBool,
    /// Whether the write-ahead log was removed. A connection opened after that would create another log, and the two
    /// logs would be inconsistent. If none is opened, SQLite moves what it has of the old log into the file when it is
    /// closed.
    is_lost: AtomicBool,
}

/// A file's identity, independent of its name.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
}

impl StoreFile {
    pub fn opened(file: &str) -> Self {
        let path = PathBuf::from(file);
        Self { identity: identity(&path), path, has_log: AtomicBool::new(false), is_lost: AtomicBool::new(false) }
    }

    /// Fails if the name now belongs to another file or to none.
    pub fn check(&self) -> Result<(), StoreError> {
        let is_same = self.identity.is_none() || identity(&self.path) == self.identity;
        if is_same && !self.is_lost.load(Ordering::Relaxed) { Ok(()) } else { Err(self.vanished()) }
    }

    /// The same check after a write, which goes to the write-ahead log next to the file. Until the log is moved into
    /// the file, removing it loses what was written.
    pub fn check_written(&self) -> Result<(), StoreError> {
        self.check()?;
        if with_suffix(&self.path, "-wal").exists() {
            self.has_log.store(true, Ordering::Relaxed);
        } else if self.has_log.load(Ordering::Relaxed) {
            self.is_lost.store(true, Ordering::Relaxed);
            return Err(self.vanished());
        }
        Ok(())
    }

    fn vanished(&self) -> StoreError {
        StoreError::Vanished { file: self.path.display().to_string() }
    }
}

/// The path of a file next to a store's: the same name with an ending.
pub fn with_suffix(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some(Identity { device: metadata.dev(), number: metadata.ino() })
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

/// Creates an empty file that only its owner may read and write, unless it exists. If that fails, the next attempt to
/// open it reports the cause.
pub fn create_private(file: &str) {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Usually it exists already.
    let _ = options.open(file);
}

/// Restricts the permissions on a store's files to their owner.
pub fn make_private(file: &str) {
    #[cfg(unix)]
    for path in
        std::iter::once(PathBuf::from(file)).chain(SIDE_FILES.map(|ending| with_suffix(Path::new(file), ending)))
    {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let others_bits = metadata.permissions().mode() & 0o077;
        if others_bits == 0 {
            continue;
        }
        if let Err(error) = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)) {
            tracing::warn!(cause = %error, "others may read or write a file of the store, and this user cannot change that");
        }
    }
    #[cfg(not(unix))]
    let _ = (file, SIDE_FILES);
}
