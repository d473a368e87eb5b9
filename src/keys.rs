//! Authentication: from a key to its caller, and the limits of keys; knows no header, no route and no dialect's error.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::model::key::{KeyDigest, KeyKind, Secret};
use crate::model::{Caller, Instant};
use crate::rate_limit::{RateLimit, client_network};
use crate::store::{LookupFor, Store, StoreError, api_keys};

/// How long a valid key's caller is cached. A revoked key must stop working within a second, so this is less.
const CACHE_TTL: Duration = Duration::from_millis(500);

/// The number of cached keys from which on expired ones are evicted.
const CACHED_KEYS_BEFORE_EVICTION: usize = 10_000;

/// For at least how long after its last wrong key over the limit an address has its keys looked up separately.
const SUSPECT_DURATION: Duration = Duration::from_secs(10);

/// The number of remembered addresses from which on expired ones are evicted.
const ADDRESSES_BEFORE_EVICTION: usize = 10_000;

/// The cached callers of valid keys, when keys were last used, and which addresses sent wrong ones.
pub struct Keys {
    store: Store,
    /// For how long a caller is remembered in case that keys cannot be looked up.
    remembered_for: Duration,
    callers: Mutex<HashMap<KeyDigest, (Arc<Caller>, Monotonic)>>,
    uses: Mutex<BTreeMap<i64, Instant>>,
    limiter: Option<DefaultKeyedRateLimiter<i64>>,
    wrong: Option<RateLimit<IpAddr>>,
    /// The addresses that sent too many wrong keys, with the time until which their keys are looked up separately.
    suspects: Mutex<HashMap<IpAddr, Monotonic>>,
}

/// Why a request has no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    NoKey,
    UnknownKey,
    /// A limit is exceeded, for `retry_after` more seconds.
    TooMany {
        limit: Limit,
        retry_after: u64,
    },
    /// The store did not respond to the lookup.
    Unavailable,
}

/// What a limit applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The requests of one key.
    Requests,
    /// The wrong keys from one address.
    WrongKeys,
}

/// The key of a request, or why there is none, and the client's address.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    pub key: Result<&'a str, AuthError>,
    pub from: Option<IpAddr>,
}

impl Keys {
    /// `requests_per_second` limits each key, `wrong_keys_per_minute` each address; 0 means no limit.
    pub fn new(store: Store, requests_per_second: u32, wrong_keys_per_minute: u32) -> Self {
        Self {
            store,
            remembered_for: Duration::ZERO,
            callers: Mutex::default(),
            uses: Mutex::default(),
            limiter: NonZeroU32::new(requests_per_second).map(Quota::per_second).map(RateLimiter::keyed),
            wrong: RateLimit::per_minute(wrong_keys_per_minute),
            suspects: Mutex::default(),
        }
    }

    /// Accepts keys that were valid for some time while they cannot be looked up.
    #[must_use]
    pub fn remembering(self, remembered_for: Duration) -> Self {
        Self { remembered_for, ..self }
    }

    /// The caller that an API key identifies. A webhook key counts as unknown (docs/edna.md §7).
    pub async fn caller(&self, presented: PresentedKey<'_>, now: Instant) -> Result<Arc<Caller>, AuthError> {
        let caller = self.authenticate(presented.key?, presented.from, now, |kind| kind != KeyKind::Webhook).await?;
        if let Some(limiter) = &self.limiter
            && let Err(early) = limiter.check_key(&caller.key_id)
        {
            return Err(AuthError::TooMany {
                limit: Limit::Requests,
                retry_after: early.wait_time_from(DefaultClock::default().now()).as_secs() + 1,
            });
        }
        Ok(caller)
    }

    /// The caller that a webhook key identifies, given as `Token <key>` or as the key alone. A key of another kind
    /// counts as unknown. The limit on requests does not apply, so edna is never delayed.
    pub async fn webhook_caller(&self, presented: PresentedKey<'_>, now: Instant) -> Result<Arc<Caller>, AuthError> {
        let value = presented.key?;
        let key = match value.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("token") => key,
            _ => value,
        };
        self.authenticate(key, presented.from, now, |kind| kind == KeyKind::Webhook).await
    }

    /// Finds the caller of a key of the right kind, and records the use of the key.
    ///
    /// Only valid keys are cached, so every other key takes the same code path, whatever is wrong with it.
    async fn authenticate(
        &self,
        key: &str,
        from: Option<IpAddr>,
        now: Instant,
        kind: impl Fn(KeyKind) -> bool,
    ) -> Result<Arc<Caller>, AuthError> {
        let Some(secret) = Secret::parse(key) else { return Err(self.reject_wrong_key(from)) };
        let digest = secret.digest();
        let is_valid = |caller: &Caller| kind(caller.kind) && caller.is_valid_at(now);
        let cached = self.cached(digest, CACHE_TTL).filter(|caller| is_valid(caller));
        let caller = if let Some(caller) = cached {
            caller
        } else {
            // The age counts from before the lookup, so that a key that is revoked meanwhile is not cached for longer.
            let looked_up_at = Monotonic::now();
            let found = match self.find(digest, from).await {
                Ok(found) => found.filter(is_valid).map(Arc::new),
                Err(error) => {
                    let remembered = self.cached(digest, self.remembered_for).filter(|caller| is_valid(caller));
                    return remembered.ok_or(error);
                }
            };
            let Some(caller) = found else {
                // A key that was revoked is not remembered.
                self.callers.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
                return Err(self.reject_wrong_key(from));
            };
            self.cache(digest, &caller, looked_up_at);
            caller
        };
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(caller.key_id, now);
        Ok(caller)
    }

    /// A key's caller, if it was looked up within a time.
    fn cached(&self, digest: KeyDigest, within: Duration) -> Option<Arc<Caller>> {
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.get(&digest).filter(|(_, at)| at.elapsed() < within).map(|(caller, _)| Arc::clone(caller))
    }

    fn cache(&self, digest: KeyDigest, caller: &Arc<Caller>, looked_up_at: Monotonic) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CACHED_KEYS_BEFORE_EVICTION {
            callers.retain(|_, (_, at)| at.elapsed() < CACHE_TTL.max(self.remembered_for));
        }
        callers.insert(digest, (Arc::clone(caller), looked_up_at));
    }

    async fn find(&self, digest: KeyDigest, from: Option<IpAddr>) -> Result<Option<Caller>, AuthError> {
        let lookup_for = self.suspect(from).map_or(LookupFor::Caller, LookupFor::Suspect);
        self.store.quick_read(lookup_for, move |connection| api_keys::find(connection, digest)).await.map_err(|error| {
            error.log("a key could not be looked up");
            AuthError::Unavailable
        })
    }

    /// Counts a wrong key and returns the error for it. Wrong keys never cause a right one from the same address to be
    /// rejected, but while there are too many, the keys of the address are looked up separately.
    fn reject_wrong_key(&self, from: Option<IpAddr>) -> AuthError {
        let (Some(limit), Some(from)) = (&self.wrong, from.map(client_network)) else { return AuthError::UnknownKey };
        let Err(wait) = limit.check(&from) else { return AuthError::UnknownKey };
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        if suspects.len() >= ADDRESSES_BEFORE_EVICTION {
            suspects.retain(|_, until| *until > Monotonic::now());
        }
        suspects.insert(from, Monotonic::now() + wait.max(SUSPECT_DURATION));
        AuthError::TooMany { limit: Limit::WrongKeys, retry_after: wait.as_secs() + 1 }
    }

    /// The address (for IPv6, its network), if it sent too many wrong keys.
    fn suspect(&self, from: Option<IpAddr>) -> Option<IpAddr> {
        let suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        from.map(client_network).filter(|from| suspects.get(from).is_some_and(|until| *until > Monotonic::now()))
    }

    /// Saves when keys were last used, for `key list`.
    pub async fn save_last_uses(&self) -> Result<(), StoreError> {
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return Ok(());
        }
        let saved = uses.clone();
        let result = self.store.write(move |connection| api_keys::save_last_uses(connection, &saved)).await;
        if result.is_err() {
            // Saved the next time, unless there is a later use by then.
            let mut current = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, at) in uses {
                current.entry(id).or_insert(at);
            }
        }
        result
    }
}
