//! Writes the terms of messages into a table of PostgreSQL; knows no text and no search.

#![cfg(feature = "postgres")]

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::model::TenantId;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::schema::{message_terms, search_ranges};
use crate::store::search::message_terms::MessageTerms;
use crate::store::search::{ranges, terms};

/// How many bytes of terms one row has. PostgreSQL counts places of terms in 20 bits, and does not check it.
const MAX_BYTES: usize = 512 * 1024;

pub fn write(
    server: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageTerms],
    removed: &[i64],
) -> Result<(), StoreError> {
    let ids: Vec<i64> = messages.iter().map(|message| message.message_id).collect();
    // The sums match the index by id; a distributed table needs the bare tenant to find the shard.
    let of_tenant = message_terms::tenant_id.eq(tenant.0).and((message_terms::tenant_id + 0).eq(tenant.0));
    let replaced = ids.iter().chain(removed);
    let replaced = any_of(message_terms::message_id + 0, replaced);
    diesel::delete(message_terms::table.filter(of_tenant).filter(replaced)).execute(server)?;
    let numbers = ranges::assign(server, tenant, &ids)?;
    for (message, number) in messages.iter().zip(numbers) {
        let ranges = ranges::containing(number).map(|range| range.term(tenant));
        let is_too_long = message.terms.iter().map(String::len).sum::<usize>() > MAX_BYTES;
        let texts = if is_too_long { vec![terms::ANY.to_owned()] } else { message.terms.clone() };
        let terms: Vec<String> = texts.into_iter().chain(ranges).collect();
        diesel::sql_query(
            "INSERT INTO message_terms (tenant_id, message_id, terms) VALUES ($1, $2, array_to_tsvector($3))",
        )
        .bind::<BigInt, _>(tenant.0)
        .bind::<BigInt, _>(message.message_id)
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
