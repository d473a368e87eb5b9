//! Keeps requests from a server that fails again and again; knows no server.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After how many failures in a row a server gets no more requests.
const MAX_FAILURES: u32 = 3;

/// For how long; then one request shows whether it works again.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    paused_until: Option<Instant>,
}

impl Breaker {
    /// Whether a request may be made at an instant. After a pause, only one may until its result is known.
    pub fn admits(&self, now: Instant) -> bool {
        self.with(|state| match state.paused_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.paused_until = Some(now + PAUSE);
                true
            }
        })
    }

    /// Whether a request could be made at an instant; asks for none.
    pub fn is_passing(&self, now: Instant) -> bool {
        self.with(|state| state.paused_until.is_none_or(|until| now >= until))
    }

    pub fn succeeded(&self) {
        self.with(|state| *state = State::default());
    }

    /// Counts a failure; returns whether it begins a pause.
    pub fn failed(&self, now: Instant) -> bool {
        self.with(|state| {
            state.failures += 1;
            let is_over = state.failures >= MAX_FAILURES;
            let begins = is_over && state.paused_until.is_none();
            if is_over {
                state.paused_until = Some(now + PAUSE);
            }
            begins
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_begin_a_pause_and_one_request_ends_it() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!breaker.failed(at(0)) && !breaker.failed(at(0)) && breaker.admits(at(0)));
        breaker.succeeded();
        assert!(!breaker.failed(at(1)) && !breaker.failed(at(1)), "only failures in a row count");
        assert!(breaker.failed(at(1)), "the third begins a pause");
        assert!(!breaker.admits(at(10)) && !breaker.is_passing(at(10)));
        assert!(breaker.is_passing(at(11)) && breaker.admits(at(11)), "one request tries again");
        assert!(!breaker.admits(at(11)), "and only one");
        assert!(!breaker.failed(at(12)), "the pause goes on");
        assert!(!breaker.admits(at(21)) && breaker.admits(at(22)));
        breaker.succeeded();
        assert!(breaker.admits(at(22)) && breaker.admits(at(22)));
    }
}
