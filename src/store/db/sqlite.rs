//! What only SQLite needs: SQL functions of ours that cancel a long scan from inside; knows no table.
//!
//! A statement calls them for every row, or for every row that it rejects. Once its query is cancelled, their result
//! cannot be serialized, which ends the statement at once.

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection};

use crate::model::like::Matcher;
use crate::store::db::budget::{Budget, CurrentBudget};
use crate::store::error::StoreError;

/// Lists the tables, except SQLite's internal ones, in a column `value`.
pub const TABLES: &str = "SELECT name AS value FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name";

/// The table of a name in a column `value`, if there is one.
pub const TABLE_OF_NAME: &str = "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name = ?";

/// Rewrites the first page of a file.
pub const TOUCH: &str = "PRAGMA user_version = 0";

/// The size of the database in bytes, in a column `value`.
pub const BYTES: &str = "SELECT page_count * page_size AS value FROM pragma_page_count, pragma_page_size";

/// Rewrites a file without free pages, in its write-ahead log.
pub const SHRINK: &str = "VACUUM";

/// Moves the whole write-ahead log into the file; in a column `busy`, whether something kept it from that.
pub const TRUNCATE_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// From how many pages on the write-ahead log is left to the writer: only while it waits can the log be moved to its end,
/// and begin anew.
pub const MAX_LOG_PAGES: i32 = 16_384;

/// How many pages the write-ahead log has, in a column `log`, and how many of them are in the file, in `checkpointed`.
pub const LOG_PAGES: &str = "PRAGMA wal_checkpoint(NOOP)";

/// Moves pages of the write-ahead log into the file, as far as no reader needs what they replace. It waits for no lock.
pub const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Lists the faults in a file's structure in a column `value`, or returns `ok`.
pub const STRUCTURE: &str = "SELECT integrity_check AS value FROM pragma_integrity_check";

/// Moves the write-ahead log into its file and locks the file; fails as busy while another connection has it open.
pub const EXCLUSIVE: &str = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE";

/// Begins, commits and rolls back a read's transaction, each prepared once: parsing them takes longer than running them.
pub struct ReadTransaction<const STEP: u8>;

pub const BEGIN: ReadTransaction<0> = ReadTransaction;
pub const COMMIT: ReadTransaction<1> = ReadTransaction;
pub const ROLLBACK: ReadTransaction<2> = ReadTransaction;

impl<const STEP: u8> QueryFragment<Sqlite> for ReadTransaction<STEP> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(["BEGIN", "COMMIT", "ROLLBACK"][usize::from(STEP)]);
        Ok(())
    }
}

impl<const STEP: u8> QueryId for ReadTransaction<STEP> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const STEP: u8> RunQueryDsl<SqliteConnection> for ReadTransaction<STEP> {}

#[diesel::declare_sql_function]
extern "SQL" {
    /// True unless the query is cancelled; counts the rows that it is called for.
    fn row_wanted(number: BigInt) -> Bool;

    /// Whether a text matches a `LIKE` pattern whose escape character is the backslash. Unlike `LIKE`, it can be
    /// cancelled within a text and is case-sensitive.
    fn text_like(text: Nullable<Text>, pattern: Text) -> Nullable<Bool>;
}

/// A function's result, or the error that cancels the statement.
#[derive(Debug)]
struct FunctionResult(Result<bool, StoreError>);

impl ToSql<Bool, Sqlite> for FunctionResult {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        match &self.0 {
            Ok(value) => {
                out.set_value(i32::from(*value));
                Ok(IsNull::No)
            }
            Err(error) => Err(error.to_string().into()),
        }
    }
}

/// Registers the functions on a connection. They check the budget of the connection's current work.
pub fn register(connection: &mut SqliteConnection, current: &CurrentBudget) -> QueryResult<()> {
    let row_budget = current.clone();
    row_wanted_utils::register_nondeterministic_impl(connection, move |_: i64| {
        FunctionResult(row_budget.check_with(Budget::count_row).map(|()| true))
    })?;
    let text_budget = current.clone();
    // A statement matches many texts against one pattern, so the compiled pattern is kept.
    let (mut last_pattern, mut matcher) = (String::new(), Matcher::new(""));
    text_like_utils::register_nondeterministic_impl(connection, move |text: Option<String>, pattern: String| {
        let text = text?;
        if last_pattern != pattern {
            matcher = Matcher::new(&pattern);
            last_pattern = pattern;
        }
        // A certain number of compared characters counts as one row.
        Some(FunctionResult(matcher.matches(&text, &mut || text_budget.check_with(Budget::count_row))))
    })
}
