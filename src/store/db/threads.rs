//! Threads for work that may take long, which give way to all others; knows no connection.

use crate::store::error::StoreError;

/// What the threads are called, for whoever looks at the process or at a panic.
pub const NAME: &str = "expensive-question";

/// How much less of the processor's time they get than others where both want it: a tenth.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Runs work on a thread of its own. Without its lower priority, an answer that takes a millisecond would wait for several
/// until a scan that wants seconds is interrupted.
pub fn spawn_in_background(work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let work = move || {
        // On Linux this is the calling thread's alone. Where it is refused, the work is done all the same.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(NICE);
        work();
    };
    let started = std::thread::Builder::new().name(NAME.into()).spawn(work);
    started.map(|_| ()).map_err(|error| {
        tracing::error!(cause = %error, "no thread can be started for an expensive question");
        StoreError::Busy
    })
}
