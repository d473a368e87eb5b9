//! Which server a connection has reached, and how far its log has come; knows no table.

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable};

use super::process;
use crate::store::error::StoreError;

/// The timeline of a server as a number: that of its log; of a standby, the latest that it has followed.
pub const TIMELINE: &str = "CASE WHEN pg_is_in_recovery() THEN \
     greatest((SELECT timeline_id FROM pg_control_checkpoint()), \
     (SELECT min_recovery_end_timeline FROM pg_control_recovery()), \
     (SELECT received_tli FROM pg_stat_wal_receiver)) \
     ELSE ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::integer END";

/// What a connection has reached.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    pub process: i32,
    pub is_standby: bool,
    /// The timeline of a primary, if the server tells it.
    pub timeline: Option<u32>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    process: i32,
    #[diesel(sql_type = Bool)]
    is_standby: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    timeline: Option<i32>,
}

pub fn identify(connection: &mut PgConnection) -> Result<Identity, StoreError> {
    let statement = format!(
        "SELECT pg_backend_pid() AS process, pg_is_in_recovery() AS is_standby, \
         CASE WHEN NOT pg_is_in_recovery() THEN {TIMELINE} END AS timeline"
    );
    let row: Result<Row, StoreError> = diesel::sql_query(statement).get_result(connection).map_err(StoreError::from);
    match row {
        Ok(Row { process, is_standby, timeline }) => {
            Ok(Identity { process, is_standby, timeline: timeline.and_then(|timeline| u32::try_from(timeline).ok()) })
        }
        Err(error @ StoreError::ConnectionLost { .. }) => Err(error),
        // Some services that speak PostgreSQL's protocol have no timelines.
        Err(_) => Ok(Identity { process: process(connection)?, is_standby: false, timeline: None }),
    }
}

#[derive(QueryableByName)]
struct Offset {
    #[diesel(sql_type = Nullable<BigInt>)]
    value: Option<i64>,
}

/// Up to where a primary's log is on disk, which is beyond every commit that has returned.
pub fn flushed(connection: &mut PgConnection) -> Result<u64, StoreError> {
    offset(connection, "pg_current_wal_flush_lsn()")
}

/// Up to where a standby has applied the log; 0 if it is no standby.
pub fn applied(connection: &mut PgConnection) -> Result<u64, StoreError> {
    offset(connection, "pg_last_wal_replay_lsn()")
}

fn offset(connection: &mut PgConnection, function: &str) -> Result<u64, StoreError> {
    let statement = format!("SELECT ({function} - '0/0')::bigint AS value");
    let offset: Offset = diesel::sql_query(statement).get_result(connection)?;
    Ok(offset.value.and_then(|value| u64::try_from(value).ok()).unwrap_or_default())
}

/// Whether a commit waits for standbys, as a condition.
pub const IS_SYNCHRONOUS: &str =
    "current_setting('synchronous_standby_names') <> '' AND current_setting('synchronous_commit') <> 'local'";

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    value: bool,
}

/// Whether a commit waits for standbys.
pub fn is_synchronous(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let answer: Answer = diesel::sql_query(format!("SELECT {IS_SYNCHRONOUS} AS value")).get_result(connection)?;
    Ok(answer.value)
}
