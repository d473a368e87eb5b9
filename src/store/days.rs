//! How many messages of each sort a day has, and between which ids: what the planner asks before it touches a message.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::connection::Connection;
use super::error::StoreError;
use super::schema::message_days;
use crate::model::{HistoryQuery, Item, Property, TenantId};

/// The day and the sort of a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sort {
    day: i64,
    channel_type: String,
    direction: String,
    traffic_type: String,
}

/// What a write changes of one sort of one day.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    messages: i64,
    ids: Option<(i64, i64)>,
}

/// What a write changes.
#[derive(Default)]
pub struct Changes(BTreeMap<Sort, Change>);

impl Changes {
    pub fn add(&mut self, item: &Item) {
        let id = item.message_id();
        let change = self.0.entry(sort(item)).or_default();
        change.messages += 1;
        change.ids = Some(change.ids.map_or((id, id), |(least, greatest)| (least.min(id), greatest.max(id))));
    }

    /// The ids' bounds stay as wide as they were: too wide costs time, too narrow would lose a message.
    pub fn remove(&mut self, item: &Item) {
        self.0.entry(sort(item)).or_default().messages -= 1;
    }
}

fn sort(item: &Item) -> Sort {
    let text = |property| item.text(property).unwrap_or_default().to_owned();
    Sort {
        day: item.instant(Property::SentOrReceivedAt).map_or(0, super::super::model::Instant::day),
        channel_type: text(Property::ChannelType),
        direction: text(Property::Direction),
        traffic_type: text(Property::TrafficType),
    }
}

/// Keeps the counts with the messages, in the same transaction.
pub fn apply(connection: &mut Connection, tenant: TenantId, changes: &Changes) -> Result<(), StoreError> {
    for (sort, change) in &changes.0 {
        let key = (tenant.0, sort.day, &sort.channel_type, &sort.direction, &sort.traffic_type);
        let known: Option<(i64, i64, i64)> = message_days::table
            .find(key)
            .select((message_days::messages, message_days::least_message_id, message_days::greatest_message_id))
            .first(connection)
            .optional()?;
        let (messages, known_ids) =
            known.map_or((0, None), |(count, least, greatest)| (count, Some((least, greatest))));
        let ids = match (known_ids, change.ids) {
            (Some(known), Some(new)) => (known.0.min(new.0), known.1.max(new.1)),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => continue,
        };
        let row = (
            message_days::tenant_id.eq(tenant.0),
            message_days::day.eq(sort.day),
            message_days::channel_type.eq(&sort.channel_type),
            message_days::direction.eq(&sort.direction),
            message_days::traffic_type.eq(&sort.traffic_type),
            message_days::messages.eq(messages + change.messages),
            message_days::least_message_id.eq(ids.0),
            message_days::greatest_message_id.eq(ids.1),
        );
        diesel::replace_into(message_days::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Between which ids every message of a query lies, its recipient and subject aside;
/// `None` where no message has its window, channels, direction and traffic types together.
pub fn bounds(connection: &mut Connection, query: &HistoryQuery) -> Result<Option<(i64, i64)>, StoreError> {
    use diesel::dsl::{max, min};
    // SELECT min(least_message_id), max(greatest_message_id) FROM message_days WHERE tenant_id = ? AND day BETWEEN ? AND ? …
    let mut days = message_days::table
        .filter(message_days::tenant_id.eq(query.tenant.0))
        .filter(message_days::day.between(query.window.from.day(), query.window.to.day()))
        .filter(message_days::messages.gt(0))
        .select((min(message_days::least_message_id), max(message_days::greatest_message_id)))
        .into_boxed();
    if !query.channel_types.is_empty() {
        days = days.filter(message_days::channel_type.eq_any(&query.channel_types));
    }
    if let Some(direction) = query.direction {
        days = days.filter(message_days::direction.eq(direction.word()));
    }
    if !query.traffic_types.is_empty() {
        days = days.filter(message_days::traffic_type.eq_any(&query.traffic_types));
    }
    let (least, greatest): (Option<i64>, Option<i64>) = days.first(connection)?;
    Ok(least.zip(greatest))
}

/// Every channel type that a message of the tenant has.
pub fn channel_types(connection: &mut Connection, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    Ok(message_days::table
        .filter(message_days::tenant_id.eq(tenant.0).and(message_days::messages.gt(0)))
        .select(message_days::channel_type)
        .distinct()
        .load(connection)?)
}
