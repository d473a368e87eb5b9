//! Errors that end the server process with one sentence: a clock before 1970, a panic; knows no request.

use std::panic::PanicHookInfo;

use super::failure::{Failure, print_last_note};
use crate::clock::Clock;
use crate::store::db::threads::NAME as EXPENSIVE_THREAD;
use crate::telemetry::OUTPUT_THREAD;

/// The name that tokio gives to the threads for blocking work; a test compares it.
const BLOCKING_THREAD: &str = "tokio-rt-worker";

/// Makes a panic end the process, which would otherwise continue without a worker or a background job; a small query runs
/// on a worker. A panic in blocking work does not: the caller of that work gets an error. The hook applies to the whole
/// process, so only the program itself may call this.
pub fn exit_on_panic() {
    std::panic::set_hook(Box::new(on_panic));
}

fn on_panic(panic: &PanicHookInfo<'_>) {
    // The panic's message is left out: it may contain a person's text.
    let location = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    match std::thread::current().name() {
        Some(BLOCKING_THREAD | EXPENSIVE_THREAD) => {
            tracing::error!("blocking work panicked{location}; its caller gets an error");
        }
        // Only its output is lost; nothing else depends on the thread.
        Some(OUTPUT_THREAD) => {}
        _ => {
            let cause = check_clock().map_or_else(|failure| failure.to_string(), |()| "this is a bug".into());
            print_last_note(format!("history-gateway: the server panicked{location}: {cause}"));
            std::process::exit(1);
        }
    }
}

/// Rejects a system clock that the web server cannot work with.
pub fn check_clock() -> Result<(), Failure> {
    if Clock::is_before_1970() {
        return Err(Failure::message("the system clock is set before 1970; correct it and start again"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::BLOCKING_THREAD;

    #[test]
    fn blocking_threads_have_the_expected_name() {
        let name = || std::thread::current().name().map(str::to_owned);
        let found = actix_web::rt::System::new().block_on(async move { tokio::task::spawn_blocking(name).await });
        assert_eq!(found.unwrap().as_deref(), Some(BLOCKING_THREAD));
    }
}
