//! Reads and writes the columns of one block; knows no query.

use diesel::prelude::*;

use crate::model::{Instant, Item, Property, TenantId, Value};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::messages::blocks::encoding::{self, Kind, Ranks};
use crate::store::messages::blocks::ranges::Block;
use crate::store::schema::message_block_columns;

/// The name of the column that holds the kinds of messages.
const KIND: &str = "kind";

/// The names of all columns that a block can have.
fn names() -> impl Iterator<Item = &'static str> {
    Property::ALL.iter().map(|property| property.name()).chain([KIND])
}

/// An encoded column of a block.
pub struct Encoded {
    /// The name of a property, or `KIND`.
    name: &'static str,
    /// The least and the greatest value, if they are numbers or times.
    bounds: Option<(i64, i64)>,
    data: Vec<u8>,
}

/// Encodes some messages, which are in the order of their ids: the kinds that occur, and the columns.
pub fn encode(items: &[Item]) -> (Vec<u8>, Vec<Encoded>) {
    let word = |item: &Item, property| item.text(property).unwrap_or_default().to_owned();
    let kind = |item: &Item| Kind {
        channel_type: word(item, Property::ChannelType),
        direction: word(item, Property::Direction),
        traffic_type: word(item, Property::TrafficType),
    };
    let (kinds, data) = encoding::encode_kinds(&items.iter().map(kind).collect::<Vec<_>>());
    let mut columns = vec![Encoded { name: KIND, bounds: None, data }];
    for property in Property::ALL {
        let data = match property {
            // All messages of a block have the same.
            Property::TenantId => None,
            Property::MessageId => {
                Some(encoding::encode_numbers(&items.iter().map(Item::message_id).collect::<Vec<_>>()))
            }
            Property::SentOrReceivedAt => {
                Some(encoding::encode_numbers(&items.iter().map(sent_at).collect::<Vec<_>>()))
            }
            other => Ranks::encode(*other, &items.iter().map(|item| item.get(*other)).collect::<Vec<_>>()),
        };
        let number = |item: &Item| match item.get(*property)? {
            Value::Integer(number) | Value::Instant(Instant(number)) => Some(*number),
            Value::Text(_) => None,
        };
        let numbers = || items.iter().filter_map(number);
        let bounds = numbers().min().zip(numbers().max());
        columns.extend(data.map(|data| Encoded { name: property.name(), bounds, data }));
    }
    (kinds, columns)
}

/// When a message was sent or received.
pub fn sent_at(item: &Item) -> i64 {
    item.instant(Property::SentOrReceivedAt).map_or(0, |at| at.0)
}

/// The ids of a block's messages, in ascending order.
pub fn ids(connection: &mut Connection, tenant: TenantId, block: &Block) -> Result<Vec<i64>, StoreError> {
    numbers(connection, tenant, block, Property::MessageId)
}

/// The times of a block's messages.
pub fn times(connection: &mut Connection, tenant: TenantId, block: &Block) -> Result<Vec<i64>, StoreError> {
    numbers(connection, tenant, block, Property::SentOrReceivedAt)
}

fn numbers(
    connection: &mut Connection,
    tenant: TenantId,
    block: &Block,
    property: Property,
) -> Result<Vec<i64>, StoreError> {
    let data = data(connection, tenant, block, property.name())?.ok_or_else(missing)?;
    encoding::decode_numbers(&data, length(block))
}

/// For each message of a block, the index of its kind among the kinds that occur, of which there are so many.
pub fn kinds(
    connection: &mut Connection,
    tenant: TenantId,
    block: &Block,
    kinds: usize,
) -> Result<Vec<u16>, StoreError> {
    let data = data(connection, tenant, block, KIND)?.ok_or_else(missing)?;
    encoding::decode_kind_indexes(&data, length(block), kinds)
}

fn missing() -> StoreError {
    StoreError::DamagedRow("a block of messages lacks a column".into())
}

/// The ranks of a property's values in a block.
pub fn ranks(
    connection: &mut Connection,
    tenant: TenantId,
    block: &Block,
    property: Property,
) -> Result<Ranks, StoreError> {
    match data(connection, tenant, block, property.name())? {
        Some(data) => Ranks::decode(property, &data, length(block)),
        None => Ok(Ranks::none(length(block))),
    }
}

/// For each block in a range that has a property of numbers or times, its `last_id`, and the least and the greatest value.
pub fn bounds(
    connection: &mut Connection,
    tenant: TenantId,
    property: Property,
    (first, last): (i64, i64),
) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    let rows: Vec<(i64, Option<i64>, Option<i64>)> = message_block_columns::table
        .filter(message_block_columns::tenant_id.eq(tenant.0))
        .filter(message_block_columns::property.eq(property.name()))
        .filter(message_block_columns::last_id.between(first, last))
        .select((message_block_columns::last_id, message_block_columns::least, message_block_columns::greatest))
        .load(connection)?;
    Ok(rows.into_iter().filter_map(|(block, least, greatest)| Some((block, least?, greatest?))).collect())
}

fn length(block: &Block) -> usize {
    usize::try_from(block.messages).unwrap_or_default()
}

fn data(
    connection: &mut Connection,
    tenant: TenantId,
    block: &Block,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let column = message_block_columns::table.find((tenant.0, name, block.last_id));
    Ok(column.select(message_block_columns::data).first(connection).optional()?)
}

/// Replaces the columns of a block.
pub fn replace(
    connection: &mut Connection,
    tenant: TenantId,
    last_id: i64,
    columns: &[Encoded],
) -> Result<(), StoreError> {
    remove(connection, tenant, &[last_id])?;
    let rows = columns.iter().map(|column| {
        (
            message_block_columns::tenant_id.eq(tenant.0),
            message_block_columns::property.eq(column.name),
            message_block_columns::last_id.eq(last_id),
            message_block_columns::least.eq(column.bounds.map(|bounds| bounds.0)),
            message_block_columns::greatest.eq(column.bounds.map(|bounds| bounds.1)),
            message_block_columns::data.eq(&column.data),
        )
    });
    let insert = diesel::insert_into(message_block_columns::table).values(rows.collect::<Vec<_>>());
    on_each!(connection, |connection| insert.execute(connection)?);
    Ok(())
}

/// Removes the columns of some blocks.
pub fn remove(connection: &mut Connection, tenant: TenantId, last_ids: &[i64]) -> Result<(), StoreError> {
    let columns = message_block_columns::table.filter(message_block_columns::tenant_id.eq(tenant.0));
    let columns = columns.filter(any_of(message_block_columns::property, names()));
    diesel::delete(columns.filter(any_of(message_block_columns::last_id, last_ids))).execute(connection)?;
    Ok(())
}

/// Whether a block has exactly some columns.
pub fn are_stored(
    connection: &mut Connection,
    tenant: TenantId,
    block: &Block,
    columns: &[Encoded],
) -> Result<bool, StoreError> {
    for name in names() {
        let expected = columns.iter().find(|column| column.name == name).map(|column| &column.data);
        if data(connection, tenant, block, name)?.as_ref() != expected {
            return Ok(false);
        }
    }
    Ok(true)
}
