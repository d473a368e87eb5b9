//! The one clock: every "now" of the gateway comes from here, so that a sandbox can stop it.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::Utc;

use crate::model::Instant;

/// The machine's clock, or one that stands still.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    #[default]
    Machine,
    StandsAt(Instant),
}

impl Clock {
    /// Whether the machine's clock is set to a time that neither `now` nor a web server can tell.
    pub fn is_before_1970() -> bool {
        SystemTime::now() < UNIX_EPOCH
    }

    pub fn now(self) -> Instant {
        match self {
            Self::Machine => Instant(Utc::now().timestamp_millis()),
            Self::StandsAt(instant) => instant,
        }
    }
}
