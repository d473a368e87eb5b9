//! Messages in the store, written whole and read by id; knows no query and no rule for merging.

pub mod blocks;
pub mod counts;
pub mod daily_counts;
pub mod history;
pub mod item;
pub mod items;
pub mod keys;
pub mod names;
pub mod order;
pub mod partitions;
pub mod pending;
pub mod plan;
pub mod raw;
pub mod removal;
pub mod scan;
pub mod statement;
pub mod status_events;
pub mod trail;
pub mod walk;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diesel::prelude::*;

use crate::model::subscriber::ChannelClass;
use crate::model::{Instant, Item, MessageCopy, Property, Provenance, TenantId};
use crate::store::Connection;
use crate::store::changes::{self, Change};
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::db::pinned::{IndexHint, sent_at};
use crate::store::db::rows::whole_row;
use crate::store::db::text::encode;
use crate::store::error::StoreError;
use crate::store::messages::blocks::ranges;
use crate::store::messages::keys::MessageKeys;
use crate::store::recipients::rows;
use crate::store::recipients::rows::RecipientKey;
use crate::store::schema::{message_copies, messages};
use crate::store::subjects;

/// A message as it is stored.
pub struct StoredMessage {
    pub item: Arc<Item>,
    /// The copies that it was merged from, in descending precedence; the message itself if there is only one.
    pub copies: Vec<MessageCopy>,
    recipient_id: i64,
}

/// A message to be written.
pub struct MessageChange {
    pub item: Arc<Item>,
    /// The copies that it is merged from, in descending precedence.
    pub copies: Vec<MessageCopy>,
    /// The stored message that it replaces.
    pub before: Option<StoredMessage>,
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// How many bytes a text has.
    fn octet_length(text: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

/// How many copies one statement writes. Each binds seven values; a statement can bind 65,535.
const COPIES_PER_STATEMENT: usize = 4000;

whole_row! {
    /// A row of the table of messages.
    struct Row<'a> in messages {
        tenant_id: i64,
        message_id: i64,
        sent_or_received_at: i64,
        recipient_id: i64,
        subject_id: Option<i64>,
        channel_type: Cow<'a, str>,
        direction: Cow<'a, str>,
        traffic_type: Option<Cow<'a, str>>,
        source: i32,
        received_at: Option<i64>,
        item: String,
        comment_key: Option<i64>,
        undelivered_status: Option<Cow<'a, str>>,
        cascade_id: Option<i64>,
        broadcast_id: Option<i64>,
    }
}

/// The stored messages among `ids`, with the copies that they were merged from.
pub fn load(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, StoredMessage>, StoreError> {
    let Some((least, greatest)) = ids.first().copied().zip(ids.last().copied()) else { return Ok(BTreeMap::new()) };
    // New ids are usually greater than all known ones, and then there is nothing to look up.
    let Some(times) = daily_counts::of_ids(connection, tenant, (least, greatest))? else { return Ok(BTreeMap::new()) };
    let rows: Vec<(i64, String, i32, Option<i64>)> = messages::table
        .filter(messages::tenant_id.eq(tenant.0))
        .filter(any_of(messages::message_id, ids))
        .filter(sent_at(IndexHint::PrimaryKey).between(times.from.0, times.to.0))
        .select((messages::recipient_id, messages::item, messages::source, messages::received_at))
        .load(connection)?;
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let copies: Vec<(String, i32, Option<i64>)> = message_copies::table
        .filter(message_copies::tenant_id.eq(tenant.0))
        .filter(any_of(message_copies::message_id, ids))
        .filter(message_copies::sent_or_received_at.between(times.from.0, times.to.0))
        .order((message_copies::message_id, message_copies::place))
        .select((message_copies::item, message_copies::source, message_copies::received_at))
        .load(connection)?;
    let mut copies_of: BTreeMap<i64, Vec<MessageCopy>> = BTreeMap::new();
    for (text, source, at) in copies {
        let copy = MessageCopy { item: Arc::new(item::parse(&text, tenant)?), provenance: provenance(source, at)? };
        copies_of.entry(copy.item.message_id()).or_default().push(copy);
    }
    let mut stored = BTreeMap::new();
    for (recipient_id, text, source, at) in rows {
        let item = Arc::new(item::parse(&text, tenant)?);
        let only = MessageCopy { item: Arc::clone(&item), provenance: provenance(source, at)? };
        let copies = copies_of.remove(&item.message_id()).unwrap_or_else(|| vec![only]);
        stored.insert(item.message_id(), StoredMessage { item, copies, recipient_id });
    }
    Ok(stored)
}

/// What a write of messages led to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Applied {
    pub subject_became_known: bool,
    /// The sequence of the last change; `None` if no item changed.
    pub last_change: Option<i64>,
}

/// Writes messages, and updates recipients, subjects, the daily counts and the changes with them. The tenant is locked.
pub fn apply(connection: &mut Connection, tenant: TenantId, messages: &[MessageChange]) -> Result<Applied, StoreError> {
    let keys: Vec<RecipientKey> = messages.iter().map(|change| key(&change.item)).collect();
    let recipients = rows::find_or_create(connection, tenant, &keys)?;
    let replaced: Vec<&StoredMessage> = messages.iter().filter_map(|change| change.before.as_ref()).collect();
    remove(connection, tenant, &replaced)?;
    let written = messages.iter().map(|change| change.item.message_id()).collect();
    ranges::record_changes(connection, tenant, &written)?;
    let mut daily_changes = daily_counts::DailyChanges::default();
    for stored in &replaced {
        daily_changes.remove(&stored.item);
    }
    for change in messages {
        daily_changes.add(&change.item);
    }
    daily_counts::apply(connection, tenant, &daily_changes)?;
    let row = |(change, recipient)| row(tenant, change, recipient);
    let rows: Vec<Row> = messages.iter().zip(recipients).map(row).collect();
    let in_use: BTreeSet<i64> = rows.iter().map(|row| row.recipient_id).collect();
    Row::insert(connection, rows)?;
    insert_copies(connection, tenant, messages)?;
    let written: Vec<&Item> = messages.iter().filter_map(evidence_of).collect();
    let before: Vec<&Item> = replaced.iter().map(|stored| &*stored.item).collect();
    let subject_became_known = subjects::learn(connection, tenant, &written, &before)?;
    let unused = replaced.iter().map(|stored| stored.recipient_id).filter(|id| !in_use.contains(id)).collect();
    rows::delete_unused(connection, tenant, &unused)?;
    let changed: Vec<Change> = messages.iter().filter_map(MessageChange::of_item).collect();
    let last_change = if changed.is_empty() { None } else { Some(changes::append(connection, tenant, &changed)?) };
    Ok(Applied { subject_became_known, last_change })
}

impl MessageChange {
    /// The change for its readers; `None` if the item stays what it was.
    fn of_item(&self) -> Option<Change> {
        let subject = |item: &Item| item.integer(Property::SubjectId);
        let before = self.before.as_ref().map(|stored| &stored.item);
        (before != Some(&self.item)).then(|| {
            let (subject_id, previous) = (subject(&self.item), before.and_then(|item| subject(item)));
            let previous_subject_id = previous.filter(|previous| Some(*previous) != subject_id);
            Change { message_id: self.item.message_id(), subject_id, previous_subject_id }
        })
    }
}

/// One page of a tenant's items by ascending id, for export.
pub fn page_after(
    connection: &mut Connection,
    tenant: TenantId,
    after: i64,
    window: (Option<Instant>, Option<Instant>),
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut page = messages::table
        .filter(messages::tenant_id.eq(tenant.0).and(messages::message_id.gt(after)))
        .select((messages::message_id, messages::item))
        .order(messages::message_id)
        .limit(limit)
        .into_boxed();
    if let Some(from) = window.0 {
        page = page.filter(sent_at(IndexHint::PrimaryKey).ge(from.0));
    }
    if let Some(to) = window.1 {
        page = page.filter(sent_at(IndexHint::PrimaryKey).le(to.0));
    }
    Ok(page.load(connection)?)
}

/// The item of one message.
pub fn single_item(connection: &mut Connection, tenant: TenantId, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let of_tenant = messages::table.filter(messages::tenant_id.eq(tenant.0).and(messages::message_id.eq(id)));
    let item: Option<String> = of_tenant.select(messages::item).first(connection).optional()?;
    Ok(item.map(String::into_bytes))
}

/// The recipient and the subject of one message.
pub fn recipient_and_subject(
    connection: &mut Connection,
    tenant: TenantId,
    id: i64,
) -> Result<Option<(i64, Option<i64>)>, StoreError> {
    let Some(times) = daily_counts::of_ids(connection, tenant, (id, id))? else { return Ok(None) };
    let message = messages::table
        .filter(messages::tenant_id.eq(tenant.0).and(messages::message_id.eq(id)))
        .filter(sent_at(IndexHint::PrimaryKey).between(times.from.0, times.to.0));
    Ok(message.select((messages::recipient_id, messages::subject_id)).first(connection).optional()?)
}

/// The id of the message that is `count` messages after another; `None` if there are fewer.
pub fn nth_after(
    connection: &mut Connection,
    tenant: TenantId,
    after: i64,
    count: i64,
) -> Result<Option<i64>, StoreError> {
    let ids = messages::table
        .filter(messages::tenant_id.eq(tenant.0).and(messages::message_id.gt(after)))
        .select(messages::message_id)
        .order(messages::message_id);
    Ok(ids.offset(count - 1).first(connection).optional()?)
}

/// The messages of a channel type and direction with ids greater than `after` and at most `up_to`.
pub fn of_channel_and_direction(
    connection: &mut Connection,
    tenant: TenantId,
    (channel_type, direction): (&str, &str),
    (after, up_to): (i64, i64),
) -> Result<Vec<Item>, StoreError> {
    let items: Vec<String> = messages::table
        .filter(messages::tenant_id.eq(tenant.0))
        .filter(messages::message_id.gt(after).and(messages::message_id.le(up_to)))
        .filter(messages::channel_type.eq(channel_type).and(messages::direction.eq(direction)))
        .select(messages::item)
        .load(connection)?;
    items.iter().map(|text| item::parse(text, tenant)).collect()
}

/// The messages of a range of ids.
pub struct Range {
    /// In the order of their ids.
    pub items: Vec<Item>,
    pub bytes: i64,
    /// The last id that was read if others follow.
    pub end: Option<i64>,
}

/// The messages with ids in a range, as many as have `max_bytes`, but at least one.
pub fn between(
    connection: &mut Connection,
    tenant: TenantId,
    ids: (i64, i64),
    max_bytes: i64,
) -> Result<Range, StoreError> {
    let range = |(first, last): (i64, i64)| {
        messages::table.filter(messages::tenant_id.eq(tenant.0).and(messages::message_id.between(first, last)))
    };
    let mut lengths: Vec<(i64, i32)> =
        range(ids).select((messages::message_id, octet_length(messages::item))).load(connection)?;
    lengths.sort_unstable();
    let total = lengths.iter().scan(0_i64, |total, (id, length)| {
        *total = total.saturating_add(i64::from(*length));
        Some((*id, *total))
    });
    let read = total.take_while(|(_, total)| *total <= max_bytes).count().max(1);
    let bytes = lengths.iter().take(read).map(|(_, length)| i64::from(*length)).sum();
    let end = lengths.get(read).and_then(|_| lengths.get(read - 1)).map(|(id, _)| *id);
    let texts: Vec<String> = range((ids.0, end.unwrap_or(ids.1))).select(messages::item).load(connection)?;
    let mut items = texts.iter().map(|text| item::parse(text, tenant)).collect::<Result<Vec<Item>, StoreError>>()?;
    items.sort_unstable_by_key(Item::message_id);
    Ok(Range { items, bytes, end })
}

fn remove(connection: &mut Connection, tenant: TenantId, replaced: &[&StoredMessage]) -> Result<(), StoreError> {
    if replaced.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = replaced.iter().map(|stored| stored.item.message_id()).collect();
    let times = replaced.iter().filter_map(|stored| stored.item.instant(Property::SentOrReceivedAt));
    let times: Vec<i64> = times.map(|time| time.0).collect();
    let (from, to) = (times.iter().min().copied().unwrap_or(0), times.iter().max().copied().unwrap_or(0));
    let messages = messages::table.filter(messages::tenant_id.eq(tenant.0));
    let messages = messages.filter(sent_at(IndexHint::PrimaryKey).between(from, to));
    diesel::delete(messages.filter(any_of(messages::message_id, &ids))).execute(connection)?;
    let copies = message_copies::table.filter(message_copies::tenant_id.eq(tenant.0));
    let copies = copies.filter(message_copies::sent_or_received_at.between(from, to));
    diesel::delete(copies.filter(any_of(message_copies::message_id, &ids))).execute(connection)?;
    Ok(())
}

fn insert_copies(connection: &mut Connection, tenant: TenantId, changes: &[MessageChange]) -> Result<(), StoreError> {
    let row = |change: &MessageChange, position: i32, copy: &MessageCopy| {
        // A copy is stored in the partition of its message, even if it contains another time itself.
        let sent_at = change.item.instant(Property::SentOrReceivedAt).map_or(0, |time| time.0);
        (
            message_copies::tenant_id.eq(tenant.0),
            message_copies::message_id.eq(copy.item.message_id()),
            message_copies::place.eq(position),
            message_copies::item.eq(copy.item.render()),
            message_copies::sent_or_received_at.eq(sent_at),
            message_copies::source.eq(copy.provenance.source.number()),
            message_copies::received_at.eq(copy.provenance.received_at.map(|at| at.0)),
        )
    };
    let rows_of = |change: &MessageChange| {
        (0..).zip(&change.copies).map(|(position, copy)| row(change, position, copy)).collect::<Vec<_>>()
    };
    // A message that equals its only copy needs no separate one.
    let has_separate_copies =
        |change: &&MessageChange| change.copies.len() > 1 || change.copies.iter().any(|copy| copy.item != change.item);
    let rows: Vec<_> = changes.iter().filter(has_separate_copies).flat_map(rows_of).collect();
    for rows in rows.chunks(COPIES_PER_STATEMENT) {
        let insert = diesel::insert_into(message_copies::table).values(rows);
        on_each!(connection, |connection| insert.execute(connection)?);
    }
    Ok(())
}

/// The evidence that a message is for its subject. A webhook's copy is none: its channel is that of the subject.
fn evidence_of(change: &MessageChange) -> Option<&Item> {
    if !change.copies.iter().any(MessageCopy::has_channel_of_subject) {
        return Some(&change.item);
    }
    let copy = change.copies.iter().find(|copy| !copy.has_channel_of_subject())?;
    (copy.subject() == change.item.integer(Property::SubjectId)).then_some(&*copy.item)
}

fn key(item: &Item) -> RecipientKey<'_> {
    RecipientKey {
        address: encode(item.text(Property::Address).unwrap_or_default()),
        channel_class: ChannelClass::of(item.text(Property::ChannelType).unwrap_or_default()),
        subscriber_id: item.integer(Property::SubscriberId),
    }
}

pub fn provenance(source: i32, at: Option<i64>) -> Result<Provenance, StoreError> {
    Ok(Provenance { source: status_events::source(source)?, received_at: at.map(Instant) })
}

fn row(tenant: TenantId, change: &MessageChange, recipient_id: i64) -> Row<'_> {
    let item = &change.item;
    // If there are several copies, each is stored with its own provenance. That of the message shows whether any copy
    // is evidence for its subject.
    let evidence = change.copies.iter().find(|copy| !copy.has_channel_of_subject());
    let provenance = evidence.or(change.copies.first()).map(|copy| copy.provenance).unwrap_or_default();
    let text = |property| item.text(property).map(encode);
    let keys = MessageKeys::of(item);
    Row {
        tenant_id: tenant.0,
        message_id: item.message_id(),
        sent_or_received_at: item.instant(Property::SentOrReceivedAt).map(|instant| instant.0).unwrap_or_default(),
        recipient_id,
        subject_id: item.integer(Property::SubjectId),
        channel_type: text(Property::ChannelType).unwrap_or_default(),
        direction: text(Property::Direction).unwrap_or_default(),
        traffic_type: text(Property::TrafficType),
        source: provenance.source.number(),
        received_at: provenance.received_at.map(|at| at.0),
        item: item.render(),
        comment_key: keys.comment_key,
        undelivered_status: keys.undelivered_status,
        cascade_id: keys.cascade_id,
        broadcast_id: keys.broadcast_id,
    }
}
