//! Cancels work on PostgreSQL servers from other connections; knows no statement.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connect;
use crate::store::db::budget::{Budget, ServerProcess};

/// How many cancellations may wait for one server. More are left to the server's own limit.
const MAX_WAITING: usize = 1000;

/// Starts a thread that passes each budget on to the thread of its server, until all senders are dropped. A server that
/// does not respond holds up the cancellations of no other.
pub fn canceller(wait: Duration) -> Sender<Arc<Budget>> {
    let (sender, budgets) = std::sync::mpsc::channel::<Arc<Budget>>();
    std::thread::spawn(move || {
        let mut servers: HashMap<Arc<str>, SyncSender<Arc<Budget>>> = HashMap::new();
        for budget in budgets {
            // It is `None` also while a cancellation of this budget is in progress.
            let Some(url) = budget.server_url() else { continue };
            let of_server = servers.entry(url).or_insert_with(|| {
                let (of_server, budgets) = sync_channel(MAX_WAITING);
                std::thread::spawn(move || cancel_all(&budgets, wait));
                of_server
            });
            // A queue that is full belongs to a server that does not respond.
            let _ = of_server.try_send(budget);
        }
    });
    sender
}

/// Cancels the work of budgets on one server, on a connection of its own.
fn cancel_all(budgets: &Receiver<Arc<Budget>>, wait: Duration) {
    let mut connection = None;
    for budget in budgets {
        budget.with_process(|ServerProcess { id, url, name }| {
            // A lost connection is opened again, once.
            for _ in 0..2 {
                if connection.is_none() {
                    connection = connect(url, true, wait, name).ok();
                }
                let cancel = diesel::sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(*id);
                match connection.as_mut().map(|connection| cancel.execute(connection)) {
                    Some(Ok(_)) => return,
                    _ => connection = None,
                }
            }
            tracing::warn!("work on the database could not be cancelled; the server cancels it at its deadline");
        });
    }
}
