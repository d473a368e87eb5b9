//! The person whom a message belongs to: all recipients that a query for one of them finds; knows no page.

use diesel::prelude::*;

use crate::model::history::Recipient;
use crate::model::subscriber::{AddressType, ChannelClass};
use crate::model::{Grants, TenantId};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::fragments::any_of;
use crate::store::db::text::decode;
use crate::store::error::StoreError;
use crate::store::messages;
use crate::store::recipients::resolve::resolve;
use crate::store::schema::recipients;

/// A person, as far as messages tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// In ascending order.
    pub recipients: Vec<i64>,
    /// The address of each recipient, in its stored form.
    pub addresses: Vec<String>,
    pub subscriber: Option<i64>,
}

/// The person of a message; `None` if the grants show no such message.
pub fn of_message(
    connection: &mut Connection,
    tenant: TenantId,
    (id, grants): (i64, &Grants),
    budget: &Budget,
) -> Result<Option<Person>, StoreError> {
    let Some((recipient, subject)) = messages::recipient_and_subject(connection, tenant, id)? else { return Ok(None) };
    if !grants.sees_message_of(subject) {
        return Ok(None);
    }
    let row: Option<(String, i32, Option<i64>)> = recipients::table
        .find((tenant.0, recipient))
        .select((recipients::address, recipients::channel_class, recipients::subscriber_id))
        .first(connection)
        .optional()?;
    let Some((address, class, subscriber)) = row else { return Ok(None) };
    // Whatever the settings say of answers to programs: here it is about the person.
    let named = |address, address_type| Recipient { address, address_type, address_only: false };
    let named = match subscriber {
        Some(id) => named(id.to_string(), AddressType::EdnaId),
        None if class == ChannelClass::Phone as i32 => named(decode(address), AddressType::Phone),
        None => named(decode(address), AddressType::Other),
    };
    let mut found = resolve(connection, tenant, &named, budget)?;
    if !found.contains(&recipient) {
        found.push(recipient);
        found.sort_unstable();
    }
    let addresses = addresses(connection, tenant, &found)?;
    Ok(Some(Person { recipients: found, addresses, subscriber }))
}

/// The address of each recipient.
fn addresses(connection: &mut Connection, tenant: TenantId, ids: &[i64]) -> Result<Vec<String>, StoreError> {
    let of_tenant = recipients::table.filter(recipients::tenant_id.eq(tenant.0));
    let named = of_tenant.filter(any_of(recipients::id, ids)).select((recipients::id, recipients::address));
    let rows: Vec<(i64, String)> = named.order(recipients::id).load(connection)?;
    Ok(rows.into_iter().map(|(_, address)| decode(address)).collect())
}
