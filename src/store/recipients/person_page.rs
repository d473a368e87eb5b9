//! A person's page in one statement, for PostgreSQL: a round trip takes as long as the work itself; knows no filter.

use diesel::RunQueryDsl;
use diesel::backend::Backend as Database;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text};

use crate::store::messages::statement::IdsAndItems;
use crate::store::recipients::resolve::RecipientsQuery;

/// The first messages of each of a person's recipients, from a scan of its index, and of these the first ones.
pub struct PersonPage<'s, 'q> {
    pub people: &'s RecipientsQuery,
    /// The statement that runs for each recipient.
    pub per_recipient: IdsAndItems<'s, 'q>,
    pub descending: bool,
    pub limit: i64,
}

impl<DB> QueryFragment<DB> for PersonPage<'_, '_>
where
    DB: Database + HasSqlType<BigInt>,
    i64: ToSql<BigInt, DB>,
    RecipientsQuery: QueryFragment<DB>,
    for<'s, 'q> IdsAndItems<'s, 'q>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.people.walk_ast(out.reborrow())?;
        out.push_sql("SELECT page.message_id, page.item FROM found CROSS JOIN LATERAL (");
        self.per_recipient.walk_ast(out.reborrow())?;
        out.push_sql(") AS page (message_id, item) ORDER BY page.message_id ");
        out.push_sql(if self.descending { "DESC LIMIT " } else { "ASC LIMIT " });
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl QueryId for PersonPage<'_, '_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for PersonPage<'_, '_> {
    type SqlType = (BigInt, Text);
}

impl<C> RunQueryDsl<C> for PersonPage<'_, '_> {}
