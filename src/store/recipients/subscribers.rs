//! The recipients, which messages are filed under; knows no message and no question.
//!
//! A *recipient* is one address on one class of channel, with one subscriber or none. A person is a set of
//! them, found anew for each question, so a link that becomes known later needs no message rewritten.

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

/// What a message says of its recipient, the address as a column holds it.
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

/// How many recipients one statement writes; each of them takes five of the 32,766 values that a file's may have.
const RECIPIENTS_AT_ONCE: usize = 4000;

/// The ids under which messages are filed, in the order of what they say; made where they are new.
pub fn file(connection: &mut Connection, tenant: TenantId, keys: &[RecipientKey<'_>]) -> Result<Vec<i64>, StoreError> {
    let mut known = ids_by_key(with_addresses(connection, tenant, keys)?);
    let new: BTreeSet<&RecipientKey> = keys.iter().filter(|key| !known.contains_key(key)).collect();
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
    for rows in rows.chunks(RECIPIENTS_AT_ONCE) {
        let insert = diesel::insert_into(recipients::table).values(rows);
        on_each!(connection, |connection| insert.execute(connection)?);
    }
    known.extend(ids_by_key(with_addresses(connection, tenant, new)?));
    // Whoever was not known was made.
    let id = |key| known.get(key).copied().ok_or_else(|| StoreError::DamagedRow("a recipient went missing".into()));
    keys.iter().map(id).collect()
}

/// Forgets recipients that no message is filed under any more: a link exists as long as a message makes it.
pub fn forget_unused(connection: &mut Connection, tenant: TenantId, ids: &BTreeSet<i64>) -> Result<(), StoreError> {
    for id in ids {
        let ids_by_key = messages::table.filter(messages::tenant_id.eq(tenant.0).and(messages::recipient_id.eq(id)));
        let unused = diesel::dsl::not(diesel::dsl::exists(ids_by_key));
        diesel::delete(recipients::table.find(id).filter(recipients::tenant_id.eq(tenant.0)).filter(unused))
            .execute(connection)?;
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
