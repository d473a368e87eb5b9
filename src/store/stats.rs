//! The size and counts of a store across all tenants, for metrics; knows no message.

use diesel::prelude::*;

use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::error::StoreError;
use crate::store::messages::pending::{self, PendingCounts};
use crate::store::pulls as tenant_pulls;
use crate::store::schema::{pulls, tenant_states};
use crate::store::search;

/// The counts of tenants.
#[derive(Default)]
pub struct StoreStats {
    /// The pending counts of each tenant that has any.
    pub pending: Vec<(TenantId, PendingCounts)>,
    /// Up to which instant histories of other endpoints are copied: the tenant, the upstream, and the instant.
    pub pull_progress: Vec<(TenantId, String, Instant)>,
    /// How many changes the text index of each tenant lacks.
    pub search_behind: Vec<(TenantId, i64)>,
}

/// The size of the database in bytes.
pub fn bytes(connection: &mut Connection) -> Result<i64, StoreError> {
    connection.bytes()
}

/// The counts of all tenants.
pub fn read(connection: &mut Connection) -> Result<StoreStats, StoreError> {
    let pending: Vec<(i64, i64, i64)> = tenant_states::table
        .filter(tenant_states::waiting_messages.gt(0).or(tenant_states::other_events.gt(0)))
        .select((tenant_states::tenant_id, tenant_states::waiting_messages, tenant_states::other_events))
        .load(connection)?;
    let counts = |(tenant, messages, other_events)| (TenantId(tenant), PendingCounts { messages, other_events });
    let pending = pending.into_iter().map(counts).collect();
    let pull_progress: Vec<(i64, String, Option<i64>)> =
        pulls::table.select((pulls::tenant_id, pulls::upstream, pulls::complete_up_to)).load(connection)?;
    let up_to = |(tenant, upstream, at): (i64, String, Option<i64>)| Some((TenantId(tenant), upstream, Instant(at?)));
    let pull_progress = pull_progress.into_iter().filter_map(up_to).collect();
    Ok(StoreStats { pending, pull_progress, search_behind: search::changes_behind(connection)? })
}

/// The counts of one tenant.
pub fn of_tenant(connection: &mut Connection, tenant: TenantId) -> Result<StoreStats, StoreError> {
    let counts = pending::counts(connection, tenant)?;
    let pulls = tenant_pulls::all(connection, tenant)?.into_iter();
    let up_to = |(upstream, progress): (String, tenant_pulls::PullProgress)| {
        progress.complete_up_to.map(|at| (tenant, upstream, at))
    };
    let has_any = counts.messages > 0 || counts.other_events > 0;
    Ok(StoreStats {
        pending: has_any.then_some((tenant, counts)).into_iter().collect(),
        pull_progress: pulls.filter_map(up_to).collect(),
        search_behind: vec![(tenant, search::state(connection, tenant)?.behind)],
    })
}
