//! Status events in the store, found by message and by request; knows no rule of which one counts.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::Connection;
use super::connection::on_each;
use super::dialect::any_of;
use super::error::StoreError;
use super::schema::status_events;
use super::text::{kept, told};
use crate::model::{Heard, Instant, Source, StatusEvent, StatusNotice, TenantId};

/// What stands where an event does not name its message.
const NO_MESSAGE: i64 = 0;

/// A sending: its request id and its subject.
pub type Sending = (String, i64);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = status_events, treat_none_as_default_value = false)]
struct Row {
    tenant_id: i64,
    message_id: i64,
    digest: String,
    request_id: Option<String>,
    subject_id: Option<i64>,
    status: String,
    status_at: Option<i64>,
    status_message: Option<String>,
    cascade_id: Option<i64>,
    cascade_stage_uuid: Option<String>,
    comment: Option<String>,
    source: i32,
    received_at: Option<i64>,
    body: Option<String>,
}

/// The request and subject of an event, which tie events without a message id to a message.
pub fn sending(notice: &StatusNotice) -> Option<Sending> {
    notice.request_id.clone().zip(notice.subject_id)
}

/// Which of some events the store has, each as its message (or `None`) and its digest.
pub fn known(
    connection: &mut Connection,
    tenant: TenantId,
    notices: &[&StatusNotice],
) -> Result<BTreeSet<(Option<i64>, String)>, StoreError> {
    if notices.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids: BTreeSet<i64> = notices.iter().map(|notice| notice.message_id.unwrap_or(NO_MESSAGE)).collect();
    let digests: BTreeSet<String> = notices.iter().map(|notice| notice.digest()).collect();
    let rows: Vec<(i64, String)> = status_events::table
        .filter(status_events::tenant_id.eq(tenant.0))
        .filter(any_of(status_events::message_id, &ids))
        .filter(any_of(status_events::digest, &digests))
        .select((status_events::message_id, status_events::digest))
        .load(connection)?;
    Ok(rows.into_iter().map(|(id, digest)| (Some(id).filter(|id| *id != NO_MESSAGE), digest)).collect())
}

/// Keeps events that the store does not have yet. The tenant is locked.
pub fn keep(connection: &mut Connection, tenant: TenantId, notices: &[&StatusNotice]) -> Result<(), StoreError> {
    let rows: Vec<Row> = notices.iter().map(|notice| row(tenant, notice)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    on_each!(
        connection,
        |file| {
            for row in rows {
                diesel::insert_into(status_events::table).values(row).execute(file)?;
            }
        },
        |server| {
            diesel::copy_from(status_events::table).from_insertable(rows).execute(server)?;
        }
    );
    Ok(())
}

/// The messages that events tie to some requests and subjects.
pub fn tied(
    connection: &mut Connection,
    tenant: TenantId,
    sendings: &BTreeSet<Sending>,
) -> Result<BTreeSet<i64>, StoreError> {
    let rows = of_sendings(connection, tenant, sendings)?;
    Ok(rows.into_iter().map(|row| row.message_id).filter(|id| *id != NO_MESSAGE).collect())
}

/// The events known for messages: those that name one, and those that name none but a request and subject that another
/// event ties to it (docs/edna.md 6.3).
pub fn of_messages(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Vec<StatusNotice>>, StoreError> {
    let mut found: BTreeMap<i64, Vec<StatusNotice>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let rows: Vec<Row> = status_events::table
        .filter(status_events::tenant_id.eq(tenant.0))
        .filter(any_of(status_events::message_id, ids))
        .select(Row::as_select())
        .load(connection)?;
    let mut messages: BTreeMap<Sending, BTreeSet<i64>> = BTreeMap::new();
    for row in rows {
        let (id, notice) = (row.message_id, notice(row)?);
        if let Some(sending) = sending(&notice) {
            messages.entry(sending).or_default().insert(id);
        }
        found.entry(id).or_default().push(notice);
    }
    let sendings = messages.keys().cloned().collect();
    for row in of_sendings(connection, tenant, &sendings)? {
        if row.message_id != NO_MESSAGE {
            continue;
        }
        let notice = notice(row)?;
        for id in sending(&notice).and_then(|sending| messages.get(&sending)).into_iter().flatten() {
            found.entry(*id).or_default().push(notice.clone());
        }
    }
    for notices in found.values_mut() {
        notices.sort_by_cached_key(|notice| (notice.heard.at, notice.digest()));
    }
    Ok(found)
}

fn of_sendings(
    connection: &mut Connection,
    tenant: TenantId,
    sendings: &BTreeSet<Sending>,
) -> Result<Vec<Row>, StoreError> {
    if sendings.is_empty() {
        return Ok(Vec::new());
    }
    let requests: BTreeSet<String> = sendings.iter().map(|(request, _)| kept(request).into_owned()).collect();
    let rows: Vec<Row> = status_events::table
        .filter(status_events::tenant_id.eq(tenant.0))
        .filter(any_of(status_events::request_id.assume_not_null(), &requests))
        .filter(status_events::request_id.is_not_null())
        .select(Row::as_select())
        .load(connection)?;
    // The same request may have gone out through several subjects.
    let is_of_them = |row: &Row| {
        row.request_id.clone().map(told).zip(row.subject_id).is_some_and(|sending| sendings.contains(&sending))
    };
    Ok(rows.into_iter().filter(is_of_them).collect())
}

fn row(tenant: TenantId, notice: &StatusNotice) -> Row {
    let text = |text: &Option<String>| text.as_deref().map(|text| kept(text).into_owned());
    Row {
        tenant_id: tenant.0,
        message_id: notice.message_id.unwrap_or(NO_MESSAGE),
        digest: notice.digest(),
        request_id: text(&notice.request_id),
        subject_id: notice.subject_id,
        status: text(&notice.event.word).unwrap_or_default(),
        status_at: notice.event.at.map(|at| at.0),
        status_message: text(&notice.event.message),
        cascade_id: notice.cascade_id,
        cascade_stage_uuid: text(&notice.cascade_stage_uuid),
        comment: text(&notice.comment),
        source: notice.heard.source.number(),
        received_at: notice.heard.at.map(|at| at.0),
        body: notice.body.clone(),
    }
}

fn notice(row: Row) -> Result<StatusNotice, StoreError> {
    let source = source(row.source)?;
    let text = |text: Option<String>| text.map(told);
    Ok(StatusNotice {
        message_id: Some(row.message_id).filter(|id| *id != NO_MESSAGE),
        request_id: text(row.request_id),
        subject_id: row.subject_id,
        event: StatusEvent {
            word: Some(told(row.status)),
            at: row.status_at.map(Instant),
            message: text(row.status_message),
        },
        cascade_id: row.cascade_id,
        cascade_stage_uuid: text(row.cascade_stage_uuid),
        comment: text(row.comment),
        heard: Heard { source, at: row.received_at.map(Instant) },
        body: row.body,
    })
}

/// The feed that a number in the store stands for.
pub fn source(number: i32) -> Result<Source, StoreError> {
    Source::from_number(number).ok_or_else(|| StoreError::Failed(format!("there is no feed {number}")))
}
