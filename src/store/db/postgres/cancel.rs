//! Cancels work on a PostgreSQL server from another connection; knows no statement.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connect;
use crate::store::db::budget::Budget;

/// Starts a thread that cancels work on the server from its own connection, until all senders are dropped.
pub fn canceller(url: &str, wait: Duration, name: &str) -> Sender<Arc<Budget>> {
    let (url, name) = (url.to_owned(), name.to_owned());
    let (sender, budgets) = std::sync::mpsc::channel::<Arc<Budget>>();
    std::thread::spawn(move || {
        let mut connection = None;
        for budget in budgets {
            budget.with_process(|process| {
                // A lost connection is opened again, once.
                for _ in 0..2 {
                    if connection.is_none() {
                        connection = connect(&url, true, wait, &name).ok();
                    }
                    let cancel = diesel::sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(process);
                    match connection.as_mut().map(|connection| cancel.execute(connection)) {
                        Some(Ok(_)) => return,
                        _ => connection = None,
                    }
                }
                tracing::warn!("work on the database could not be cancelled; the server cancels it at its deadline");
            });
        }
    });
    sender
}
