//! The only source of the current time, so that a sandbox can stop it; knows no timer.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::Utc;

use crate::model::Instant;

/// The machine's clock, or one that is stopped at an instant.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Fixed(Instant),
}

impl Clock {
    /// Whether the machine's clock is set to before 1970, a time that neither `now` nor the web server can represent.
    pub fn is_before_1970() -> bool {
        SystemTime::now() < UNIX_EPOCH
    }

    pub fn now(self) -> Instant {
        match self {
            Self::System => Instant(Utc::now().timestamp_millis()),
            Self::Fixed(instant) => instant,
        }
    }
}
