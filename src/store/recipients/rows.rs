//! The recipients to which messages belong; knows no content of messages and no query.
//!
//! A *recipient* is one address in one channel class, with one subscriber or none. A person is a set of recipients that
//! is resolved for each query, so a link that becomes known later requires no message to be rewritten.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use crate::model::TenantId;
use crate::model::subscriber::{self, ChannelClass};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::schema::{messages, recipients};

/// What identifies the recipient of a message, with the address encoded for its column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipientKey<'a> {
    pub address: Cow<'a, str>,
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

/// How many recipients one statement writes. Each binds five values; a statement of SQLite can bind 32,766.
const RECIPIENTS_PER_STATEMENT: usize = 4000;

/// The ids of the recipients with these keys, in their order; creates those that are new.
pub fn find_or_create(
    connection: &mut Connection,
    tenant: TenantId,
    keys: &[RecipientKey<'_>],
) -> Result<Vec<i64>, StoreError> {
    let mut ids = ids_by_key(with_addresses(connection, tenant, keys)?);
    let new: BTreeSet<&RecipientKey> = keys.iter().filter(|key| !ids.contains_key(key)).collect();
    let row = |key: &&RecipientKey| {
        (
            recipients::tenant_id.eq(tenant.0),
            recipients::address.eq(key.address.clone().into_owned()),
            recipients::folded_address.eq(subscriber::case_fold(&key.address)),
            recipients::channel_class.eq(key.channel_class as i32),
            recipients::subscriber_id.eq(key.subscriber_id),
        )
    };
    let rows: Vec<_> = new.iter().map(row).collect();
    for rows in rows.chunks(RECIPIENTS_PER_STATEMENT) {
        let insert = diesel::insert_into(recipients::table).values(rows);
        on_each!(connection, |connection| insert.execute(connection)?);
    }
    ids.extend(ids_by_key(with_addresses(connection, tenant, new)?));
    // Those that did not exist were created above.
    let id = |key| ids.get(key).copied().ok_or_else(|| StoreError::DamagedRow("a recipient is missing".into()));
    keys.iter().map(id).collect()
}

/// Deletes recipients to which no message belongs any more: a link exists only as long as a message has it.
pub fn delete_unused(connection: &mut Connection, tenant: TenantId, ids: &BTreeSet<i64>) -> Result<(), StoreError> {
    for id in ids {
        let of_recipient = messages::table.filter(messages::tenant_id.eq(tenant.0).and(messages::recipient_id.eq(id)));
        let unused = diesel::dsl::not(diesel::dsl::exists(of_recipient));
        diesel::delete(recipients::table.find((tenant.0, id)).filter(unused)).execute(connection)?;
    }
    Ok(())
}

fn with_addresses<'a>(
    connection: &mut Connection,
    tenant: TenantId,
    keys: impl IntoIterator<Item = &'a RecipientKey<'a>>,
) -> Result<Vec<Row>, StoreError> {
    let addresses: BTreeSet<&str> = keys.into_iter().map(|key| &*key.address).collect();
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let of_tenant = recipients::table.filter(recipients::tenant_id.eq(tenant.0)).select(Row::as_select());
    Ok(of_tenant.filter(any_of(recipients::address, addresses)).load(connection)?)
}

fn ids_by_key(rows: Vec<Row>) -> HashMap<RecipientKey<'static>, i64> {
    let key = |row: Row| {
        let phone = row.channel_class == ChannelClass::Phone as i32;
        let channel_class = if phone { ChannelClass::Phone } else { ChannelClass::Other };
        (RecipientKey { address: row.address.into(), channel_class, subscriber_id: row.subscriber_id }, row.id)
    };
    rows.into_iter().map(key).collect()
}
