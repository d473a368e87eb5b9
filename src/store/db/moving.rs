//! Moves the messages of a SQLite file from the table of an earlier version into the current one, in batches, so that it
//! goes on where it was stopped; knows no item.

use std::borrow::Cow;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::store::db::connection::FileConnection;
use crate::store::error::StoreError;
use crate::store::messages::keys;

/// The table that they move from, while some are left.
pub const TABLE: &str = "messages_to_move";

/// How many messages move in one transaction.
const BATCH: i64 = 10_000;

const COLUMNS: &str = "tenant_id, message_id, sent_or_received_at, recipient_id, subject_id, channel_type, direction, \
     traffic_type, source, received_at, item";

/// The columns that the current table has besides, and their values.
const KEYS: &str = "comment_key, undelivered_status, cascade_id, broadcast_id";
const KEY_VALUES: &str = "comment_key(item ->> 'comment'), undelivered_status(item ->> 'deliveryStatus'), \
     item ->> 'cascadeId', item ->> 'broadcastId'";

#[diesel::declare_sql_function]
extern "SQL" {
    fn comment_key(comment: Nullable<Text>) -> Nullable<BigInt>;

    fn undelivered_status(word: Nullable<Text>) -> Nullable<Text>;
}

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
    let (keys, values) =
        if has_keys(connection)? { (format!(", {KEYS}"), format!(", {KEY_VALUES}")) } else { Default::default() };
    let insert = format!(
        "INSERT INTO moved_messages ({COLUMNS}{keys}) SELECT {COLUMNS}{values} FROM {TABLE} {batch} \
         ORDER BY tenant_id, message_id"
    );
    let mut moved = 0;
    for statement in [insert, format!("DELETE FROM {TABLE} {batch}")] {
        let statement = diesel::sql_query(statement);
        moved = statement.bind::<BigInt, _>(last.tenant_id).bind::<BigInt, _>(last.message_id).execute(connection)?;
    }
    Ok(moved as u64)
}

/// Whether the table that messages move into has the columns of `KEYS`. One of an earlier version has not, and its
/// messages move once more.
fn has_keys(connection: &mut FileConnection) -> Result<bool, StoreError> {
    comment_key_utils::register_impl(connection, |comment: Option<String>| {
        comment.map(|comment| keys::comment_key(&comment))
    })?;
    undelivered_status_utils::register_impl(connection, |word: Option<String>| {
        word.and_then(|word| keys::undelivered_status(&word).map(Cow::into_owned))
    })?;
    let columns = "SELECT count(*) AS messages FROM pragma_table_info('moved_messages') WHERE name = 'comment_key'";
    let found: Left = diesel::sql_query(columns).get_result(connection)?;
    Ok(found.messages > 0)
}
