//! Moves the write-ahead log of a SQLite file into the file on a thread of its own, so that commits do not wait for it;
//! knows no table.
//!
//! A checkpoint writes to many places of the file and waits for the disk, which takes as long as writing the log. It can
//! run at the same time as a commit. When the log has reached its greatest length, the writer moves what is left.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use crate::store::Options;
use crate::store::db::connection::{AnyConnection, on_each};
use crate::store::db::file::with_suffix;
use crate::store::db::session::Purpose;
use crate::store::db::sqlite;
use crate::store::db::url::DatabaseUrl;
use crate::store::error::StoreError;

/// From how many pages on that are not in the file a log is moved.
const MIN_PAGES: i32 = 1024;

/// How long a store that is closed waits for its last checkpoint; a disk may hang.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The checkpoints of one store. Its thread starts with the first commit, and ends when this is dropped.
pub struct Checkpointer {
    url: Arc<DatabaseUrl>,
    options: Options,
    thread: Mutex<Option<Thread>>,
    /// Held during a checkpoint.
    turn: Arc<Mutex<()>>,
}

struct Thread {
    commits: SyncSender<()>,
    /// Disconnected once the thread has closed its connection.
    ended: Receiver<()>,
}

#[derive(QueryableByName)]
struct Log {
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

impl Checkpointer {
    pub fn new(url: &Arc<DatabaseUrl>, options: Options) -> Self {
        Self { url: Arc::clone(url), options, thread: Mutex::default(), turn: Arc::default() }
    }

    /// Called after a commit.
    pub fn committed(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            *thread = self.start();
        }
        if let Some(thread) = &*thread {
            // If the channel is full, the thread is about to look anyway.
            let _ = thread.commits.try_send(());
        }
    }

    /// Starts the thread. If that is impossible, the writer moves the log.
    fn start(&self) -> Option<Thread> {
        let (commits, received) = sync_channel(1);
        let (end, ended) = sync_channel::<()>(0);
        let (url, options, turn) = (Arc::clone(&self.url), self.options, Arc::clone(&self.turn));
        let work = move || {
            run(&url, &options, &turn, &received);
            drop(end);
        };
        std::thread::Builder::new().name("checkpoint".into()).spawn(work).ok()?;
        Some(Thread { commits, ended })
    }

    /// Keeps checkpoints from starting, because SQLite rejects a second one while the first is running.
    pub fn pause(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the thread, so that no connection is left when the store is closed.
impl Drop for Checkpointer {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Thread { commits, ended }) = thread {
            drop(commits);
            // Nothing is sent: this returns when the thread has ended, or has not in time.
            let _ = ended.recv_timeout(CLOSE_TIMEOUT);
        }
    }
}

fn run(url: &DatabaseUrl, options: &Options, turn: &Mutex<()>, commits: &Receiver<()>) {
    let mut connection = None;
    while commits.recv().is_ok() {
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = checkpoint(&mut connection, url, options) {
            // The writer meets the same fault, and reports it.
            tracing::debug!(cause = %error, "the write-ahead log was not moved");
            connection = None;
        }
    }
}

fn checkpoint(connection: &mut Option<AnyConnection>, url: &DatabaseUrl, options: &Options) -> Result<(), StoreError> {
    let connection = match connection {
        Some(connection) => connection,
        // The writer is connected, so somebody has removed the log. Another connection would create a second one, and the
        // writer would not notice.
        None if url.file().is_some_and(|file| !with_suffix(Path::new(file), "-wal").exists()) => return Ok(()),
        None => connection.insert(url.connect_for(Purpose::Write, options)?),
    };
    on_each!(
        connection,
        |file| {
            let Log { log, checkpointed } = diesel::sql_query(sqlite::LOG_PAGES).get_result(file)?;
            if log < sqlite::MAX_LOG_PAGES && log - checkpointed >= MIN_PAGES {
                diesel::sql_query(sqlite::CHECKPOINT).execute(file)?;
            }
        },
        |_server| {}
    );
    Ok(())
}
