//! Counts queries by class, and the cancelled and rejected ones by reason, for metrics; knows no query's content.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::CallerId;
use crate::store::db::budget::Budget;
use crate::store::error::{CancelReason, StoreError};
use crate::store::replicas::Chance;

/// The cost class of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Cheap,
    Expensive,
}

impl Class {
    fn word(self) -> &'static str {
        match self {
            Self::Cheap => "cheap",
            Self::Expensive => "expensive",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CancelledLabels {
    class: &'static str,
    reason: &'static str,
}

/// The counters of one store; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    queries: Family<ClassLabels, Counter>,
    rows: Family<ClassLabels, Counter>,
    cancelled: Family<CancelledLabels, Counter>,
    rejected: Family<CancelledLabels, Counter>,
    expensive_in_progress: Gauge,
}

impl Counters {
    pub fn register(&self, registry: &mut Registry) {
        registry.register("queries", "Queries that have ended, by class", self.queries.clone());
        registry.register("query_rows", "Rows that queries examined, where these are counted", self.rows.clone());
        let cancelled = "Queries that were cancelled before they had a result, by class and reason";
        registry.register("queries_cancelled", cancelled, self.cancelled.clone());
        let rejected = "Queries that were rejected because no slot came free, by class and reason";
        registry.register("queries_rejected", rejected, self.rejected.clone());
    }

    /// Starts to track a query.
    pub(super) fn begin(&self, caller: CallerId, class: Class, budget: &Arc<Budget>) -> RunningQuery {
        let (counters, budget) = (self.clone(), Arc::clone(budget));
        if class == Class::Expensive {
            self.expensive_in_progress.inc();
        }
        RunningQuery { counters, caller, class, budget, started: Instant::now(), is_over: false }
    }

    /// How many queries of a class were cancelled for a reason.
    pub fn cancelled(&self, class: Class, reason: CancelReason) -> u64 {
        self.cancelled.get_or_create(&CancelledLabels { class: class.word(), reason: reason.word() }).get()
    }

    /// How many queries of a class have ended.
    pub fn finished(&self, class: Class) -> u64 {
        self.queries.get_or_create(&ClassLabels { class: class.word() }).get()
    }

    /// How many expensive queries are in progress: waiting in the queue or running.
    pub(super) fn expensive_in_progress(&self) -> usize {
        self.expensive_in_progress.get().try_into().unwrap_or_default()
    }

    /// How many queries of a class were rejected for a reason.
    pub fn rejected(&self, class: Class, reason: &'static str) -> u64 {
        self.rejected.get_or_create(&CancelledLabels { class: class.word(), reason }).get()
    }
}

/// A query in progress. If it is dropped before it ends, its client has disconnected.
pub(super) struct RunningQuery {
    counters: Counters,
    caller: CallerId,
    class: Class,
    budget: Arc<Budget>,
    started: Instant,
    is_over: bool,
}

impl RunningQuery {
    /// Counts the query and its outcome, and returns the result.
    pub fn end<T>(mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.is_over = true;
        self.count();
        match &result {
            Err(StoreError::Cancelled(reason)) => self.cancelled(*reason),
            Err(StoreError::Overloaded) => self.rejected("queue_full"),
            Err(StoreError::Busy) => self.rejected("waited_too_long"),
            _ => {}
        }
        result
    }

    /// The same, unless the query failed and runs again on another server.
    pub fn end_or_repeat<T>(self, result: Result<T, StoreError>, chance: Chance) -> Result<T, StoreError> {
        match result {
            Err(error) if chance.is_repeated(&error) => {
                self.escalate();
                Err(error)
            }
            result => self.end(result),
        }
    }

    /// Ends the run of a query that runs again, with a larger budget or elsewhere. Only its rows are counted here; the
    /// query is counted when its last run ends.
    pub fn escalate(mut self) {
        self.is_over = true;
        self.counters.rows.get_or_create(&ClassLabels { class: self.class.word() }).inc_by(self.budget.rows());
    }

    fn count(&self) {
        let class = ClassLabels { class: self.class.word() };
        self.counters.queries.get_or_create(&class).inc();
        self.counters.rows.get_or_create(&class).inc_by(self.budget.rows());
    }

    fn cancelled(&self, reason: CancelReason) {
        let (class, tenant, key) = (self.class.word(), self.caller.tenant, self.caller.key);
        let (rows, milliseconds) = (self.budget.rows(), self.milliseconds());
        tracing::warn!(%tenant, key, class, reason = reason.word(), rows, milliseconds, "a query was cancelled");
        self.counters.cancelled.get_or_create(&CancelledLabels { class, reason: reason.word() }).inc();
    }

    fn rejected(&self, reason: &'static str) {
        let (class, tenant, key) = (self.class.word(), self.caller.tenant, self.caller.key);
        tracing::warn!(%tenant, key, class, reason, milliseconds = self.milliseconds(), "a query was rejected");
        self.counters.rejected.get_or_create(&CancelledLabels { class, reason }).inc();
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for RunningQuery {
    fn drop(&mut self) {
        if self.class == Class::Expensive {
            self.counters.expensive_in_progress.dec();
        }
        if !self.is_over {
            self.count();
            self.cancelled(CancelReason::ClientGone);
        }
    }
}
