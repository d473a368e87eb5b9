//! Turns among the processes that write to one file, so that none waits in vain; knows no table and no database.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::store::db::file::beside;
use crate::store::error::StoreError;

/// The longest pause between two looks at a lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// A file's own lock has no queue: a process that writes batch after batch, as an import does, takes it again before
/// anybody who waits has looked. So whoever writes holds `turn`, and whoever is to write after that holds `next`; who
/// has just written has to get behind them. The locks go with their process, however it ends.
pub struct WriteLock {
    file: PathBuf,
    turn: PathBuf,
    next: PathBuf,
}

/// The right to write, given back when it is dropped.
pub struct WriteGuard {
    _held: Option<File>,
}

impl WriteLock {
    /// The turns of a file, kept in two empty files beside it; beside the file itself where a link leads to it.
    pub fn of(file: &str) -> Self {
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.into());
        Self { turn: beside(&file, "-turn"), next: beside(&file, "-next"), file }
    }

    /// Waits for a turn. Where there can be no lock files there are no turns, and the file's own lock has to do.
    pub fn wait(&self, timeout: Duration) -> Result<WriteGuard, StoreError> {
        let deadline = Instant::now() + timeout;
        let Some(next) = self.locked(&self.next, deadline)? else { return Ok(WriteGuard { _held: None }) };
        let turn = self.locked(&self.turn, deadline)?;
        drop(next);
        Ok(WriteGuard { _held: turn })
    }

    /// One of the files, locked; `None` where it cannot be.
    fn locked(&self, path: &Path, deadline: Instant) -> Result<Option<File>, StoreError> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // To lock it needs no more than to read it.
        let file = options.open(path).or_else(|_| File::open(path));
        let Ok(file) = file else { return Ok(None) };
        if !self.is_of_the_owner(&file) {
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

    /// Whether a lock file belongs to whom the store does: somebody else's could keep everybody from writing. One that the
    /// administrator has just made is given to the store's owner.
    #[cfg(unix)]
    fn is_of_the_owner(&self, lock: &File) -> bool {
        use std::os::unix::fs::{MetadataExt, fchown};
        let (Ok(store), Ok(lock_data)) = (std::fs::metadata(&self.file), lock.metadata()) else { return true };
        store.uid() == lock_data.uid() || {
            const ADMINISTRATOR: u32 = 0;
            lock_data.uid() == ADMINISTRATOR && fchown(lock, Some(store.uid()), Some(store.gid())).is_ok()
        }
    }

    #[cfg(not(unix))]
    fn is_of_the_owner(&self, _: &File) -> bool {
        true
    }
}
