//! SQL that differs between the databases: expressions, functions, migrations; knows no query.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

#[cfg(feature = "postgres")]
use diesel::pg::Pg;
#[cfg(feature = "postgres")]
use diesel::sql_types::Array;

use crate::store::db::connection::Backend;
use crate::store::schema::messages;

pub type File = Sqlite;
#[cfg(feature = "postgres")]
pub type Server = Pg;

pub const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
pub const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A part of a statement that can be written for every database.
#[cfg(feature = "postgres")]
pub trait Portable: QueryFragment<Sqlite> + QueryFragment<Pg> {}
#[cfg(feature = "postgres")]
impl<T: QueryFragment<Sqlite> + QueryFragment<Pg>> Portable for T {}
#[cfg(not(feature = "postgres"))]
pub trait Portable: QueryFragment<Sqlite> {}
#[cfg(not(feature = "postgres"))]
impl<T: QueryFragment<Sqlite>> Portable for T {}

/// Which index a statement is to scan. Its columns are left bare; those of other indexes are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexHint {
    PrimaryKey,
    /// The index of one recipient's or one subject's messages, by id.
    ById,
    /// The index by time.
    ByTime,
    /// None: the rows are sorted.
    None,
}

/// A numeric column, or its sum with zero, which no index on the bare column matches.
///
/// Thus exactly one index matches each statement, and the database has nothing to choose. SQLite's indexes are on bare
/// columns. PostgreSQL's are on sums, except the primary key, because the bare time must stay available for partition
/// pruning.
pub struct PinnedColumn<C> {
    column: C,
    sum_on_file: bool,
    #[cfg(feature = "postgres")]
    sum_on_server: bool,
}

impl<C> PinnedColumn<C> {
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only a server's differ"))]
    fn new(column: C, sum_on_file: bool, sum_on_server: bool) -> Self {
        Self {
            column,
            sum_on_file,
            #[cfg(feature = "postgres")]
            sum_on_server,
        }
    }
}

/// A message's id in a statement that scans an index.
pub fn message_id(hint: IndexHint) -> PinnedColumn<messages::message_id> {
    let sum_on_server = matches!(hint, IndexHint::ById | IndexHint::None);
    PinnedColumn::new(messages::message_id, hint == IndexHint::None, sum_on_server)
}

/// A message's time in a statement that scans an index. PostgreSQL prunes partitions by it, unless the index is the one
/// by time.
pub fn sent_at(hint: IndexHint) -> PinnedColumn<messages::sent_or_received_at> {
    PinnedColumn::new(messages::sent_or_received_at, hint != IndexHint::ByTime, hint == IndexHint::ByTime)
}

/// A message's subject, hidden from its index.
pub fn subject_id() -> PinnedColumn<messages::subject_id> {
    PinnedColumn::new(messages::subject_id, true, true)
}

impl<C: Expression> Expression for PinnedColumn<C> {
    type SqlType = C::SqlType;
}

impl<C: AppearsOnTable<T>, T> AppearsOnTable<T> for PinnedColumn<C> {}

impl<C, G> ValidGrouping<G> for PinnedColumn<C> {
    type IsAggregate = is_aggregate::Never;
}

impl<C> QueryId for PinnedColumn<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: Portable> QueryFragment<Backend> for PinnedColumn<C> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        Backend::walk_variant_ast(self, out)
    }
}

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for PinnedColumn<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(if self.sum_on_file { " + 0" } else { "" });
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C: QueryFragment<Pg>> QueryFragment<Pg> for PinnedColumn<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(if self.sum_on_server { " + 0" } else { "" });
        Ok(())
    }
}

/// A message's content, which only its item contains.
pub struct ItemContent;

impl QueryFragment<Backend> for ItemContent {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        Backend::walk_variant_ast(self, out)
    }
}

impl QueryFragment<Sqlite> for ItemContent {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("json_extract(");
        messages::item.walk_ast(out.reborrow())?;
        out.push_sql(", '$.content')");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl QueryFragment<Pg> for ItemContent {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("message_content(");
        messages::item.walk_ast(out.reborrow())?;
        out.push_sql(") COLLATE \"C\"");
        Ok(())
    }
}

/// An instant's column as searches compare it: the text that clients see, case-folded: `2026-03-26t10:26:14.311z`.
pub struct InstantText(pub &'static str);

impl QueryFragment<Backend> for InstantText {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        Backend::walk_variant_ast(self, out)
    }
}

impl InstantText {
    /// Writes a template in which `$` stands for the column.
    fn push<DB: diesel::backend::Backend>(&self, template: &str, mut out: AstPass<'_, '_, DB>) -> QueryResult<()> {
        for (index, part) in template.split('$').enumerate() {
            if index > 0 {
                out.push_identifier(self.0)?;
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

impl QueryFragment<Sqlite> for InstantText {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        // A remainder has the sign of the dividend, so both parts are made non-negative.
        let seconds = "strftime('%Y-%m-%dt%H:%M:%S', ($ - (($ % 1000) + 1000) % 1000) / 1000, 'unixepoch')";
        self.push(&format!("({seconds} || printf('.%03dz', (($ % 1000) + 1000) % 1000))"), out)
    }
}

#[cfg(feature = "postgres")]
impl QueryFragment<Pg> for InstantText {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // In days and milliseconds, because the product of an interval and a large number is not exact.
        let days = "($ / 86400000) * interval '1 day'";
        let rest = "($ % 86400000) * interval '1 millisecond'";
        let time = format!("timestamp '1970-01-01' + {days} + {rest}");
        // In PostgreSQL, the year before 1 is a year BC.
        let year = format!("CASE WHEN $ < -62135596800000 THEN '0000' ELSE to_char({time}, 'YYYY') END");
        self.push(&format!("({year} || to_char({time}, '-MM-DD\"t\"HH24:MI:SS.MS\"z\"'))"), out)
    }
}

/// A part of a statement that differs between the databases.
pub struct DialectSql {
    pub on_file: &'static str,

    pub on_server: &'static str,
}

impl QueryFragment<Backend> for DialectSql {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        Backend::walk_variant_ast(self, out)
    }
}

impl QueryFragment<Sqlite> for DialectSql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(self.on_file);
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl QueryFragment<Pg> for DialectSql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.on_server);
        Ok(())
    }
}

/// The sum of an integer column, cast to `BIGINT`: its own type differs between the databases, and diesel prepares
/// statements with SQL literals anew each time.
pub struct Sum(pub &'static str);

impl Expression for Sum {
    type SqlType = Nullable<BigInt>;
}

impl<T> AppearsOnTable<T> for Sum {}
impl<T> SelectableExpression<T> for Sum {}

impl<G> ValidGrouping<G> for Sum {
    type IsAggregate = is_aggregate::Yes;
}

impl QueryId for Sum {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for Sum {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("CAST(sum(");
        out.push_identifier(self.0)?;
        out.push_sql(") AS BIGINT)");
        Ok(())
    }
}

/// The values of `any_of`.
pub enum List {
    Numbers(Vec<i64>),
    Texts(Vec<String>),
}

/// What a list can contain: numbers, or texts as columns hold them.
pub trait ListValue: Sized {
    fn list(values: impl Iterator<Item = Self>) -> List;
}

impl ListValue for &i64 {
    fn list(values: impl Iterator<Item = Self>) -> List {
        List::Numbers(values.copied().collect())
    }
}

impl ListValue for &str {
    fn list(values: impl Iterator<Item = Self>) -> List {
        List::Texts(values.map(str::to_owned).collect())
    }
}

impl ListValue for &String {
    fn list(values: impl Iterator<Item = Self>) -> List {
        <&str>::list(values.map(String::as_str))
    }
}

/// `expression IN (list)`, with the list bound as one value: whatever its length, the statement is the same, so it is
/// prepared once.
pub struct AnyOf<E> {
    pub(in crate::store) expression: E,
    #[cfg(feature = "postgres")]
    list: List,
    #[cfg(feature = "postgres")]
    is_filter: bool,
    json: String,
}

impl<E> AnyOf<E> {
    /// For a condition that is checked for every row of a scan. PostgreSQL then looks the value up in a hash table of
    /// the list, instead of searching the list, which may be long, for each row.
    #[must_use]
    pub fn as_filter(self) -> Self {
        Self {
            #[cfg(feature = "postgres")]
            is_filter: true,
            ..self
        }
    }
}

/// Whether an expression equals one of some values, which are numbers or texts.
pub fn any_of<E, T: ListValue>(expression: E, values: impl IntoIterator<Item = T>) -> AnyOf<E> {
    let list = T::list(values.into_iter());
    // Serializing a list of numbers or texts cannot fail.
    let json = match &list {
        List::Numbers(numbers) => serde_json::to_string(numbers),
        List::Texts(texts) => serde_json::to_string(texts),
    };
    AnyOf {
        expression,
        #[cfg(feature = "postgres")]
        list,
        #[cfg(feature = "postgres")]
        is_filter: false,
        json: json.unwrap_or_default(),
    }
}

impl<E> Expression for AnyOf<E> {
    type SqlType = Bool;
}

impl<E: AppearsOnTable<T>, T> AppearsOnTable<T> for AnyOf<E> {}

impl<E, G> ValidGrouping<G> for AnyOf<E> {
    type IsAggregate = is_aggregate::Never;
}

impl<E> QueryId for AnyOf<E> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<E: Portable> QueryFragment<Backend> for AnyOf<E> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        Backend::walk_variant_ast(self, out)
    }
}

impl<E: QueryFragment<Sqlite>> QueryFragment<Sqlite> for AnyOf<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.expression.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql("))");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<E: QueryFragment<Pg>> QueryFragment<Pg> for AnyOf<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(if self.is_filter { "(" } else { "" });
        self.expression.walk_ast(out.reborrow())?;
        out.push_sql(if self.is_filter { " IN (SELECT unnest(" } else { " = ANY (" });
        match &self.list {
            List::Numbers(numbers) => out.push_bind_param::<Array<BigInt>, _>(numbers)?,
            List::Texts(texts) => out.push_bind_param::<Array<Text>, _>(texts)?,
        }
        // The comparison with `true` keeps the planner from turning it into a join.
        out.push_sql(if self.is_filter { ")) = true)" } else { ")" });
        Ok(())
    }
}
