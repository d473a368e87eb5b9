//! Brings a store's schema up to date, and leaves alone what is not ours; knows no message.

use std::time::Duration;

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;

use super::connection::{Connection, DatabaseUrl, Purpose};
use super::dialect::{Backend, MIGRATIONS, TABLES};
use super::error::StoreError;

const LEDGER: &str = "__diesel_schema_migrations";

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

/// Looks at a store without changing it: refuses a file that is no store, and a newer one.
fn inspect(url: &DatabaseUrl, busy: Duration) -> Result<Schema, StoreError> {
    if !url.exists() {
        return Ok(Schema::Outdated);
    }
    let mut connection = url.connect_to_look(busy)?;
    let file = || url.name().to_owned();
    let tables = tables(&mut connection).map_err(|error| match error {
        StoreError::Failed(cause) if cause.contains("not a database") => StoreError::NotAStore { file: file() },
        StoreError::Failed(cause) if cause.contains("malformed") => StoreError::Damaged { file: file(), cause },
        StoreError::Failed(cause) => StoreError::CannotOpen { file: file(), cause },
        other => other,
    })?;
    if tables.is_empty() {
        return Ok(Schema::Outdated);
    }
    if !tables.iter().any(|table| table == LEDGER) {
        return Err(StoreError::NotAStore { file: file() });
    }
    let applied = values(&mut connection, &format!("SELECT version AS value FROM {LEDGER} ORDER BY version"))?;
    let known = known_versions()?;
    if let Some(version) = applied.iter().find(|version| !known.contains(version)) {
        return Err(StoreError::NewerSchema { file: file(), version: version.clone() });
    }
    Ok(if applied.len() == known.len() { Schema::Current } else { Schema::Outdated })
}

/// Makes a store where there is none, and applies what is pending; refuses what is not ours to change.
pub fn bring_up_to_date(url: &DatabaseUrl, busy: Duration) -> Result<(), StoreError> {
    if inspect(url, busy)? == Schema::Outdated {
        // Not from a pool, which would try again and again what cannot succeed, a full disk's write for one.
        apply(&mut url.connect_for(Purpose::Write, busy)?)?;
    }
    Ok(())
}

/// Applies what is pending, under the write lock, so that several processes may start at once.
fn apply(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    connection.immediate_transaction(|connection| {
        let applied = connection.run_pending_migrations(MIGRATIONS).map_err(|error| failed(error.as_ref()))?;
        Ok(applied.iter().map(ToString::to_string).collect())
    })
}

/// Takes every migration back, and with it all data: for tests of the migrations.
pub fn revert(connection: &mut Connection) -> Result<(), StoreError> {
    connection.revert_all_migrations(MIGRATIONS).map(|_| ()).map_err(|error| failed(error.as_ref()))
}

/// The names of the tables there are.
pub fn tables(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    values(connection, TABLES)
}

/// Whether an open store has every migration of this binary.
pub fn is_current(connection: &mut Connection) -> Result<bool, StoreError> {
    let applied = values(connection, &format!("SELECT version AS value FROM {LEDGER} ORDER BY version"))?;
    Ok(applied == known_versions()?)
}

fn known_versions() -> Result<Vec<String>, StoreError> {
    let migrations = MigrationSource::<Backend>::migrations(&MIGRATIONS).map_err(|error| failed(error.as_ref()))?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

fn values(connection: &mut Connection, statement: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(statement).load(connection)?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

fn failed(error: &(dyn std::error::Error + Send + Sync)) -> StoreError {
    StoreError::Failed(error.to_string())
}
