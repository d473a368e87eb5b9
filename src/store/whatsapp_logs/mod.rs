//! WhatsApp log rows in the store, written whole and read by id; knows no operator and no rule of precedence.

pub mod columns;
pub mod condition;
pub mod counts;
pub mod page;
pub mod plan;
mod row;
mod scan;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use uuid::Uuid;

use crate::model::{Instant, TenantId, WhatsAppLog};
use crate::store::Connection;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::parts;
use crate::store::schema::{whatsapp_log_copies, whatsapp_logs};
pub use stored::{RowChange, RowSource, StoredRow};

use row::{MessageText, NewRow, Row, log, row};
use stored::MESSAGE_AND_COPY;

/// `SELECT … FROM whatsapp_logs WHERE id IN …`; a macro, because its type would be longer than its code.
macro_rules! rows_of_ids {
    ($tenant:expr, $ids:expr, $message_text:expr) => {{
        let ids: Vec<String> = $ids.iter().map(Uuid::to_string).collect();
        whatsapp_logs::table
            .filter(whatsapp_logs::tenant_id.eq($tenant.0))
            .filter(any_of(whatsapp_logs::id, &ids))
            .select((
                whatsapp_logs::id,
                whatsapp_logs::created_at,
                whatsapp_logs::updated_at,
                whatsapp_logs::version,
                whatsapp_logs::to_number,
                whatsapp_logs::from_number,
                MessageText { wanted: $message_text },
                whatsapp_logs::status_message,
                whatsapp_logs::whatsapp_message_id,
                whatsapp_logs::status,
                whatsapp_logs::whatsapp_cost_in_usd_cents,
                whatsapp_logs::incident_id,
                whatsapp_logs::user_id,
                whatsapp_logs::alert_id,
                whatsapp_logs::monitor_id,
                whatsapp_logs::scheduled_maintenance_id,
                whatsapp_logs::status_page_id,
                whatsapp_logs::status_page_announcement_id,
                whatsapp_logs::team_id,
                whatsapp_logs::on_call_duty_policy_id,
                whatsapp_logs::on_call_duty_policy_escalation_rule_id,
                whatsapp_logs::on_call_duty_policy_schedule_id,
                whatsapp_logs::subject_id,
                whatsapp_logs::source,
            ))
    }};
}

/// The stored rows among `ids`, with their imported copies.
pub fn load(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<Uuid>,
) -> Result<BTreeMap<Uuid, StoredRow>, StoreError> {
    let mut stored = BTreeMap::new();
    let mut ids_with_copy = Vec::new();
    for row in rows(connection, tenant, ids)? {
        if row.source == MESSAGE_AND_COPY {
            ids_with_copy.push(row.id.clone());
        }
        let source = if row.source == RowSource::Import.number() { RowSource::Import } else { RowSource::Message };
        let subject_id = row.subject_id;
        let log = log(row)?;
        stored.insert(log.id, StoredRow { log, subject_id, source });
    }
    if ids_with_copy.is_empty() {
        return Ok(stored);
    }
    let copies: Vec<String> = whatsapp_log_copies::table
        .filter(whatsapp_log_copies::tenant_id.eq(tenant.0))
        .filter(any_of(whatsapp_log_copies::id, &ids_with_copy))
        .select(whatsapp_log_copies::log)
        .load(connection)?;
    for copy in copies {
        let copy: WhatsAppLog = serde_json::from_str(&copy)
            .map_err(|error| StoreError::DamagedRow(format!("a row's copy cannot be read: {error}")))?;
        if let Some(row) = stored.get_mut(&copy.id) {
            row.source = RowSource::MessageWithCopy(Box::new(copy));
        }
    }
    Ok(stored)
}

/// The rows of a page's ids, in their order, until they reach `max_bytes`; and how many of the ids they cover. The rows
/// contain their message text only if it is requested.
pub fn first_of(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &[Uuid],
    message_text: bool,
    max_bytes: usize,
) -> Result<(Vec<WhatsAppLog>, usize), StoreError> {
    let load = |part: &[Uuid]| {
        let statement = rows_of_ids!(tenant, part, message_text);
        let rows = statement.load_iter::<Row, _>(connection)?;
        let rows = rows.map(|row| log(row?).map(|log| (log.id, log)));
        parts::collect_rows(part.len(), max_bytes, rows, approximate_bytes)
    };
    let (rows, read) = parts::load_first(ids, max_bytes, load, approximate_bytes)?;
    Ok((rows.into_iter().map(|(_, log)| log).collect(), read))
}

/// The approximate length of a row in a response.
fn approximate_bytes(log: &WhatsAppLog) -> usize {
    1024 + log.message_text.as_ref().map_or(0, String::len)
}

fn rows(connection: &mut Connection, tenant: TenantId, ids: &BTreeSet<Uuid>) -> Result<Vec<Row>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(rows_of_ids!(tenant, ids, true).load(connection)?)
}

/// One page of a tenant's rows by ascending id, for export.
pub fn page_after(
    connection: &mut Connection,
    tenant: TenantId,
    after: Option<Uuid>,
    window: (Option<Instant>, Option<Instant>),
    limit: i64,
) -> Result<Vec<WhatsAppLog>, StoreError> {
    let mut page = whatsapp_logs::table
        .filter(whatsapp_logs::tenant_id.eq(tenant.0))
        .filter(whatsapp_logs::id.gt(after.map(|id| id.to_string()).unwrap_or_default()))
        .select(Row::as_select())
        .order(whatsapp_logs::id)
        .limit(limit)
        .into_boxed();
    if let Some(from) = window.0 {
        page = page.filter((whatsapp_logs::created_at + 0).ge(from.0));
    }
    if let Some(to) = window.1 {
        page = page.filter((whatsapp_logs::created_at + 0).le(to.0));
    }
    page.load(connection)?.into_iter().map(log).collect()
}

/// One page of a tenant's rows in OneUptime's form that were imported, by ascending id, whether they are shown or kept
/// beside a newer message.
pub fn imported_after(
    connection: &mut Connection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<WhatsAppLog>, StoreError> {
    let ids: Vec<String> = whatsapp_logs::table
        .filter(whatsapp_logs::tenant_id.eq(tenant.0))
        .filter(whatsapp_logs::id.gt(after.map(|id| id.to_string()).unwrap_or_default()))
        .filter(whatsapp_logs::source.ne(RowSource::Message.number()))
        .select(whatsapp_logs::id)
        .order(whatsapp_logs::id)
        .limit(limit)
        .load(connection)?;
    let ids = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let imported = |row: StoredRow| match row.source {
        RowSource::Message => None,
        RowSource::Import => Some(row.log),
        RowSource::MessageWithCopy(copy) => Some(*copy),
    };
    Ok(load(connection, tenant, &ids)?.into_values().filter_map(imported).collect())
}

/// Writes changes and updates the counts. The tenant is locked.
pub fn apply(connection: &mut Connection, tenant: TenantId, changes: Vec<RowChange>) -> Result<(), StoreError> {
    let mut count_changes = counts::CountChanges::default();
    let (mut removed, mut rows) = (Vec::new(), Vec::new());
    let (mut old_copies, mut copies) = (Vec::new(), Vec::new());
    for change in changes {
        if change.before == change.after {
            continue;
        }
        if let Some(before) = change.before {
            count_changes.remove(&before);
            removed.push(before.log.id.to_string());
            if let RowSource::MessageWithCopy(copy) = before.source {
                old_copies.push(copy.id.to_string());
            }
        }
        if let Some(after) = change.after {
            count_changes.add(&after);
            if let RowSource::MessageWithCopy(copy) = &after.source {
                copies.push((copy.id.to_string(), copy_json(copy)));
            }
            rows.push(row(tenant, after));
        }
    }
    replace_copies(connection, tenant, &old_copies, copies)?;
    if !removed.is_empty() {
        let rows = whatsapp_logs::table.filter(whatsapp_logs::tenant_id.eq(tenant.0));
        diesel::delete(rows.filter(any_of(whatsapp_logs::id, &removed))).execute(connection)?;
    }
    NewRow::insert(connection, rows)?;
    counts::apply(connection, tenant, &count_changes)
}

fn replace_copies(
    connection: &mut Connection,
    tenant: TenantId,
    old: &[String],
    new: Vec<(String, String)>,
) -> Result<(), StoreError> {
    if !old.is_empty() {
        let copies = whatsapp_log_copies::table.filter(whatsapp_log_copies::tenant_id.eq(tenant.0));
        diesel::delete(copies.filter(any_of(whatsapp_log_copies::id, old))).execute(connection)?;
    }
    for (id, log) in new {
        let copy = (
            whatsapp_log_copies::tenant_id.eq(tenant.0),
            whatsapp_log_copies::id.eq(id),
            whatsapp_log_copies::log.eq(log),
        );
        diesel::insert_into(whatsapp_log_copies::table).values(copy).execute(connection)?;
    }
    Ok(())
}

/// A copy in the form in which it is stored. Serializing texts, numbers and lists cannot fail.
fn copy_json(log: &WhatsAppLog) -> String {
    serde_json::to_string(log).unwrap_or_default()
}
