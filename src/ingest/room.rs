//! How many bytes wait for their commit, of all tenants together and of each; knows no queue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::TenantId;

/// The room for what waits. No tenant has more than half of it, and the last eighth is for what is small of tenants of which
/// nothing waits.
pub struct Room {
    bytes: usize,
    taken: Mutex<(usize, BTreeMap<TenantId, usize>)>,
}

/// A part of the room, given back when it is dropped.
pub struct Part {
    room: Arc<Room>,
    tenant: TenantId,
    bytes: usize,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        Self { bytes, taken: Mutex::default() }
    }

    /// A part for what a tenant brings. What is larger than a tenant's half is let in where nothing else of it waits.
    pub fn take(room: &Arc<Self>, tenant: TenantId, bytes: usize) -> Option<Part> {
        let (half, eighth) = (room.bytes.div_ceil(2), room.bytes / 8);
        let bytes = bytes.min(half);
        let mut taken = room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = taken.1.get(&tenant).copied().unwrap_or(0);
        let is_small_and_first = of_tenant == 0 && bytes <= eighth;
        let all = if is_small_and_first { room.bytes } else { room.bytes - eighth };
        if taken.0 + bytes > all || of_tenant + bytes > half {
            return None;
        }
        taken.0 += bytes;
        taken.1.insert(tenant, of_tenant + bytes);
        Some(Part { room: Arc::clone(room), tenant, bytes })
    }

    pub fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.0 -= self.bytes;
        let left = taken.1.get(&self.tenant).map_or(0, |of_tenant| of_tenant - self.bytes);
        if left == 0 {
            taken.1.remove(&self.tenant);
        } else {
            taken.1.insert(self.tenant, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tenants_at_their_limit_leave_capacity_for_others() {
        let room = Arc::new(Room::new(800));
        let take = |tenant, bytes| Room::take(&room, TenantId(tenant), bytes);
        let one = take(1, 400).unwrap();
        assert!(take(1, 1).is_none() && take(2, 400).is_none());
        let other = take(2, 300).unwrap();
        assert!(take(2, 1).is_none() && take(3, 101).is_none());
        let third = take(3, 60).unwrap();
        assert!(take(3, 1).is_none(), "what is left is for others yet");
        let fourth = take(4, 40).unwrap();
        assert!(take(5, 1).is_none() && room.taken() == 800);
        drop((one, other, third, fourth));
        assert_eq!(room.taken(), 0);
        // More than half is let in where nothing else waits.
        assert!(take(1, 5000).is_some());
    }
}
