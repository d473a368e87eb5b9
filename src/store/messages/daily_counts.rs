//! How many messages of each sort a day has, and between which ids: what the planner asks before it touches a message.

use std::borrow::Cow;
use std::collections::BTreeMap;

use diesel::dsl::{max, min};
use diesel::prelude::*;

use crate::model::history::Window;
use crate::model::instant::DAY;
use crate::model::{HistoryQuery, Instant, Item, Property, TenantId};
use crate::store::Connection;
use crate::store::db::connection::{Backend, on_each};
use crate::store::db::fragments::{Sum, any_of};
use crate::store::db::text::{decode, encode, encode_all};
use crate::store::error::StoreError;
use crate::store::schema::message_days;

/// The day and the sort of a message; three empty words stand for every sort.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct MessageKind<'a> {
    day: i64,
    channel_type: Cow<'a, str>,
    direction: Cow<'a, str>,
    traffic_type: Cow<'a, str>,
}

/// What a write changes of one sort of one day.
#[derive(Clone, Copy, Debug, Default)]
struct KindChange {
    messages: i64,
    ids: Option<(i64, i64)>,
}

/// What a write changes.
#[derive(Default)]
pub struct DailyChanges<'a>(BTreeMap<MessageKind<'a>, KindChange>);

impl<'a> DailyChanges<'a> {
    pub fn add(&mut self, item: &'a Item) {
        let id = item.message_id();
        for kind in kinds(item) {
            let change = self.0.entry(kind).or_default();
            change.messages += 1;
            change.ids = Some(change.ids.map_or((id, id), |(least, greatest)| (least.min(id), greatest.max(id))));
        }
    }

    /// The ids' bounds stay as wide as they were: too wide costs time, too narrow would lose a message.
    pub fn remove(&mut self, item: &'a Item) {
        for kind in kinds(item) {
            self.0.entry(kind).or_default().messages -= 1;
        }
    }
}

/// The two rows that count a message: its own sort's, and its day's.
fn kinds(item: &Item) -> [MessageKind<'_>; 2] {
    let text = |property| encode(item.text(property).unwrap_or_default());
    let day = item.instant(Property::SentOrReceivedAt).map_or(0, Instant::day);
    let (channel_type, direction) = (text(Property::ChannelType), text(Property::Direction));
    let own = MessageKind { day, channel_type, direction, traffic_type: text(Property::TrafficType) };
    [own, MessageKind { day, ..MessageKind::default() }]
}

/// Keeps the counts with the messages, in the same transaction.
pub fn apply(connection: &mut Connection, tenant: TenantId, changes: &DailyChanges<'_>) -> Result<(), StoreError> {
    for (kind, change) in &changes.0 {
        let key = (tenant.0, &kind.channel_type, &kind.direction, &kind.traffic_type, kind.day);
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
        let sums = (
            message_days::messages.eq(messages + change.messages),
            message_days::least_message_id.eq(ids.0),
            message_days::greatest_message_id.eq(ids.1),
        );
        let row = (
            message_days::tenant_id.eq(tenant.0),
            message_days::day.eq(kind.day),
            message_days::channel_type.eq(&kind.channel_type),
            message_days::direction.eq(&kind.direction),
            message_days::traffic_type.eq(&kind.traffic_type),
            sums,
        );
        let upsert = diesel::insert_into(message_days::table)
            .values(row)
            .on_conflict(message_days::table.primary_key())
            .do_update()
            .set(sums);
        on_each!(connection, |connection| upsert.execute(connection)?);
    }
    Ok(())
}

/// The days on which messages with such ids were sent, as the times they lie between; `None` where there are none.
pub fn of_ids(connection: &mut Connection, tenant: TenantId, ids: (i64, i64)) -> Result<Option<Window>, StoreError> {
    let (first, last): (Option<i64>, Option<i64>) = message_days::table
        .filter(message_days::tenant_id.eq(tenant.0).and(message_days::channel_type.eq("")))
        .filter(message_days::direction.eq("").and(message_days::traffic_type.eq("")))
        .filter(message_days::least_message_id.le(ids.1).and(message_days::greatest_message_id.ge(ids.0)))
        .select((min(message_days::day), max(message_days::day)))
        .first(connection)?;
    let times = first.zip(last).map(|(first, last)| (first * DAY, last * DAY + (DAY - 1)));
    Ok(times.map(|(from, to)| Window { from: Instant(from), to: Instant(to) }))
}

/// What the days of a window hold together.
pub struct WindowTotals {
    /// No window has more messages than its days.
    pub messages: i64,
    /// Between which ids every one of them lies.
    pub bounds: (i64, i64),
}

/// The days of a query's window; `None` where no message has its window, channels, direction and traffic types
/// together.
pub fn of_window(connection: &mut Connection, query: &HistoryQuery) -> Result<Option<WindowTotals>, StoreError> {
    if !occurs(connection, query)? {
        return Ok(None);
    }
    // SELECT sum(messages), … FROM message_days WHERE tenant_id = ? AND channel_type = '' AND … AND day BETWEEN ? AND ?
    let (messages, least, greatest): (Option<i64>, Option<i64>, Option<i64>) = message_days::table
        .filter(message_days::tenant_id.eq(query.tenant().0).and(message_days::channel_type.eq("")))
        .filter(message_days::direction.eq("").and(message_days::traffic_type.eq("")))
        .filter(message_days::day.between(query.window.from.day(), query.window.to.day()))
        .select((Sum("messages"), min(message_days::least_message_id), max(message_days::greatest_message_id)))
        .first(connection)?;
    let days = |(messages, bounds)| WindowTotals { messages, bounds };
    Ok(messages.filter(|messages| *messages > 0).zip(least.zip(greatest)).map(days))
}

/// Whether some day of the window has a message of the asked sorts.
fn occurs(connection: &mut Connection, query: &HistoryQuery) -> Result<bool, StoreError> {
    if !query.filters_kinds() {
        return Ok(true);
    }
    let days = of_kinds(query).filter(message_days::messages.gt(0)).select(message_days::day).limit(1);
    Ok(days.first::<i64>(connection).optional()?.is_some())
}

/// How many messages the window's days have of the asked sorts.
pub fn matching(connection: &mut Connection, query: &HistoryQuery) -> Result<i64, StoreError> {
    let sum: Option<i64> = of_kinds(query).select(Sum("messages")).first(connection)?;
    Ok(sum.unwrap_or(0))
}

/// The window's days of the asked sorts.
fn of_kinds<'a>(query: &HistoryQuery) -> message_days::BoxedQuery<'a, Backend> {
    let mut days = message_days::table
        .filter(message_days::tenant_id.eq(query.tenant().0).and(message_days::channel_type.ne("")))
        .filter(message_days::day.between(query.window.from.day(), query.window.to.day()))
        .into_boxed();
    if !query.channel_types.is_empty() {
        days = days.filter(any_of(message_days::channel_type, &encode_all(&query.channel_types)));
    }
    if let Some(direction) = query.direction {
        days = days.filter(message_days::direction.eq(direction.word()));
    }
    if !query.traffic_types.is_empty() {
        days = days.filter(any_of(message_days::traffic_type, &encode_all(&query.traffic_types)));
    }
    days
}

/// Every channel type that a message of the tenant has.
pub fn channel_types(connection: &mut Connection, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    let words: Vec<String> = message_days::table
        .filter(message_days::tenant_id.eq(tenant.0).and(message_days::messages.gt(0)))
        .filter(message_days::channel_type.ne(""))
        .select(message_days::channel_type)
        .distinct()
        .load(connection)?;
    Ok(words.into_iter().map(decode).collect())
}
