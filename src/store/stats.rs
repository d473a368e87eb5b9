//! The size and counts of a store across all tenants, for metrics; knows no message.

use diesel::prelude::*;

use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::error::StoreError;
use crate::store::messages::pending::PendingCounts;
use crate::store::schema::{pulls, tenants};

/// The size and counts of a store.
pub struct StoreStats {
    /// The size of the database in bytes.
    pub bytes: i64,
    /// The pending counts of each tenant that has any.
    pub pending: Vec<(TenantId, PendingCounts)>,
    /// Up to which instant histories of other endpoints are copied: the tenant, the upstream, and the instant.
    pub pull_progress: Vec<(TenantId, String, Instant)>,
}

pub fn read(connection: &mut Connection) -> Result<StoreStats, StoreError> {
    let pending: Vec<(i64, i64, i64)> = tenants::table
        .filter(tenants::waiting_messages.gt(0).or(tenants::other_events.gt(0)))
        .select((tenants::id, tenants::waiting_messages, tenants::other_events))
        .load(connection)?;
    let counts = |(tenant, messages, other_events)| (TenantId(tenant), PendingCounts { messages, other_events });
    let pending = pending.into_iter().map(counts).collect();
    let pull_progress: Vec<(i64, String, Option<i64>)> =
        pulls::table.select((pulls::tenant_id, pulls::upstream, pulls::complete_up_to)).load(connection)?;
    let up_to = |(tenant, upstream, at): (i64, String, Option<i64>)| Some((TenantId(tenant), upstream, Instant(at?)));
    Ok(StoreStats {
        bytes: connection.bytes()?,
        pending,
        pull_progress: pull_progress.into_iter().filter_map(up_to).collect(),
    })
}
