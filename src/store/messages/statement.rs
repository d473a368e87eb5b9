//! The SQL of a scan of messages; knows no page.

use std::marker::PhantomData;

use diesel::RunQueryDsl;
use diesel::backend::Backend as Database;
use diesel::connection::DefaultLoadingMode;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Text};

use crate::model::HistoryQuery;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::InList;
use crate::store::db::pinned::{Hidden, IndexHint, RowCount, Syntax, query_with_syntax};
use crate::store::error::StoreError;
use crate::store::messages::order;
use crate::store::messages::scan::{Scan, ScanTarget, Values};

/// `SELECT … FROM messages WHERE … ORDER BY … LIMIT ? OFFSET ?`, written by hand: diesel builds a statement of variable
/// parts as boxes, which takes longer than SQLite takes to find a page.
pub struct ScanStatement<'s, 'q, T> {
    scan: &'s Scan<'q>,
    count: RowCount,
    offset: i64,
    limit: i64,
    columns: PhantomData<T>,
}

impl<'s, 'q, T: Columns> ScanStatement<'s, 'q, T> {
    pub fn new(scan: &'s Scan<'q>, count: RowCount, (offset, limit): (i64, i64)) -> Self {
        Self { scan, count, offset, limit, columns: PhantomData }
    }
}

/// How a scan that skips so many rows counts those that it examines.
pub type CountRows<'a> = &'a dyn Fn(i64) -> RowCount;

/// The ids of a scan's messages.
pub type Ids<'s, 'q> = ScanStatement<'s, 'q, BigInt>;

/// The ids and the items of a scan's messages.
pub type IdsAndItems<'s, 'q> = ScanStatement<'s, 'q, (BigInt, Text)>;

impl Ids<'_, '_> {
    /// Loads the ids in their order.
    pub fn load_ids(self, connection: &mut Connection, budget: &Budget) -> Result<Vec<i64>, StoreError> {
        let (mut ids, count) = (Vec::new(), self.count);
        on_each!(connection, |connection| {
            for id in self.load_iter::<i64, DefaultLoadingMode>(connection)? {
                count_passed_on(count, budget)?;
                ids.push(id?);
            }
        });
        Ok(ids)
    }
}

/// Counts a row that a scan has passed on, unless the scan has counted it. This also checks the time.
pub fn count_passed_on(count: RowCount, budget: &Budget) -> Result<(), StoreError> {
    if count == RowCount::Rejected { budget.count_row() } else { Ok(()) }
}

/// The columns of a statement.
pub trait Columns {
    fn columns(syntax: Syntax) -> &'static str;
}

impl Columns for BigInt {
    fn columns(_: Syntax) -> &'static str {
        "message_id"
    }
}

impl Columns for (BigInt, Text) {
    fn columns(syntax: Syntax) -> &'static str {
        match syntax {
            Syntax::File => "message_id, CAST(item AS BLOB)",
            #[cfg(feature = "postgres")]
            Syntax::Server => "message_id, item",
        }
    }
}

impl<T: Columns> ScanStatement<'_, '_, T> {
    fn write<'b, DB>(&'b self, syntax: Syntax, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Database + HasSqlType<BigInt> + HasSqlType<Text>,
        i64: ToSql<BigInt, DB>,
        String: ToSql<Text, DB>,
        str: ToSql<Text, DB>,
        InList: QueryFragment<DB>,
    {
        let Self { scan, .. } = self;
        let hidden = |hint| Hidden { hint, syntax };
        let window = (&scan.query.window.from.0, &scan.query.window.to.0);
        if !order::is_common(&scan.query.sort) {
            out.unsafe_to_cache_prepared();
        }
        for part in ["SELECT ", T::columns(syntax), " FROM messages WHERE "] {
            out.push_sql(part);
        }
        // The first condition is evaluated first, for every row that the index yields.
        out.push_sql(self.count.every_row());
        out.push_sql("tenant_id = ");
        out.push_bind_param::<BigInt, _>(&scan.tenant)?;
        match &scan.target {
            ScanTarget::Listed(list) => any_of::<_, BigInt, _>(" AND message_id", list, &mut out)?,
            ScanTarget::Recipients(list) => any_of::<_, BigInt, _>(" AND recipient_id", list, &mut out)?,
            ScanTarget::CurrentRecipient => out.push_sql(" AND recipient_id = found.id"),
            ScanTarget::Subjects(list, (least, greatest)) => {
                any_of::<_, BigInt, _>(" AND subject_id", list, &mut out)?;
                let suffix = hidden(IndexHint::ById).message_id();
                between((" AND message_id", suffix), (least, greatest), &mut out)?;
            }
            ScanTarget::Ids((least, greatest)) => between((" AND message_id", ""), (least, greatest), &mut out)?,
            ScanTarget::Time => {
                between((" AND sent_or_received_at", hidden(IndexHint::ByTime).sent_at()), window, &mut out)?;
            }
        }
        out.push_sql(" AND (");
        between(("sent_or_received_at", hidden(IndexHint::None).sent_at()), window, &mut out)?;
        if let Some(subjects) = &scan.subjects {
            any_of::<_, BigInt, _>(" AND subject_id + 0", subjects, &mut out)?;
        }
        if let Some(channel_types) = &scan.channel_types {
            any_of::<_, Text, _>(" AND channel_type", channel_types, &mut out)?;
        }
        if let Some(direction) = scan.direction {
            equal::<_, Text, _>(" AND direction", direction, &mut out)?;
        }
        if let Some(traffic_types) = &scan.traffic_types {
            any_of::<_, Text, _>(" AND traffic_type", traffic_types, &mut out)?;
        }
        out.push_sql(self.count.rejected_row());
        out.push_sql(") ORDER BY ");
        order::write(&scan.query.sort, scan.order, syntax, |part| out.push_sql(part));
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.offset)
    }
}

pub(super) fn equal<'b, DB, T, V>(column: &str, value: &'b V, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>
where
    DB: Database + HasSqlType<T>,
    V: ToSql<T, DB> + ?Sized,
{
    out.push_sql(column);
    out.push_sql(" = ");
    out.push_bind_param::<T, V>(value)
}

pub(super) fn between<'b, DB>(
    (column, suffix): (&str, &str),
    (least, greatest): (&'b i64, &'b i64),
    out: &mut AstPass<'_, 'b, DB>,
) -> QueryResult<()>
where
    DB: Database + HasSqlType<BigInt>,
    i64: ToSql<BigInt, DB>,
{
    out.push_sql(column);
    out.push_sql(suffix);
    out.push_sql(" BETWEEN ");
    out.push_bind_param::<BigInt, _>(least)?;
    out.push_sql(" AND ");
    out.push_bind_param::<BigInt, _>(greatest)
}

pub(super) fn any_of<'b, DB, T, V>(
    column: &str,
    values: &'b Values<V>,
    out: &mut AstPass<'_, 'b, DB>,
) -> QueryResult<()>
where
    DB: Database + HasSqlType<T>,
    V: ToSql<T, DB>,
    InList: QueryFragment<DB>,
{
    match values {
        Values::One(only) => equal::<DB, T, V>(column, only, out),
        Values::Several(list) => {
            out.push_sql(column);
            list.walk_ast(out.reborrow())
        }
    }
}

query_with_syntax!({T: Columns} ScanStatement<'_, '_, T> => T);

impl<T, C> RunQueryDsl<C> for ScanStatement<'_, '_, T> {}

/// The ids and the items of the messages with some ids, in any order.
pub struct ItemsOfIds<'q> {
    tenant: i64,
    ids: InList,
    query: &'q HistoryQuery,
}

impl<'q> ItemsOfIds<'q> {
    pub fn new(query: &'q HistoryQuery, ids: &[i64]) -> Self {
        Self { tenant: query.tenant().0, ids: InList::new(ids), query }
    }

    fn write<'b, DB>(&'b self, syntax: Syntax, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Database + HasSqlType<BigInt>,
        i64: ToSql<BigInt, DB>,
        InList: QueryFragment<DB>,
    {
        for part in ["SELECT ", <(BigInt, Text)>::columns(syntax), " FROM messages WHERE tenant_id = "] {
            out.push_sql(part);
        }
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(" AND message_id");
        self.ids.walk_ast(out.reborrow())?;
        // On PostgreSQL, the window excludes partitions.
        let hidden = Hidden { hint: IndexHint::None, syntax }.sent_at();
        let window = (&self.query.window.from.0, &self.query.window.to.0);
        between((" AND sent_or_received_at", hidden), window, &mut out)
    }
}

query_with_syntax!(ItemsOfIds<'_> => (BigInt, Text));
