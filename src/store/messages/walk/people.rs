//! Resolves the addresses and subscribers that a query names to recipients; knows no page.

use std::collections::BTreeSet;

use crate::model::history::Recipient;
use crate::model::message_query::NamedAddress;
use crate::model::{MessageQuery, TenantId};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::pinned::RowCount;
use crate::store::error::StoreError;
use crate::store::messages::walk::condition::ColumnFilters;
use crate::store::messages::walk::source::{Index, Source};
use crate::store::messages::walk::stream::{ReadItem, Shared, Stream};
use crate::store::recipients::resolve;

/// What the addresses and subscribers of a query resolve to.
pub struct People {
    /// In ascending order; `None` if the query names neither.
    pub recipients: Option<Vec<i64>>,
    /// For each named address, whether its national form counts.
    pub national: Vec<bool>,
}

/// Resolves them; where the query does not say yet whether a national form counts, by the messages that its caller may
/// see.
pub fn resolve(connection: &mut Connection, query: &MessageQuery, budget: &Budget) -> Result<People, StoreError> {
    if let Some(person) = &query.person {
        return Ok(People { recipients: Some(person.clone()), national: Vec::new() });
    }
    let tenant = query.tenant();
    let (mut of_addresses, mut national) = (BTreeSet::new(), Vec::new());
    for (index, address) in query.addresses.iter().enumerate() {
        let counts = match (&address.national, &query.position) {
            (None, _) => false,
            (Some(_), Some(position)) => position.national.get(index).copied().unwrap_or(false),
            (Some(_), None) => !is_known(connection, query, address, budget)?,
        };
        national.push(counts);
        for form in address.forms.iter().chain(address.national.iter().filter(|_| counts)) {
            of_addresses.extend(resolve::resolve(connection, tenant, form, budget)?);
        }
        budget.check()?;
    }
    let mut of_subscribers = BTreeSet::new();
    for subscriber in &query.subscribers {
        of_subscribers.extend(resolve::resolve(connection, tenant, subscriber, budget)?);
    }
    let recipients = match (query.addresses.is_empty(), query.subscribers.is_empty()) {
        (true, true) => None,
        (false, true) => Some(of_addresses),
        (true, false) => Some(of_subscribers),
        (false, false) => Some(of_addresses.intersection(&of_subscribers).copied().collect()),
    };
    Ok(People { recipients: recipients.map(|recipients| recipients.into_iter().collect()), national })
}

/// Whether a message that the caller may see has the address as it was typed.
fn is_known(
    connection: &mut Connection,
    query: &MessageQuery,
    address: &NamedAddress,
    budget: &Budget,
) -> Result<bool, StoreError> {
    for form in &address.forms {
        let form = Recipient { address_only: true, ..form.clone() };
        for recipient in resolve::resolve(connection, query.tenant(), &form, budget)? {
            if is_seen(connection, query.tenant(), recipient, query.senders(), budget)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a recipient has a message of some subjects.
fn is_seen(
    connection: &mut Connection,
    tenant: TenantId,
    recipient: i64,
    subjects: Option<&[i64]>,
    budget: &Budget,
) -> Result<bool, StoreError> {
    // A recipient exists only as long as it has messages.
    let Some(subjects) = subjects else { return Ok(true) };
    let filters = ColumnFilters::of_subjects(subjects);
    let shared = Shared { tenant, filters: &filters, times: None, descending: true, count: RowCount::None };
    let mut stream = Stream::new(Source::Number(Index::Recipient, recipient), (i64::MIN, i64::MAX), 1);
    while stream.must_read() {
        stream.read(connection, &shared, (u64::MAX, budget))?;
        while let Some(read) = stream.take() {
            if !matches!(read.item, ReadItem::NoMatch) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
