//! A person's page in one statement, for PostgreSQL: a round trip takes as long as the work itself; knows no filter.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text};

use crate::store::Connection;
use crate::store::db::connection::Backend;
use crate::store::recipients::resolve::RecipientsQuery;
use crate::store::schema::messages;

/// The first messages of each of a person's recipients, from a scan of its index, and of these the first ones.
pub struct PersonPage<'a> {
    pub people: RecipientsQuery,
    /// The statement that runs for each recipient, with the condition `CurrentRecipient`.
    pub per_recipient: messages::BoxedQuery<'a, Backend, (BigInt, Text)>,
    pub descending: bool,
    pub limit: i64,
}

impl QueryFragment<Backend> for PersonPage<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        self.people.walk_ast(out.reborrow())?;
        out.push_sql("SELECT page.message_id, page.item FROM found CROSS JOIN LATERAL (");
        QueryFragment::<Backend>::walk_ast(&self.per_recipient, out.reborrow())?;
        out.push_sql(") AS page (message_id, item) ORDER BY page.message_id ");
        out.push_sql(if self.descending { "DESC LIMIT " } else { "ASC LIMIT " });
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl QueryId for PersonPage<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for PersonPage<'_> {
    type SqlType = (BigInt, Text);
}

impl RunQueryDsl<Connection> for PersonPage<'_> {}

/// Whether a message belongs to the current recipient of the enclosing statement.
pub struct CurrentRecipient;

impl Expression for CurrentRecipient {
    type SqlType = Bool;
}

impl AppearsOnTable<messages::table> for CurrentRecipient {}

impl<G> ValidGrouping<G> for CurrentRecipient {
    type IsAggregate = is_aggregate::Never;
}

impl QueryId for CurrentRecipient {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for CurrentRecipient {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        messages::recipient_id.walk_ast(out.reborrow())?;
        out.push_sql(" = found.id");
        Ok(())
    }
}
