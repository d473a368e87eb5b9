//! Which index a scan of messages uses and which of its rows it counts, as parts of SQL; knows no query.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

use crate::store::db::connection::Backend;
use crate::store::db::fragments::Portable;
use crate::store::schema::messages;

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

/// Which database a statement is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    File,
    #[cfg(feature = "postgres")]
    Server,
}

/// What has to follow a column of messages in a statement, so that only the index of the hint matches it.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    pub hint: IndexHint,
    pub syntax: Syntax,
}

impl Hidden {
    pub fn message_id(self) -> &'static str {
        let is_sum = match self.syntax {
            Syntax::File => self.hint == IndexHint::None,
            #[cfg(feature = "postgres")]
            Syntax::Server => matches!(self.hint, IndexHint::ById | IndexHint::None),
        };
        if is_sum { " + 0" } else { "" }
    }

    /// PostgreSQL prunes partitions by the time, unless the index is the one by time.
    pub fn sent_at(self) -> &'static str {
        let is_sum = match self.syntax {
            Syntax::File => self.hint != IndexHint::ByTime,
            #[cfg(feature = "postgres")]
            Syntax::Server => self.hint == IndexHint::ByTime,
        };
        if is_sum { " + 0" } else { "" }
    }
}

/// For which rows a scan of messages on SQLite calls a function of ours, which counts them and can cancel the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowCount {
    /// For none. A statement on PostgreSQL is cancelled from another connection.
    None,
    /// For every row that the index yields.
    Every,
    /// For those that the scan rejects; the others are counted as they are read.
    Rejected,
    /// For every row, to count it for a test.
    Examined,
}

impl RowCount {
    /// What the conditions of a scan begin with.
    pub fn every_row(self) -> &'static str {
        match self {
            Self::Every => "row_wanted(message_id) AND ",
            Self::Examined => "row_examined(message_id) AND ",
            Self::None | Self::Rejected => "",
        }
    }

    /// What the filters of a scan end with. The function returns true, so a rejected row stays rejected.
    pub fn rejected_row(self) -> &'static str {
        if self == Self::Rejected { " OR NOT row_wanted(message_id)" } else { "" }
    }
}

/// A numeric column, or its sum with zero, which no index on the bare column matches.
///
/// Thus exactly one index matches each statement, and the database has nothing to choose. SQLite's indexes are on bare
/// columns. PostgreSQL's are on sums, except the primary key, because the bare time must stay available for partition
/// pruning.
pub struct PinnedColumn<C> {
    column: C,
    suffix: fn(Hidden) -> &'static str,
    hint: IndexHint,
}

/// A message's id in a statement that scans an index.
pub fn message_id(hint: IndexHint) -> PinnedColumn<messages::message_id> {
    PinnedColumn { column: messages::message_id, suffix: Hidden::message_id, hint }
}

/// A message's time in a statement that scans an index.
pub fn sent_at(hint: IndexHint) -> PinnedColumn<messages::sent_or_received_at> {
    PinnedColumn { column: messages::sent_or_received_at, suffix: Hidden::sent_at, hint }
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
        out.push_sql((self.suffix)(Hidden { hint: self.hint, syntax: Syntax::File }));
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C: QueryFragment<Pg>> QueryFragment<Pg> for PinnedColumn<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql((self.suffix)(Hidden { hint: self.hint, syntax: Syntax::Server }));
        Ok(())
    }
}

/// Makes a query of a hand-written statement, whose method `write` takes the syntax; names what its rows are.
macro_rules! query_with_syntax {
    ($({$generic:ident: $bound:path})? $statement:ty => $row:ty) => {
        impl$(<$generic: $bound>)? diesel::query_builder::QueryFragment<$crate::store::db::fragments::File> for $statement {
            fn walk_ast<'b>(
                &'b self,
                out: diesel::query_builder::AstPass<'_, 'b, $crate::store::db::fragments::File>,
            ) -> diesel::result::QueryResult<()> {
                self.write($crate::store::db::pinned::Syntax::File, out)
            }
        }

        #[cfg(feature = "postgres")]
        impl$(<$generic: $bound>)? diesel::query_builder::QueryFragment<$crate::store::db::fragments::Server> for $statement {
            fn walk_ast<'b>(
                &'b self,
                out: diesel::query_builder::AstPass<'_, 'b, $crate::store::db::fragments::Server>,
            ) -> diesel::result::QueryResult<()> {
                self.write($crate::store::db::pinned::Syntax::Server, out)
            }
        }

        impl$(<$generic: $bound>)? diesel::query_builder::QueryFragment<$crate::store::db::connection::Backend> for $statement {
            fn walk_ast<'b>(
                &'b self,
                out: diesel::query_builder::AstPass<'_, 'b, $crate::store::db::connection::Backend>,
            ) -> diesel::result::QueryResult<()> {
                $crate::store::db::connection::Backend::walk_variant_ast(self, out)
            }
        }

        impl$(<$generic: $bound>)? diesel::query_builder::QueryId for $statement {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl$(<$generic: $bound>)? diesel::query_builder::Query for $statement {
            type SqlType = $row;
        }
    };
}
pub(in crate::store) use query_with_syntax;
