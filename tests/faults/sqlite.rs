//! A full disk and a locked store while feeds come in: 503, no partial writes, and recovery without a restart.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use history_gateway::store::{Connection, DatabaseUrl};

use crate::disk::SmallDisk;
use crate::feeder::{FEEDS, Feeder, HttpConnection, TestTenant, assert_nothing_lost, export_statuses};
use crate::support::Binary;

#[test]
fn full_disk_is_503_without_partial_writes_then_recovers() {
    let binary = Binary::with_sqlite();
    let Some(disk) = SmallDisk::mount(binary.path("disk"), 8) else {
        eprintln!("skipped: a small disk can only be mounted by root");
        return;
    };
    std::fs::write(disk.0.join("ballast"), vec![0; 2_000_000]).unwrap();
    let database = ["--database", "sqlite://disk/history.db"];
    let tenant = TestTenant::with_arguments(binary, &database);
    let server = tenant.binary.start_server(&[&["serve", "--bind", "127.0.0.1:0"][..], &database].concat(), &[]);
    let feeder = Feeder::new();
    let mut connection = HttpConnection::connect(&server.address).unwrap();
    let fill = |feeder: &Feeder, connection: &mut HttpConnection| {
        let mut acknowledged = 0;
        while feeder.send_one(connection, &tenant, FEEDS[1]).unwrap() {
            acknowledged += 1;
            assert!(acknowledged < 5000, "the disk does not fill up");
        }
        acknowledged
    };
    assert!(fill(&feeder, &mut connection) > 10);
    // Every feed still gets a response, and reads still work.
    for feed in FEEDS {
        feeder.send_one(&mut connection, &tenant, feed).unwrap();
    }
    let response = server.history(&tenant.master, r#"{"dateFrom":"2026-01-01"}"#);
    assert!(response.starts_with("200 "), "{response}");
    let ready = || server.send(b"GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let deadline = Instant::now() + Duration::from_secs(20);
    while feeder.send_one(&mut connection, &tenant, FEEDS[1]).unwrap() || !ready().contains("The store's disk is full.")
    {
        assert!(Instant::now() < deadline, "{}", ready());
    }
    let before = export_statuses(&tenant, &database);
    assert_nothing_lost(&before, &feeder.acknowledged.lock().unwrap(), &BTreeMap::new());
    // Once there is space, the same server accepts writes again.
    std::fs::remove_file(disk.0.join("ballast")).unwrap();
    for feed in FEEDS {
        assert!(feeder.send_one(&mut connection, &tenant, feed).unwrap(), "{feed:?}: {}", server.log());
    }
    // A disk counts as full for ten seconds after a write did not fit, because a small write may fit meanwhile.
    let deadline = Instant::now() + Duration::from_secs(40);
    while !ready().starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < deadline, "{}", ready());
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = export_statuses(&tenant, &database);
    let acknowledged = feeder.acknowledged.lock().unwrap();
    assert_nothing_lost(&found, &acknowledged, &before);
    // Nothing of a rejected request is stored: a batch is written whole or not at all.
    assert_eq!(found.keys().copied().collect::<std::collections::BTreeSet<_>>(), acknowledged.messages);
    drop(server);
}

#[test]
fn externally_locked_store_is_503_in_time_then_recovers() {
    let tenant = TestTenant::new(Binary::with_sqlite());
    let settings = [("HISTORY_GATEWAY__INGEST__WAIT_SECONDS", "1")];
    let server = tenant.binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &settings);
    let feeder = Feeder::new();
    let mut connection = HttpConnection::connect(&server.address).unwrap();
    for feed in FEEDS {
        assert!(feeder.send_one(&mut connection, &tenant, feed).unwrap());
    }
    // A program that does not use our write lock.
    let mut other = DatabaseUrl::parse(&tenant.binary.url()).unwrap().connect(Duration::from_secs(5)).unwrap();
    let mut execute = |sql: &str| match &mut other {
        Connection::Sqlite(file) => file.batch_execute(sql).unwrap(),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {}
    };
    execute("BEGIN IMMEDIATE");
    for feed in FEEDS {
        let started = Instant::now();
        assert!(!feeder.send_one(&mut connection, &tenant, feed).unwrap(), "{feed:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{feed:?}: {:?}", started.elapsed());
    }
    execute("ROLLBACK");
    let deadline = Instant::now() + Duration::from_secs(20);
    for feed in FEEDS {
        while !feeder.send_one(&mut connection, &tenant, feed).unwrap() {
            assert!(Instant::now() < deadline, "{}", server.log());
        }
    }
    assert!(feeder.rejected.load(Ordering::SeqCst) == 0);
    assert_nothing_lost(&export_statuses(&tenant, &[]), &feeder.acknowledged.lock().unwrap(), &BTreeMap::new());
}
