//! A connection of a pool, and what cancels its work; knows no statement.

use std::sync::Arc;

use crate::store::Connection;
use crate::store::db::budget::{Budget, CurrentBudget};

/// A connection, and what cancels its work.
pub struct Session {
    pub connection: Connection,
    pub current: CurrentBudget,
    /// The PostgreSQL server process, if it stays the same and may be cancelled.
    pub process: Option<i32>,
}

impl Session {
    pub fn attach(&self, budget: &Arc<Budget>) {
        self.current.set(Some(budget));
        budget.set_process(self.process);
    }

    pub fn detach(&self, budget: &Budget) {
        budget.set_process(None);
        self.current.set(None);
    }
}
