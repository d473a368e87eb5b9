//! Which server a read goes to: a fresh replica that works and has a free slot, or the primary; knows no query.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Options;
use super::db::replica::{Replica, ReplicaStatus};
use super::db::url::DatabaseUrl;
use super::error::{CancelReason, StoreError};
use super::reader::{Reader, ServedBy};
use crate::model::Freshness;

/// The replicas of a store.
pub struct Replicas {
    list: Vec<Replica>,
    /// The replica that the next read is offered to first.
    next: AtomicUsize,
    reads: Family<ServerLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    server: &'static str,
}

impl Replicas {
    pub fn new(url: &DatabaseUrl, options: Options) -> Self {
        Self { list: Replica::all(url, options), next: AtomicUsize::new(0), reads: Family::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Registers how many reads each kind of server has served, if there are replicas.
    pub fn register(&self, registry: &mut Registry) {
        if !self.is_empty() {
            registry.register("reads", "Reads by the kind of server that served them", self.reads.clone());
        }
    }

    pub fn all(&self) -> &[Replica] {
        &self.list
    }

    pub fn statuses(&self) -> Vec<ReplicaStatus> {
        self.list.iter().map(|replica| replica.status(Instant::now())).collect()
    }

    /// How many threads wait for replicas that do not return.
    pub fn abandoned_threads(&self) -> u32 {
        self.list.iter().map(Replica::abandoned_threads).sum()
    }

    pub fn stop(&self) {
        self.list.iter().for_each(Replica::stop);
    }

    /// The replicas that may serve a read, the best one first.
    pub fn candidates(&self, reader: &Reader) -> Vec<(usize, &Replica)> {
        if reader.freshness == Freshness::Primary {
            return Vec::new();
        }
        let now = Instant::now();
        let may_serve =
            |index: usize| self.list.get(index).filter(|replica| replica.is_usable(now)).map(|found| (index, found));
        match reader.served_by() {
            Some(ServedBy::Primary) => Vec::new(),
            Some(ServedBy::Replica(index)) => may_serve(index).into_iter().collect(),
            None => {
                let (first, count) = (self.next.fetch_add(1, Ordering::Relaxed), self.list.len());
                let mut usable: Vec<_> = (0..count).filter_map(|offset| may_serve((first + offset) % count)).collect();
                // Equally busy ones stay in turn.
                usable.sort_by_key(|(_, replica)| replica.reads_in_progress());
                usable
            }
        }
    }

    pub fn count(&self, server: &'static str) {
        self.reads.get_or_create(&ServerLabels { server }).inc();
    }
}

/// Whether another server may serve a read that failed on a replica.
pub fn may_succeed_elsewhere(error: &StoreError) -> bool {
    !matches!(error, StoreError::Cancelled(CancelReason::ClientGone | CancelReason::Deadline | CancelReason::Stopping))
}

/// Whether a failed read is repeated on another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    Repeatable,
    Last,
}

impl Chance {
    pub fn is_repeated(self, error: &StoreError) -> bool {
        self == Self::Repeatable && may_succeed_elsewhere(error)
    }
}
