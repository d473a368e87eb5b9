//! Limits the bytes of request bodies and responses in memory at a time; knows nothing about their content.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::TenantId;

/// The unit, in bytes, in which shares are counted.
const UNIT: usize = 1024;

/// Shares up to this many bytes are not counted: the number of connections bounds them, and the large shares of other
/// clients never block them.
const SMALL: usize = 64 * 1024;

/// How long a later part of a response waits for capacity once the response has begun.
const WAIT: Duration = Duration::from_secs(30);

/// The limit for all bodies and responses of a server, of which one tenant gets at most three quarters. Clones
/// share it.
#[derive(Clone)]
pub struct InFlight {
    semaphore: Arc<Semaphore>,
    units: usize,
    tenants: Arc<Mutex<HashMap<TenantId, Arc<Semaphore>>>>,
    /// The tenant's part of the limit, if this handle is a tenant's.
    of_tenant: Option<Arc<Semaphore>>,
}

/// The capacity that one body or response occupies; released on drop.
#[derive(Default)]
pub struct Share {
    permit: Option<OwnedSemaphorePermit>,
    of_tenant: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Whether it counts towards the limit.
    pub fn is_counted(&self) -> bool {
        self.permit.is_some()
    }
}

impl InFlight {
    pub fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self { semaphore: Arc::new(Semaphore::new(units)), units, tenants: Arc::default(), of_tenant: None }
    }

    /// The same limit for the bodies and responses of one tenant: a tenant that reads slowly does not block others.
    #[must_use]
    pub fn for_tenant(&self, tenant: TenantId) -> Self {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let semaphore = tenants.entry(tenant).or_insert_with(|| Arc::new(Semaphore::new(self.tenant_units())));
        Self { of_tenant: Some(Arc::clone(semaphore)), ..self.clone() }
    }

    /// How many bytes are in use.
    pub fn bytes_in_use(&self) -> usize {
        (self.units - self.semaphore.available_permits()) * UNIT
    }

    /// Reserves `bytes`; `None` if the limit does not allow it.
    pub fn try_reserve(&self, bytes: usize) -> Option<Share> {
        let mut share = Share::default();
        self.grow(&mut share, bytes).then_some(share)
    }

    /// Reserves `bytes`, waiting for capacity if necessary; `None` if it does not become free in time.
    pub async fn reserve(&self, bytes: usize) -> Option<Share> {
        if bytes <= SMALL {
            return Some(Share::default());
        }
        let wanted = bytes.div_ceil(UNIT);
        let acquire = async |semaphore: &Arc<Semaphore>, wanted: usize| {
            // The semaphores are never closed.
            Arc::clone(semaphore).acquire_many_owned(u32::try_from(wanted).ok()?).await.ok()
        };
        let share = async {
            let of_tenant = match &self.of_tenant {
                Some(semaphore) => Some(acquire(semaphore, wanted.min(self.tenant_units())).await?),
                None => None,
            };
            Some(Share { permit: Some(acquire(&self.semaphore, wanted).await?), of_tenant })
        };
        if wanted > self.units { None } else { tokio::time::timeout(WAIT, share).await.ok()? }
    }

    /// Grows a share to `bytes` in total; `false` if the limit does not allow it. A share that exceeds its tenant's
    /// part of the limit is granted if nothing else of the tenant is in flight.
    pub fn grow(&self, share: &mut Share, bytes: usize) -> bool {
        if bytes <= SMALL {
            return true;
        }
        let wanted = bytes.div_ceil(UNIT);
        let missing = |permit: &Option<OwnedSemaphorePermit>, wanted: usize| {
            wanted.saturating_sub(permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits))
        };
        let take = |semaphore: &Arc<Semaphore>, missing: usize| {
            Arc::clone(semaphore).try_acquire_many_owned(u32::try_from(missing).ok()?).ok()
        };
        let of_tenant = match &self.of_tenant {
            None => None,
            Some(semaphore) => match take(semaphore, missing(&share.of_tenant, wanted.min(self.tenant_units()))) {
                None => return false,
                taken => taken,
            },
        };
        let Some(more) = take(&self.semaphore, missing(&share.permit, wanted)) else { return false };
        merge(&mut share.permit, more);
        if let Some(more) = of_tenant {
            merge(&mut share.of_tenant, more);
        }
        true
    }

    fn tenant_units(&self) -> usize {
        self.units.div_ceil(4) * 3
    }
}

fn merge(permit: &mut Option<OwnedSemaphorePermit>, more: OwnedSemaphorePermit) {
    match permit {
        Some(permit) => permit.merge(more),
        none => *none = Some(more),
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, Share};
    use crate::model::TenantId;

    #[test]
    fn only_small_shares_exceed_the_limit_and_all_are_released() {
        const KIB: usize = 1024;
        let in_flight = InFlight::new(1000 * KIB);
        let mut one = in_flight.try_reserve(400 * KIB - 7).unwrap();
        assert!(in_flight.grow(&mut one, 400 * KIB) && in_flight.bytes_in_use() == 400 * KIB);
        assert!(in_flight.grow(&mut one, 800 * KIB));
        assert!(in_flight.try_reserve(200 * KIB + 1).is_none() && !in_flight.grow(&mut one, 1000 * KIB + 1));
        let other = in_flight.try_reserve(200 * KIB).unwrap();
        assert_eq!(in_flight.bytes_in_use(), 1000 * KIB);
        // Small shares are granted all the same.
        assert!(in_flight.try_reserve(64 * KIB).is_some() && in_flight.try_reserve(64 * KIB + 1).is_none());
        drop((one, other));
        assert_eq!(in_flight.bytes_in_use(), 0);
        assert!(in_flight.grow(&mut Share::default(), 0));
    }

    #[tokio::test]
    async fn tenant_exceeds_its_share_only_while_alone() {
        const KIB: usize = 1024;
        let in_flight = InFlight::new(1000 * KIB);
        let (one, other) = (in_flight.for_tenant(TenantId(1)), in_flight.for_tenant(TenantId(2)));
        let mut most = one.try_reserve(700 * KIB).unwrap();
        assert!(one.grow(&mut most, 750 * KIB) && one.try_reserve(65 * KIB).is_none());
        let rest = other.reserve(250 * KIB).await.unwrap();
        assert!(other.try_reserve(65 * KIB).is_none(), "the whole is bounded too");
        drop((most, rest));
        assert_eq!(in_flight.bytes_in_use(), 0);
        // A tenant with nothing else in flight may exceed its part.
        let all = one.try_reserve(900 * KIB).unwrap();
        assert!(one.try_reserve(65 * KIB).is_none() && other.try_reserve(100 * KIB).is_some());
        drop(all);
        assert!(one.reserve(1000 * KIB).await.is_some() && one.reserve(1001 * KIB).await.is_none());
    }
}
