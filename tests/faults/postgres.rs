//! A PostgreSQL that is killed and comes back, and two gateways that feed one.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::feeder::{FEEDS, Feed, Feeder, Line, Over, Shop, check, exported};
use crate::support::cluster::{Cluster, as_user};
use crate::support::{Binary, Database, Server, server};

#[test]
fn two_gateways_on_one_database_lose_and_duplicate_nothing() {
    let Some(cluster) = server() else { return };
    let shop = Shop::new(Binary::with(Database::on(cluster, "template1")));
    let gateways = ["one.log", "other.log"].map(|log| {
        Server::start(&mut shop.binary.command(&["serve", "--bind", "127.0.0.1:0"]), &shop.binary.path(log))
    });
    let feeder = Feeder::new();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for gateway in &gateways {
            for feed in FEEDS {
                let (feeder, shop, is_over) = (&feeder, &shop, &is_over);
                scope.spawn(move || feeder.feed(&gateway.address, shop, feed, || is_over.load(Ordering::SeqCst)));
            }
        }
        let _over = Over(&is_over);
        while feeder.count.load(Ordering::SeqCst) < 1500 {
            std::thread::yield_now();
        }
    });
    assert_eq!(feeder.refused.load(Ordering::SeqCst), 0, "{}", gateways[0].log());
    let acknowledged = feeder.acknowledged.lock().unwrap();
    let found = exported(&shop, &[]);
    check(&found, &acknowledged, &BTreeMap::new());
    assert_eq!(found.keys().copied().collect::<std::collections::BTreeSet<_>>(), acknowledged.messages);
    let count = |sql: &str| cluster.psql(shop.binary.database_name().as_str(), sql).unwrap();
    let days =
        "SELECT sum(messages) FROM message_days WHERE channel_type = '' AND direction = '' AND traffic_type = ''";
    assert_eq!(count(days), acknowledged.messages.len().to_string());
    let doubled = "SELECT count(*) - count(DISTINCT (message_id, status, source)) FROM status_events";
    assert_eq!(count(doubled), "0");
}

#[test]
fn database_crash_is_503_and_loses_nothing_acknowledged() {
    let Some(installed) = server() else { return };
    // One of its own, because it is killed.
    let cluster = Cluster::start(installed.binaries.clone(), "C", &[], &[]);
    let cluster = Ended(cluster);
    cluster.0.run("CREATE DATABASE feeds");
    let (url, binary) = (cluster.0.url("feeds"), Binary::with_file());
    let database = ["--database", url.as_str()];
    let shop = Shop::on(binary, &database);
    let gateway = shop.binary.serve(&[&["serve", "--bind", "127.0.0.1:0"][..], &database].concat(), &[]);
    let feeder = Feeder::new();
    let mut before = BTreeMap::new();
    let mut line = Line::to(&gateway.address).unwrap();
    for round in 0..3 {
        let is_over = AtomicBool::new(false);
        let refused = feeder.refused.load(Ordering::SeqCst);
        std::thread::scope(|scope| {
            for feed in FEEDS {
                let (feeder, shop, is_over, gateway) = (&feeder, &shop, &is_over, &gateway);
                scope.spawn(move || feeder.feed(&gateway.address, shop, feed, || is_over.load(Ordering::SeqCst)));
            }
            let _over = Over(&is_over);
            let wanted = feeder.count.load(Ordering::SeqCst) + 60;
            while feeder.count.load(Ordering::SeqCst) < wanted {
                std::thread::yield_now();
            }
            crash(&cluster.0);
            while feeder.refused.load(Ordering::SeqCst) < refused + 8 {
                std::thread::yield_now();
            }
            come_back(&cluster.0);
        });
        // The same server goes on by itself.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !feeder.one(&mut line, &shop, Feed::Incoming).unwrap() {
            assert!(Instant::now() < deadline, "round {round}: {}", gateway.log());
        }
        let found = exported(&shop, &database);
        check(&found, &feeder.acknowledged.lock().unwrap(), &before);
        before = found;
    }
}

/// Ends the server that came back, however the test ends: the one that its cluster knows of is gone.
struct Ended(Cluster);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = control(&self.0, &["stop", "-m", "immediate", "-w"]).status();
    }
}

/// Ends the server as a power cut does, as far as it knows: it finds out when it comes back.
fn crash(cluster: &Cluster) {
    let stop = ["stop", "-m", "immediate", "-w"];
    assert!(control(cluster, &stop).status().unwrap().success());
}

/// Starts it again with the same settings.
fn come_back(cluster: &Cluster) {
    let options = std::fs::read_to_string(cluster.directory.join("data/postmaster.opts")).unwrap();
    // The program, and then its arguments, each in quotes.
    let arguments: Vec<&str> = options.trim().split("\" \"").collect();
    let arguments = arguments.join(" ").replace('"', "");
    let arguments = arguments.split_once(' ').unwrap().1;
    // The first one's belongs to whoever runs the tests.
    let log = cluster.directory.join("data/second.log");
    let mut start = control(cluster, &["start", "-w", "-o", arguments, "-l", log.to_str().unwrap()]);
    assert!(start.stdout(Stdio::null()).status().unwrap().success());
}

fn control(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut control = Command::new(cluster.binaries.join("pg_ctl"));
    control.arg("-D").arg(cluster.directory.join("data")).args(arguments).stdout(Stdio::null());
    as_user(&mut control, cluster.user);
    control
}
