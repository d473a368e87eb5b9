//! The text index: which messages may match a search, and how far the index has come; knows no filter and no page.
//!
//! The index follows the changes of a tenant, so it is behind the messages for a moment. It finds candidates: whether a
//! message matches is decided on the message itself.

pub mod candidates;
pub mod indexing;
mod message_terms;
mod ranges;
mod server_terms;
mod term_tables;
mod terms;

use diesel::prelude::*;

use crate::model::{Instant, TenantId};
use crate::store::changes::ChangeState;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::messages::daily_counts;
use crate::store::schema::{search_states, tenant_states};
use crate::store::{Connection, changes};

/// How far the text index of a tenant has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchState {
    /// How many changes are not indexed yet; while the index is built, how many messages there are.
    pub behind: i64,
    /// Whether the index is being built, so that old messages may be missing.
    pub is_building: bool,
    /// When it last contained everything that was recorded before; `None` if it never has.
    pub complete_at: Option<Instant>,
}

impl SearchState {
    pub fn is_complete(self) -> bool {
        self.behind == 0 && !self.is_building
    }
}

/// The stored state of a tenant's text index.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = search_states)]
struct StoredState {
    indexed_up_to: i64,
    built_up_to: Option<i64>,
    complete_at: Option<i64>,
}

/// The stored state; `None` before the index was first written.
fn stored(connection: &mut Connection, tenant: TenantId) -> Result<Option<StoredState>, StoreError> {
    let state = search_states::table.find(tenant.0).select(StoredState::as_select());
    Ok(state.first(connection).optional()?)
}

pub fn state(connection: &mut Connection, tenant: TenantId) -> Result<SearchState, StoreError> {
    let last_change = changes::state(connection, tenant)?.last;
    let stored = stored(connection, tenant)?;
    let is_building = stored.is_none_or(|stored| stored.built_up_to.is_some());
    Ok(SearchState {
        // While the index is built, any message may be missing.
        behind: match stored.filter(|_| !is_building) {
            Some(stored) => last_change - stored.indexed_up_to,
            None => daily_counts::total(connection, tenant)?,
        },
        is_building,
        complete_at: stored.and_then(|stored| stored.complete_at).map(Instant),
    })
}

/// How much the index of each tenant lacks.
pub fn changes_behind(connection: &mut Connection) -> Result<Vec<(TenantId, i64)>, StoreError> {
    let rows: Vec<(i64, i64, Option<StoredState>)> = tenant_states::table
        .left_join(search_states::table.on(tenant_states::tenant_id.eq(search_states::tenant_id)))
        .select((tenant_states::tenant_id, tenant_states::last_change, Option::<StoredState>::as_select()))
        .load(connection)?;
    let behind = |(tenant, last, stored): (i64, i64, Option<StoredState>)| {
        let tenant = TenantId(tenant);
        Ok(match stored.filter(|stored| stored.built_up_to.is_none()) {
            Some(stored) => (tenant, last - stored.indexed_up_to),
            None => (tenant, daily_counts::total(connection, tenant)?),
        })
    };
    rows.into_iter().map(behind).collect()
}

/// The tenants whose index is behind.
pub fn tenants_behind(connection: &mut Connection) -> Result<Vec<TenantId>, StoreError> {
    let is_complete =
        search_states::indexed_up_to.eq(tenant_states::last_change).and(search_states::built_up_to.is_null());
    let complete =
        search_states::table.filter(search_states::tenant_id.eq(tenant_states::tenant_id)).filter(is_complete);
    let ids: Vec<i64> = tenant_states::table
        .filter(diesel::dsl::not(diesel::dsl::exists(complete)))
        .select(tenant_states::tenant_id)
        .order(tenant_states::tenant_id)
        .load(connection)?;
    Ok(ids.into_iter().map(TenantId).collect())
}

/// Empties the index of a tenant, and has it built anew.
pub fn rebuild(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    let changes = changes::state(connection, tenant)?;
    begin(connection, tenant, changes)
}

/// Begins to build the index of a tenant; what has changed meanwhile is indexed afterwards.
fn begin(connection: &mut Connection, tenant: TenantId, changes: ChangeState) -> Result<(), StoreError> {
    clear(connection, tenant)?;
    let state = (
        search_states::tenant_id.eq(tenant.0),
        search_states::indexed_up_to.eq(changes.last),
        search_states::built_up_to.eq(i64::MIN),
    );
    diesel::insert_into(search_states::table).values(state).execute(connection)?;
    Ok(())
}

/// Deletes the index of a tenant, because its messages are deleted.
pub fn clear(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    // First, because this waits for another process that is indexing, whose terms are deleted then too.
    diesel::delete(search_states::table.find(tenant.0)).execute(connection)?;
    term_tables::clear(connection, tenant)?;
    Ok(())
}

/// Locks the state of a tenant's index; `None` if another process holds it, or if there is no index yet.
fn lock(connection: &mut Connection, tenant: TenantId) -> Result<Option<StoredState>, StoreError> {
    let state = search_states::table.find(tenant.0);
    Ok(on_each!(
        connection,
        // A writer on SQLite has locked the whole file.
        |file| state.select(StoredState::as_select()).first(file).optional()?,
        |server| state.select(StoredState::as_select()).for_no_key_update().skip_locked().first(server).optional()?
    ))
}
