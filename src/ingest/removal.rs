//! Removes all messages of a month with everything that is known of them, in batches, so that other writers go on; knows
//! no command.

use std::collections::BTreeSet;

use super::logs;
use crate::model::TenantId;
use crate::model::history::Window;
use crate::store::messages::partitions::{self, Month};
use crate::store::messages::{self, StoredMessage, status_events};
use crate::store::{Connection, Store, StoreError, changes, tenants};

/// How many messages one transaction removes.
const BATCH: i64 = 2000;

/// Removes the messages of a month, and then its partitions. Calls `report` with the number of messages so far. If it is
/// stopped, the next call goes on.
pub async fn remove_month(store: &Store, month: Month, mut report: impl FnMut(u64)) -> Result<u64, StoreError> {
    let (mut removed, window) = (0, month.window());
    for tenant in store.read_primary(tenants::list).await? {
        loop {
            let batch = store.write(move |connection| remove_batch(connection, tenant.id, window)).await?;
            removed += batch;
            report(removed);
            if batch == 0 {
                break;
            }
        }
    }
    store.write(move |connection| partitions::drop(connection, month)).await?;
    Ok(removed)
}

/// Removes some of a tenant's messages that were sent or received in a window; returns how many.
fn remove_batch(connection: &mut Connection, tenant: TenantId, window: Window) -> Result<u64, StoreError> {
    match tenants::lock(connection, tenant) {
        // The tenant was deleted meanwhile, with its messages.
        Err(StoreError::UnknownTenant(_)) => return Ok(0),
        locked => locked?,
    }
    let ids: BTreeSet<i64> = messages::removal::ids_in(connection, tenant, window, BATCH)?.into_iter().collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let stored: Vec<StoredMessage> = messages::load(connection, tenant, &ids)?.into_values().collect();
    messages::removal::delete(connection, tenant, &stored)?;
    status_events::delete(connection, tenant, &ids)?;
    logs::remove_rows_of_messages(connection, tenant, &stored)?;
    // Readers of changes would get one for each message; they begin anew instead.
    changes::invalidate_tokens(connection, tenant)?;
    Ok(ids.len() as u64)
}
