//! What a store holds, for whoever watches it: sizes and counts across tenants; reads no message.

use diesel::prelude::*;

use super::Connection;
use super::error::StoreError;
use super::schema::{pulls, waiting_messages};
use crate::model::{Instant, TenantId};

/// What there is in a store.
pub struct Stock {
    /// How many bytes the database takes.
    pub bytes: i64,
    /// How many messages of each tenant wait for their subject.
    pub waiting: Vec<(TenantId, i64)>,
    /// Up to when the histories of other endpoints are copied: whose, from where, and the instant.
    pub pulled: Vec<(TenantId, String, Instant)>,
}

pub fn take(connection: &mut Connection) -> Result<Stock, StoreError> {
    let waiting: Vec<(i64, i64)> = waiting_messages::table
        .group_by(waiting_messages::tenant_id)
        .select((waiting_messages::tenant_id, diesel::dsl::count_star()))
        .load(connection)?;
    let waiting = waiting.into_iter().map(|(tenant, messages)| (TenantId(tenant), messages)).collect();
    let pulled: Vec<(i64, String, Option<i64>)> =
        pulls::table.select((pulls::tenant_id, pulls::upstream, pulls::complete_up_to)).load(connection)?;
    let up_to = |(tenant, upstream, at): (i64, String, Option<i64>)| Some((TenantId(tenant), upstream, Instant(at?)));
    Ok(Stock { bytes: connection.bytes()?, waiting, pulled: pulled.into_iter().filter_map(up_to).collect() })
}
