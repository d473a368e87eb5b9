//! Deletes changes that are older than `changes.keep_days`; knows no reader of them.

use std::time::Duration;

use crate::app::App;
use crate::store::changes::expiry;
use crate::store::{LookupFor, StoreError, tenants};

/// How often the sequence is marked. A change may be kept for this much longer.
pub const INTERVAL: Duration = Duration::from_hours(1);

pub async fn run(app: App) {
    if let Err(error) = delete_expired(&app).await {
        tracing::warn!(cause = %error, "old changes were not deleted");
    }
}

async fn delete_expired(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let keep_from = now.plus_days(-i64::from(app.config.changes.keep_days));
    for tenant in app.store.quick_read(LookupFor::Gateway, tenants::list).await? {
        let expire = move |connection: &mut _| expiry::expire(connection, tenant.id, now, keep_from);
        while app.store.write(expire).await? {}
    }
    Ok(())
}
