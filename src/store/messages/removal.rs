//! Removes messages with what is derived from them; knows no status event and no row of the WhatsApp log.

use diesel::prelude::*;

use crate::model::history::Window;
use crate::model::{Property, TenantId};
use crate::store::Connection;
use crate::store::changes::{self, Change};
use crate::store::db::pinned::{IndexHint, sent_at};
use crate::store::error::StoreError;
use crate::store::messages::blocks::ranges;
use crate::store::messages::daily_counts::{self, DailyChanges};
use crate::store::messages::{StoredMessage, remove};
use crate::store::recipients::rows;
use crate::store::schema::messages;

/// The ids of some messages that were sent or received in a window.
pub fn ids_in(
    connection: &mut Connection,
    tenant: TenantId,
    window: Window,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let in_window = sent_at(IndexHint::ByTime).between(window.from.0, window.to.0);
    // On PostgreSQL, the bare column excludes all other partitions.
    let in_partition = messages::sent_or_received_at.between(window.from.0, window.to.0);
    let messages = messages::table.filter(messages::tenant_id.eq(tenant.0)).filter(in_window).filter(in_partition);
    Ok(messages.select(messages::message_id).limit(limit).load(connection)?)
}

/// Deletes messages, and updates recipients, the daily counts and the changes with them. The tenant is locked. Subjects
/// that were learned from them stay known.
pub fn delete(connection: &mut Connection, tenant: TenantId, deleted: &[StoredMessage]) -> Result<(), StoreError> {
    let stored: Vec<&StoredMessage> = deleted.iter().collect();
    remove(connection, tenant, &stored)?;
    let ids = deleted.iter().map(|stored| stored.item.message_id()).collect();
    ranges::record_changes(connection, tenant, &ids)?;
    let mut daily_changes = DailyChanges::default();
    for stored in deleted {
        daily_changes.remove(&stored.item);
    }
    daily_counts::apply(connection, tenant, &daily_changes)?;
    rows::delete_unused(connection, tenant, &deleted.iter().map(|stored| stored.recipient_id).collect())?;
    let change = |stored: &StoredMessage| Change {
        message_id: stored.item.message_id(),
        subject_id: stored.item.integer(Property::SubjectId),
        previous_subject_id: None,
    };
    changes::append(connection, tenant, &deleted.iter().map(change).collect::<Vec<_>>())?;
    Ok(())
}
