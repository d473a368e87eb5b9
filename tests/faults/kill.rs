//! A server that is killed again and again while it receives all feeds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use history_gateway::store::{DatabaseUrl, Options};

use crate::feeder::{FEEDS, Feeder, SetOnDrop, TestTenant, assert_nothing_lost, export_statuses, kill};
use crate::support::{Binary, message};

/// How often the server is killed.
fn rounds() -> i64 {
    std::env::var("FAULT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(200)
}

#[derive(QueryableByName)]
struct IntegrityCheck {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct StatusRow {
    #[diesel(sql_type = BigInt)]
    message_id: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    source: i32,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

fn connection(tenant: &TestTenant) -> history_gateway::store::Connection {
    DatabaseUrl::parse(&tenant.binary.url()).unwrap().connect(Options::default().wait).unwrap()
}

/// Fails unless SQLite's integrity check passes and the daily counts agree with the rows.
fn assert_consistent(tenant: &TestTenant) {
    let mut connection = connection(tenant);
    let check: IntegrityCheck = diesel::sql_query("PRAGMA integrity_check").get_result(&mut connection).unwrap();
    assert_eq!(check.integrity_check, "ok");
    let count = |connection: &mut _, sql: &str| diesel::sql_query(sql).get_result::<Count>(connection).unwrap().value;
    let rows = count(&mut connection, "SELECT count(*) AS value FROM messages");
    let days = count(
        &mut connection,
        "SELECT coalesce(sum(messages), 0) AS value FROM message_days WHERE channel_type = '' AND direction = '' AND traffic_type = ''",
    );
    assert_eq!(days, rows, "the daily counts differ from the messages");
}

#[test]
fn repeated_kills_lose_duplicate_or_revert_nothing() {
    // Another gateway, whose history the server pulls meanwhile.
    let other = TestTenant::new(Binary::with_sqlite());
    other.binary.run(&["generate", "--tenant", "3193", "--messages", "3000", "--until", "2026-03-01"]);
    let upstream = other.binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    let tenant = TestTenant::new(Binary::with_sqlite());
    tenant.binary.write("upstream.key", &other.master);
    tenant.binary.write(
        "settings.toml",
        format!(
            "[pull]\nrequests_per_second = 100.0\npoll_interval_seconds = 1\n\n[[pull.upstreams]]\ntenant = 3193\n\
             url = \"http://{}\"\nkey_file = \"upstream.key\"\n",
            upstream.address
        ),
    );
    let arguments = ["serve", "--bind", "127.0.0.1:0", "--config", "settings.toml"];
    let (feeder, mut before) = (Feeder::new(), BTreeMap::new());
    let rounds = rounds();
    for round in 0..rounds {
        let server = tenant.binary.start_server(&arguments, &[]);
        let address = server.address.clone();
        let first = feeder.count.load(Ordering::SeqCst);
        let is_stopped = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for feed in FEEDS {
                let (feeder, tenant, address, is_stopped) = (&feeder, &tenant, &address, &is_stopped);
                scope.spawn(move || feeder.run_feed(address, tenant, feed, || is_stopped.load(Ordering::SeqCst)));
            }
            let stop_feeds = SetOnDrop(&is_stopped);
            // An import runs meanwhile. It is killed too, or it succeeds and its messages count as acknowledged.
            let import = (round % 5 == 0).then(|| {
                let ids = 100_000 + round * 1000..100_000 + round * 1000 + 500;
                let items: Vec<String> = ids.clone().map(|id| message(id, serde_json::json!({})).to_string()).collect();
                tenant.binary.write("items.ndjson", items.join("\n"));
                let mut import = tenant.binary.command(&["import", "--tenant", "3193", "items.ndjson"]);
                (import.stdout(std::process::Stdio::null()).spawn().unwrap(), ids)
            });
            // Killed after a different number of acknowledgements in each round, from 1 to 60.
            let wanted = first + 1 + round * 7 % 60;
            while feeder.count.load(Ordering::SeqCst) < wanted {
                std::thread::yield_now();
            }
            kill(server);
            drop(stop_feeds);
            if let Some((mut import, ids)) = import {
                if round % 10 == 0 {
                    import.kill().unwrap();
                    import.wait().unwrap();
                } else {
                    assert!(import.wait().unwrap().success());
                    feeder.acknowledged.lock().unwrap().messages.extend(ids);
                }
            }
        });
        if round % 25 == 24 || round + 1 == rounds {
            assert_consistent(&tenant);
            let found = export_statuses(&tenant, &[]);
            assert_nothing_lost(&found, &feeder.acknowledged.lock().unwrap(), &before);
            before = found;
        }
    }
    let acknowledged = feeder.acknowledged.lock().unwrap();
    println!(
        "{rounds} kills: {} messages and {} statuses acknowledged",
        acknowledged.messages.len(),
        acknowledged.statuses.len()
    );
    assert_each_status_stored_once(&tenant, &acknowledged.statuses);
    assert_pull_completes(&tenant, &other, &arguments);
}

fn assert_each_status_stored_once(
    tenant: &TestTenant,
    acknowledged: &BTreeMap<i64, std::collections::BTreeSet<(&'static str, &'static str)>>,
) {
    let sql = "SELECT message_id, status, source, count(*) AS times FROM status_events WHERE body IS NOT NULL \
               GROUP BY message_id, status, source";
    let status_rows: Vec<StatusRow> = diesel::sql_query(sql).load(&mut connection(tenant)).unwrap();
    let mut found: BTreeMap<(i64, &str, i32), i64> = BTreeMap::new();
    for row in &status_rows {
        found.insert((row.message_id, row.status.as_str(), row.source), row.times);
    }
    for (id, statuses) in acknowledged {
        for (status, source) in statuses {
            let source = if *source == "webhook" { 1 } else { 2 };
            assert_eq!(found.get(&(*id, *status, source)), Some(&1), "{status} of message {id}");
        }
    }
}

/// The rest of the other gateway's history is pulled after the next start.
fn assert_pull_completes(tenant: &TestTenant, other: &TestTenant, arguments: &[&str]) {
    let server = tenant.binary.start_server(arguments, &[]);
    let expected = other.binary.run(&["export", "--tenant", "3193"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let pulled = tenant.binary.run(&["export", "--tenant", "3193"]);
        let pulled: std::collections::BTreeSet<&str> = pulled.lines().collect();
        let missing = expected.lines().filter(|line| !pulled.contains(line)).count();
        if missing == 0 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{missing} messages were not pulled: {}", server.log());
    }
}
