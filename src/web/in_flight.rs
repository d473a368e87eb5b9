//! How many bytes of requests and answers are in memory at a time; knows nothing of what they say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What bytes are counted in.
const UNIT: usize = 1024;

/// What is so small is not counted: the number of connections bounds it, and the large ones of somebody else never keep it
/// out.
const SMALL: usize = 64 * 1024;

/// How long the rest of an answer that was begun waits for room.
const WAIT: Duration = Duration::from_secs(30);

/// The one bound for all bodies and answers of a server; clones share it.
#[derive(Clone)]
pub struct InFlight {
    room: Arc<Semaphore>,
    units: usize,
}

/// The part of it that one body or answer takes, given back when it is dropped.
#[derive(Default)]
pub struct Share {
    permit: Option<OwnedSemaphorePermit>,
}

impl InFlight {
    pub fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(units)), units }
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
        let wanted = u32::try_from(bytes.div_ceil(UNIT)).ok().filter(|wanted| *wanted as usize <= self.units)?;
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.room).acquire_many_owned(wanted)).await;
        // The semaphore is never closed.
        Some(Share { permit: Some(permit.ok()?.ok()?) })
    }

    /// Makes a part as large as so many bytes in all; `false` where there is no room for it.
    pub fn grow(&self, share: &mut Share, bytes: usize) -> bool {
        if bytes <= SMALL {
            return true;
        }
        let has = share.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = bytes.div_ceil(UNIT).saturating_sub(has);
        if wanted == 0 {
            return true;
        }
        let Ok(wanted) = u32::try_from(wanted) else { return false };
        let Ok(more) = Arc::clone(&self.room).try_acquire_many_owned(wanted) else { return false };
        match &mut share.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, Share};

    #[test]
    fn what_is_taken_never_exceeds_the_bound_and_comes_back() {
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
}
