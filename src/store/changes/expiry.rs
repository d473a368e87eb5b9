//! Deletes changes that are older than they are kept; knows no message.

use diesel::dsl::max;
use diesel::prelude::*;

use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::changes;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::{change_marks, message_changes, tenant_states};
use crate::store::tenants;

/// How many changes one transaction deletes at most.
const BATCH: i64 = 10_000;

/// Marks how far the sequence has come now, and deletes some of the changes that were made before `keep_from`. Returns
/// whether there may be more.
pub fn expire(
    connection: &mut Connection,
    tenant: TenantId,
    now: Instant,
    keep_from: Instant,
) -> Result<bool, StoreError> {
    tenants::lock(connection, tenant)?;
    let state = changes::state(connection, tenant)?;
    let marks = change_marks::table.filter(change_marks::tenant_id.eq(tenant.0));
    let marked: Option<i64> = marks.select(max(change_marks::sequence)).first(connection)?;
    if state.last > marked.unwrap_or(0) {
        let mark = (
            change_marks::tenant_id.eq(tenant.0),
            change_marks::marked_at.eq(now.0),
            change_marks::sequence.eq(state.last),
        );
        let insert = diesel::insert_into(change_marks::table).values(mark).on_conflict_do_nothing();
        on_each!(connection, |connection| insert.execute(connection)?);
    }
    let old = marks.filter(change_marks::marked_at.lt(keep_from.0));
    let expired: Option<i64> = old.select(max(change_marks::sequence)).first(connection)?;
    let Some(expired) = expired.filter(|expired| *expired > state.after) else { return Ok(false) };
    let up_to = expired.min(state.after.saturating_add(BATCH));
    let changes = message_changes::table.filter(message_changes::tenant_id.eq(tenant.0));
    diesel::delete(changes.filter(message_changes::sequence.le(up_to))).execute(connection)?;
    diesel::update(tenant_states::table.find(tenant.0))
        .set(tenant_states::changes_after.eq(up_to))
        .execute(connection)?;
    let passed = change_marks::table.filter(change_marks::tenant_id.eq(tenant.0));
    diesel::delete(passed.filter(change_marks::sequence.lt(up_to))).execute(connection)?;
    Ok(up_to < expired)
}
