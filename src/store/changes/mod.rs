//! The changes of a tenant's messages in the order of its commits; knows no filter.
//!
//! A tenant's sequence is raised under its lock, so its order is that of the commits, however many gateways write. A
//! change says which message changed; what the message says now is read from the messages.

pub mod expiry;
pub mod page;
pub mod signals;

use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::db::rows::whole_row;
use crate::store::error::StoreError;
use crate::store::schema::{message_changes, tenant_states};

/// A message that a write changes, and its subjects before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub message_id: i64,
    pub subject_id: Option<i64>,
    /// `None` if the subject did not change, or if there was none.
    pub previous_subject_id: Option<i64>,
}

/// How far a tenant's sequence has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tenant_states)]
pub struct ChangeState {
    /// Distinguishes the sequence from that of another store.
    #[diesel(column_name = change_epoch)]
    pub epoch: i64,
    /// All changes after this one are stored.
    #[diesel(column_name = changes_after)]
    pub after: i64,
    #[diesel(column_name = last_change)]
    pub last: i64,
}

whole_row! {
    struct Row in message_changes {
        tenant_id: i64,
        sequence: i64,
        message_id: i64,
        subject_id: Option<i64>,
        previous_subject_id: Option<i64>,
    }
}

/// Appends changes. The tenant is locked. Returns the sequence of the last one.
pub fn append(connection: &mut Connection, tenant: TenantId, changes: &[Change]) -> Result<i64, StoreError> {
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let state = diesel::update(tenant_states::table.find(tenant.0));
    let raised = state.set(tenant_states::last_change.eq(tenant_states::last_change + count));
    let last: i64 =
        on_each!(connection, |connection| raised.returning(tenant_states::last_change).get_result(connection)?);
    let row = |(sequence, change): (i64, &Change)| Row {
        tenant_id: tenant.0,
        sequence,
        message_id: change.message_id,
        subject_id: change.subject_id,
        previous_subject_id: change.previous_subject_id,
    };
    Row::insert(connection, (last - count + 1..).zip(changes).map(row).collect())?;
    Ok(last)
}

pub fn state(connection: &mut Connection, tenant: TenantId) -> Result<ChangeState, StoreError> {
    let state = tenant_states::table.find(tenant.0).select(ChangeState::as_select()).first(connection).optional()?;
    state.ok_or(StoreError::UnknownTenant(tenant))
}

/// Makes all tokens expire, after many messages were removed. The tenant is locked.
pub fn invalidate_tokens(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    diesel::update(tenant_states::table.find(tenant.0))
        .set(tenant_states::changes_after.eq(tenant_states::last_change))
        .execute(connection)?;
    Ok(())
}

/// Forgets all changes after many messages were removed at once: readers have to begin anew. The tenant is locked.
pub fn reset(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    diesel::delete(message_changes::table.filter(message_changes::tenant_id.eq(tenant.0))).execute(connection)?;
    let next = tenant_states::last_change + 1;
    diesel::update(tenant_states::table.find(tenant.0))
        .set((tenant_states::last_change.eq(next), tenant_states::changes_after.eq(next)))
        .execute(connection)?;
    Ok(())
}

/// The sequences of some tenants.
pub fn last_changes(connection: &mut Connection, tenants: &[TenantId]) -> Result<Vec<(TenantId, i64)>, StoreError> {
    let ids: Vec<i64> = tenants.iter().map(|tenant| tenant.0).collect();
    let rows: Vec<(i64, i64)> = tenant_states::table
        .filter(any_of(tenant_states::tenant_id, &ids))
        .select((tenant_states::tenant_id, tenant_states::last_change))
        .load(connection)?;
    Ok(rows.into_iter().map(|(tenant, last)| (TenantId(tenant), last)).collect())
}
