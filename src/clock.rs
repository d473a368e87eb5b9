//! The only source of the current time, so that a sandbox can stop and move it; knows no timer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::Utc;

use crate::model::Instant;

/// The machine's clock, one that is stopped at an instant, or one that its owner moves.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Fixed(Instant),
    Movable(Arc<MovableClock>),
}

impl Clock {
    /// Whether the machine's clock is set to before 1970, a time that neither `now` nor the web server can represent.
    pub fn is_before_1970() -> bool {
        SystemTime::now() < UNIX_EPOCH
    }

    pub fn now(&self) -> Instant {
        match self {
            Self::System => system_now(),
            Self::Fixed(instant) => *instant,
            Self::Movable(clock) => clock.now(),
        }
    }
}

fn system_now() -> Instant {
    Instant(Utc::now().timestamp_millis())
}

/// How a movable clock gets its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// It shows the machine's time.
    Machine,
    Stopped(Instant),
    /// It runs as fast as the machine's clock, this many milliseconds ahead of it.
    Ahead(i64),
}

/// A clock that can be set, stopped and moved while it is used.
#[derive(Debug)]
pub struct MovableClock(Mutex<ClockMode>);

impl MovableClock {
    pub fn new(mode: ClockMode) -> Self {
        Self(Mutex::new(mode))
    }

    pub fn mode(&self) -> ClockMode {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_mode(&self, mode: ClockMode) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    pub fn now(&self) -> Instant {
        Self::now_in(self.mode())
    }

    /// Sets the clock to an instant from which it runs.
    pub fn run_from(&self, now: Instant) {
        self.set_mode(ClockMode::Ahead(now.0.saturating_sub(system_now().0)));
    }

    /// Moves the clock to what `moved` makes of its current time, stopped or running as it was; leaves it as it is if
    /// there is no such time.
    pub fn advance(&self, moved: impl FnOnce(Instant) -> Option<Instant>) -> Option<Instant> {
        let mut mode = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Self::now_in(*mode);
        let later = moved(now)?;
        *mode = match *mode {
            ClockMode::Stopped(_) => ClockMode::Stopped(later),
            ClockMode::Machine => ClockMode::Ahead(later.0.saturating_sub(now.0)),
            ClockMode::Ahead(by) => ClockMode::Ahead(by.saturating_add(later.0.saturating_sub(now.0))),
        };
        Some(later)
    }

    fn now_in(mode: ClockMode) -> Instant {
        match mode {
            ClockMode::Machine => system_now(),
            ClockMode::Stopped(now) => now,
            // No date has a year of five digits.
            ClockMode::Ahead(by) => Instant(system_now().0.saturating_add(by)).min(Instant::LAST),
        }
    }
}
