//! How many bytes of requests and answers are in memory at a time; knows nothing of what they say.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What bytes are counted in.
const UNIT: usize = 1024;

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

    /// Makes a part as large as so many bytes in all; `false` where there is no room for it.
    pub fn grow(&self, share: &mut Share, bytes: usize) -> bool {
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
        let in_flight = InFlight::new(10 * 1024);
        let mut one = in_flight.share(4000).unwrap();
        assert!(in_flight.grow(&mut one, 4096) && in_flight.taken() == 4096);
        assert!(in_flight.grow(&mut one, 8192));
        assert!(in_flight.share(2049).is_none() && !in_flight.grow(&mut one, 10_241));
        let other = in_flight.share(2048).unwrap();
        assert_eq!(in_flight.taken(), 10_240);
        drop((one, other));
        assert_eq!(in_flight.taken(), 0);
        assert!(in_flight.grow(&mut Share::default(), 0));
    }
}
