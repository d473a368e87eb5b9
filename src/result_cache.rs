//! A cache of results that take long to compute, each computed by one caller at a time; knows nothing of what it caches.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

/// A result that took less is computed anew for each caller.
const MIN_DURATION: Duration = Duration::from_millis(500);

/// A result is fresh for so many times as long as it took: computing it takes a twentieth of the time at most.
const TTL_FACTOR: u32 = 20;

/// How long a caller waits for another that computes the same.
const WAIT: Duration = Duration::from_secs(5);

/// Results by key.
pub struct ResultCache<K, V> {
    entries: Mutex<HashMap<K, Arc<Entry<V>>>>,
}

struct Entry<V> {
    result: Mutex<Option<Computed<V>>>,
    /// Held by the caller that computes.
    computing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Computed<V> {
    value: V,
    /// Not before this, with the time in queues.
    began: Monotonic,
    ended: Monotonic,
    took: Duration,
}

impl<V> Computed<V> {
    fn is_fresh(&self) -> bool {
        self.is_within(1)
    }

    /// Whether it may be used while somebody computes a new one.
    fn is_usable(&self) -> bool {
        self.is_within(2)
    }

    fn is_within(&self, lifetimes: u32) -> bool {
        self.took >= MIN_DURATION && self.ended.elapsed() < self.took.saturating_mul(TTL_FACTOR * lifetimes)
    }
}

impl<V: Clone> Entry<V> {
    fn new() -> Self {
        Self { result: Mutex::default(), computing: tokio::sync::Mutex::default() }
    }

    fn result(&self, is_wanted: impl Fn(&Computed<V>) -> bool) -> Option<V> {
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        result.as_ref().filter(|result| is_wanted(result)).map(|result| result.value.clone())
    }
}

impl<K, V> Default for ResultCache<K, V> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<K: Eq + Hash, V: Clone> ResultCache<K, V> {
    /// The result of a key: a fresh one, or the one that `compute` returns with how long it took, the time in queues left
    /// out. `None` if another caller computes it for too long, and there is none that may be used meanwhile.
    pub async fn get<E>(
        &self,
        key: K,
        compute: impl Future<Output = Result<(V, Duration), E>>,
    ) -> Result<Option<V>, E> {
        let asked = Monotonic::now();
        let entry = self.entry(key);
        let turn = if let Ok(turn) = entry.computing.try_lock() {
            turn
        } else {
            if let Some(value) = entry.result(Computed::is_usable) {
                return Ok(Some(value));
            }
            let Ok(turn) = tokio::time::timeout(WAIT, entry.computing.lock()).await else { return Ok(None) };
            turn
        };
        // One that was begun after this caller has asked is as good as its own.
        if let Some(value) = entry.result(|result| result.began >= asked || result.is_fresh()) {
            return Ok(Some(value));
        }
        let began = Monotonic::now();
        let (value, took) = compute.await?;
        let computed = Computed { value: value.clone(), began, ended: Monotonic::now(), took };
        *entry.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(computed);
        drop(turn);
        Ok(Some(value))
    }

    /// The entry of a key. Drops those that nobody uses.
    fn entry(&self, key: K) -> Arc<Entry<V>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|other, entry| {
            *other == key || Arc::strong_count(entry) > 1 || entry.result(Computed::is_usable).is_some()
        });
        Arc::clone(entries.entry(key).or_insert_with(|| Arc::new(Entry::new())))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, ready};
    use std::time::{Duration, Instant};

    use futures_util::FutureExt;

    use super::{Computed, MIN_DURATION, ResultCache};

    const LONG: Duration = Duration::from_hours(1);

    fn computed(value: u8, took: Duration) -> impl Future<Output = Result<(u8, Duration), Infallible>> {
        ready(Ok((value, took)))
    }

    #[actix_web::test]
    async fn only_what_took_long_is_cached() {
        let cache = ResultCache::default();
        assert_eq!(cache.get("a", computed(1, Duration::ZERO)).await, Ok(Some(1)));
        assert_eq!(cache.get("a", computed(2, LONG)).await, Ok(Some(2)));
        assert_eq!(cache.get("a", computed(3, LONG)).await, Ok(Some(2)));
        assert_eq!(cache.get("b", computed(4, LONG)).await, Ok(Some(4)));
        cache.get("c", computed(5, Duration::ZERO)).await.unwrap();
        cache.get("d", computed(6, Duration::ZERO)).await.unwrap();
        let mut keys: Vec<_> = cache.entries.lock().unwrap().keys().copied().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["a", "b", "d"], "what is not cached takes no memory");
    }

    #[actix_web::test]
    async fn those_who_wait_share_a_result() {
        let cache = ResultCache::default();
        // It does not end before the others wait.
        let slow = async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>((1, Duration::ZERO))
        };
        let first = cache.get("a", slow);
        // What the first has begun may lack what was there when the others asked.
        let others = [2, 3].map(|value| cache.get("a", computed(value, Duration::ZERO)));
        let (first, others) = futures_util::future::join(first, futures_util::future::join_all(others)).await;
        assert_eq!((first, others), (Ok(Some(1)), vec![Ok(Some(2)), Ok(Some(2))]));
    }

    #[actix_web::test]
    async fn failure_or_a_caller_who_leaves_holds_nobody_up() {
        let cache: ResultCache<_, u8> = ResultCache::default();
        assert_eq!(cache.get("a", ready(Err("no"))).await, Err("no"));
        assert!(cache.get("a", pending::<Result<_, &str>>()).now_or_never().is_none());
        assert_eq!(cache.get("a", ready(Ok::<_, &str>((2, LONG)))).await, Ok(Some(2)));
    }

    /// A result that took a second is fresh for twenty, and used for twenty more while a new one is computed.
    #[actix_web::test]
    async fn old_result_is_used_while_a_new_one_is_computed() {
        let cache = ResultCache::default();
        let Some(ended) = Instant::now().checked_sub(Duration::from_secs(30)) else { return };
        let old = Computed { value: 1, began: ended, ended, took: 2 * MIN_DURATION };
        assert!(!old.is_fresh() && old.is_usable());
        *cache.entry("a").result.lock().unwrap() = Some(old);
        let mut slow = Box::pin(cache.get("a", pending::<Result<_, Infallible>>()));
        assert!(slow.as_mut().now_or_never().is_none());
        assert_eq!(cache.get("a", computed(2, LONG)).await, Ok(Some(1)));
        drop(slow);
        assert_eq!(cache.get("a", computed(2, LONG)).await, Ok(Some(2)));
    }
}
