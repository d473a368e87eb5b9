//! The rate of requests to an upstream, and the backoff after failures; knows no page.

use std::time::Duration;

use uuid::Uuid;

use crate::model::Instant;
use crate::outbound::RetryAfter;

/// The rate and the retries of requests to an upstream.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    pub requests_per_second: f64,
    /// How many times in a row one request may fail; `None` for no limit.
    pub attempts: Option<u32>,
    /// The pause after the first failure. It doubles with each further one.
    pub initial_backoff: Duration,
    /// The maximum of the doubled pause.
    pub max_backoff: Duration,
    /// The maximum pause that is accepted from a `Retry-After`.
    pub max_retry_after: Duration,
}

impl RetryPolicy {
    /// A policy with the default pauses.
    pub fn new(requests_per_second: f64, attempts: u32) -> Self {
        Self {
            requests_per_second,
            attempts: Some(attempts),
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(1),
            max_retry_after: Duration::from_mins(15),
        }
    }

    /// How long to wait after `failures` failures in a row.
    pub(super) fn pause(&self, failures: u32, retry_after: RetryAfter, now: Instant) -> Duration {
        let requested = match retry_after {
            RetryAfter::Absent => return self.backoff(failures),
            RetryAfter::After(wait) => wait,
            RetryAfter::At(date) => Duration::from_millis(u64::try_from(date.0.saturating_sub(now.0)).unwrap_or(0)),
        };
        requested.min(self.max_retry_after)
    }

    fn backoff(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let pause = self.initial_backoff.saturating_mul(doubled).min(self.max_backoff);
        // Jitter between half and the whole pause, so that clients that failed together do not retry together.
        let jitter = Uuid::new_v4().as_bytes()[0];
        pause / 2 + pause / 2 * u32::from(jitter) / 255
    }
}

/// Limits the rate of requests.
pub(super) struct RateLimit {
    interval: Duration,
    next: Option<tokio::time::Instant>,
}

impl RateLimit {
    pub fn new(retry: &RetryPolicy) -> Self {
        // A longer interval is of no use, and could overflow the timer.
        let max = Duration::from_hours(24);
        let interval = Duration::try_from_secs_f64(1.0 / retry.requests_per_second).unwrap_or(max).min(max);
        Self { interval, next: None }
    }

    pub async fn wait(&mut self) {
        if let Some(next) = self.next {
            tokio::time::sleep_until(next).await;
        }
        self.next = Some(tokio::time::Instant::now() + self.interval);
    }
}
