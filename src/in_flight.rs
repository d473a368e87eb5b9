//! How many bytes of requests and answers are in memory at a time; knows nothing of what they say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::TenantId;

/// What bytes are counted in.
const UNIT: usize = 1024;

/// What is so small is not counted: the number of connections bounds it, and the large ones of somebody else never keep it
/// out.
const SMALL: usize = 64 * 1024;

/// How long the rest of an answer that was begun waits for room.
const WAIT: Duration = Duration::from_secs(30);

/// The one bound for all bodies and answers of a server, of which each tenant has no more than three quarters; clones
/// share it.
#[derive(Clone)]
pub struct InFlight {
    room: Arc<Semaphore>,
    units: usize,
    tenants: Arc<Mutex<HashMap<TenantId, Arc<Semaphore>>>>,
    /// What its tenant may have.
    of_tenant: Option<Arc<Semaphore>>,
}

/// The part of it that one body or answer takes, given back when it is dropped.
#[derive(Default)]
pub struct Share {
    permit: Option<OwnedSemaphorePermit>,
    of_tenant: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Whether it counts against the bound.
    pub fn is_counted(&self) -> bool {
        self.permit.is_some()
    }
}

impl InFlight {
    pub fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(units)), units, tenants: Arc::default(), of_tenant: None }
    }

    /// The same bound for what a tenant sends and is sent: who reads slowly keeps nobody else's answers out.
    #[must_use]
    pub fn of(&self, tenant: TenantId) -> Self {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = tenants.entry(tenant).or_insert_with(|| Arc::new(Semaphore::new(self.most_of_tenant())));
        Self { of_tenant: Some(Arc::clone(theirs)), ..self.clone() }
    }

    /// How many bytes are taken.
    pub fn taken(&self) -> usize {
        (self.units - self.room.available_permits()) * UNIT
    }

    /// A part of so many bytes; `None` where there is no room for it.
    pub fn share(&self, bytes: usize) -> Option<Share> {
        let mut share = Share::default();
        self.grow(&mut share, bytes).then_some(share)
    }

    /// A part of so many bytes, waited for; `None` where there is no room for it in time.
    pub async fn share_in_time(&self, bytes: usize) -> Option<Share> {
        if bytes <= SMALL {
            return Some(Share::default());
        }
        let wanted = bytes.div_ceil(UNIT);
        let acquire = async |room: &Arc<Semaphore>, wanted: usize| {
            // The semaphores are never closed.
            Arc::clone(room).acquire_many_owned(u32::try_from(wanted).ok()?).await.ok()
        };
        let share = async {
            let of_tenant = match &self.of_tenant {
                Some(theirs) => Some(acquire(theirs, wanted.min(self.most_of_tenant())).await?),
                None => None,
            };
            Some(Share { permit: Some(acquire(&self.room, wanted).await?), of_tenant })
        };
        if wanted > self.units { None } else { tokio::time::timeout(WAIT, share).await.ok()? }
    }

    /// Makes a part as large as so many bytes in all; `false` where there is no room for it. What is larger than a tenant may
    /// have is let in where nothing else of it is in flight.
    pub fn grow(&self, share: &mut Share, bytes: usize) -> bool {
        if bytes <= SMALL {
            return true;
        }
        let wanted = bytes.div_ceil(UNIT);
        let missing = |permit: &Option<OwnedSemaphorePermit>, wanted: usize| {
            wanted.saturating_sub(permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits))
        };
        let take = |room: &Arc<Semaphore>, missing: usize| {
            Arc::clone(room).try_acquire_many_owned(u32::try_from(missing).ok()?).ok()
        };
        let of_tenant = match &self.of_tenant {
            None => None,
            Some(theirs) => match take(theirs, missing(&share.of_tenant, wanted.min(self.most_of_tenant()))) {
                None => return false,
                taken => taken,
            },
        };
        let Some(more) = take(&self.room, missing(&share.permit, wanted)) else { return false };
        merge(&mut share.permit, more);
        if let Some(more) = of_tenant {
            merge(&mut share.of_tenant, more);
        }
        true
    }

    fn most_of_tenant(&self) -> usize {
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
        let mut one = in_flight.share(400 * KIB - 7).unwrap();
        assert!(in_flight.grow(&mut one, 400 * KIB) && in_flight.taken() == 400 * KIB);
        assert!(in_flight.grow(&mut one, 800 * KIB));
        assert!(in_flight.share(200 * KIB + 1).is_none() && !in_flight.grow(&mut one, 1000 * KIB + 1));
        let other = in_flight.share(200 * KIB).unwrap();
        assert_eq!(in_flight.taken(), 1000 * KIB);
        // Small ones are let in all the same.
        assert!(in_flight.share(64 * KIB).is_some() && in_flight.share(64 * KIB + 1).is_none());
        drop((one, other));
        assert_eq!(in_flight.taken(), 0);
        assert!(in_flight.grow(&mut Share::default(), 0));
    }

    #[tokio::test]
    async fn tenant_exceeds_its_share_only_while_alone() {
        const KIB: usize = 1024;
        let in_flight = InFlight::new(1000 * KIB);
        let (one, other) = (in_flight.of(TenantId(1)), in_flight.of(TenantId(2)));
        let mut most = one.share(700 * KIB).unwrap();
        assert!(one.grow(&mut most, 750 * KIB) && one.share(65 * KIB).is_none());
        let rest = other.share_in_time(250 * KIB).await.unwrap();
        assert!(other.share(65 * KIB).is_none(), "the whole is bounded too");
        drop((most, rest));
        assert_eq!(in_flight.taken(), 0);
        // More is let in where it is alone.
        let all = one.share(900 * KIB).unwrap();
        assert!(one.share(65 * KIB).is_none() && other.share(100 * KIB).is_some());
        drop(all);
        assert!(one.share_in_time(1000 * KIB).await.is_some() && one.share_in_time(1001 * KIB).await.is_none());
    }
}
