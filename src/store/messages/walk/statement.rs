//! The SQL of a walk: the next messages of one source, each with its item if it passes the filters in columns; knows no
//! page.
//!
//! Messages that do not pass are returned too, without their item, so the reader counts what the database examines, and
//! knows how far it has come when a page ends early.

use diesel::RunQueryDsl;
use diesel::backend::Backend as Database;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text};

use crate::model::TenantId;
use crate::model::history::Window;
use crate::store::db::fragments::InList;
use crate::store::db::pinned::{Hidden, IndexHint, RowCount, Syntax, query_with_syntax};
use crate::store::messages::statement::{any_of, between, equal};
use crate::store::messages::walk::condition::ColumnFilters;
use crate::store::messages::walk::source::Source;

/// What stands for an item that does not pass, and for one that is too long to be read together with others.
pub const NO_MATCH: &[u8] = b"";
pub const LONG: &[u8] = b"-";

/// Up to how many bytes an item is read together with others: a driver of PostgreSQL holds all rows of a statement in
/// memory.
const MAX_ITEM_BYTES: &str = "16384";

/// Statements with more filters are not kept prepared: callers choose them, so keeping each combination would fill the
/// memory of the gateway and of the database.
const MAX_KEPT_FILTERS: usize = 2;

/// `SELECT message_id, CASE WHEN … THEN item ELSE '' END FROM messages WHERE … ORDER BY message_id LIMIT ?`; listed messages
/// come in no order.
pub struct NextMessages<'s> {
    pub tenant: TenantId,
    pub source: &'s Source,
    /// The ids that are looked up, if the source is a list; else empty.
    pub listed: InList,
    pub filters: &'s ColumnFilters,
    /// The first and the last id.
    pub ids: (i64, i64),
    /// A range that contains the times of all messages; on PostgreSQL, it excludes partitions.
    pub times: Option<Window>,
    pub descending: bool,
    pub limit: i64,
    pub count: RowCount,
}

impl NextMessages<'_> {
    fn write<'b, DB>(&'b self, syntax: Syntax, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Database + HasSqlType<BigInt> + HasSqlType<Text>,
        i64: ToSql<BigInt, DB>,
        String: ToSql<Text, DB>,
        str: ToSql<Text, DB>,
        InList: QueryFragment<DB>,
    {
        let index = match self.source {
            Source::Number(index, _) | Source::Text(index, _) => Some(index.names()),
            Source::All | Source::Ids(_) => None,
        };
        let hint = if index.is_some() { IndexHint::ById } else { IndexHint::PrimaryKey };
        let (message_id, sent_at) = (Hidden { hint, syntax }.message_id(), Hidden { hint, syntax }.sent_at());
        if self.filters.count() > MAX_KEPT_FILTERS {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("SELECT message_id, ");
        self.write_item(syntax, out.reborrow())?;
        out.push_sql(" FROM messages");
        if let (Some((name, _)), Syntax::File) = (index, syntax) {
            out.push_sql(" INDEXED BY ");
            out.push_sql(name);
        }
        out.push_sql(" WHERE ");
        out.push_sql(self.count.every_row());
        equal::<_, BigInt, _>("tenant_id", &self.tenant.0, &mut out)?;
        if let Some((_, column)) = index {
            out.push_sql(" AND ");
            out.push_sql(column);
        }
        match self.source {
            Source::All => {}
            Source::Ids(_) => {
                out.push_sql(" AND message_id");
                self.listed.walk_ast(out.reborrow())?;
            }
            Source::Number(_, value) => equal::<_, BigInt, _>("", value, &mut out)?,
            Source::Text(_, value) => equal::<_, Text, _>("", value, &mut out)?,
        }
        let is_list = matches!(self.source, Source::Ids(_));
        if !is_list {
            between((" AND message_id", message_id), (&self.ids.0, &self.ids.1), &mut out)?;
        }
        if let Some(times) = &self.times {
            between((" AND sent_or_received_at", sent_at), (&times.from.0, &times.to.0), &mut out)?;
        }
        if is_list {
            // Listed ids are looked up one by one, and sorted afterwards.
            return Ok(());
        }
        for part in [" ORDER BY message_id", message_id, if self.descending { " DESC" } else { " ASC" }, " LIMIT "] {
            out.push_sql(part);
        }
        out.push_bind_param::<BigInt, _>(&self.limit)
    }

    /// The item, if it passes.
    fn write_item<'b, DB>(&'b self, syntax: Syntax, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Database + HasSqlType<BigInt> + HasSqlType<Text>,
        i64: ToSql<BigInt, DB>,
        String: ToSql<Text, DB>,
        str: ToSql<Text, DB>,
        InList: QueryFragment<DB>,
    {
        let (item, no_match, long) = match syntax {
            Syntax::File => ("CAST(item AS BLOB)", "x''", "x'2d'"),
            #[cfg(feature = "postgres")]
            Syntax::Server => ("item", "''", "'-'"),
        };
        if !self.filters.is_empty() {
            out.push_sql("CASE WHEN tenant_id IS NOT NULL");
            self.write_filters(out.reborrow())?;
            out.push_sql(" THEN ");
        }
        for part in ["CASE WHEN octet_length(item) > ", MAX_ITEM_BYTES, " THEN ", long, " ELSE ", item, " END"] {
            out.push_sql(part);
        }
        if !self.filters.is_empty() {
            for part in [" ELSE ", no_match, " END"] {
                out.push_sql(part);
            }
        }
        Ok(())
    }

    fn write_filters<'b, DB>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Database + HasSqlType<BigInt> + HasSqlType<Text>,
        i64: ToSql<BigInt, DB>,
        String: ToSql<Text, DB>,
        str: ToSql<Text, DB>,
        InList: QueryFragment<DB>,
    {
        let ColumnFilters { window, subjects, channel_types, direction, traffic_types, recipients } = self.filters;
        if let Some(window) = window {
            between((" AND sent_or_received_at", ""), (&window.from.0, &window.to.0), &mut out)?;
        }
        if let Some(subjects) = subjects {
            any_of::<_, BigInt, _>(" AND subject_id", subjects, &mut out)?;
        }
        if let Some(channel_types) = channel_types {
            any_of::<_, Text, _>(" AND channel_type", channel_types, &mut out)?;
        }
        if let Some(direction) = direction {
            equal::<_, Text, str>(" AND direction", direction, &mut out)?;
        }
        if let Some(traffic_types) = traffic_types {
            any_of::<_, Text, _>(" AND traffic_type", traffic_types, &mut out)?;
        }
        if let Some(recipients) = recipients {
            out.push_sql(" AND recipient_id");
            recipients.walk_ast(out)?;
        }
        Ok(())
    }
}

query_with_syntax!(NextMessages<'_> => (BigInt, Text));

impl<C> RunQueryDsl<C> for NextMessages<'_> {}
