//! Which recipients a question's address names, and the keys messages are filed under; knows no message.
//!
//! A *recipient* is one address on one class of channel, with one subscriber or none. A person is a set of
//! them, found anew for each question, so a link that becomes known later needs no message rewritten.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::Connection;
use super::connection::on_each;
use super::dialect::any_of;
use super::error::StoreError;
use super::schema::{messages, recipients};
use super::text::kept;
use crate::model::TenantId;
use crate::model::history::Recipient;
use crate::model::subscriber::{self, AddressType, ChannelClass};

/// What a message says of its recipient, the address as a column holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Filing {
    pub address: String,
    pub channel_class: ChannelClass,
    pub subscriber_id: Option<i64>,
}

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = recipients)]
struct Row {
    id: i64,
    address: String,
    channel_class: i32,
    subscriber_id: Option<i64>,
}

/// The ids of all recipients whose messages answer a question about an address (docs/edna.md §3).
pub fn resolve(connection: &mut Connection, tenant: TenantId, asked: &Recipient) -> Result<Vec<i64>, StoreError> {
    if asked.address_type == AddressType::EdnaId {
        let subscriber: Option<i64> = asked.address.parse().ok();
        let found = of_subscribers(connection, tenant, &subscriber.into_iter().collect())?;
        return Ok(ids(&found, |_| true));
    }
    let address = kept(&asked.address);
    let named = of_address(connection, tenant, asked)?;
    let mut subscribers: BTreeSet<i64> = named.iter().filter_map(|row| row.subscriber_id).collect();
    let unlinked: BTreeSet<&str> =
        named.iter().filter(|row| row.subscriber_id.is_none()).map(|row| row.address.as_str()).collect();
    // A message without a subscriber belongs to every subscriber its address is linked to, on any channel (3.1).
    let linked = with_addresses(connection, tenant, &unlinked)?;
    subscribers.extend(linked.iter().filter_map(|row| row.subscriber_id));
    let mut found = of_subscribers(connection, tenant, &subscribers)?;
    // Where there is no link, the address alone finds its messages.
    found.extend(named.iter().filter(|row| row.subscriber_id.is_none()).cloned());
    let same_address = |row: &Row| match asked.address_type {
        AddressType::Email => subscriber::folded(&row.address) == subscriber::folded(&address),
        _ => row.address == address,
    };
    Ok(ids(&found, |row| !asked.address_only || same_address(row)))
}

/// The ids under which messages are filed, made where they are new.
pub fn file(
    connection: &mut Connection,
    tenant: TenantId,
    filings: &BTreeSet<Filing>,
) -> Result<HashMap<Filing, i64>, StoreError> {
    let addresses: BTreeSet<&str> = filings.iter().map(|filing| filing.address.as_str()).collect();
    let mut known = filed(with_addresses(connection, tenant, &addresses)?);
    let new: Vec<_> = filings.iter().filter(|filing| !known.contains_key(filing)).collect();
    if new.is_empty() {
        return Ok(known);
    }
    let row = |filing: &&Filing| {
        (
            recipients::tenant_id.eq(tenant.0),
            recipients::address.eq(filing.address.clone()),
            recipients::folded_address.eq(subscriber::folded(&filing.address)),
            recipients::channel_class.eq(filing.channel_class as i32),
            recipients::subscriber_id.eq(filing.subscriber_id),
        )
    };
    let rows: Vec<_> = new.iter().map(row).collect();
    let insert = diesel::insert_into(recipients::table).values(rows);
    on_each!(connection, |connection| insert.execute(connection)?);
    let addresses: BTreeSet<&str> = new.iter().map(|filing| filing.address.as_str()).collect();
    known.extend(filed(with_addresses(connection, tenant, &addresses)?));
    Ok(known)
}

/// Forgets recipients that no message is filed under any more: a link exists as long as a message makes it.
pub fn forget_unused(connection: &mut Connection, tenant: TenantId, ids: &BTreeSet<i64>) -> Result<(), StoreError> {
    for id in ids {
        let filed = messages::table.filter(messages::tenant_id.eq(tenant.0).and(messages::recipient_id.eq(id)));
        let unused = diesel::dsl::not(diesel::dsl::exists(filed));
        diesel::delete(recipients::table.find(id).filter(recipients::tenant_id.eq(tenant.0)).filter(unused))
            .execute(connection)?;
    }
    Ok(())
}

/// The recipients that have the asked address on the asked channels (3.2).
fn of_address(connection: &mut Connection, tenant: TenantId, asked: &Recipient) -> Result<Vec<Row>, StoreError> {
    let class = match asked.address_type {
        AddressType::Phone => ChannelClass::Phone,
        _ => ChannelClass::Other,
    };
    let of_class = recipients::table
        .filter(recipients::tenant_id.eq(tenant.0).and(recipients::channel_class.eq(class as i32)))
        .select(Row::as_select())
        .into_boxed();
    let address = kept(&asked.address);
    let of_address = match asked.address_type {
        AddressType::Email => of_class.filter(recipients::folded_address.eq(subscriber::folded(&address))),
        _ => of_class.filter(recipients::address.eq(address)),
    };
    Ok(of_address.load(connection)?)
}

/// All recipients of subscribers, those without a subscriber included whose address is linked to one of them.
fn of_subscribers(
    connection: &mut Connection,
    tenant: TenantId,
    subscribers: &BTreeSet<i64>,
) -> Result<Vec<Row>, StoreError> {
    let of_tenant = recipients::table.filter(recipients::tenant_id.eq(tenant.0)).select(Row::as_select());
    let mut found: Vec<Row> = of_tenant.filter(any_of(recipients::subscriber_id, subscribers)).load(connection)?;
    let addresses: BTreeSet<&str> = found.iter().map(|row| row.address.as_str()).collect();
    let linked = with_addresses(connection, tenant, &addresses)?;
    found.extend(linked.into_iter().filter(|row| row.subscriber_id.is_none()));
    Ok(found)
}

fn with_addresses(
    connection: &mut Connection,
    tenant: TenantId,
    addresses: &BTreeSet<&str>,
) -> Result<Vec<Row>, StoreError> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let of_tenant = recipients::table.filter(recipients::tenant_id.eq(tenant.0)).select(Row::as_select());
    Ok(of_tenant.filter(any_of(recipients::address, addresses.iter().copied())).load(connection)?)
}

fn ids(rows: &[Row], keep: impl Fn(&Row) -> bool) -> Vec<i64> {
    let ids: BTreeSet<i64> = rows.iter().filter(|row| keep(row)).map(|row| row.id).collect();
    ids.into_iter().collect()
}

fn filed(rows: Vec<Row>) -> HashMap<Filing, i64> {
    let filing = |row: Row| {
        let phone = row.channel_class == ChannelClass::Phone as i32;
        let channel_class = if phone { ChannelClass::Phone } else { ChannelClass::Other };
        (Filing { address: row.address, channel_class, subscriber_id: row.subscriber_id }, row.id)
    };
    rows.into_iter().map(filing).collect()
}
