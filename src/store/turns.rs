//! Turns among the processes that write to one file, so that none waits in vain; knows no table and no database.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::error::StoreError;

/// The longest pause between two looks at a lock.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// A file's own lock has no queue: a process that writes batch after batch, as an import does, takes it again before
/// anybody who waits has looked. So whoever writes holds `turn`, and whoever is to write after that holds `next`; who
/// has just written has to get behind them. The locks go with their process, however it ends.
pub struct Turns {
    turn: PathBuf,
    next: PathBuf,
}

/// The right to write, given back when it is dropped.
pub struct Turn {
    _held: Option<File>,
}

impl Turns {
    /// The turns of a file, kept in two empty files beside it; beside the file itself where a link leads to it.
    pub fn of(file: &str) -> Self {
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.into());
        let beside = |ending: &str| {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            name.into()
        };
        Self { turn: beside("-turn"), next: beside("-next") }
    }

    /// Waits for a turn. Where there can be no lock files there are no turns, and the file's own lock has to do.
    pub fn wait(&self, patience: Duration) -> Result<Turn, StoreError> {
        let deadline = Instant::now() + patience;
        let Some(next) = locked(&self.next, deadline)? else { return Ok(Turn { _held: None }) };
        let turn = locked(&self.turn, deadline)?;
        drop(next);
        Ok(Turn { _held: turn })
    }
}

/// A file, locked; `None` where it cannot be.
fn locked(path: &PathBuf, deadline: Instant) -> Result<Option<File>, StoreError> {
    // Another user may have made it, and to lock it needs no more than to read it.
    let file = File::options().create(true).append(true).open(path).or_else(|_| File::open(path));
    let Ok(file) = file else { return Ok(None) };
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
