//! Finds a person's recipients from an address, in one statement (docs/edna.md §3); knows no message.

use diesel::backend::Backend as Database;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Integer, Text};

use crate::model::TenantId;
use crate::model::history::Recipient;
use crate::model::subscriber::{self, AddressType, ChannelClass};
use crate::store::Connection;
use crate::store::db::connection::Backend;
use crate::store::db::explain::explain;
use crate::store::db::fragments::File;
#[cfg(feature = "postgres")]
use crate::store::db::fragments::Server;
use crate::store::db::text::encode;
use crate::store::error::StoreError;

/// `WITH … found (id) AS (…)`: the recipients whose messages answer a question, for a statement to go on with.
pub struct People {
    tenant: i64,
    named: Named,
}

/// Whom a question names.
enum Named {
    Subscriber(i64),
    Address {
        /// Whether case counts.
        column: &'static str,
        address: String,
        class: i32,
        /// Narrow the person to the address itself.
        only: bool,
    },
}

impl People {
    /// `None` where nobody can have the address.
    pub fn new(tenant: TenantId, asked: &Recipient) -> Option<Self> {
        let address = encode(&asked.address);
        let of = |column, address, class: ChannelClass| Named::Address {
            column,
            address,
            class: class as i32,
            only: asked.address_only,
        };
        let named = match asked.address_type {
            AddressType::EdnaId => Named::Subscriber(asked.address.parse().ok()?),
            AddressType::Phone => of("address", address.into_owned(), ChannelClass::Phone),
            AddressType::Email => of("folded_address", subscriber::case_fold(&address), ChannelClass::Other),
            AddressType::Other => of("address", address.into_owned(), ChannelClass::Other),
        };
        Some(Self { tenant: tenant.0, named })
    }

    /// Writes the statement's beginning. `list` is how a condition on a list that a query gives begins and ends.
    ///
    /// The sum with zero leaves the index by address as the only one to walk.
    fn write<'b, DB>(&'b self, (first, last): (&str, &str), mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Database + HasSqlType<BigInt> + HasSqlType<Integer> + HasSqlType<Text>,
        i64: ToSql<BigInt, DB>,
        i32: ToSql<Integer, DB>,
        String: ToSql<Text, DB>,
    {
        macro_rules! push {
            ($($part:expr),*) => {{ $(out.push_sql($part);)* out.push_bind_param::<BigInt, _>(&self.tenant)?; }};
        }
        match &self.named {
            Named::Subscriber(id) => {
                push!("WITH theirs AS MATERIALIZED (SELECT id, address FROM recipients WHERE tenant_id = ");
                out.push_sql(" AND subscriber_id = ");
                out.push_bind_param::<BigInt, _>(id)?;
                out.push_sql("), all_found (id) AS (SELECT id FROM theirs");
            }
            Named::Address { column, address, class, .. } => {
                // Whom the address names on its channels (3.2).
                push!(
                    "WITH named AS MATERIALIZED (SELECT id, address, subscriber_id FROM recipients WHERE tenant_id = "
                );
                out.push_sql(" AND ");
                out.push_sql(column);
                out.push_sql(" = ");
                out.push_bind_param::<Text, _>(address)?;
                out.push_sql(" AND channel_class = ");
                out.push_bind_param::<Integer, _>(class)?;
                push!("), theirs AS MATERIALIZED (SELECT id, address FROM recipients WHERE tenant_id = ");
                // A message without a subscriber belongs to every subscriber its address is linked to, on any
                // channel (3.1).
                push!(
                    " AND subscriber_id",
                    first,
                    "SELECT subscriber_id FROM named WHERE subscriber_id IS NOT NULL UNION \
                     SELECT subscriber_id FROM recipients WHERE subscriber_id + 0 IS NOT NULL AND tenant_id = "
                );
                for part in [" AND address", first, "SELECT address FROM named WHERE subscriber_id IS NULL", last, last]
                {
                    out.push_sql(part);
                }
                // Where there is no link, the address alone finds its messages.
                out.push_sql(
                    "), all_found (id) AS (SELECT id FROM theirs UNION \
                     SELECT id FROM named WHERE subscriber_id IS NULL",
                );
            }
        }
        push!(" UNION SELECT id FROM recipients WHERE subscriber_id + 0 IS NULL AND tenant_id = ");
        for part in [" AND address", first, "SELECT address FROM theirs", last, "), found (id) AS MATERIALIZED ("] {
            out.push_sql(part);
        }
        match &self.named {
            Named::Address { column, address, only: true, .. } => {
                push!("SELECT id FROM recipients WHERE tenant_id = ");
                for part in [" AND id", first, "SELECT id FROM all_found", last, " AND ", column, " = "] {
                    out.push_sql(part);
                }
                out.push_bind_param::<Text, _>(address)?;
            }
            _ => out.push_sql("SELECT id FROM all_found"),
        }
        out.push_sql(") ");
        Ok(())
    }
}

impl QueryFragment<File> for People {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, File>) -> QueryResult<()> {
        self.write((" IN (", ")"), out)
    }
}

/// The list is gathered first, so that an index is walked once for each of its values.
#[cfg(feature = "postgres")]
impl QueryFragment<Server> for People {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Server>) -> QueryResult<()> {
        self.write((" = ANY (ARRAY(", "))"), out)
    }
}

impl QueryFragment<Backend> for People {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        Backend::walk_variant_ast(self, out)
    }
}

/// The ids alone.
struct Ids(People);

impl QueryFragment<Backend> for Ids {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql("SELECT id FROM found");
        Ok(())
    }
}

impl QueryId for Ids {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Ids {
    type SqlType = BigInt;
}

impl RunQueryDsl<Connection> for Ids {}

/// How the database finds them, a line for each step: for tests of the planner.
pub fn plan(connection: &mut Connection, tenant: TenantId, asked: &Recipient) -> Result<Vec<String>, StoreError> {
    People::new(tenant, asked).map_or(Ok(Vec::new()), |people| explain(connection, Ids(people)))
}

/// The ids of all recipients whose messages answer a question about an address.
pub fn resolve(connection: &mut Connection, tenant: TenantId, asked: &Recipient) -> Result<Vec<i64>, StoreError> {
    let Some(people) = People::new(tenant, asked) else { return Ok(Vec::new()) };
    let mut ids: Vec<i64> = Ids(people).load(connection)?;
    ids.sort_unstable();
    Ok(ids)
}
