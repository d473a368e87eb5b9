//! What a server cannot go on after, and ends the process with a sentence: a clock before 1970, a panic. Knows no request.

use std::panic::PanicHookInfo;

use super::failure::{Failure, say_last};
use crate::clock::Clock;
use crate::store::db::threads::NAME as EXPENSIVE_THREAD;
use crate::telemetry::OUTPUT_THREAD;

/// The name that tokio gives to the threads for blocking work; a test compares it.
const BLOCKING_THREAD: &str = "tokio-rt-worker";

/// Has a panic end the process, which would go on with a worker or a background job less. A panic of blocking work is
/// told to whoever waits for that work. Call it in a process of its own only, since the hook is the process's.
pub fn end_on_panic() {
    std::panic::set_hook(Box::new(panicked));
}

fn panicked(panic: &PanicHookInfo<'_>) {
    // What it says is left out: a person's text may be in it.
    let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    match std::thread::current().name() {
        Some(BLOCKING_THREAD | EXPENSIVE_THREAD) => {
            tracing::error!("work panicked{place}; whoever waits for it is told that it failed");
        }
        // Its output cannot be written, and nothing else depends on it.
        Some(OUTPUT_THREAD) => {}
        _ => {
            let cause = refuse_clock().map_or_else(|failure| failure.to_string(), |()| "this is a bug".into());
            say_last(format!("history-gateway: the server was ended by a panic{place}: {cause}"));
            std::process::exit(1);
        }
    }
}

/// Refuses a clock that a web server cannot work with.
pub fn refuse_clock() -> Result<(), Failure> {
    if Clock::is_before_1970() {
        return Err(Failure::message("the machine's clock is set before 1970; set it right and start again"));
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
