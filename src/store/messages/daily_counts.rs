//! The number of messages per UTC day and kind, and the range of their ids, for planning without reading a message;
//! knows no plan.

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
use crate::store::schema::{message_blocks, message_days};

/// The day and the kind of a message; three empty words represent all kinds together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct MessageKind<'a> {
    day: i64,
    channel_type: Cow<'a, str>,
    direction: Cow<'a, str>,
    traffic_type: Cow<'a, str>,
}

/// What a write changes in the counts of one kind on one day.
#[derive(Clone, Copy, Debug, Default)]
struct KindChange {
    messages: i64,
    ids: Option<(i64, i64)>,
}

/// What a write changes in the daily counts.
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

    /// The range of ids stays as wide as it was: too wide costs time, too narrow would lose a message.
    pub fn remove(&mut self, item: &'a Item) {
        for kind in kinds(item) {
            self.0.entry(kind).or_default().messages -= 1;
        }
    }
}

/// The two rows that count a message: that of its kind, and that of its whole day.
fn kinds(item: &Item) -> [MessageKind<'_>; 2] {
    let text = |property| encode(item.text(property).unwrap_or_default());
    let day = item.instant(Property::SentOrReceivedAt).map_or(0, Instant::day);
    let (channel_type, direction) = (text(Property::ChannelType), text(Property::Direction));
    let own = MessageKind { day, channel_type, direction, traffic_type: text(Property::TrafficType) };
    [own, MessageKind { day, ..MessageKind::default() }]
}

/// Updates the counts, in the transaction that writes the messages.
pub fn apply(connection: &mut Connection, tenant: TenantId, changes: &DailyChanges<'_>) -> Result<(), StoreError> {
    for (kind, change) in &changes.0 {
        let key = (tenant.0, &kind.channel_type, &kind.direction, &kind.traffic_type, kind.day);
        let stored: Option<(i64, i64, i64)> = message_days::table
            .find(key)
            .select((message_days::messages, message_days::least_message_id, message_days::greatest_message_id))
            .first(connection)
            .optional()?;
        let (messages, stored_ids) =
            stored.map_or((0, None), |(count, least, greatest)| (count, Some((least, greatest))));
        let ids = match (stored_ids, change.ids) {
            (Some(stored), Some(new)) => (stored.0.min(new.0), stored.1.max(new.1)),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => continue,
        };
        let counts = (
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
            counts,
        );
        let upsert = diesel::insert_into(message_days::table)
            .values(row)
            .on_conflict(message_days::table.primary_key())
            .do_update()
            .set(counts);
        on_each!(connection, |connection| upsert.execute(connection)?);
    }
    Ok(())
}

/// A window that contains all messages with ids in a range; `None` if no day can have such messages.
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

/// The range that contains the ids of all messages of a window; `None` if its days have no messages.
pub fn ids_of_window(
    connection: &mut Connection,
    tenant: TenantId,
    window: Window,
) -> Result<Option<(i64, i64)>, StoreError> {
    let (least, greatest): (Option<i64>, Option<i64>) = message_days::table
        .filter(message_days::tenant_id.eq(tenant.0).and(message_days::channel_type.eq("")))
        .filter(message_days::direction.eq("").and(message_days::traffic_type.eq("")))
        .filter(message_days::day.between(window.from.day(), window.to.day()).and(message_days::messages.gt(0)))
        .select((min(message_days::least_message_id), max(message_days::greatest_message_id)))
        .first(connection)?;
    Ok(least.zip(greatest))
}

/// At most so many messages are in a window: its first and its last day may be only partly in it.
pub fn most_of_window(connection: &mut Connection, tenant: TenantId, window: Window) -> Result<i64, StoreError> {
    let days: Vec<i64> = message_days::table
        .filter(message_days::tenant_id.eq(tenant.0).and(message_days::channel_type.eq("")))
        .filter(message_days::direction.eq("").and(message_days::traffic_type.eq("")))
        .filter(message_days::day.between(window.from.day(), window.to.day()))
        .select(message_days::messages)
        .load(connection)?;
    Ok(days.into_iter().fold(0, i64::saturating_add))
}

/// The totals of the days of a window.
pub struct WindowTotals {
    /// An upper bound of the window's messages: its first and its last day may be only partly in it.
    pub messages: i64,
    /// The range that contains all their ids.
    pub bounds: (i64, i64),
    /// The last id of the tenant's newest block, whether it is built or not.
    pub last_block: Option<i64>,
}

/// The totals of a query's window; `None` if no day of it has a message with the requested channel type, direction and
/// traffic type together.
pub fn of_window(connection: &mut Connection, query: &HistoryQuery) -> Result<Option<WindowTotals>, StoreError> {
    if !has_matching_day(connection, query)? {
        return Ok(None);
    }
    // SELECT sum(messages), … FROM message_days WHERE tenant_id = ? AND channel_type = '' AND … AND day BETWEEN ? AND ?
    let newest_block = message_blocks::table
        .filter(message_blocks::tenant_id.eq(query.tenant().0))
        .select(max(message_blocks::last_id))
        .single_value();
    let (messages, least, greatest, last_block): (Option<i64>, Option<i64>, Option<i64>, Option<i64>) =
        message_days::table
            .filter(message_days::tenant_id.eq(query.tenant().0).and(message_days::channel_type.eq("")))
            .filter(message_days::direction.eq("").and(message_days::traffic_type.eq("")))
            .filter(message_days::day.between(query.window.from.day(), query.window.to.day()))
            .select((
                Sum("messages"),
                min(message_days::least_message_id),
                max(message_days::greatest_message_id),
                newest_block,
            ))
            .first(connection)?;
    let totals = |(messages, bounds)| WindowTotals { messages, bounds, last_block };
    Ok(messages.filter(|messages| *messages > 0).zip(least.zip(greatest)).map(totals))
}

/// Whether any day of the window has a message of the requested kinds.
fn has_matching_day(connection: &mut Connection, query: &HistoryQuery) -> Result<bool, StoreError> {
    if !query.filters_kinds() {
        return Ok(true);
    }
    let days = matching_days(query).filter(message_days::messages.gt(0)).select(message_days::day).limit(1);
    Ok(days.first::<i64>(connection).optional()?.is_some())
}

/// How many messages of the requested kinds the days of the window have.
pub fn matching(connection: &mut Connection, query: &HistoryQuery) -> Result<i64, StoreError> {
    let sum: Option<i64> = matching_days(query).select(Sum("messages")).first(connection)?;
    Ok(sum.unwrap_or(0))
}

/// The counts of the requested kinds on the days of the window.
fn matching_days<'a>(query: &HistoryQuery) -> message_days::BoxedQuery<'a, Backend> {
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

/// How many messages a tenant has.
pub fn total(connection: &mut Connection, tenant: TenantId) -> Result<i64, StoreError> {
    let days = message_days::table.filter(message_days::tenant_id.eq(tenant.0).and(message_days::channel_type.eq("")));
    let sum: Option<i64> = days.select(Sum("messages")).first(connection)?;
    Ok(sum.unwrap_or(0))
}

/// Every channel type that the tenant's messages have.
pub fn channel_types(connection: &mut Connection, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    let types: Vec<String> = message_days::table
        .filter(message_days::tenant_id.eq(tenant.0).and(message_days::messages.gt(0)))
        .filter(message_days::channel_type.ne(""))
        .select(message_days::channel_type)
        .distinct()
        .load(connection)?;
    Ok(types.into_iter().map(decode).collect())
}
