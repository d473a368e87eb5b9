//! The metrics of the ingest queue; knows no content of any event.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::event::{Event, Outcome, Payload};
use crate::model::Source;

/// Why an event was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It cannot be parsed as what its feed delivers.
    Unreadable,
    /// It is about a message of a subject that is not among its key's senders.
    Senders,
    /// The queue was full.
    QueueFull,
    /// It was not on disk in time; it may have been committed later.
    TooLate,
    /// The tenant has reached the limit of stored events of this kind.
    TenantFull,
    /// The store returned an error.
    Store,
}

impl Rejection {
    fn word(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Senders => "senders",
            Self::QueueFull => "queue_full",
            Self::TooLate => "too_late",
            Self::TenantFull => "tenant_full",
            Self::Store => "store",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceivedLabels {
    source: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    source: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectedLabels {
    source: &'static str,
    reason: &'static str,
}

/// The counters of one ingest queue; clones share them.
#[derive(Clone, Debug)]
pub struct Counters {
    received: Family<ReceivedLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    rejected: Family<RejectedLabels, Counter>,
    commit_events: Histogram,
    commit_seconds: Histogram,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            received: Family::default(),
            outcomes: Family::default(),
            rejected: Family::default(),
            // 1 to 16,384 events, 0.5 ms to 16 s.
            commit_events: Histogram::new(exponential_buckets(1.0, 4.0, 8)),
            commit_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 16)),
        }
    }
}

impl Counters {
    pub fn register(&self, registry: &mut Registry) {
        registry.register("events_received", "Events that were received", self.received.clone());
        registry.register("events", "Events that were recorded, by outcome", self.outcomes.clone());
        registry.register("events_rejected", "Events that were rejected, by reason", self.rejected.clone());
        registry.register("commit_events", "Events in one commit", self.commit_events.clone());
        registry.register("commit_seconds", "Seconds that one commit took", self.commit_seconds.clone());
    }

    pub fn reject(&self, source: Source, reason: Rejection, count: usize) {
        if count > 0 {
            self.rejected
                .get_or_create(&RejectedLabels { source: source.word(), reason: reason.word() })
                .inc_by(count as u64);
        }
    }

    pub(super) fn receive(&self, events: &[Event]) {
        for event in events {
            let kind = match event.payload {
                Payload::Message(_) | Payload::Pending(_) => "message",
                Payload::Status(_) => "status",
                Payload::Other(_) => "other",
            };
            self.received.get_or_create(&ReceivedLabels { source: event.provenance.source.word(), kind }).inc();
        }
    }

    pub(super) fn record(&self, events: &[Event], outcomes: &[Outcome]) {
        for (event, outcome) in events.iter().zip(outcomes) {
            let source = event.provenance.source;
            let outcome = match outcome {
                Outcome::Imported => "imported",
                Outcome::Updated => "updated",
                Outcome::Unchanged => "unchanged",
                Outcome::Pending => "pending",
                Outcome::Forbidden => {
                    self.reject(source, Rejection::Senders, 1);
                    continue;
                }
                Outcome::LimitReached => {
                    self.reject(source, Rejection::TenantFull, 1);
                    continue;
                }
            };
            self.outcomes.get_or_create(&OutcomeLabels { source: source.word(), outcome }).inc();
        }
    }

    pub(super) fn commit(&self, events: usize, seconds: f64) {
        // An `f64` represents every `u32` exactly.
        self.commit_events.observe(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(seconds);
    }
}
