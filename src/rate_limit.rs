//! Limits how often something may happen in a minute, for each key; knows nothing of what it limits.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant as Monotonic};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// The number of remembered keys from which on old ones are evicted.
const KEYS_BEFORE_EVICTION: usize = 10_000;

/// How often old keys are evicted at most, because that looks at all of them.
const EVICTION_INTERVAL: Duration = Duration::from_secs(1);

/// A limit for each key.
pub struct RateLimit<K: Clone + Eq + Hash> {
    limiter: DefaultKeyedRateLimiter<K>,
    evicted_at: Mutex<Monotonic>,
}

impl<K: Clone + Eq + Hash> RateLimit<K> {
    /// `None` if `limit` is 0: then there is no limit.
    pub fn per_minute(limit: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(limit)?);
        Some(Self { limiter: RateLimiter::keyed(quota), evicted_at: Mutex::new(Monotonic::now()) })
    }

    /// Counts one more for a key. Fails with the time after which one more is allowed.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        self.evict();
        self.limiter.check_key(key).map_err(|early| early.wait_time_from(DefaultClock::default().now()))
    }

    fn evict(&self) {
        if self.limiter.len() < KEYS_BEFORE_EVICTION {
            return;
        }
        // Another thread that holds the lock evicts.
        let Ok(mut evicted_at) = self.evicted_at.try_lock() else { return };
        if evicted_at.elapsed() >= EVICTION_INTERVAL {
            self.limiter.retain_recent();
            *evicted_at = Monotonic::now();
        }
    }
}

/// The addresses that count as one client: an IPv4 address, or the /64 network of an IPv6 address.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        address @ IpAddr::V4(_) => address,
    }
}
