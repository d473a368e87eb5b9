//! A connection of a pool, which server it reaches, and what cancels its work; knows no statement.

use std::sync::Arc;

use crate::store::Connection;
use crate::store::db::budget::{Budget, CurrentBudget, ServerProcess};

/// A connection, and what cancels its work.
pub struct Session {
    pub connection: Connection,
    pub current: CurrentBudget,
    /// The PostgreSQL server process, if it stays the same and may be cancelled.
    pub process: Option<ServerProcess>,
    /// The timeline of the PostgreSQL server, if it is a primary.
    pub timeline: Option<u32>,
    /// How often the connections of its servers had been interrupted when it was opened.
    pub generation: u64,
}

impl Session {
    pub fn attach(&self, budget: &Arc<Budget>) {
        self.current.set(Some(budget));
        budget.set_process(self.process.clone());
    }

    pub fn detach(&self, budget: &Budget) {
        budget.set_process(None);
        self.current.set(None);
    }
}
