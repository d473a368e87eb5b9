//! The partitions of messages and their copies, one a month; knows no message.

use std::collections::BTreeSet;

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::store::error::StoreError;

/// The beginnings of 2010 and of 2060: messages before and after have a partition each.
const YEAR_2010: i64 = 1_262_304_000_000;
const YEAR_2060: i64 = 2_840_140_800_000;

#[derive(QueryableByName)]
struct Partition {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Returns those of some months that have partitions.
pub fn existing(connection: &mut PgConnection, months: &[String]) -> Result<Vec<String>, StoreError> {
    let names: Vec<String> = months.iter().map(|month| format!("messages_{month}")).collect();
    let existing: Vec<Partition> = diesel::sql_query(
        "SELECT substr(relname::text, 10) AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
         WHERE inhparent = 'messages'::regclass AND relname::text = ANY ($1)",
    )
    .bind::<Array<Text>, _>(names)
    .load(connection)?;
    Ok(existing.into_iter().map(|partition| partition.name).collect())
}

/// Returns the object ids of all partitions of messages. One that is dropped and created again has a new id.
pub fn ids(connection: &mut PgConnection) -> Result<BTreeSet<String>, StoreError> {
    let all = "SELECT inhrelid::bigint::text AS name FROM pg_inherits WHERE inhparent = 'messages'::regclass";
    let all: Vec<Partition> = diesel::sql_query(all).load(connection)?;
    Ok(all.into_iter().map(|partition| partition.name).collect())
}

/// Returns the object ids of the partitions that contain a tenant's messages with ids in a range, separated by commas.
///
/// They are found by the months of the messages: the object ids of Citus' shards, which rows tell, are others.
pub fn of(connection: &mut PgConnection, tenant: i64, ids: (i64, i64)) -> Result<String, StoreError> {
    let months: Vec<Partition> = diesel::sql_query(
        "SELECT DISTINCT to_char(to_timestamp(sent_or_received_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY_MM') AS name \
         FROM messages WHERE tenant_id = $1 AND message_id BETWEEN $2 AND $3 \
         AND sent_or_received_at >= $4 AND sent_or_received_at < $5 \
         UNION ALL SELECT 'before_2010' WHERE EXISTS (SELECT FROM messages WHERE tenant_id = $1 \
         AND message_id BETWEEN $2 AND $3 AND sent_or_received_at < $4) \
         UNION ALL SELECT 'from_2060' WHERE EXISTS (SELECT FROM messages WHERE tenant_id = $1 \
         AND message_id BETWEEN $2 AND $3 AND sent_or_received_at >= $5)",
    )
    .bind::<BigInt, _>(tenant)
    .bind::<BigInt, _>(ids.0)
    .bind::<BigInt, _>(ids.1)
    .bind::<BigInt, _>(YEAR_2010)
    .bind::<BigInt, _>(YEAR_2060)
    .load(connection)?;
    let names: Vec<String> = months.iter().map(|month| format!("messages_{}", month.name)).collect();
    let found: Vec<Partition> = diesel::sql_query(
        "SELECT inhrelid::bigint::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
         WHERE inhparent = 'messages'::regclass AND relname::text = ANY ($1)",
    )
    .bind::<Array<Text>, _>(names)
    .load(connection)?;
    Ok(found.into_iter().map(|partition| partition.name).collect::<Vec<_>>().join(","))
}

/// Creates a month's partitions. Creating a table as a partition would block readers of all partitions; attaching one
/// does not.
pub fn create(connection: &mut PgConnection, month: &str, from: i64, to: i64) -> Result<(), StoreError> {
    for table in ["messages", "message_copies"] {
        // Citus executes no two of them in one message.
        connection.batch_execute(&format!("CREATE TABLE {table}_{month} (LIKE {table} INCLUDING ALL)"))?;
        connection.batch_execute(&format!(
            "ALTER TABLE {table} ATTACH PARTITION {table}_{month} FOR VALUES FROM ({from}) TO ({to})"
        ))?;
    }
    Ok(())
}

/// Drops a month's partitions, unless a message was written into them meanwhile.
pub fn drop(connection: &mut PgConnection, month: &str) -> Result<(), StoreError> {
    for table in ["messages", "message_copies"] {
        connection.batch_execute(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))?;
    }
    let left = format!("SELECT 'messages' AS name FROM messages_{month} LIMIT 1");
    let left: Option<Partition> = diesel::sql_query(left).get_result(connection).optional()?;
    if left.is_some() {
        return Err(StoreError::Busy);
    }
    for table in ["messages", "message_copies"] {
        connection.batch_execute(&format!("DROP TABLE {table}_{month}"))?;
    }
    Ok(())
}

/// Rewrites the partitions of messages whose comment says that they contain dropped columns, and removes the comment of
/// each.
pub fn shrink(connection: &mut PgConnection, progress: &impl Fn(usize, usize)) -> Result<(), StoreError> {
    let partitions: Vec<Partition> = diesel::sql_query(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'messages'::regclass \
         AND obj_description(inhrelid, 'pg_class') = 'contains dropped columns' ORDER BY 1",
    )
    .load(connection)?;
    for (index, Partition { name }) in partitions.iter().enumerate() {
        connection.batch_execute(&format!("VACUUM FULL ANALYZE {name}"))?;
        connection.batch_execute(&format!("COMMENT ON TABLE {name} IS NULL"))?;
        progress(index + 1, partitions.len());
    }
    Ok(())
}
