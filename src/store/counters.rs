//! How many questions there were of which class, and what was ended or refused, for whoever watches; holds no word of any
//! question.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::CallerId;
use crate::store::db::budget::Budget;
use crate::store::error::{EndReason, StoreError};

/// What a question costs.
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
struct Asked {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    class: &'static str,
    reason: &'static str,
}

/// The counters of one store; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    questions: Family<Asked, Counter>,
    rows: Family<Asked, Counter>,
    ended: Family<Ended, Counter>,
    refused: Family<Ended, Counter>,
    expensive_begun: Gauge,
}

impl Counters {
    pub fn register(&self, registry: &mut Registry) {
        registry.register("questions", "Questions that were asked, by class", self.questions.clone());
        registry.register("question_rows", "Rows that questions looked at, where they are counted", self.rows.clone());
        let ended = "Questions that were ended before they had their answer, by class and reason";
        registry.register("questions_ended", ended, self.ended.clone());
        let refused = "Questions that were refused because there was no place for them, by class and reason";
        registry.register("questions_refused", refused, self.refused.clone());
    }

    /// Counts a question that is being asked.
    pub(super) fn begin(&self, caller: CallerId, class: Class, budget: &Arc<Budget>) -> Question {
        let (counters, budget) = (self.clone(), Arc::clone(budget));
        if class == Class::Expensive {
            self.expensive_begun.inc();
        }
        Question { counters, caller, class, budget, started: Instant::now(), is_over: false }
    }

    /// How many questions of a class were ended for a reason.
    pub fn ended(&self, class: Class, reason: EndReason) -> u64 {
        self.ended.get_or_create(&Ended { class: class.word(), reason: reason.word() }).get()
    }

    /// How many questions of a class were asked.
    pub fn asked(&self, class: Class) -> u64 {
        self.questions.get_or_create(&Asked { class: class.word() }).get()
    }

    /// How many expensive questions are waited for, whether they are being answered or wait for their turn.
    pub(super) fn expensive_begun(&self) -> usize {
        self.expensive_begun.get().try_into().unwrap_or_default()
    }

    /// How many questions of a class were refused for a reason.
    pub fn refused(&self, class: Class, reason: &'static str) -> u64 {
        self.refused.get_or_create(&Ended { class: class.word(), reason }).get()
    }
}

/// A question that is being asked. Where it is dropped before it is over, its client has gone.
pub(super) struct Question {
    counters: Counters,
    caller: CallerId,
    class: Class,
    budget: Arc<Budget>,
    started: Instant,
    is_over: bool,
}

impl Question {
    /// Counts what became of it.
    pub fn end<T>(mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        self.is_over = true;
        self.count();
        match &answer {
            Err(StoreError::Ended(reason)) => self.ended(*reason),
            Err(StoreError::Overloaded) => self.refused("queue_full"),
            Err(StoreError::Busy) => self.refused("waited_too_long"),
            _ => {}
        }
        answer
    }

    /// It goes on among the expensive ones, where it is counted.
    pub fn pass_on(mut self) {
        self.is_over = true;
        self.counters.rows.get_or_create(&Asked { class: self.class.word() }).inc_by(self.budget.rows());
    }

    fn count(&self) {
        let class = Asked { class: self.class.word() };
        self.counters.questions.get_or_create(&class).inc();
        self.counters.rows.get_or_create(&class).inc_by(self.budget.rows());
    }

    fn ended(&self, reason: EndReason) {
        let (class, tenant, key) = (self.class.word(), self.caller.tenant, self.caller.key);
        let (rows, milliseconds) = (self.budget.rows(), self.milliseconds());
        tracing::warn!(%tenant, key, class, reason = reason.word(), rows, milliseconds, "a question was ended");
        self.counters.ended.get_or_create(&Ended { class, reason: reason.word() }).inc();
    }

    fn refused(&self, reason: &'static str) {
        let (class, tenant, key) = (self.class.word(), self.caller.tenant, self.caller.key);
        tracing::warn!(%tenant, key, class, reason, milliseconds = self.milliseconds(), "a question was refused");
        self.counters.refused.get_or_create(&Ended { class, reason }).inc();
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if self.class == Class::Expensive {
            self.counters.expensive_begun.dec();
        }
        if !self.is_over {
            self.count();
            self.ended(EndReason::ClientGone);
        }
    }
}
