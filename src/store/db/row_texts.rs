//! Reads rows of an id and a text, each text straight from the database's own memory; knows no table.

use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::deserialize::FromSql;
use diesel::query_builder::{Query, QueryId};
use diesel::row::{Field, Row};
use diesel::sql_types::{BigInt, Text};

use crate::store::Connection;
use crate::store::db::connection::on_each;
#[cfg(feature = "postgres")]
use crate::store::db::fragments::Server;
use crate::store::db::fragments::{File, Portable};
use crate::store::error::StoreError;

/// Runs a statement and passes each row to `take`, which copies what it keeps, until that returns `false` or fails. On
/// SQLite the statement has to cast the text to a blob, whose bytes can be read in place.
pub fn for_each(
    connection: &mut Connection,
    statement: impl Portable + Query<SqlType = (BigInt, Text)> + QueryId,
    mut take: impl FnMut(i64, &[u8]) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    on_each!(
        connection,
        |file| {
            for row in LoadConnection::<DefaultLoadingMode>::load(file, statement)? {
                let row = row?;
                let field = row.get(1);
                let mut text = field.as_ref().and_then(Field::value).ok_or_else(no_text)?;
                let id = <i64 as FromSql<BigInt, File>>::from_nullable_sql(row.get(0).as_ref().and_then(Field::value));
                if !take(id.map_err(diesel::result::Error::DeserializationError)?, text.read_blob())? {
                    break;
                }
            }
        },
        |server| {
            for row in LoadConnection::<DefaultLoadingMode>::load(server, statement)? {
                let row = row?;
                let field = row.get(1);
                let text = field.as_ref().and_then(Field::value).ok_or_else(no_text)?;
                let id =
                    <i64 as FromSql<BigInt, Server>>::from_nullable_sql(row.get(0).as_ref().and_then(Field::value));
                if !take(id.map_err(diesel::result::Error::DeserializationError)?, text.as_bytes())? {
                    break;
                }
            }
        }
    );
    Ok(())
}

fn no_text() -> StoreError {
    StoreError::DamagedRow("a row has no text".into())
}
