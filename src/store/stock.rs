//! What a store holds, for whoever watches it: sizes and counts across tenants; reads no message.

use diesel::prelude::*;

use super::Connection;
use super::error::StoreError;
use super::schema::waiting_messages;
use crate::model::TenantId;

/// What there is in a store.
pub struct Stock {
    /// How many bytes the database takes.
    pub bytes: i64,
    /// How many messages of each tenant wait for their subject.
    pub waiting: Vec<(TenantId, i64)>,
}

pub fn take(connection: &mut Connection) -> Result<Stock, StoreError> {
    let waiting: Vec<(i64, i64)> = waiting_messages::table
        .group_by(waiting_messages::tenant_id)
        .select((waiting_messages::tenant_id, diesel::dsl::count_star()))
        .load(connection)?;
    let waiting = waiting.into_iter().map(|(tenant, messages)| (TenantId(tenant), messages)).collect();
    Ok(Stock { bytes: connection.bytes()?, waiting })
}
