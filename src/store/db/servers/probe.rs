//! Asks a server every second what it is and how far it has come; knows no tenant's data.

use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable};

use super::server::{Report, Role, Server};
use super::wakeup::Wakeup;
use super::{Servers, connect_timeout};
use crate::model::Position;
use crate::store::Options;
use crate::store::db::postgres;
use crate::store::db::postgres::identity::TIMELINE;
use crate::store::error::StoreError;

/// How long to wait between two questions.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long to wait between two checks for silent servers.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// How often to look whether all servers have answered for the first time.
const START_PAUSE: Duration = Duration::from_millis(5);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bool)]
    is_standby: bool,
    #[diesel(sql_type = Bool)]
    is_read_only: bool,
    #[diesel(sql_type = BigInt)]
    timeline: i64,
    #[diesel(sql_type = Nullable<Integer>)]
    received_timeline: Option<i32>,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    lag: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_up_to_date: bool,
}

/// Begins to watch the servers if there are several, and waits until each has answered or failed, so that an old primary
/// is not taken for the current one.
///
/// There is a thread for each server, which may wait for a server that does not respond, and one that notices these.
/// They end with the servers.
pub fn start(servers: &Arc<Servers>, options: Options) -> Result<(), StoreError> {
    let _starting = servers.start.lock().unwrap_or_else(PoisonError::into_inner);
    if servers.is_watched() || servers.all().count() < 2 {
        return Ok(());
    }
    for server in servers.all() {
        let (servers, server, wakeup) = (Arc::downgrade(servers), Arc::clone(server), Arc::clone(&servers.wakeup.0));
        spawn(move || watch(&servers, &server, &wakeup, options))?;
    }
    let (weak, wakeup) = (Arc::downgrade(servers), Arc::clone(&servers.wakeup.0));
    spawn(move || {
        while let Some(servers) = Weak::upgrade(&weak) {
            servers.check();
            drop(servers);
            wakeup.wait(CHECK_INTERVAL);
        }
    })?;
    let until = Instant::now() + connect_timeout(options.wait) + Duration::from_secs(1);
    while Instant::now() < until && !servers.all().all(|server| server.is_known()) {
        std::thread::sleep(START_PAUSE);
    }
    servers.begin_watching();
    Ok(())
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let started = std::thread::Builder::new().name("database-servers".into()).spawn(work);
    started.map(|_| ()).map_err(|error| StoreError::Failed(format!("no thread can watch the servers: {error}")))
}

fn watch(servers: &Weak<Servers>, server: &Arc<Server>, wakeup: &Wakeup, options: Options) {
    let mut connection = None;
    loop {
        server.asked();
        let result = ask(&mut connection, server, options);
        if result.is_err() {
            connection = None;
        }
        let Some(servers) = servers.upgrade() else { return };
        let is_replica = servers.is_replica(server);
        server.answered(result.map_err(|error| match error {
            StoreError::CannotConnect { cause, .. } | StoreError::ConnectionLost { cause } => cause,
            other => other.to_string(),
        }));
        servers.check();
        drop(servers);
        if is_replica && server.report().is_some() && server.sessions().is_none() {
            // A replica may have been away when the gateway started.
            match postgres::pooler::sessions(&server.url, &server.name, &options) {
                Ok(sessions) => server.set_sessions(sessions),
                Err(error) => tracing::warn!(cause = %error, "a replica is not used yet"),
            }
        }
        wakeup.wait(INTERVAL);
    }
}

fn ask(connection: &mut Option<PgConnection>, server: &Server, options: Options) -> Result<Report, StoreError> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(postgres::connect(&server.url, false, options.wait, &server.name)?),
    };
    report(connection)
}

/// What a server reports of itself, which any role may ask.
fn report(connection: &mut PgConnection) -> Result<Report, StoreError> {
    let statement = format!(
        "SELECT pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') = 'on' AS is_read_only, \
         ({TIMELINE})::bigint AS timeline, \
         (SELECT received_tli FROM pg_stat_wal_receiver) AS received_timeline, (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
         ELSE pg_current_wal_flush_lsn() END - '0/0')::bigint AS position, \
         (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint AS lag, \
         coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), false) AND EXISTS (SELECT \
         FROM pg_stat_wal_receiver WHERE coalesce(status, 'streaming') = 'streaming') AS is_up_to_date"
    );
    let row: Row = diesel::sql_query(statement).get_result(connection)?;
    let position = Position {
        timeline: u32::try_from(row.timeline).unwrap_or_default(),
        offset: u64::try_from(row.position).unwrap_or_default(),
    };
    Ok(Report {
        role: match (row.is_standby, row.is_read_only) {
            (true, _) => Role::Standby,
            (false, true) => Role::ReadOnly,
            (false, false) => Role::Primary,
        },
        position,
        // A clock that is ahead of the primary's makes it negative.
        lag: row.lag.map(|lag| Duration::from_millis(u64::try_from(lag).unwrap_or_default())),
        is_up_to_date: row.is_up_to_date,
        tells_timeline: !row.is_standby || row.received_timeline.is_some(),
    })
}
