//! What SQLite alone needs: functions of ours, by which a statement that looks at many rows can be ended from inside; knows
//! no table.
//!
//! A statement calls them for every row. Where a question is not wanted any more their result cannot be written, which
//! ends the statement at once.

use diesel::SqliteConnection;
use diesel::result::QueryResult;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use crate::model::like::Matcher;
use crate::store::db::budget::{Budget, Current};
use crate::store::error::StoreError;

/// Lists the tables, each in a column `value`; those that SQLite keeps for itself aside.
pub const TABLES: &str = "SELECT name AS value FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name";

/// Writes the first page of a file anew.
pub const TOUCH: &str = "PRAGMA user_version = 0";

/// How many bytes the file takes, in a column `value`.
pub const BYTES: &str = "SELECT page_count * page_size AS value FROM pragma_page_count, pragma_page_size";

/// Lists what is wrong with a file's structure in a column `value`, or says `ok`.
pub const STRUCTURE: &str = "SELECT integrity_check AS value FROM pragma_integrity_check";

/// Moves the log into its file and locks the file; fails as busy while another connection has it open.
pub const EXCLUSIVE: &str = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE";

#[diesel::declare_sql_function]
extern "SQL" {
    /// True as long as the question is wanted; counts the rows it is asked about.
    fn row_wanted(number: BigInt) -> Bool;

    /// Whether a text matches a pattern of `LIKE` whose escape is the backslash. Unlike `LIKE`, it can be ended within a
    /// text, and tells letters' cases apart.
    fn text_like(text: Nullable<Text>, pattern: Text) -> Nullable<Bool>;
}

/// A function's result, or that the question is not wanted any more.
#[derive(Debug)]
struct Answer(Result<bool, StoreError>);

impl ToSql<Bool, Sqlite> for Answer {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        match &self.0 {
            Ok(answer) => {
                out.set_value(i32::from(*answer));
                Ok(IsNull::No)
            }
            Err(error) => Err(error.to_string().into()),
        }
    }
}

/// Makes the functions known to a connection, which asks the budget of whatever it works on.
pub fn register(connection: &mut SqliteConnection, current: &Current) -> QueryResult<()> {
    let of_row = current.clone();
    row_wanted_utils::register_nondeterministic_impl(connection, move |_: i64| {
        Answer(of_row.ask(Budget::count_row).map(|()| true))
    })?;
    let of_text = current.clone();
    // A statement holds many texts against one pattern.
    let (mut known, mut matcher) = (String::new(), Matcher::new(""));
    text_like_utils::register_nondeterministic_impl(connection, move |text: Option<String>, pattern: String| {
        let text = text?;
        if known != pattern {
            matcher = Matcher::new(&pattern);
            known = pattern;
        }
        // So many characters of one text count as much as a row.
        Some(Answer(matcher.matches(&text, &mut || of_text.ask(Budget::count_row))))
    })
}
