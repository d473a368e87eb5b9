//! The capacity of the ingest queue in bytes, in total and per tenant; knows no queue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::TenantId;

/// The bytes that may wait for their commit. A tenant can reserve at most half of them. The last eighth is for small
/// batches of tenants that have nothing else in the queue.
pub struct Capacity {
    bytes: usize,
    reserved: Mutex<(usize, BTreeMap<TenantId, usize>)>,
}

/// A part of the capacity, released on drop.
pub struct Reservation {
    capacity: Arc<Capacity>,
    tenant: TenantId,
    bytes: usize,
}

impl Capacity {
    pub fn new(bytes: usize) -> Self {
        Self { bytes, reserved: Mutex::default() }
    }

    /// Reserves capacity for a tenant's batch; `None` if there is not enough. A batch of more than half counts as half,
    /// so it is accepted only if the tenant has nothing else in the queue.
    pub fn reserve(capacity: &Arc<Self>, tenant: TenantId, bytes: usize) -> Option<Reservation> {
        let (half, eighth) = (capacity.bytes.div_ceil(2), capacity.bytes / 8);
        let bytes = bytes.min(half);
        let mut reserved = capacity.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = reserved.1.get(&tenant).copied().unwrap_or(0);
        let is_small_and_first = of_tenant == 0 && bytes <= eighth;
        let limit = if is_small_and_first { capacity.bytes } else { capacity.bytes - eighth };
        if reserved.0 + bytes > limit || of_tenant + bytes > half {
            return None;
        }
        reserved.0 += bytes;
        reserved.1.insert(tenant, of_tenant + bytes);
        Some(Reservation { capacity: Arc::clone(capacity), tenant, bytes })
    }

    pub fn reserved(&self) -> usize {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut reserved = self.capacity.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        reserved.0 -= self.bytes;
        let remaining = reserved.1.get(&self.tenant).map_or(0, |of_tenant| of_tenant - self.bytes);
        if remaining == 0 {
            reserved.1.remove(&self.tenant);
        } else {
            reserved.1.insert(self.tenant, remaining);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tenants_at_their_limit_leave_capacity_for_others() {
        let capacity = Arc::new(Capacity::new(800));
        let reserve = |tenant, bytes| Capacity::reserve(&capacity, TenantId(tenant), bytes);
        let one = reserve(1, 400).unwrap();
        assert!(reserve(1, 1).is_none() && reserve(2, 400).is_none());
        let other = reserve(2, 300).unwrap();
        assert!(reserve(2, 1).is_none() && reserve(3, 101).is_none());
        let third = reserve(3, 60).unwrap();
        assert!(reserve(3, 1).is_none(), "what is left is for others yet");
        let fourth = reserve(4, 40).unwrap();
        assert!(reserve(5, 1).is_none() && capacity.reserved() == 800);
        drop((one, other, third, fourth));
        assert_eq!(capacity.reserved(), 0);
        // A batch of more than half is accepted if nothing else is queued.
        assert!(reserve(1, 5000).is_some());
    }
}
