//! Writes the terms of messages into a table of PostgreSQL; knows no text and no search.

#![cfg(feature = "postgres")]

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::model::TenantId;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::schema::{message_terms, search_ranges};
use crate::store::search::document::Document;
use crate::store::search::{ranges, terms};

/// How many bytes of terms one row has. PostgreSQL counts places of terms in 20 bits, and does not check it.
const MAX_BYTES: usize = 512 * 1024;

pub fn write(
    server: &mut PgConnection,
    tenant: TenantId,
    documents: &[Document],
    removed: &[i64],
) -> Result<(), StoreError> {
    let ids: Vec<i64> = documents.iter().map(|document| document.message_id).collect();
    // The sums are those of the index by id; the tenant itself is what a distributed table wants.
    let of_tenant = message_terms::tenant_id.eq(tenant.0).and((message_terms::tenant_id + 0).eq(tenant.0));
    let replaced = ids.iter().chain(removed);
    let replaced = any_of(message_terms::message_id + 0, replaced);
    diesel::delete(message_terms::table.filter(of_tenant).filter(replaced)).execute(server)?;
    let numbers = ranges::assign(server, tenant, &ids)?;
    for (document, number) in documents.iter().zip(numbers) {
        let ranges = ranges::containing(number).map(|range| range.term(tenant));
        let is_too_long = document.terms.iter().map(String::len).sum::<usize>() > MAX_BYTES;
        let texts = if is_too_long { vec![terms::ANY.to_owned()] } else { document.terms.clone() };
        let terms: Vec<String> = texts.into_iter().chain(ranges).collect();
        diesel::sql_query(
            "INSERT INTO message_terms (tenant_id, message_id, terms) VALUES ($1, $2, array_to_tsvector($3))",
        )
        .bind::<BigInt, _>(tenant.0)
        .bind::<BigInt, _>(document.message_id)
        .bind::<Array<Text>, _>(terms)
        .execute(server)?;
    }
    Ok(())
}

pub fn clear(server: &mut PgConnection, tenant: TenantId) -> Result<(), StoreError> {
    diesel::delete(message_terms::table.filter(message_terms::tenant_id.eq(tenant.0))).execute(server)?;
    diesel::delete(search_ranges::table.filter(search_ranges::tenant_id.eq(tenant.0))).execute(server)?;
    Ok(())
}
