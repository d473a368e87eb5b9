//! Resolves an address to a person's recipients in steps (docs/edna.md §3), for SQLite, where several small statements
//! take less time than one that joins; knows no message.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::connection::FileConnection;
use crate::store::db::explain::explain;
use crate::store::error::StoreError;
use crate::store::recipients::target::{AddressColumn, Target};
use crate::store::schema::recipients;

/// The recipients of one tenant, each read counted against a query's budget.
struct Lookup<'a> {
    file: &'a mut FileConnection,
    tenant: TenantId,
    budget: &'a Budget,
}

#[derive(Queryable)]
struct Found {
    id: i64,
    address: String,
    channel_class: i32,
    subscriber_id: Option<i64>,
}

const COLUMNS: (recipients::id, recipients::address, recipients::channel_class, recipients::subscriber_id) =
    (recipients::id, recipients::address, recipients::channel_class, recipients::subscriber_id);

/// `SELECT … FROM recipients WHERE tenant_id = ? AND …`
macro_rules! recipients_where {
    ($tenant:expr, $condition:expr) => {
        recipients::table.filter(recipients::tenant_id.eq($tenant.0).and($condition)).select(COLUMNS)
    };
}

/// The ids of all recipients whose messages a query finds, in no order, each once.
pub fn resolve(
    file: &mut FileConnection,
    tenant: TenantId,
    target: &Target,
    budget: &Budget,
) -> Result<BTreeSet<i64>, StoreError> {
    let mut lookup = Lookup { file, tenant, budget };
    match target {
        Target::Subscriber(id) => {
            let own = lookup.of_subscriber(*id)?;
            lookup.with_unlinked(&own, &[])
        }
        Target::Address { column, address, class, address_only } => {
            let same = lookup.of_address(*column, address)?;
            let found = lookup.of_person(&same, *column, *class)?;
            if !address_only {
                return Ok(found);
            }
            Ok(same.iter().map(|row| row.id).filter(|id| found.contains(id)).collect())
        }
    }
}

impl Lookup<'_> {
    /// The recipients of the person that an address names, given all recipients with the address.
    fn of_person(&mut self, same: &[Found], column: AddressColumn, class: i32) -> Result<BTreeSet<i64>, StoreError> {
        // The recipients with the address in its channel class (3.2).
        let named = || same.iter().filter(|row| row.channel_class == class);
        let unlinked: BTreeSet<&str> =
            named().filter(|row| row.subscriber_id.is_none()).map(|row| row.address.as_str()).collect();
        // A message without a subscriber belongs to every subscriber to which its address is linked, on any channel
        // (3.1).
        let linked = same.iter().filter(|row| unlinked.contains(row.address.as_str()));
        let subscribers: BTreeSet<i64> = named().chain(linked).filter_map(|row| row.subscriber_id).collect();
        let mut own = Vec::new();
        for subscriber in subscribers {
            own.extend(self.of_subscriber(subscriber)?);
        }
        let known = if column == AddressColumn::Exact { same } else { &[] };
        let mut found = self.with_unlinked(&own, known)?;
        // If there is no link, only the address itself finds its messages.
        found.extend(named().filter(|row| row.subscriber_id.is_none()).map(|row| row.id));
        Ok(found)
    }

    /// A subscriber's recipients and those with the same addresses and no subscriber. `known` are all recipients with
    /// one address, if they have been read.
    fn with_unlinked(&mut self, own: &[Found], known: &[Found]) -> Result<BTreeSet<i64>, StoreError> {
        let mut found: BTreeSet<i64> = own.iter().map(|row| row.id).collect();
        let is_unlinked = |row: &&Found| row.subscriber_id.is_none();
        let addresses: BTreeSet<&str> = own.iter().map(|row| row.address.as_str()).collect();
        for address in addresses {
            let read;
            let rows = if known.first().is_some_and(|row| row.address == address) {
                known
            } else {
                read = self.of_address(AddressColumn::Exact, address)?;
                &read
            };
            found.extend(rows.iter().filter(is_unlinked).map(|row| row.id));
        }
        Ok(found)
    }

    fn of_subscriber(&mut self, id: i64) -> Result<Vec<Found>, StoreError> {
        let statement = recipients_where!(self.tenant, recipients::subscriber_id.eq(id));
        counted(statement.load_iter::<Found, _>(self.file)?, self.budget)
    }

    fn of_address(&mut self, column: AddressColumn, address: &str) -> Result<Vec<Found>, StoreError> {
        match column {
            AddressColumn::Exact => {
                let statement = recipients_where!(self.tenant, recipients::address.eq(address));
                counted(statement.load_iter::<Found, _>(self.file)?, self.budget)
            }
            AddressColumn::Folded => {
                let statement = recipients_where!(self.tenant, recipients::folded_address.eq(address));
                counted(statement.load_iter::<Found, _>(self.file)?, self.budget)
            }
        }
    }
}

/// The database's plans of all statements: for tests of the planner.
pub fn database_plans(connection: &mut Connection, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    let mut plans = explain(connection, recipients_where!(tenant, recipients::subscriber_id.eq(0)))?;
    plans.extend(explain(connection, recipients_where!(tenant, recipients::address.eq("")))?);
    plans.extend(explain(connection, recipients_where!(tenant, recipients::folded_address.eq("")))?);
    Ok(plans)
}

fn counted(rows: impl Iterator<Item = QueryResult<Found>>, budget: &Budget) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for row in rows {
        budget.count_row()?;
        found.push(row?);
    }
    Ok(found)
}
