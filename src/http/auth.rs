//! Who asks: from a header to a caller; knows no route and no dialect's error.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use actix_web::http::header::HeaderMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::model::ask::Denial;
use crate::model::key::{KeyDigest, KeyKind, Secret};
use crate::model::{Caller, Instant};
use crate::store::{Store, StoreError, api_keys};

/// How long a key's rights are taken from memory. A revoked key stops within a second, so this is less.
const FRESH: Duration = Duration::from_millis(500);

/// When to throw stale keys out of memory.
const REMEMBERED_KEYS: usize = 10_000;

/// The keys that were seen lately, and when they were used.
pub struct Keys {
    store: Store,
    seen: Mutex<HashMap<KeyDigest, (Arc<Caller>, Monotonic)>>,
    uses: Mutex<BTreeMap<i64, Instant>>,
    limiter: Option<DefaultKeyedRateLimiter<i64>>,
}

impl Keys {
    /// `requests_per_second` is each key's own limit; 0 for none.
    pub fn new(store: Store, requests_per_second: u32) -> Self {
        let quota = NonZeroU32::new(requests_per_second).map(Quota::per_second);
        Self { store, seen: Mutex::default(), uses: Mutex::default(), limiter: quota.map(RateLimiter::keyed) }
    }

    /// The caller that a header's key stands for. A webhook key is an unknown one here (docs/edna.md §7).
    pub async fn caller(&self, headers: &HeaderMap, name: &str, now: Instant) -> Result<Arc<Caller>, Denial> {
        let caller = self.holder(value(headers, name)?, now, |kind| kind != KeyKind::Webhook).await?;
        if let Some(limiter) = &self.limiter
            && let Err(early) = limiter.check_key(&caller.key_id)
        {
            let wait = early.wait_time_from(DefaultClock::default().now());
            return Err(Denial::TooManyRequests { retry_after: wait.as_secs() + 1 });
        }
        Ok(caller)
    }

    /// The caller that a webhook's key stands for, `Token <key>` or the key alone. Any other key is an unknown one, and
    /// no limit holds edna up.
    pub async fn webhook(&self, headers: &HeaderMap, name: &str, now: Instant) -> Result<Arc<Caller>, Denial> {
        let value = value(headers, name)?;
        let key = match value.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("token") => key,
            _ => value,
        };
        self.holder(key, now, |kind| kind == KeyKind::Webhook).await
    }

    /// Who has a key of the right kind, and uses it now.
    async fn holder(&self, key: &str, now: Instant, kind: impl Fn(KeyKind) -> bool) -> Result<Arc<Caller>, Denial> {
        let secret = Secret::parse(key).ok_or(Denial::UnknownKey)?;
        let caller = self.known(secret.digest()).await?.ok_or(Denial::UnknownKey)?;
        if !kind(caller.kind) || !caller.is_valid_at(now) {
            return Err(Denial::UnknownKey);
        }
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(caller.key_id, now);
        Ok(caller)
    }

    async fn known(&self, digest: KeyDigest) -> Result<Option<Arc<Caller>>, Denial> {
        if let Some((caller, at)) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&digest)
            && at.elapsed() < FRESH
        {
            return Ok(Some(Arc::clone(caller)));
        }
        // The age counts from before the look-up: what is revoked meanwhile must not live longer for it.
        let asked_at = Monotonic::now();
        let found =
            self.store.quick_read(move |connection| api_keys::find(connection, digest)).await.map_err(|error| {
                tracing::error!(cause = %error, "a key could not be looked up");
                Denial::Unavailable
            })?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(caller) = found.map(Arc::new) else {
            seen.remove(&digest);
            return Ok(None);
        };
        if seen.len() >= REMEMBERED_KEYS {
            seen.retain(|_, (_, at)| at.elapsed() < FRESH);
        }
        seen.insert(digest, (Arc::clone(&caller), asked_at));
        Ok(Some(caller))
    }

    /// Writes down when keys were last used, which `key list` shows.
    pub async fn note_uses(&self) -> Result<(), StoreError> {
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return Ok(());
        }
        let written = uses.clone();
        let result = self.store.write(move |connection| api_keys::note_uses(connection, &written)).await;
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

/// A header's text.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Denial> {
    let value = headers.get(name).filter(|value| !value.as_bytes().trim_ascii().is_empty()).ok_or(Denial::NoKey)?;
    value.to_str().map_err(|_| Denial::UnknownKey)
}
