//! Tenants in the store; knows no message, but deletes all messages of a tenant.

use std::time::Instant as Monotonic;

use diesel::prelude::*;
use uuid::Uuid;

use crate::model::tenant::Tenant;
use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::changes;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::{
    api_keys, audit_entries, audit_heads, change_marks, message_block_changes, message_block_columns, message_blocks,
    message_copies, message_days, messages, other_events, pulls, recipients, reveals, sessions, status_events,
    subjects, tenant_states, tenants, users, waiting_messages, whatsapp_log_copies, whatsapp_log_days, whatsapp_logs,
};
use crate::store::search;

/// Deletes a tenant's rows of a table; returns how many there were.
macro_rules! delete_from {
    ($connection:expr, $tenant:expr, $table:ident) => {
        diesel::delete($table::table.filter($table::tenant_id.eq($tenant.0))).execute($connection)?
    };
}

/// Adds a tenant; `false` if its id or project id is taken.
pub fn create(connection: &mut Connection, tenant: &Tenant, now: Instant) -> Result<bool, StoreError> {
    let row = (
        tenants::id.eq(tenant.id.0),
        tenants::name.eq(&tenant.name),
        tenants::project_id.eq(&tenant.project_id),
        tenants::created_at.eq(now.0),
    );
    // If several processes add the same id at once, all but the first find it taken.
    let insert = diesel::insert_into(tenants::table).values(row).on_conflict_do_nothing();
    let is_created = on_each!(connection, |connection| insert.execute(connection)?) == 1;
    if is_created {
        let epoch = tenant_states::change_epoch.eq(random_epoch());
        let state = (tenant_states::tenant_id.eq(tenant.id.0), epoch);
        diesel::insert_into(tenant_states::table).values(state).execute(connection)?;
    }
    Ok(is_created)
}

/// A number that tells the sequence of changes of one store from that of another.
fn random_epoch() -> i64 {
    Uuid::new_v4().as_u64_pair().1.cast_signed()
}

/// Gives every tenant's sequence of changes a new epoch, because the store is restored from a backup: readers that have
/// followed it further begin anew.
pub fn renew_epochs(connection: &mut Connection) -> Result<(), StoreError> {
    for tenant in list(connection)? {
        diesel::update(tenant_states::table.find(tenant.id.0))
            .set(tenant_states::change_epoch.eq(random_epoch()))
            .execute(connection)?;
    }
    Ok(())
}

/// Lists all tenants by id.
pub fn list(connection: &mut Connection) -> Result<Vec<Tenant>, StoreError> {
    let rows: Vec<(i64, String, String)> =
        tenants::table.select((tenants::id, tenants::name, tenants::project_id)).order(tenants::id).load(connection)?;
    let tenant = |(id, name, project_id)| Tenant { id: TenantId(id), name, project_id };
    Ok(rows.into_iter().map(tenant).collect())
}

/// When a tenant was created.
pub fn created_at(connection: &mut Connection, tenant: TenantId) -> Result<Instant, StoreError> {
    let at: Option<i64> = tenants::table.find(tenant.0).select(tenants::created_at).first(connection).optional()?;
    at.map(Instant).ok_or(StoreError::UnknownTenant(tenant))
}

/// Fails with `UnknownTenant` if there is no such tenant.
pub fn require(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    let known = diesel::dsl::exists(tenants::table.find(tenant.0));
    if diesel::select(known).get_result(connection)? { Ok(()) } else { Err(StoreError::UnknownTenant(tenant)) }
}

/// Locks the tenant's state for the rest of the transaction; fails with `UnknownTenant` if there is no such tenant.
///
/// All writers of a tenant take turns on this lock. It keeps messages unique and the daily counts right when several
/// gateways write to one database.
pub fn lock(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    let row = tenant_states::table.find(tenant.0).select(tenant_states::tenant_id);
    let locked: Option<i64> = on_each!(
        connection,
        // A writer on SQLite has locked the whole file.
        |file| row.first(file).optional()?,
        |server| row.for_no_key_update().first(server).optional()?
    );
    locked.map(|_| ()).ok_or(StoreError::UnknownTenant(tenant))
}

/// Like `lock`, but returns `false` if another writer still holds the lock at `until`, or now if that is `None`.
pub fn lock_until(connection: &mut Connection, tenant: TenantId, until: Option<Monotonic>) -> Result<bool, StoreError> {
    if !connection.is_server() {
        return lock(connection, tenant).map(|()| true);
    }
    let locked: Option<i64> = on_each!(connection, |_file| None, |server| {
        let row = tenant_states::table.find(tenant.0).select(tenant_states::tenant_id);
        row.for_no_key_update().skip_locked().first(server).optional()?
    });
    if locked.is_some() {
        return Ok(true);
    }
    let wait = until.map(|until| until.saturating_duration_since(Monotonic::now()));
    match wait.filter(|wait| !wait.is_zero()) {
        Some(wait) => connection.within_lock_wait(wait, |connection| lock(connection, tenant)),
        // Another writer holds the lock, unless there is no such tenant.
        None => require(connection, tenant).map(|()| false),
    }
}

/// The tenants with messages that have no WhatsApp log row yet, because they were recorded before the log existed.
pub fn missing_logs(connection: &mut Connection) -> Result<Vec<TenantId>, StoreError> {
    let behind = tenant_states::table.filter(tenant_states::logged_up_to.is_not_null());
    let ids: Vec<i64> = behind.select(tenant_states::tenant_id).order(tenant_states::tenant_id).load(connection)?;
    Ok(ids.into_iter().map(TenantId).collect())
}

/// Records up to which message id a tenant's messages have their WhatsApp log rows; `None` if all have.
pub fn set_logged_up_to(connection: &mut Connection, tenant: TenantId, up_to: Option<i64>) -> Result<(), StoreError> {
    let state = diesel::update(tenant_states::table.find(tenant.0));
    state.set(tenant_states::logged_up_to.eq(up_to)).execute(connection)?;
    Ok(())
}

/// Up to which message id a tenant's messages have their WhatsApp log rows; `None` if all have.
pub fn logged_up_to(connection: &mut Connection, tenant: TenantId) -> Result<Option<i64>, StoreError> {
    Ok(tenant_states::table.find(tenant.0).select(tenant_states::logged_up_to).first(connection)?)
}

/// The OneUptime project id of a tenant.
pub fn project_id(connection: &mut Connection, tenant: TenantId) -> Result<String, StoreError> {
    let id: Option<String> = tenants::table.find(tenant.0).select(tenants::project_id).first(connection).optional()?;
    id.ok_or(StoreError::UnknownTenant(tenant))
}

/// Deletes a tenant and all its data. Returns how many messages and WhatsApp log rows it had.
pub fn delete(connection: &mut Connection, tenant: TenantId) -> Result<(usize, usize), StoreError> {
    let deleted = delete_messages(connection, tenant)?;
    delete_from!(connection, tenant, subjects);
    delete_from!(connection, tenant, api_keys);
    delete_from!(connection, tenant, audit_entries);
    delete_from!(connection, tenant, audit_heads);
    delete_from!(connection, tenant, reveals);
    delete_from!(connection, tenant, sessions);
    delete_from!(connection, tenant, users);
    delete_from!(connection, tenant, pulls);
    delete_from!(connection, tenant, tenant_states);
    diesel::delete(tenants::table.find(tenant.0)).execute(connection)?;
    Ok(deleted)
}

/// Deletes all messages of a tenant and everything that is known of them. Returns how many messages and WhatsApp log
/// rows it had.
pub fn delete_messages(connection: &mut Connection, tenant: TenantId) -> Result<(usize, usize), StoreError> {
    lock(connection, tenant)?;
    delete_from!(connection, tenant, message_copies);
    delete_from!(connection, tenant, message_days);
    delete_from!(connection, tenant, message_blocks);
    delete_from!(connection, tenant, message_block_columns);
    delete_from!(connection, tenant, message_block_changes);
    let logs = delete_from!(connection, tenant, whatsapp_logs);
    delete_from!(connection, tenant, whatsapp_log_copies);
    delete_from!(connection, tenant, whatsapp_log_days);
    delete_from!(connection, tenant, status_events);
    delete_from!(connection, tenant, waiting_messages);
    delete_from!(connection, tenant, other_events);
    delete_from!(connection, tenant, recipients);
    let pending = (tenant_states::waiting_messages.eq(0), tenant_states::other_events.eq(0));
    diesel::update(tenant_states::table.find(tenant.0)).set(pending).execute(connection)?;
    let messages = delete_from!(connection, tenant, messages);
    delete_from!(connection, tenant, change_marks);
    changes::reset(connection, tenant)?;
    search::clear(connection, tenant)?;
    Ok((messages, logs))
}
