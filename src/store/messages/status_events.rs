//! Status events in the store, found by message and by request; knows no rule for which one counts.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;

use crate::model::{DeliveryStatus, Instant, Provenance, Source, StatusEvent, TenantId};
use crate::store::Connection;
use crate::store::db::fragments::any_of;
use crate::store::db::rows::whole_row;
use crate::store::db::text::{decode, encode};
use crate::store::error::StoreError;
use crate::store::schema::status_events;

/// A sending: its request id and its subject.
pub type RequestKey = (String, i64);

whole_row! {
    /// A row as it is written.
    struct NewRow in status_events {
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
}

/// A row as it is read: without the body, which was parsed before the event was stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = status_events)]
struct Row {
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
}

/// A stored event.
#[derive(Clone)]
pub struct StoredEvent {
    pub digest: String,
    pub event: StatusEvent,
}

impl AsRef<StatusEvent> for StoredEvent {
    fn as_ref(&self) -> &StatusEvent {
        &self.event
    }
}

impl StoredEvent {
    /// Its key: that of its message, and its digest.
    pub fn key(&self) -> (i64, String) {
        (message_id(&self.event, &self.digest), self.digest.clone())
    }
}

/// The key of an event's message. If the event names no message, this is a negative number derived from its digest.
fn message_id(event: &StatusEvent, digest: &str) -> i64 {
    let start = digest.get(..15).and_then(|start| i64::from_str_radix(start, 16).ok());
    event.message_id.unwrap_or_else(|| -1 - start.unwrap_or_default())
}

/// Deletes the status events that name some messages.
pub fn delete(connection: &mut Connection, tenant: TenantId, ids: &BTreeSet<i64>) -> Result<(), StoreError> {
    let events = status_events::table.filter(status_events::tenant_id.eq(tenant.0));
    diesel::delete(events.filter(any_of(status_events::message_id, ids))).execute(connection)?;
    Ok(())
}

/// Stores events that are not stored yet, each with its digest. The tenant is locked.
pub fn insert(
    connection: &mut Connection,
    tenant: TenantId,
    events: &[(&StatusEvent, String)],
) -> Result<(), StoreError> {
    NewRow::insert(connection, events.iter().map(|(event, digest)| row(tenant, event, digest)).collect())
}

/// The messages that events tie to some sendings.
pub fn messages_of_requests(
    connection: &mut Connection,
    tenant: TenantId,
    request_keys: &BTreeSet<RequestKey>,
) -> Result<BTreeSet<i64>, StoreError> {
    if request_keys.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<(Option<String>, Option<i64>, i64)> = status_events::table
        .filter(status_events::tenant_id.eq(tenant.0).and(status_events::request_id.is_not_null()))
        .filter(any_of(status_events::request_id.assume_not_null(), &requests(request_keys)))
        .select((status_events::request_id, status_events::subject_id, status_events::message_id))
        .load(connection)?;
    let matching = rows.into_iter().filter(|(request, subject, id)| {
        *id > 0
            && request.clone().map(decode).zip(*subject).is_some_and(|request_key| request_keys.contains(&request_key))
    });
    Ok(matching.map(|(_, _, id)| id).collect())
}

/// The events that may count for some messages: those that name a message, and those that name none but whose sending
/// another event ties to it (docs/edna.md 6.2).
#[derive(Default)]
pub struct MessageEvents {
    of_messages: BTreeMap<i64, Vec<StoredEvent>>,
    /// The events that name a message, by its id and their digests.
    named: HashSet<(i64, String)>,
    /// The digests of the stored events that name no message.
    without_message: BTreeSet<String>,
    ties: BTreeMap<RequestKey, BTreeSet<i64>>,
}

impl MessageEvents {
    /// The events that may count for a message.
    pub fn of(&self, message_id: i64) -> &[StoredEvent] {
        self.of_messages.get(&message_id).map_or(&[], Vec::as_slice)
    }

    /// The events of each message.
    pub fn of_messages(&self) -> impl Iterator<Item = (i64, &[StoredEvent])> {
        self.of_messages.iter().map(|(id, events)| (*id, events.as_slice()))
    }

    /// Adds an event; `false` if it is there already.
    pub fn insert(&mut self, event: &StatusEvent, digest: &str) -> bool {
        // The event as it would be read from the store.
        let stored = || StoredEvent { digest: digest.to_owned(), event: StatusEvent { body: None, ..event.clone() } };
        let Some(id) = event.message_id else {
            if !self.without_message.insert(digest.to_owned()) {
                return false;
            }
            for id in request_key(event).and_then(|request_key| self.ties.get(&request_key)).into_iter().flatten() {
                self.of_messages.entry(*id).or_default().push(stored());
            }
            return true;
        };
        let is_new = self.named.insert((id, digest.to_owned()));
        if is_new {
            self.of_messages.entry(id).or_default().push(stored());
        }
        is_new
    }
}

fn request_key(event: &StatusEvent) -> Option<RequestKey> {
    event.request_key().map(|(request, subject)| (request.to_owned(), subject))
}

/// Reads the events that may count for some messages, and which of some new events, each with its digest, are stored
/// already.
pub fn load(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<i64>,
    new: &[(&StatusEvent, String)],
) -> Result<MessageEvents, StoreError> {
    let mut events = MessageEvents::default();
    let mut all = ids.clone();
    all.extend(new.iter().map(|(event, digest)| message_id(event, digest)));
    if all.is_empty() {
        return Ok(events);
    }
    let rows: Vec<Row> = status_events::table
        .filter(status_events::tenant_id.eq(tenant.0))
        .filter(any_of(status_events::message_id, &all))
        .select(Row::as_select())
        .load(connection)?;
    let mut named = Vec::new();
    for row in rows {
        if row.message_id < 0 {
            events.without_message.insert(row.digest);
        } else {
            named.push((row.message_id, stored_event(row)?));
        }
    }
    let named_new = new.iter().filter_map(|(event, _)| Some((event.message_id?, *event)));
    for (id, event) in named.iter().map(|(id, event)| (*id, &event.event)).chain(named_new) {
        if let Some(request_key) = request_key(event) {
            events.ties.entry(request_key).or_default().insert(id);
        }
    }
    for (id, event) in named {
        events.named.insert((id, event.digest.clone()));
        events.of_messages.entry(id).or_default().push(event);
    }
    for row in without_message(connection, tenant, &events.ties.keys().cloned().collect())? {
        let event = stored_event(row)?;
        for id in request_key(&event.event).and_then(|request_key| events.ties.get(&request_key)).into_iter().flatten()
        {
            events.of_messages.entry(*id).or_default().push(event.clone());
        }
    }
    Ok(events)
}

/// The events in a range of ids, the first one excluded, as they were received.
pub fn between(
    connection: &mut Connection,
    tenant: TenantId,
    (after, up_to): (i64, i64),
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows: Vec<(Row, Option<String>)> = status_events::table
        .filter(status_events::tenant_id.eq(tenant.0))
        .filter(status_events::message_id.gt(after).and(status_events::message_id.le(up_to)))
        .order((status_events::message_id, status_events::digest))
        .select((Row::as_select(), status_events::body))
        .load(connection)?;
    let with_body = |(row, body)| {
        let StoredEvent { digest, event } = stored_event(row)?;
        Ok(StoredEvent { digest, event: StatusEvent { body, ..event } })
    };
    rows.into_iter().map(with_body).collect()
}

/// The events of some sendings that name no message.
fn without_message(
    connection: &mut Connection,
    tenant: TenantId,
    request_keys: &BTreeSet<RequestKey>,
) -> Result<Vec<Row>, StoreError> {
    if request_keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(status_events::table
        .filter(status_events::tenant_id.eq(tenant.0).and(WithoutMessage))
        .filter(any_of(status_events::request_id.assume_not_null(), &requests(request_keys)))
        .select(Row::as_select())
        .load(connection)?)
}

fn requests(request_keys: &BTreeSet<RequestKey>) -> BTreeSet<String> {
    request_keys.iter().map(|(request, _)| encode(request).into_owned()).collect()
}

/// `message_id < 0`, as in the definition of their partial index: with a bound value, the database could not use it.
struct WithoutMessage;

impl Expression for WithoutMessage {
    type SqlType = Bool;
}

impl AppearsOnTable<status_events::table> for WithoutMessage {}

impl<G> ValidGrouping<G> for WithoutMessage {
    type IsAggregate = is_aggregate::Never;
}

impl QueryId for WithoutMessage {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend> QueryFragment<DB> for WithoutMessage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("message_id < 0");
        Ok(())
    }
}

fn row(tenant: TenantId, event: &StatusEvent, digest: &str) -> NewRow {
    let text = |text: &Option<String>| text.as_deref().map(|text| encode(text).into_owned());
    NewRow {
        tenant_id: tenant.0,
        message_id: message_id(event, digest),
        digest: digest.to_owned(),
        request_id: text(&event.request_id),
        subject_id: event.subject_id,
        status: text(&event.status.word).unwrap_or_default(),
        status_at: event.status.at.map(|at| at.0),
        status_message: text(&event.status.message),
        cascade_id: event.cascade_id,
        cascade_stage_uuid: text(&event.cascade_stage_uuid),
        comment: text(&event.comment),
        source: event.provenance.source.number(),
        received_at: event.provenance.received_at.map(|at| at.0),
        body: event.body.clone(),
    }
}

fn stored_event(row: Row) -> Result<StoredEvent, StoreError> {
    let source = source(row.source)?;
    let text = |text: Option<String>| text.map(decode);
    let event = StatusEvent {
        message_id: Some(row.message_id).filter(|id| *id > 0),
        request_id: text(row.request_id),
        subject_id: row.subject_id,
        status: DeliveryStatus {
            word: Some(decode(row.status)),
            at: row.status_at.map(Instant),
            message: text(row.status_message),
        },
        cascade_id: row.cascade_id,
        cascade_stage_uuid: text(row.cascade_stage_uuid),
        comment: text(row.comment),
        provenance: Provenance { source, received_at: row.received_at.map(Instant) },
        body: None,
    };
    Ok(StoredEvent { digest: row.digest, event })
}

/// The feed that a number in the store represents.
pub fn source(number: i32) -> Result<Source, StoreError> {
    Source::from_number(number).ok_or_else(|| StoreError::DamagedRow(format!("unknown feed {number}")))
}
