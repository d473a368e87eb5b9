//! Who asks: from a key to its caller; knows no header, no route and no dialect's error.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};

use crate::model::key::{KeyDigest, KeyKind, Secret};
use crate::model::{Caller, Instant};
use crate::store::{LookupFor, Store, StoreError, api_keys};

/// How long a key's rights are taken from memory. A revoked key stops within a second, so this is less.
const FRESH: Duration = Duration::from_millis(500);

/// When to throw stale keys out of memory.
const REMEMBERED_KEYS: usize = 10_000;

/// How long an address that brought too many wrong keys is looked up apart after the last of them.
const SUSPECT_FOR: Duration = Duration::from_secs(10);

/// From how many addresses wrong keys are remembered before old ones are looked for.
const REMEMBERED_ADDRESSES: usize = 10_000;

/// The right keys that were seen lately, when they were used, and from where wrong ones came.
pub struct Keys {
    store: Store,
    seen: Mutex<HashMap<KeyDigest, (Arc<Caller>, Monotonic)>>,
    uses: Mutex<BTreeMap<i64, Instant>>,
    limiter: Option<DefaultKeyedRateLimiter<i64>>,
    wrong: Option<DefaultKeyedRateLimiter<IpAddr>>,
    /// The addresses that brought too many wrong keys, each until when its keys are looked up apart.
    suspects: Mutex<HashMap<IpAddr, Monotonic>>,
}

/// Why there is no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    NoKey,
    UnknownKey,
    /// A limit is exceeded; in how many seconds it is not any more.
    TooMany {
        limit: Limit,
        retry_after: u64,
    },
    /// The store did not answer whether there is such a key.
    Unavailable,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The requests of one key.
    Requests,
    /// The wrong keys from one address.
    WrongKeys,
}

/// A key as a request brings it, or why there is none, and the address it comes from.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    pub key: Result<&'a str, AuthError>,
    pub from: Option<IpAddr>,
}

impl Keys {
    /// `requests_per_second` is each key's own limit, `wrong_keys_per_minute` each address's; 0 for none.
    pub fn new(store: Store, requests_per_second: u32, wrong_keys_per_minute: u32) -> Self {
        Self {
            store,
            seen: Mutex::default(),
            uses: Mutex::default(),
            limiter: NonZeroU32::new(requests_per_second).map(Quota::per_second).map(RateLimiter::keyed),
            wrong: NonZeroU32::new(wrong_keys_per_minute).map(Quota::per_minute).map(RateLimiter::keyed),
            suspects: Mutex::default(),
        }
    }

    /// The caller that a header's key stands for. A webhook key is an unknown one here (docs/edna.md §7).
    pub async fn caller(&self, presented: PresentedKey<'_>, now: Instant) -> Result<Arc<Caller>, AuthError> {
        let caller = self.holder(presented.key?, presented.from, now, |kind| kind != KeyKind::Webhook).await?;
        if let Some(limiter) = &self.limiter
            && let Err(early) = limiter.check_key(&caller.key_id)
        {
            return Err(AuthError::TooMany { limit: Limit::Requests, retry_after: wait(&early).as_secs() + 1 });
        }
        Ok(caller)
    }

    /// The caller that a webhook's key stands for, `Token <key>` or the key alone. Any other key is an unknown one, and
    /// no limit holds edna up.
    pub async fn webhook(&self, presented: PresentedKey<'_>, now: Instant) -> Result<Arc<Caller>, AuthError> {
        let value = presented.key?;
        let key = match value.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("token") => key,
            _ => value,
        };
        self.holder(key, presented.from, now, |kind| kind == KeyKind::Webhook).await
    }

    /// Who has a key of the right kind, and uses it now.
    ///
    /// Only right keys are taken from memory, so that every other one takes the same way, whatever is wrong with it.
    async fn holder(
        &self,
        key: &str,
        from: Option<IpAddr>,
        now: Instant,
        kind: impl Fn(KeyKind) -> bool,
    ) -> Result<Arc<Caller>, AuthError> {
        let Some(secret) = Secret::parse(key) else { return Err(self.wrong(from)) };
        let digest = secret.digest();
        let is_right = |caller: &Caller| kind(caller.kind) && caller.is_valid_at(now);
        let remembered = self.remembered(digest).filter(|caller| is_right(caller));
        let caller = if let Some(caller) = remembered {
            caller
        } else {
            // The age counts from before the look-up: what is revoked meanwhile must not live longer for it.
            let asked_at = Monotonic::now();
            let found = self.find(digest, from).await?.filter(is_right);
            let caller = Arc::new(found.ok_or_else(|| self.wrong(from))?);
            self.remember(digest, &caller, asked_at);
            caller
        };
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(caller.key_id, now);
        Ok(caller)
    }

    fn remembered(&self, digest: KeyDigest) -> Option<Arc<Caller>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&digest).filter(|(_, at)| at.elapsed() < FRESH).map(|(caller, _)| Arc::clone(caller))
    }

    fn remember(&self, digest: KeyDigest, caller: &Arc<Caller>, asked_at: Monotonic) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_KEYS {
            seen.retain(|_, (_, at)| at.elapsed() < FRESH);
        }
        seen.insert(digest, (Arc::clone(caller), asked_at));
    }

    async fn find(&self, digest: KeyDigest, from: Option<IpAddr>) -> Result<Option<Caller>, AuthError> {
        let whom = self.suspect(from).map_or(LookupFor::Caller, LookupFor::Suspect);
        self.store.quick_read(whom, move |connection| api_keys::find(connection, digest)).await.map_err(|error| {
            error.log("a key could not be looked up");
            AuthError::Unavailable
        })
    }

    /// What whoever brings a wrong key is told. A right one is never refused for the wrong ones of its address, but is
    /// looked up behind them while there are too many.
    fn wrong(&self, from: Option<IpAddr>) -> AuthError {
        let (Some(limiter), Some(from)) = (&self.wrong, from.map(network)) else { return AuthError::UnknownKey };
        if limiter.len() >= REMEMBERED_ADDRESSES {
            limiter.retain_recent();
        }
        let Err(early) = limiter.check_key(&from) else { return AuthError::UnknownKey };
        let wait = wait(&early);
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        if suspects.len() >= REMEMBERED_ADDRESSES {
            suspects.retain(|_, until| *until > Monotonic::now());
        }
        suspects.insert(from, Monotonic::now() + wait.max(SUSPECT_FOR));
        AuthError::TooMany { limit: Limit::WrongKeys, retry_after: wait.as_secs() + 1 }
    }

    /// The address, where too many wrong keys came from it.
    fn suspect(&self, from: Option<IpAddr>) -> Option<IpAddr> {
        let suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        from.map(network).filter(|from| suspects.get(from).is_some_and(|until| *until > Monotonic::now()))
    }

    /// Writes down when keys were last used, which `key list` shows.
    pub async fn save_last_uses(&self) -> Result<(), StoreError> {
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return Ok(());
        }
        let written = uses.clone();
        let result = self.store.write(move |connection| api_keys::save_last_uses(connection, &written)).await;
        if result.is_err() {
            // To be written down the next time, unless there is a later use by then.
            let mut kept = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, at) in uses {
                kept.entry(id).or_insert(at);
            }
        }
        result
    }
}

fn wait(early: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
    early.wait_time_from(DefaultClock::default().now())
}

/// An address as one client has it: of version 6 a client has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        address @ IpAddr::V4(_) => address,
    }
}
