//! Cancels work on a PostgreSQL server from another connection; knows no statement.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connect;
use crate::store::db::budget::Budget;

/// Starts a thread that cancels work on the servers that run it, from its own connection, until all senders are dropped.
pub fn canceller(wait: Duration) -> Sender<Arc<Budget>> {
    let (sender, budgets) = std::sync::mpsc::channel::<Arc<Budget>>();
    std::thread::spawn(move || {
        let mut connection: Option<(Arc<str>, PgConnection)> = None;
        for budget in budgets {
            budget.with_process(|process| {
                connection.take_if(|(url, _)| *url != process.url);
                // A lost connection is opened again, once.
                for _ in 0..2 {
                    if connection.is_none() {
                        let opened = connect(&process.url, true, wait, &process.name);
                        connection = opened.ok().map(|opened| (Arc::clone(&process.url), opened));
                    }
                    let cancel = diesel::sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(process.id);
                    match connection.as_mut().map(|(_, connection)| cancel.execute(connection)) {
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
