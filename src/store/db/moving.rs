//! Moves the messages of a SQLite file from the table of an earlier version into the current one, in batches, so that it
//! goes on where it was stopped; knows no item.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::store::db::connection::FileConnection;
use crate::store::error::StoreError;

/// The table that they move from, while some are left.
pub const TABLE: &str = "messages_to_move";

/// How many messages move in one transaction.
const BATCH: i64 = 10_000;

const COLUMNS: &str = "tenant_id, message_id, sent_or_received_at, recipient_id, subject_id, channel_type, direction, \
     traffic_type, source, received_at, item";

/// The last message of a batch.
#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    tenant_id: i64,
    #[diesel(sql_type = BigInt)]
    message_id: i64,
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    messages: i64,
}

/// How many messages are left.
pub fn left(connection: &mut FileConnection) -> Result<u64, StoreError> {
    let left: Left = diesel::sql_query(format!("SELECT count(*) AS messages FROM {TABLE}")).get_result(connection)?;
    Ok(u64::try_from(left.messages).unwrap_or_default())
}

/// Moves some messages in the order of their ids, and returns how many. The space that they leave becomes free for
/// the next ones.
pub fn move_some(connection: &mut FileConnection) -> Result<u64, StoreError> {
    let ids = format!("SELECT tenant_id, message_id FROM {TABLE} ORDER BY tenant_id, message_id LIMIT {BATCH}");
    let last = format!("SELECT * FROM ({ids}) ORDER BY tenant_id DESC, message_id DESC LIMIT 1");
    let Some(last): Option<Last> = diesel::sql_query(last).get_result(connection).optional()? else { return Ok(0) };
    let batch = "WHERE (tenant_id, message_id) <= (?, ?)";
    let insert = format!(
        "INSERT INTO moved_messages ({COLUMNS}) SELECT {COLUMNS} FROM {TABLE} {batch} ORDER BY tenant_id, message_id"
    );
    let mut moved = 0;
    for statement in [insert, format!("DELETE FROM {TABLE} {batch}")] {
        let statement = diesel::sql_query(statement);
        moved = statement.bind::<BigInt, _>(last.tenant_id).bind::<BigInt, _>(last.message_id).execute(connection)?;
    }
    Ok(moved as u64)
}
