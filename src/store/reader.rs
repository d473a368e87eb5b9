//! Who reads, how recent the data must be, and which server has served it before; knows no query.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::{CallerId, Freshness};

/// The reader of one request. All its reads see the same state of the data or a later one, so that the rest of a page is
/// not read from a replica that lacks its messages: clones remember together which server has served one of them.
#[derive(Clone, Debug)]
pub struct Reader {
    pub caller: CallerId,
    pub freshness: Freshness,
    /// `None` for a store without replicas.
    served_by: Option<Arc<AtomicUsize>>,
}

/// The server that has served a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedBy {
    Primary,
    Replica(usize),
}

const NONE: usize = 0;
const PRIMARY: usize = 1;
const FIRST_REPLICA: usize = 2;

impl Reader {
    pub fn new(caller: CallerId, freshness: Freshness, has_replicas: bool) -> Self {
        Self { caller, freshness, served_by: has_replicas.then(Arc::default) }
    }

    pub fn served_by(&self) -> Option<ServedBy> {
        match self.served_by.as_ref()?.load(Ordering::Relaxed) {
            NONE => None,
            PRIMARY => Some(ServedBy::Primary),
            replica => Some(ServedBy::Replica(replica - FIRST_REPLICA)),
        }
    }

    pub fn was_served_by(&self, server: ServedBy) {
        let number = match server {
            ServedBy::Primary => PRIMARY,
            ServedBy::Replica(index) => index + FIRST_REPLICA,
        };
        if let Some(served_by) = &self.served_by {
            served_by.store(number, Ordering::Relaxed);
        }
    }
}

/// A reader that is not served by replicas.
impl From<CallerId> for Reader {
    fn from(caller: CallerId) -> Self {
        Self { caller, freshness: Freshness::Primary, served_by: None }
    }
}
