//! A queue that serves tenants in turn, and within a tenant its keys in turn; knows nothing about its entries.

use std::collections::VecDeque;

use crate::model::TenantId;

/// A round-robin queue over tenants and their keys. Entries of one key are served in order of arrival.
pub struct FairQueue<T> {
    /// The tenant in front is served next, then moves to the back; likewise the keys of each tenant.
    tenants: VecDeque<(TenantId, Keys<T>)>,
    length: usize,
}

/// The entries of one tenant, by key id.
type Keys<T> = VecDeque<(i64, VecDeque<T>)>;

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { tenants: VecDeque::new(), length: 0 }
    }
}

impl<T> FairQueue<T> {
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The number of a tenant's entries.
    pub fn len_of(&self, tenant: TenantId) -> usize {
        self.tenants.iter().find(|(known, _)| *known == tenant).map_or(0, |(_, keys)| count(keys))
    }

    pub fn push(&mut self, tenant: TenantId, key: i64, entry: T) {
        self.length += 1;
        let keys = get_or_insert_default(&mut self.tenants, tenant);
        get_or_insert_default(keys, key).push_back(entry);
    }

    /// Removes and returns the next entry.
    #[cfg(test)]
    fn pop(&mut self) -> Option<T> {
        self.pop_if(|_| true)
    }

    /// Removes and returns the next entry if `accept` returns true for it; otherwise it stays the next one.
    pub fn pop_if(&mut self, accept: impl FnOnce(&T) -> bool) -> Option<T> {
        let (tenant, keys) = self.tenants.front()?;
        let tenant = *tenant;
        if !accept(keys.front()?.1.front()?) {
            return None;
        }
        self.pop_from(|next| next == tenant).map(|(_, entry)| entry)
    }

    /// Removes and returns the next entry of the tenants that `accept` selects, with its tenant. The order of the other
    /// tenants does not change.
    pub fn pop_from(&mut self, accept: impl Fn(TenantId) -> bool) -> Option<(TenantId, T)> {
        let position = self.tenants.iter().position(|(tenant, _)| accept(*tenant))?;
        let (tenant, mut keys) = self.tenants.remove(position)?;
        let (key, mut entries) = keys.pop_front()?;
        let entry = entries.pop_front()?;
        if !entries.is_empty() {
            keys.push_back((key, entries));
        }
        if !keys.is_empty() {
            self.tenants.push_back((tenant, keys));
        }
        self.length -= 1;
        Some((tenant, entry))
    }

    /// Makes room in a full queue for an entry of `tenant`: evicts the newest entry of the tenant that has the most, if
    /// that tenant has more than `tenant` would have with its new entry. Of several keys, the one with the most entries
    /// loses one.
    pub fn evict(&mut self, tenant: TenantId) -> Option<T> {
        let own = self.len_of(tenant) + 1;
        let most = self.tenants.iter_mut().max_by_key(|(_, keys)| count(keys))?;
        if count(&most.1) <= own {
            return None;
        }
        let (_, entries) = most.1.iter_mut().max_by_key(|(_, entries)| entries.len())?;
        let entry = entries.pop_back()?;
        self.length -= 1;
        self.remove_empty();
        Some(entry)
    }

    /// Removes the entries for which `is_wanted` returns false.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        for (_, keys) in &mut self.tenants {
            for (_, entries) in keys {
                entries.retain(&mut is_wanted);
            }
        }
        self.remove_empty();
        self.length = self.tenants.iter().map(|(_, keys)| count(keys)).sum();
    }

    fn remove_empty(&mut self) {
        for (_, keys) in &mut self.tenants {
            keys.retain(|(_, entries)| !entries.is_empty());
        }
        self.tenants.retain(|(_, keys)| !keys.is_empty());
    }
}

fn count<T>(keys: &Keys<T>) -> usize {
    keys.iter().map(|(_, entries)| entries.len()).sum()
}

/// The value of a key, inserted with its default if it is missing.
fn get_or_insert_default<K: PartialEq, V: Default>(list: &mut VecDeque<(K, V)>, key: K) -> &mut V {
    let position = list.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        list.push_back((key, V::default()));
        list.len() - 1
    });
    &mut list[position].1
}

#[cfg(test)]
mod tests {
    use super::FairQueue;
    use crate::model::TenantId;

    fn queue(entries: &[(i64, i64, &'static str)]) -> FairQueue<&'static str> {
        let mut queue = FairQueue::default();
        for (tenant, key, entry) in entries {
            queue.push(TenantId(*tenant), *key, *entry);
        }
        queue
    }

    fn all(mut queue: FairQueue<&'static str>) -> Vec<&'static str> {
        let entries = std::iter::from_fn(|| queue.pop()).collect();
        assert!(queue.is_empty() && queue.tenants.is_empty());
        entries
    }

    #[test]
    fn tenants_and_their_keys_are_served_round_robin() {
        let queue = queue(&[
            (1, 10, "1a"),
            (1, 10, "1b"),
            (1, 10, "1c"),
            (1, 11, "1x"),
            (2, 20, "2a"),
            (2, 20, "2b"),
            (3, 30, "3a"),
        ]);
        assert_eq!(queue.len(), 7);
        assert_eq!(all(queue), ["1a", "2a", "3a", "1x", "2b", "1b", "1c"]);
    }

    #[test]
    fn skipped_entries_keep_their_turn() {
        let mut queue = queue(&[(1, 10, "big"), (2, 20, "small"), (2, 20, "smaller"), (3, 30, "other")]);
        assert_eq!(queue.pop_if(|entry| *entry == "small"), None);
        assert_eq!(queue.pop_from(|tenant| tenant == TenantId(2)), Some((TenantId(2), "small")));
        assert_eq!(queue.pop_from(|tenant| tenant == TenantId(4)), None);
        assert_eq!(all(queue), ["big", "other", "smaller"]);
    }

    #[test]
    fn full_queue_evicts_from_the_tenant_with_the_most_entries() {
        let mut queue = queue(&[(1, 10, "1a"), (1, 11, "1x"), (1, 11, "1y"), (2, 20, "2a")]);
        assert_eq!(queue.evict(TenantId(3)), Some("1y"));
        assert_eq!(queue.evict(TenantId(3)), Some("1x"));
        // Tenant 1 has one entry left, and tenant 3 would have one too.
        assert_eq!(queue.evict(TenantId(3)), None);
        assert_eq!(queue.evict(TenantId(1)), None);
        assert_eq!(all(queue), ["1a", "2a"]);
    }

    #[test]
    fn retain_removes_entries_and_updates_the_counts() {
        let mut queue = queue(&[(1, 10, "gone"), (1, 10, "1b"), (2, 20, "gone")]);
        queue.retain(|entry| *entry != "gone");
        assert_eq!((queue.len(), queue.len_of(TenantId(1)), queue.len_of(TenantId(2))), (1, 1, 0));
        assert_eq!(all(queue), ["1b"]);
    }
}
