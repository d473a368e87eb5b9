//! Builds the blocks that filters, sorts and offsets read, for messages that have none yet and those that have changed;
//! knows no message.

use std::time::{Duration, Instant};

use crate::app::App;
use crate::store::messages::blocks::build;
use crate::store::{LookupFor, tenants};

/// Queries work without the newest blocks, only slower.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// How many times as long as building one block the job then pauses, so that it takes a small part of one processor.
const PAUSE: u32 = 4;

/// How many blocks of one tenant are built before the next tenant's turn.
const BLOCKS: u64 = 64;

pub async fn run(app: App) {
    let tenants = match app.store.quick_read(LookupFor::Gateway, tenants::list).await {
        Ok(tenants) => tenants,
        Err(error) => return tracing::warn!(cause = %error, "the blocks of messages were not built"),
    };
    for tenant in tenants {
        let started = std::cell::Cell::new(Instant::now());
        let pause = || async {
            tokio::time::sleep(started.get().elapsed() * PAUSE).await;
            started.set(Instant::now());
        };
        if let Err(error) = build::build_some(&app.store, tenant.id, (build::MESSAGES, BLOCKS), pause).await {
            tracing::warn!(tenant = tenant.id.0, cause = %error, "the blocks of a tenant's messages were not built");
        }
    }
}
