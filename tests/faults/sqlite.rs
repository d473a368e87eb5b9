//! A disk that is full and a store that is held while feeds come in: 503, nothing half-written, and recovery by itself.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use history_gateway::store::{Connection, DatabaseUrl};

use crate::disk::SmallDisk;
use crate::feeder::{FEEDS, Feeder, Line, Shop, check, exported};
use crate::support::Binary;

#[test]
fn full_disk_is_503_without_partial_writes_then_recovers() {
    let binary = Binary::with_file();
    let Some(disk) = SmallDisk::mount(binary.path("disk"), 8) else {
        eprintln!("skipped: a small disk can only be mounted by root");
        return;
    };
    std::fs::write(disk.0.join("ballast"), vec![0; 2_000_000]).unwrap();
    let database = ["--database", "sqlite://disk/history.db"];
    let shop = Shop::on(binary, &database);
    let server = shop.binary.serve(&[&["serve", "--bind", "127.0.0.1:0"][..], &database].concat(), &[]);
    let feeder = Feeder::new();
    let mut line = Line::to(&server.address).unwrap();
    let fill = |feeder: &Feeder, line: &mut Line| {
        let mut acknowledged = 0;
        while feeder.one(line, &shop, FEEDS[1]).unwrap() {
            acknowledged += 1;
            assert!(acknowledged < 5000, "the disk is never full");
        }
        acknowledged
    };
    assert!(fill(&feeder, &mut line) > 10);
    // Reading goes on, and so does saying no.
    for feed in FEEDS {
        feeder.one(&mut line, &shop, feed).unwrap();
    }
    let answer = server.history(&shop.master, r#"{"dateFrom":"2026-01-01"}"#);
    assert!(answer.starts_with("200 "), "{answer}");
    let ready = || server.send(b"GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let deadline = Instant::now() + Duration::from_secs(20);
    while feeder.one(&mut line, &shop, FEEDS[1]).unwrap() || !ready().contains("The store's disk is full.") {
        assert!(Instant::now() < deadline, "{}", ready());
    }
    let before = exported(&shop, &database);
    check(&before, &feeder.acknowledged.lock().unwrap(), &BTreeMap::new());
    // Room is made, and the same server goes on.
    std::fs::remove_file(disk.0.join("ballast")).unwrap();
    for feed in FEEDS {
        assert!(feeder.one(&mut line, &shop, feed).unwrap(), "{feed:?}: {}", server.log());
    }
    // A disk is taken for full for ten seconds after something did not fit, because what is small may fit meanwhile.
    let deadline = Instant::now() + Duration::from_secs(40);
    while !ready().starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < deadline, "{}", ready());
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = exported(&shop, &database);
    let acknowledged = feeder.acknowledged.lock().unwrap();
    check(&found, &acknowledged, &before);
    // What was refused is not there: whole batches, or nothing of them.
    assert_eq!(found.keys().copied().collect::<std::collections::BTreeSet<_>>(), acknowledged.messages);
    drop(server);
}

#[test]
fn externally_locked_store_is_503_in_time_then_recovers() {
    let shop = Shop::new(Binary::with_file());
    let settings = [("HISTORY_GATEWAY__INGEST__WAIT_SECONDS", "1")];
    let server = shop.binary.serve(&["serve", "--bind", "127.0.0.1:0"], &settings);
    let feeder = Feeder::new();
    let mut line = Line::to(&server.address).unwrap();
    for feed in FEEDS {
        assert!(feeder.one(&mut line, &shop, feed).unwrap());
    }
    // A program that knows nothing of turns.
    let mut other = DatabaseUrl::parse(&shop.binary.url()).unwrap().connect(Duration::from_secs(5)).unwrap();
    let mut hold = |sql: &str| match &mut other {
        Connection::Sqlite(file) => file.batch_execute(sql).unwrap(),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {}
    };
    hold("BEGIN IMMEDIATE");
    for feed in FEEDS {
        let started = Instant::now();
        assert!(!feeder.one(&mut line, &shop, feed).unwrap(), "{feed:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{feed:?}: {:?}", started.elapsed());
    }
    hold("ROLLBACK");
    let deadline = Instant::now() + Duration::from_secs(20);
    for feed in FEEDS {
        while !feeder.one(&mut line, &shop, feed).unwrap() {
            assert!(Instant::now() < deadline, "{}", server.log());
        }
    }
    assert!(feeder.refused.load(Ordering::SeqCst) == 0);
    check(&exported(&shop, &[]), &feeder.acknowledged.lock().unwrap(), &BTreeMap::new());
}
