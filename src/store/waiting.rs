//! Waits for changes: a commit of this process wakes its readers at once, and those of other processes are noticed by a look
//! at the sequences while somebody waits; knows no change.

use std::time::Duration;

use super::changes::signals::{ChangeSignals, Subscription};
use super::{Connection, LookupFor, Store, changes};
use crate::model::TenantId;

/// How often the sequences are looked at while somebody waits.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The same while the store does not respond.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl Store {
    /// Waits for the changes of a tenant from now on, unless so many readers wait already. Holds no connection.
    pub fn wait_for_changes(&self, tenant: TenantId, max_readers: usize) -> Option<Subscription> {
        let subscription = self.change_signals().subscribe(tenant, max_readers)?;
        if self.change_signals().begin_polling() {
            tokio::spawn(Polling(self.change_signals().clone()).run(self.clone()));
        }
        Some(subscription)
    }
}

/// Looks at the sequences while somebody waits. If it is aborted, the next reader starts it again.
struct Polling(ChangeSignals);

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.end_polling();
    }
}

impl Polling {
    async fn run(self, store: Store) {
        while let Some(tenants) = self.0.polled() {
            let wanted = tenants.clone();
            let look = move |connection: &mut Connection| changes::last_changes(connection, &wanted);
            let wait = if let Ok(found) = store.quick_read(LookupFor::Gateway, look).await {
                for (tenant, sequence) in found {
                    self.0.raised(tenant, sequence);
                }
                POLL_INTERVAL
            } else {
                self.look_at_each(&store, tenants).await;
                RETRY_INTERVAL
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Looks at each sequence by itself, because the server of one tenant may be away.
    async fn look_at_each(&self, store: &Store, tenants: Vec<TenantId>) {
        for tenant in tenants {
            let look = move |connection: &mut Connection| changes::last_changes(connection, &[tenant]);
            for (tenant, sequence) in store.quick_read(LookupFor::Gateway, look).await.unwrap_or_default() {
                self.0.raised(tenant, sequence);
            }
        }
    }
}
