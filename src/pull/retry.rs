//! How fast an upstream is asked, and how long to wait when it does not answer; knows no page.

use std::time::Duration;

use uuid::Uuid;

use crate::model::Instant;
use crate::outbound::RetryAfter;

/// How gently an upstream is asked.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    pub requests_per_second: f64,
    /// How many times in a row one request may fail; `None` for any number.
    pub attempts: Option<u32>,
    /// The pause after the first failure. It doubles with every one that follows.
    pub first_pause: Duration,
    /// The longest pause that is the gateway's own choice.
    pub longest_pause: Duration,
    /// The longest pause that an upstream may ask for.
    pub longest_asked_for: Duration,
}

impl RetryPolicy {
    /// The pauses that an upstream can live with.
    pub fn new(requests_per_second: f64, attempts: u32) -> Self {
        Self {
            requests_per_second,
            attempts: Some(attempts),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            longest_asked_for: Duration::from_mins(15),
        }
    }

    /// How long to wait after a request has failed a number of times in a row.
    pub(super) fn pause(&self, failures: u32, retry_after: RetryAfter, now: Instant) -> Duration {
        let asked_for = match retry_after {
            RetryAfter::NotSaid => return self.own_pause(failures),
            RetryAfter::After(wait) => wait,
            RetryAfter::At(date) => Duration::from_millis(u64::try_from(date.0.saturating_sub(now.0)).unwrap_or(0)),
        };
        asked_for.min(self.longest_asked_for)
    }

    fn own_pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let pause = self.first_pause.saturating_mul(doubled).min(self.longest_pause);
        // Between a half and the whole, so that those who were turned away together do not come back together.
        let share = Uuid::new_v4().as_bytes()[0];
        pause / 2 + pause / 2 * u32::from(share) / 255
    }
}

/// Keeps the distance between requests.
pub(super) struct Pace {
    distance: Duration,
    next: Option<tokio::time::Instant>,
}

impl Pace {
    pub fn new(retry: &RetryPolicy) -> Self {
        // Nobody waits for longer, and a clock could not be set to it.
        let longest = Duration::from_hours(24);
        let distance = Duration::try_from_secs_f64(1.0 / retry.requests_per_second).unwrap_or(longest).min(longest);
        Self { distance, next: None }
    }

    pub async fn wait(&mut self) {
        if let Some(next) = self.next {
            tokio::time::sleep_until(next).await;
        }
        self.next = Some(tokio::time::Instant::now() + self.distance);
    }
}
