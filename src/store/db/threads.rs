//! Low-priority threads for expensive queries; knows no connection.

use crate::store::error::StoreError;

/// The threads' name, as process listings and panics show it.
pub const NAME: &str = "expensive-query";

/// The niceness of the threads: they get a tenth of the processor time of others that compete with them.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Runs work on a thread of its own. At normal priority, a query that takes a millisecond would wait for several until
/// the scheduler interrupts a long scan.
pub fn spawn_in_background(work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let work = move || {
        // On Linux this applies to the calling thread alone. If it is refused, the work still runs.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(NICE);
        work();
    };
    let started = std::thread::Builder::new().name(NAME.into()).spawn(work);
    started.map(|_| ()).map_err(|error| {
        tracing::error!(cause = %error, "no thread can be started for an expensive query");
        StoreError::Busy
    })
}
