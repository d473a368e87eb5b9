//! Brings a store's schema up to date, and rejects databases of other programs; knows no message.

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;

use crate::store::Connection;
use crate::store::Options;
use crate::store::db::connection::{FileConnection, on_each};
#[cfg(feature = "postgres")]
use crate::store::db::fragments::POSTGRES_MIGRATIONS;
use crate::store::db::fragments::{File, SQLITE_MIGRATIONS};
use crate::store::db::moving;
#[cfg(feature = "postgres")]
use crate::store::db::postgres;
use crate::store::db::session::Purpose;
use crate::store::db::sqlite;
use crate::store::db::url::DatabaseUrl;
use crate::store::error::StoreError;

const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

/// How a store's schema compares to this binary's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schema {
    Current,
    Outdated,
}

/// How many messages of an earlier version's store have been moved, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub messages: u64,
    pub total: u64,
}

/// Creates a missing store, or applies pending migrations; rejects another program's database and a newer store. If it is
/// stopped, the next call goes on where it was.
pub fn bring_up_to_date(
    url: &DatabaseUrl,
    options: &Options,
    progress: &mut impl FnMut(Moved),
) -> Result<(), StoreError> {
    if url.exists() && inspect(&mut url.connect_read_only(options.wait)?, url)? == Schema::Current {
        return Ok(());
    }
    // Locked, so that several processes may start at once; `apply` does not repeat what others have done meanwhile.
    let mut write_guard = url.lock_for_writing(options.wait)?;
    let mut connection = url.connect_for(Purpose::Write, options)?;
    let (mut moved, mut total) = (0, None);
    loop {
        connection.begin(Purpose::Write, options, url.sessions())?;
        let batch = match connection.lock_schema().and_then(|()| apply(&mut connection, url)) {
            Ok(batch) => batch,
            Err(error) => {
                connection.roll_back(Purpose::Write);
                return Err(error);
            }
        };
        connection.commit(Purpose::Write)?;
        drop(write_guard);
        if batch == 0 {
            return Ok(());
        }
        moved += batch;
        let known_total = match total {
            Some(total) if moved <= total => total,
            // Those of an older store move twice.
            _ => *total.insert(moved + on_each!(&mut connection, |file| moving::left(file)?, |_server| 0)),
        };
        progress(Moved { messages: moved, total: known_total });
        write_guard = url.lock_for_writing(options.wait)?;
    }
}

/// Inspects a store without changing it; rejects what is not a store, and a newer store.
fn inspect(connection: &mut Connection, url: &DatabaseUrl) -> Result<Schema, StoreError> {
    let file = || url.name();
    connection.check(&url.name())?;
    let tables = tables(connection).map_err(|error| match error {
        StoreError::Malformed(cause) if cause.contains("not a database") => StoreError::NotAStore { file: file() },
        StoreError::Malformed(cause) => StoreError::Damaged { file: file(), cause },
        StoreError::Failed(cause) => StoreError::CannotOpen { file: file(), cause },
        other => other,
    })?;
    if tables.is_empty() {
        return Ok(Schema::Outdated);
    }
    if !tables.iter().any(|table| table == MIGRATIONS_TABLE) {
        return Err(StoreError::NotAStore { file: file() });
    }
    let applied = applied(connection)?;
    let known = known_versions()?;
    if let Some(version) = applied.iter().find(|version| !known.contains(version)) {
        // Other programs keep their migrations in a table of the same name.
        if !tables.iter().any(|table| table == "message_days") {
            return Err(StoreError::NotAStore { file: file() });
        }
        return Err(StoreError::NewerSchema { file: file(), version: version.clone() });
    }
    Ok(if applied.len() == known.len() { Schema::Current } else { Schema::Outdated })
}

/// Rejects what is not a store, an empty database, and a newer store; changes nothing.
pub fn require_store(connection: &mut Connection, url: &DatabaseUrl) -> Result<(), StoreError> {
    inspect(connection, url)?;
    let is_store = tables(connection)?.iter().any(|table| table == "message_days");
    if is_store { Ok(()) } else { Err(StoreError::NotAStore { file: url.name() }) }
}

/// Rejects a store of an older version; changes nothing.
pub fn require_current(connection: &mut Connection, url: &DatabaseUrl) -> Result<(), StoreError> {
    if is_current(connection)? { Ok(()) } else { Err(StoreError::OlderSchema { file: url.name() }) }
}

/// Applies pending migrations until one wants messages to have been moved; moves some of them, and returns how many.
fn apply(connection: &mut Connection, url: &DatabaseUrl) -> Result<u64, StoreError> {
    // Another process may have created a store, of this version or a newer one, while this one waited for the lock.
    while inspect(connection, url)? == Schema::Outdated {
        if has_messages_to_move(connection)? {
            let moved = on_each!(connection, |file| moving::move_some(file)?, |_server| 0);
            if moved > 0 {
                return Ok(moved);
            }
        }
        on_each!(connection, |file| file.run_next_migration(SQLITE_MIGRATIONS).map(|_| ()), |server| server
            .run_next_migration(POSTGRES_MIGRATIONS)
            .map(|_| ()))
        .map_err(|error| failed(error.as_ref()))?;
    }
    Ok(0)
}

/// Whether a store has the table of an earlier version that messages are moved from.
fn has_messages_to_move(connection: &mut Connection) -> Result<bool, StoreError> {
    Ok(tables(connection)?.iter().any(|table| table == moving::TABLE))
}

/// Reverts migrations from the last one to one of a version, for tests of the migrations. Reverting all deletes all data.
pub fn revert(connection: &mut Connection, version: &str) -> Result<(), StoreError> {
    while applied(connection)?.last().is_some_and(|last| last.as_str() >= version) {
        on_each!(connection, |file| file.revert_last_migration(SQLITE_MIGRATIONS).map(|_| ()), |server| server
            .revert_last_migration(POSTGRES_MIGRATIONS)
            .map(|_| ()))
        .map_err(|error| failed(error.as_ref()))?;
    }
    Ok(())
}

/// The names of all tables.
pub fn tables(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    let statement = on_each!(connection, |_file| sqlite::TABLES, |_server| postgres::TABLES);
    values(connection, statement)
}

/// Whether a file has a table.
pub fn has_table(file: &mut FileConnection, name: &str) -> Result<bool, StoreError> {
    let found: Vec<Row> = diesel::sql_query(sqlite::TABLE_OF_NAME).bind::<Text, _>(name).load(file)?;
    Ok(!found.is_empty())
}

/// Whether an open store has every migration of this binary.
pub fn is_current(connection: &mut Connection) -> Result<bool, StoreError> {
    Ok(applied(connection)? == known_versions()?)
}

fn applied(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    values(connection, &format!("SELECT version AS value FROM {MIGRATIONS_TABLE} ORDER BY version"))
}

/// The versions of all migrations, which are the same for both databases.
fn known_versions() -> Result<Vec<String>, StoreError> {
    let migrations = MigrationSource::<File>::migrations(&SQLITE_MIGRATIONS).map_err(|error| failed(error.as_ref()))?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

pub(in crate::store) fn values(connection: &mut Connection, statement: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(statement).load(connection)?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

fn failed(error: &(dyn std::error::Error + Send + Sync)) -> StoreError {
    crate::store::db::failure::failure(&error.to_string())
}
