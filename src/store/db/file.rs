//! The file of a store, as the file system sees it: whose it is, and whether it is still the one that was opened; knows no
//! statement. It never opens the file: to close it again would take SQLite's locks on it away.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::error::StoreError;

/// What stands beside a store's file: its write-ahead log, the log's index, and the two files of `turns`.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-turn", "-next"];

/// A store's file while it is open.
pub struct StoreFile {
    path: PathBuf,
    identity: Option<Identity>,
    /// Whether its write-ahead log was there when something was written.
    has_log: AtomicBool,
    /// Whether the log was taken away. A connection that is opened then would make another one, and what the two say would
    /// not fit together; as long as none is, SQLite moves what it has of the old one into the file when it is closed.
    is_lost: AtomicBool,
}

/// A file, whatever it is called.
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

    /// Fails where another file, or none, has the name by now.
    pub fn check(&self) -> Result<(), StoreError> {
        let is_there = self.identity.is_none() || identity(&self.path) == self.identity;
        if is_there && !self.is_lost.load(Ordering::Relaxed) { Ok(()) } else { Err(self.vanished()) }
    }

    /// The same after something was written, which is in the log beside the file. Until the log is moved into the file,
    /// whoever takes it away takes what was written.
    pub fn check_written(&self) -> Result<(), StoreError> {
        self.check()?;
        if beside(&self.path, "-wal").exists() {
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

/// A file beside a store's, called as it is with something at the end.
pub fn beside(file: &Path, ending: &str) -> PathBuf {
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

/// Makes an empty file that only its owner may read and write, where there is none. Where that fails, whoever opens it next
/// has the cause.
pub fn create_private(file: &str) {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Mostly it is there already.
    let _ = options.open(file);
}

/// Takes a store's files away from everybody but their owner.
pub fn make_private(file: &str) {
    #[cfg(unix)]
    for path in std::iter::once(PathBuf::from(file)).chain(BESIDE.map(|ending| beside(Path::new(file), ending))) {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let of_others = metadata.permissions().mode() & 0o077;
        if of_others == 0 {
            continue;
        }
        if let Err(error) = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)) {
            tracing::warn!(cause = %error, "others may read or write a file of the store, and this user cannot change that");
        }
    }
    #[cfg(not(unix))]
    let _ = (file, BESIDE);
}
