//! Writes the terms of messages into the index of each database; knows no text and no search.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::model::TenantId;
use crate::store::Connection;
use crate::store::db::connection::{FileConnection, on_each};
use crate::store::db::migrate;
use crate::store::error::StoreError;
use crate::store::search::message_terms::MessageTerms;
#[cfg(feature = "postgres")]
use crate::store::search::server_terms;

/// Replaces the terms of some messages, in ascending order, and removes those of others.
pub fn write(
    connection: &mut Connection,
    tenant: TenantId,
    messages: &[MessageTerms],
    removed: &[i64],
) -> Result<(), StoreError> {
    on_each!(connection, |file| write_to_file(file, tenant, messages, removed), |server| server_terms::write(
        server, tenant, messages, removed
    ))
}

/// Deletes all terms of a tenant.
pub fn clear(connection: &mut Connection, tenant: TenantId) -> Result<(), StoreError> {
    on_each!(
        connection,
        |file| {
            diesel::sql_query(format!("DROP TABLE IF EXISTS {}", table(tenant))).execute(file)?;
            Ok(())
        },
        |server| server_terms::clear(server, tenant)
    )
}

/// The name of a tenant's table on a file. Each tenant has its own, so that its ids are row ids, and a search reads no
/// other tenant's terms.
pub fn table(tenant: TenantId) -> String {
    format!("search_{}", tenant.0)
}

/// Whether a tenant has a table on a file.
pub fn has_table(file: &mut FileConnection, tenant: TenantId) -> Result<bool, StoreError> {
    migrate::has_table(file, &table(tenant))
}

fn write_to_file(
    file: &mut FileConnection,
    tenant: TenantId,
    messages: &[MessageTerms],
    removed: &[i64],
) -> Result<(), StoreError> {
    let table = table(tenant);
    // Only which message has which term is stored. Terms are separated by spaces, at which this tokenizer splits.
    diesel::sql_query(format!(
        "CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5(terms, content = '', contentless_delete = 1, detail = none, \
         tokenize = 'ascii')"
    ))
    .execute(file)?;
    for id in removed {
        diesel::sql_query(format!("DELETE FROM {table} WHERE rowid = ?")).bind::<BigInt, _>(id).execute(file)?;
    }
    for message in messages {
        diesel::sql_query(format!("INSERT OR REPLACE INTO {table} (rowid, terms) VALUES (?, ?)"))
            .bind::<BigInt, _>(message.message_id)
            .bind::<Text, _>(message.terms.join(" "))
            .execute(file)?;
    }
    Ok(())
}
