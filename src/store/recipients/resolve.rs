//! Resolves an address to a person's recipients (docs/edna.md §3), on PostgreSQL in one statement, where a round trip takes
//! as long as the work; knows no message.

use diesel::backend::Backend as Database;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Integer, Text};

use crate::model::TenantId;
use crate::model::history::Recipient;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::connection::{Backend, on_each};
use crate::store::db::explain::explain;
use crate::store::db::fragments::File;
#[cfg(feature = "postgres")]
use crate::store::db::fragments::Server;
use crate::store::error::StoreError;
use crate::store::recipients::lookup;
use crate::store::recipients::target::Target;

/// `WITH … found (id) AS (…)`: the recipients whose messages a query finds, as the beginning of a statement.
pub struct RecipientsQuery {
    tenant: i64,
    target: Target,
}

impl RecipientsQuery {
    /// `None` if no recipient can have the address.
    pub fn new(tenant: TenantId, recipient: &Recipient) -> Option<Self> {
        let target = Target::new(recipient)?;
        Some(Self { tenant: tenant.0, target })
    }

    /// Writes the statement's beginning. A condition on the result of a subquery is enclosed in `open` and `close`.
    ///
    /// The sum with zero leaves the index by address as the only one to scan.
    fn write<'b, DB>(&'b self, (open, close): (&str, &str), mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Database + HasSqlType<BigInt> + HasSqlType<Integer> + HasSqlType<Text>,
        i64: ToSql<BigInt, DB>,
        i32: ToSql<Integer, DB>,
        String: ToSql<Text, DB>,
    {
        macro_rules! push {
            ($($part:expr),*) => {{ $(out.push_sql($part);)* out.push_bind_param::<BigInt, _>(&self.tenant)?; }};
        }
        match &self.target {
            Target::Subscriber(id) => {
                push!("WITH theirs AS MATERIALIZED (SELECT id, address FROM recipients WHERE tenant_id = ");
                out.push_sql(" AND subscriber_id = ");
                out.push_bind_param::<BigInt, _>(id)?;
                out.push_sql("), all_found (id) AS (SELECT id FROM theirs");
            }
            Target::Address { column, address, class, .. } => {
                // The recipients with the address in its channel class (3.2).
                push!(
                    "WITH named AS MATERIALIZED (SELECT id, address, subscriber_id FROM recipients WHERE tenant_id = "
                );
                out.push_sql(" AND ");
                out.push_sql(column.name());
                out.push_sql(" = ");
                out.push_bind_param::<Text, _>(address)?;
                out.push_sql(" AND channel_class = ");
                out.push_bind_param::<Integer, _>(class)?;
                push!("), theirs AS MATERIALIZED (SELECT id, address FROM recipients WHERE tenant_id = ");
                // A message without a subscriber belongs to every subscriber to which its address is linked, on any
                // channel (3.1).
                push!(
                    " AND subscriber_id",
                    open,
                    "SELECT subscriber_id FROM named WHERE subscriber_id IS NOT NULL UNION \
                     SELECT subscriber_id FROM recipients WHERE subscriber_id + 0 IS NOT NULL AND tenant_id = "
                );
                for part in
                    [" AND address", open, "SELECT address FROM named WHERE subscriber_id IS NULL", close, close]
                {
                    out.push_sql(part);
                }
                // If there is no link, only the address itself finds its messages.
                out.push_sql(
                    "), all_found (id) AS (SELECT id FROM theirs UNION \
                     SELECT id FROM named WHERE subscriber_id IS NULL",
                );
            }
        }
        push!(" UNION SELECT id FROM recipients WHERE subscriber_id + 0 IS NULL AND tenant_id = ");
        for part in [" AND address", open, "SELECT address FROM theirs", close, "), found (id) AS MATERIALIZED ("] {
            out.push_sql(part);
        }
        match &self.target {
            Target::Address { column, address, address_only: true, .. } => {
                push!("SELECT id FROM recipients WHERE tenant_id = ");
                for part in [" AND id", open, "SELECT id FROM all_found", close, " AND ", column.name(), " = "] {
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

impl QueryFragment<File> for RecipientsQuery {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, File>) -> QueryResult<()> {
        self.write((" IN (", ")"), out)
    }
}

/// The array is built first, so that the index is scanned once for each of its values.
#[cfg(feature = "postgres")]
impl QueryFragment<Server> for RecipientsQuery {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Server>) -> QueryResult<()> {
        self.write((" = ANY (ARRAY(", "))"), out)
    }
}

impl QueryFragment<Backend> for RecipientsQuery {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        Backend::walk_variant_ast(self, out)
    }
}

/// Only the ids.
struct Ids(RecipientsQuery);

impl<DB: Database> QueryFragment<DB> for Ids
where
    RecipientsQuery: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
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

impl<C> RunQueryDsl<C> for Ids {}

/// How the database resolves a recipient, a line for each step: for tests of the planner.
pub fn database_plan(
    connection: &mut Connection,
    tenant: TenantId,
    recipient: &Recipient,
) -> Result<Vec<String>, StoreError> {
    if !connection.is_server() {
        return lookup::database_plans(connection, tenant);
    }
    RecipientsQuery::new(tenant, recipient).map_or(Ok(Vec::new()), |people| explain(connection, Ids(people)))
}

/// The ids of all recipients whose messages a query for an address finds, in ascending order.
pub fn resolve(
    connection: &mut Connection,
    tenant: TenantId,
    recipient: &Recipient,
    budget: &Budget,
) -> Result<Vec<i64>, StoreError> {
    let Some(people) = RecipientsQuery::new(tenant, recipient) else { return Ok(Vec::new()) };
    on_each!(
        connection,
        |file| Ok(lookup::resolve(file, tenant, &people.target, budget)?.into_iter().collect()),
        |server| {
            let mut ids: Vec<i64> = Ids(people).load(server)?;
            ids.sort_unstable();
            Ok(ids)
        }
    )
}
