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

/// ` IN (list)`, with the list bound as one value: whatever its length, the statement is the same, so it is prepared
/// once.
pub struct InList {
    #[cfg(feature = "postgres")]
    list: List,
    json: String,
}

impl InList {
    pub fn new<T: ListValue>(values: impl IntoIterator<Item = T>) -> Self {
        let list = T::list(values.into_iter());
        // Serializing a list of numbers or texts cannot fail.
        let json = match &list {
            List::Numbers(numbers) => serde_json::to_string(numbers),
            List::Texts(texts) => serde_json::to_string(texts),
        };
        Self {
            #[cfg(feature = "postgres")]
            list,
            json: json.unwrap_or_default(),
        }
    }
}

impl QueryFragment<Sqlite> for InList {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql("))");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl InList {
    fn push_array<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.list {
            List::Numbers(numbers) => out.push_bind_param::<Array<BigInt>, _>(numbers),
            List::Texts(texts) => out.push_bind_param::<Array<Text>, _>(texts),
        }
    }
}

#[cfg(feature = "postgres")]
impl QueryFragment<Pg> for InList {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" = ANY (");
        self.push_array(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// `expression IN (list)`.
pub struct AnyOf<E> {
    pub(in crate::store) expression: E,
    #[cfg(feature = "postgres")]
    is_filter: bool,
    list: InList,
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
    AnyOf {
        expression,
        #[cfg(feature = "postgres")]
        is_filter: false,
        list: InList::new(values),
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
        self.list.walk_ast(out)
    }
}

#[cfg(feature = "postgres")]
impl<E: QueryFragment<Pg>> QueryFragment<Pg> for AnyOf<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.is_filter {
            self.expression.walk_ast(out.reborrow())?;
            return self.list.walk_ast(out);
        }
        out.push_sql("(");
        self.expression.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT unnest(");
        self.list.push_array(out.reborrow())?;
        // The comparison with `true` keeps the planner from turning it into a join.
        out.push_sql(")) = true)");
        Ok(())
    }
}
