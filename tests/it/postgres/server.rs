//! A PostgreSQL server that is slow, becomes unreachable and returns, or has unsuitable settings.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::json;

use super::{app_on, cluster_or_skip};
use crate::support::cluster::Cluster;
use crate::support::{Binary, Database, TENANT, message};
use history_gateway::model::{CallerId, Item};
use history_gateway::store::{CancelReason, DatabaseUrl, Options, Store, StoreError};

#[actix_web::test]
async fn unavailable_server_is_503_until_it_returns() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    app.import([message(1, json!({}))]).await;
    assert_eq!(app.ids("{}").await, "[1]");
    let name = app.database_name();
    // Terminates all connections to the database and waits until they are gone; returns how many there were.
    let terminate = || {
        let of_name = format!("FROM pg_stat_activity WHERE datname = '{name}'");
        let ended = cluster.psql("postgres", &format!("SELECT count(pg_terminate_backend(pid)) {of_name}")).unwrap();
        while cluster.psql("postgres", &format!("SELECT count(*) {of_name}")).unwrap() != "0" {}
        ended.parse::<u32>().unwrap()
    };
    // The connections break, as when the server restarts: callers do not notice.
    assert!(terminate() > 0);
    assert_eq!(app.ids("{}").await, "[1]");
    assert!(terminate() > 0);
    app.import([message(2, json!({}))]).await;
    // New connections are refused.
    cluster.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    assert!(terminate() > 0);
    let busy =
        r#"503 {"title":"service-unavailable","status":503,"detail":"The message store is busy or away; try again."}"#;
    let started = Instant::now();
    assert_eq!(app.history("{}").await, busy);
    assert!(started.elapsed() < Duration::from_secs(2), "an unreachable server is reported at once");
    let item = Item::parse(&message(3, json!({})).to_string(), TENANT).unwrap();
    assert!(history_gateway::ingest::record(&app.store, TENANT, vec![item.clone()]).await.is_err());
    assert_eq!(app.send("GET", "/readyz", &[], "").await.status.as_u16(), 503);
    cluster.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    history_gateway::ingest::record(&app.store, TENANT, vec![item]).await.unwrap();
    assert_eq!(app.ids("{}").await, "[3, 2, 1]");
    assert_eq!(app.send("GET", "/readyz", &[], "").await.status.as_u16(), 200);
}

#[actix_web::test]
async fn query_past_its_deadline_is_cancelled_on_the_server() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    let options = Options { deadline: Duration::from_millis(300), ..Options::default() };
    let store = app.open_with(options);
    let slow = store.read_primary(|connection| Ok(connection.batch_execute("SELECT pg_sleep(60)")?)).await;
    assert!(matches!(slow, Err(StoreError::Cancelled(CancelReason::Deadline))), "{slow:?}");
    let cancelled = Instant::now();
    let running = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE '%pg_sleep%' AND state = 'active'",
        app.database_name()
    );
    while cluster.psql("postgres", &running).unwrap() != "0" {
        assert!(cancelled.elapsed() < Duration::from_secs(10));
    }
}

#[actix_web::test]
async fn query_of_a_gone_client_is_cancelled_on_the_server() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    let running = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE '%pg_sleep%' AND state = 'active'",
        app.database_name()
    );
    let slow = |connection: &mut history_gateway::store::Connection, budget: &history_gateway::store::Budget| {
        budget.expect_rows(1_000_000)?;
        Ok(connection.batch_execute("SELECT pg_sleep(60)")?)
    };
    let reader = CallerId { tenant: TENANT, key: 1 }.into();
    let query = app.store.query(&reader, slow);
    let is_running = async {
        while cluster.psql("postgres", &running).unwrap() != "1" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = query => panic!("it sleeps for a minute"),
        () = is_running => {}
    }
    let gone = Instant::now();
    while cluster.psql("postgres", &running).unwrap() != "0" {
        assert!(gone.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Its slot is free, and the next queries are not hit by its cancellation.
    let quick = |connection: &mut history_gateway::store::Connection, budget: &history_gateway::store::Budget| {
        budget.expect_rows(1_000_000)?;
        Ok(connection.batch_execute("SELECT pg_sleep(0.05)")?)
    };
    for _ in 0..5 {
        app.store.query(&CallerId { tenant: TENANT, key: 1 }.into(), quick).await.unwrap();
    }
    assert_eq!(app.store.abandoned_threads(), 0);
}

#[actix_web::test]
async fn write_to_a_locked_tenant_waits_then_is_busy() {
    let app = app_on(cluster_or_skip!()).await;
    let store = app.open_with(Options { wait: Duration::from_millis(200), ..Options::default() });
    let mut other = app.database_url().connect(Duration::from_secs(5)).unwrap();
    other.batch_execute("BEGIN; SELECT FROM tenant_states FOR UPDATE").unwrap();
    let item = Item::parse(&message(1, json!({})).to_string(), TENANT).unwrap();
    let refused = history_gateway::ingest::record(&store, TENANT, vec![item.clone()]).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    // A writer does not block readers.
    assert_eq!(app.ids("{}").await, "[]");
    other.batch_execute("COMMIT").unwrap();
    history_gateway::ingest::record(&store, TENANT, vec![item]).await.unwrap();
}

#[actix_web::test]
async fn writes_override_unsafe_server_defaults() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    cluster.run(&format!("ALTER DATABASE {} SET synchronous_commit = off", app.database_name()));
    cluster.run(&format!("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'", app.database_name()));
    let store = app.open_with(Options::default());
    let seen = store.write(|connection| {
        connection.batch_execute(
            "DO $$ BEGIN \
             ASSERT current_setting('synchronous_commit') = 'on', 'not durable'; \
             ASSERT current_setting('transaction_isolation') = 'read committed', 'isolation'; \
             END $$",
        )?;
        Ok(())
    });
    seen.await.unwrap();
}

#[actix_web::test]
async fn read_only_violation_is_reported_and_reads_continue() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    app.import([message(1, json!({}))]).await;
    // The error that a standby gives for a write.
    let refused = app.store.read_primary(|connection| Ok(connection.batch_execute("DELETE FROM messages")?)).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    assert_eq!(app.ids("{}").await, "[1]");
}

#[test]
fn hanging_database_does_not_prevent_shutdown() {
    let cluster = cluster_or_skip!();
    let binary = Binary::with(Database::on(cluster, "template1"));
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let settings = [
        ("HISTORY_GATEWAY__SERVER__SHUTDOWN_TIMEOUT_SECONDS", "1"),
        ("HISTORY_GATEWAY__DATABASE__DEADLINE_SECONDS", "60"),
    ];
    let mut server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &settings);
    assert!(server.history(&key, "{}").starts_with("200"));
    // Every query for messages or keys waits, as if the server did not respond.
    let mut other = DatabaseUrl::parse(&binary.url()).unwrap().connect(Duration::from_secs(5)).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE messages, api_keys IN ACCESS EXCLUSIVE MODE").unwrap();
    let mut client = server.connect();
    let request =
        format!("POST /api/messages/history HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\nContent-Length: 2\r\n\r\n{{}}");
    std::io::Write::write_all(&mut client, request.as_bytes()).unwrap();
    let waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while cluster.psql("postgres", waiting).unwrap() != "t" {}
    let stopped = Instant::now();
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
    assert!(stopped.elapsed() < Duration::from_secs(15), "{:?}", stopped.elapsed());
}

#[actix_web::test]
async fn statements_are_prepared_once_for_each_connection() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    app.import([message(1, json!({}))]).await;
    let store = app.open_with(Options { read_connections: 1, ..Options::default() });
    let prepared = |connection: &mut _| {
        use diesel::prelude::*;
        let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("count(*) FROM pg_prepared_statements");
        Ok(diesel::select(count).get_result::<i64>(connection)?)
    };
    let page = || {
        let query = crate::plans::query(&json!({"subscriberFilter": {"address": "79001112233"}}));
        store.read_primary(move |connection| {
            history_gateway::store::messages::history::page(
                connection,
                &query,
                &history_gateway::store::Budget::default(),
            )
        })
    };
    page().await.unwrap();
    let after_one = store.read_primary(prepared).await.unwrap();
    for _ in 0..10 {
        assert_eq!(page().await.unwrap().items.len(), 1);
    }
    assert!(after_one > 0);
    assert_eq!(store.read_primary(prepared).await.unwrap(), after_one);
}

#[actix_web::test]
async fn writes_stay_durable_when_the_server_default_changes() {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = diesel::sql_types::Text)]
        value: String,
    }
    let installed = cluster_or_skip!();
    let cluster = Cluster::start(installed.binaries.clone(), "C", &[], &[]);
    let store = Store::open(&DatabaseUrl::parse(&cluster.url("postgres")).unwrap(), Options::default()).unwrap();
    let setting = async |store: &Store| {
        let shown = store.write(|connection| {
            let setting = diesel::sql_query("SELECT current_setting('synchronous_commit') AS value");
            let setting: Setting = setting.get_result(connection)?;
            Ok(setting.value)
        });
        shown.await.unwrap()
    };
    assert_eq!(setting(&store).await, "on");
    for (default, used) in [("off", "on"), ("remote_apply", "remote_apply"), ("off", "on"), ("on", "on")] {
        cluster.run(&format!("ALTER SYSTEM SET synchronous_commit = {default}"));
        cluster.run("SELECT pg_reload_conf()");
        // The server's processes reload their settings at some later time.
        let is_read = async || {
            let of_server = "SELECT current_setting('synchronous_commit') AS value";
            let read = store.read_primary(move |connection| {
                let setting: Setting = diesel::sql_query(of_server).get_result(connection)?;
                Ok(setting.value)
            });
            read.await.unwrap() == default
        };
        while !is_read().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The writer's process may reload later than the reader's; meanwhile it keeps the setting of before, which is never
        // "off".
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let set = setting(&store).await;
            assert_ne!(set, "off", "where the default is {default}");
            if set == used || Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for _ in 0..3 {
            assert_eq!(setting(&store).await, used, "where the default is {default}");
        }
    }
}
