//! The one clock: every "now" of the gateway comes from here, so that a sandbox can stop it.

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
    pub fn now(self) -> Instant {
        match self {
            Self::Machine => Instant(Utc::now().timestamp_millis()),
            Self::StandsAt(instant) => instant,
        }
    }
}
