//! Detects a pooler between the gateway and its PostgreSQL server; knows no table.

use std::time::Duration;

use super::{connect, process};
use crate::store::Options;
use crate::store::db::session::{PreparedStatements, SessionState};
use crate::store::error::StoreError;

/// In which order two connections ask for their server process. Each asks twice in a row at some point, because a
/// pooler that assigns processes in rotation could give strictly alternating connections the same process every time.
const PROBE_ORDER: [usize; 8] = [0, 0, 1, 0, 1, 1, 0, 1];

/// How long the test for a pooler may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);

/// What persists on a server's connections between transactions, as the settings or two connections say.
pub fn sessions(url: &str, name: &str, options: &Options) -> Result<SessionState, StoreError> {
    Ok(match options.prepared_statements {
        // A pooler may track the names of statements; none tracks all settings.
        PreparedStatements::Always => SessionState { statements_persist: true, settings_persist: false },
        PreparedStatements::Never => SessionState::default(),
        PreparedStatements::Auto => {
            let direct = !is_pooled(url, options.wait, name)?;
            SessionState { statements_persist: direct, settings_persist: direct }
        }
    })
}

/// Whether a pooler assigns another server process to every transaction, as pgbouncer does in transaction mode.
///
/// A named statement belongs to one server process, so behind such a pooler its name may refer to another client's
/// statement. Without a pooler, two connections always have the same two processes.
///
/// If the second connection gets no process at all, the pooler has too few for the gateway.
fn is_pooled(url: &str, wait: Duration, name: &str) -> Result<bool, StoreError> {
    let database = name.to_owned();
    let (url, name) = (url.to_owned(), name.to_owned());
    let (sender, receiver) = std::sync::mpsc::channel();
    // If the result comes too late, nobody receives it.
    std::thread::spawn(move || sender.send(probe_processes(&url, wait, &name)));
    let cause = "it serves one connection at a time, and the gateway needs several";
    receiver
        .recv_timeout(PROBE_TIMEOUT)
        .unwrap_or_else(|_| Err(StoreError::CannotConnect { database, cause: cause.into(), is_refused: true }))
}

fn probe_processes(url: &str, wait: Duration, name: &str) -> Result<bool, StoreError> {
    let mut connections = [connect(url, false, wait, name)?, connect(url, false, wait, name)?];
    let mut seen: [Option<i32>; 2] = [None, None];
    for index in PROBE_ORDER {
        let process = process(&mut connections[index])?;
        let known = seen[index].replace(process);
        if known.is_some_and(|known| known != process) || seen[1 - index] == Some(process) {
            return Ok(true);
        }
    }
    Ok(false)
}
