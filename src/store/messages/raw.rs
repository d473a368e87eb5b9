//! The messages and status events of a range of ids as they are stored, so that two stores can be compared without
//! parsing what is equal; knows no rule for merging.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::messages::octet_length;
use crate::store::schema::{message_copies, messages, status_events};

/// A stored text of a message, the number of the feed that it came from, and when it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawCopy {
    pub item: String,
    pub source: i32,
    pub received_at: Option<i64>,
}

/// A message, and the copies that it was merged from, if they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMessage {
    pub message: RawCopy,
    pub copies: Vec<RawCopy>,
}

/// What a store contains in a range of message ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub messages: BTreeMap<i64, RawMessage>,
    /// The ids and digests of status events.
    pub events: BTreeSet<(i64, String)>,
}

/// How much one range contains at most, unless it is a single message's.
#[derive(Clone, Copy, Debug)]
pub struct RangeLimits {
    pub messages: i64,
    pub events: i64,
    pub bytes: i64,
}

/// The last id of the range that begins after an id; `None` if nothing is left after it.
pub fn range_end(
    connection: &mut Connection,
    tenant: TenantId,
    after: i64,
    limits: RangeLimits,
) -> Result<Option<i64>, StoreError> {
    let lengths: Vec<(i64, i32)> = messages::table
        .filter(messages::tenant_id.eq(tenant.0).and(messages::message_id.gt(after)))
        .select((messages::message_id, octet_length(messages::item)))
        .order(messages::message_id)
        .limit(limits.messages)
        .load(connection)?;
    let events: Vec<i64> = status_events::table
        .filter(status_events::tenant_id.eq(tenant.0).and(status_events::message_id.gt(after)))
        .select(status_events::message_id)
        .order((status_events::message_id, status_events::digest))
        .limit(limits.events)
        .load(connection)?;
    let mut bytes = 0;
    let fits = |(_, length): &&(i64, i32)| {
        bytes += i64::from(*length);
        bytes <= limits.bytes
    };
    let fitting = lengths.iter().take_while(fits).count().max(1);
    let is_cut = |read: usize, limit: i64| i64::try_from(read).is_ok_and(|read| read >= limit);
    // Without a cut, a list reaches to the end of the store.
    let of_messages = lengths.get(fitting - 1).map(|(id, _)| *id);
    let of_messages = of_messages.filter(|_| fitting < lengths.len() || is_cut(lengths.len(), limits.messages));
    let of_events = events.last().copied().filter(|_| is_cut(events.len(), limits.events));
    Ok(match (of_messages, of_events) {
        _ if lengths.is_empty() && events.is_empty() => None,
        (None, None) => Some(i64::MAX),
        (one, other) => one.into_iter().chain(other).min(),
    })
}

/// Which messages are read: those of a range of ids, the first one excluded, or those of some ids.
#[derive(Clone, Debug)]
pub enum Wanted {
    Range(i64, i64),
    Ids(BTreeSet<i64>),
}

/// Restricts a query to the wanted ids; a macro, because its type would be longer than its code.
macro_rules! wanted {
    ($query:expr, $column:expr, $wanted:expr) => {
        match $wanted {
            Wanted::Range(after, up_to) => $query.filter($column.gt(*after).and($column.le(*up_to))).into_boxed(),
            Wanted::Ids(ids) => $query.filter(any_of($column, ids)).into_boxed(),
        }
    };
}

/// What a store contains of some messages.
pub fn content(connection: &mut Connection, tenant: TenantId, wanted: &Wanted) -> Result<Content, StoreError> {
    if matches!(wanted, Wanted::Ids(ids) if ids.is_empty()) {
        return Ok(Content::default());
    }
    let of_tenant = messages::table.filter(messages::tenant_id.eq(tenant.0));
    let rows: Vec<(i64, String, i32, Option<i64>)> = wanted!(of_tenant, messages::message_id, wanted)
        .select((messages::message_id, messages::item, messages::source, messages::received_at))
        .load(connection)?;
    let of_tenant = message_copies::table.filter(message_copies::tenant_id.eq(tenant.0));
    let copies: Vec<(i64, String, i32, Option<i64>)> = wanted!(of_tenant, message_copies::message_id, wanted)
        .order((message_copies::message_id, message_copies::place))
        .select((message_copies::message_id, message_copies::item, message_copies::source, message_copies::received_at))
        .load(connection)?;
    let of_tenant = status_events::table.filter(status_events::tenant_id.eq(tenant.0));
    let events: Vec<(i64, String)> = wanted!(of_tenant, status_events::message_id, wanted)
        .select((status_events::message_id, status_events::digest))
        .load(connection)?;
    let mut content = Content { events: events.into_iter().collect(), messages: BTreeMap::new() };
    for (id, item, source, received_at) in rows {
        let message = RawCopy { item, source, received_at };
        content.messages.insert(id, RawMessage { message, copies: Vec::new() });
    }
    for (id, item, source, received_at) in copies {
        if let Some(message) = content.messages.get_mut(&id) {
            message.copies.push(RawCopy { item, source, received_at });
        }
    }
    Ok(content)
}

impl Content {
    /// The ids of its messages and events.
    pub fn ids(&self) -> BTreeSet<i64> {
        self.messages.keys().copied().chain(self.events.iter().map(|(id, _)| *id)).collect()
    }
}
