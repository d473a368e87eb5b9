//! A PostgreSQL server that crashes and restarts, and two gateways on one database.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::feeder::{FEEDS, Feed, Feeder, HttpConnection, SetOnDrop, TestTenant, assert_nothing_lost, export_statuses};
use crate::support::cluster::{Cluster, run_as};
use crate::support::{Binary, Database, Server, postgres_cluster};

#[test]
fn two_gateways_on_one_database_lose_and_duplicate_nothing() {
    let Some(cluster) = postgres_cluster() else { return };
    let tenant = TestTenant::new(Binary::with(Database::on(cluster, "template1")));
    let gateways = ["one.log", "other.log"].map(|log| {
        Server::start(&mut tenant.binary.command(&["serve", "--bind", "127.0.0.1:0"]), &tenant.binary.path(log))
    });
    let feeder = Feeder::new();
    let is_stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for gateway in &gateways {
            for feed in FEEDS {
                let (feeder, tenant, is_stopped) = (&feeder, &tenant, &is_stopped);
                scope.spawn(move || {
                    feeder.run_feed(&gateway.address, tenant, feed, || is_stopped.load(Ordering::SeqCst));
                });
            }
        }
        let _stop_feeds = SetOnDrop(&is_stopped);
        while feeder.count.load(Ordering::SeqCst) < 1500 {
            std::thread::yield_now();
        }
    });
    assert_eq!(feeder.rejected.load(Ordering::SeqCst), 0, "{}", gateways[0].log());
    let acknowledged = feeder.acknowledged.lock().unwrap();
    let found = export_statuses(&tenant, &[]);
    assert_nothing_lost(&found, &acknowledged, &BTreeMap::new());
    assert_eq!(found.keys().copied().collect::<std::collections::BTreeSet<_>>(), acknowledged.messages);
    let count = |sql: &str| cluster.psql(tenant.binary.database_name().as_str(), sql).unwrap();
    let days =
        "SELECT sum(messages) FROM message_days WHERE channel_type = '' AND direction = '' AND traffic_type = ''";
    assert_eq!(count(days), acknowledged.messages.len().to_string());
    let duplicates = "SELECT count(*) - count(DISTINCT (message_id, status, source)) FROM status_events";
    assert_eq!(count(duplicates), "0");
}

#[test]
fn database_crash_is_503_and_loses_nothing_acknowledged() {
    let Some(installed) = postgres_cluster() else { return };
    // Its own cluster, because this one crashes.
    let cluster = Cluster::start(installed.binaries.clone(), "C", &[], &[]);
    let cluster = StopOnDrop(cluster);
    cluster.0.run("CREATE DATABASE feeds");
    let (url, binary) = (cluster.0.url("feeds"), Binary::with_sqlite());
    let database = ["--database", url.as_str()];
    let tenant = TestTenant::with_arguments(binary, &database);
    let gateway = tenant.binary.start_server(&[&["serve", "--bind", "127.0.0.1:0"][..], &database].concat(), &[]);
    let feeder = Feeder::new();
    let mut before = BTreeMap::new();
    let mut connection = HttpConnection::connect(&gateway.address).unwrap();
    for round in 0..3 {
        let is_stopped = AtomicBool::new(false);
        let rejected = feeder.rejected.load(Ordering::SeqCst);
        std::thread::scope(|scope| {
            for feed in FEEDS {
                let (feeder, tenant, is_stopped, gateway) = (&feeder, &tenant, &is_stopped, &gateway);
                scope.spawn(move || {
                    feeder.run_feed(&gateway.address, tenant, feed, || is_stopped.load(Ordering::SeqCst));
                });
            }
            let _stop_feeds = SetOnDrop(&is_stopped);
            let wanted = feeder.count.load(Ordering::SeqCst) + 60;
            while feeder.count.load(Ordering::SeqCst) < wanted {
                std::thread::yield_now();
            }
            crash(&cluster.0);
            while feeder.rejected.load(Ordering::SeqCst) < rejected + 8 {
                std::thread::yield_now();
            }
            restart(&cluster.0);
        });
        // The gateway recovers without a restart.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !feeder.send_one(&mut connection, &tenant, Feed::Incoming).unwrap() {
            assert!(Instant::now() < deadline, "round {round}: {}", gateway.log());
        }
        let found = export_statuses(&tenant, &database);
        assert_nothing_lost(&found, &feeder.acknowledged.lock().unwrap(), &before);
        before = found;
    }
}

/// Stops the restarted server, however the test ends: the cluster's supervisor only knows the first one.
struct StopOnDrop(Cluster);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let _ = pg_ctl(&self.0, &["stop", "-m", "immediate", "-w"]).status();
    }
}

/// Stops the server without a shutdown, like a power cut: it recovers when it restarts.
fn crash(cluster: &Cluster) {
    let stop = ["stop", "-m", "immediate", "-w"];
    assert!(pg_ctl(cluster, &stop).status().unwrap().success());
}

/// Starts the server again with the same settings.
fn restart(cluster: &Cluster) {
    let options = std::fs::read_to_string(cluster.directory.join("data/postmaster.opts")).unwrap();
    // The program, and then its arguments, each in quotes.
    let arguments: Vec<&str> = options.trim().split("\" \"").collect();
    let arguments = arguments.join(" ").replace('"', "");
    let arguments = arguments.split_once(' ').unwrap().1;
    // The first server's log belongs to the user that runs the tests.
    let log = cluster.directory.join("data/second.log");
    let mut start = pg_ctl(cluster, &["start", "-w", "-o", arguments, "-l", log.to_str().unwrap()]);
    assert!(start.stdout(Stdio::null()).status().unwrap().success());
}

fn pg_ctl(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut command = Command::new(cluster.binaries.join("pg_ctl"));
    command.arg("-D").arg(cluster.directory.join("data")).args(arguments).stdout(Stdio::null());
    run_as(&mut command, cluster.user);
    command
}
