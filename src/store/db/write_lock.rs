//! A fair lock among the processes that write to one SQLite file, so that none starves; knows no table and no
//! statement.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::store::db::file::with_suffix;
use crate::store::error::StoreError;

/// The longest pause between two attempts to lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// The write lock of a SQLite file, with a queue.
///
/// SQLite's own lock has no queue: a process that writes batch after batch, as an import does, takes it again before a
/// waiting process retries. So the writer holds `turn`, and the next writer holds `next`; a process that has just
/// written queues behind them. Both locks are released when their process ends, however it ends.
pub struct WriteLock {
    file: PathBuf,
    turn: PathBuf,
    next: PathBuf,
}

/// The held write lock, released on drop.
pub struct WriteGuard {
    _held: Option<File>,
}

impl WriteLock {
    /// The lock of a file, which consists of two empty files next to it, or next to its target if it is a link.
    pub fn of(file: &str) -> Self {
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.into());
        Self { turn: with_suffix(&file, "-turn"), next: with_suffix(&file, "-next"), file }
    }

    /// Waits for the lock. If lock files cannot be used, only SQLite's own lock applies.
    pub fn wait(&self, timeout: Duration) -> Result<WriteGuard, StoreError> {
        let deadline = Instant::now() + timeout;
        let Some(next) = self.lock_file(&self.next, deadline)? else { return Ok(WriteGuard { _held: None }) };
        let turn = self.lock_file(&self.turn, deadline)?;
        drop(next);
        Ok(WriteGuard { _held: turn })
    }

    /// Locks one of the two files; `None` if that is impossible.
    fn lock_file(&self, path: &Path, deadline: Instant) -> Result<Option<File>, StoreError> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Read access is enough to lock a file.
        let file = options.open(path).or_else(|_| File::open(path));
        let Ok(file) = file else { return Ok(None) };
        if !self.belongs_to_store_owner(&file) {
            return Ok(None);
        }
        let mut pause = Duration::from_micros(50);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(_)) => return Ok(None),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => return Err(StoreError::Busy),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Whether a lock file belongs to the store's owner: another user's file could block all writers. A file that root
    /// has just created is given to the store's owner.
    #[cfg(unix)]
    fn belongs_to_store_owner(&self, lock: &File) -> bool {
        use std::os::unix::fs::{MetadataExt, fchown};
        let (Ok(store), Ok(lock_data)) = (std::fs::metadata(&self.file), lock.metadata()) else { return true };
        store.uid() == lock_data.uid() || {
            const ROOT: u32 = 0;
            lock_data.uid() == ROOT && fchown(lock, Some(store.uid()), Some(store.gid())).is_ok()
        }
    }

    #[cfg(not(unix))]
    fn belongs_to_store_owner(&self, _: &File) -> bool {
        true
    }
}
