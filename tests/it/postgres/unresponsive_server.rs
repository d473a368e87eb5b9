//! A PostgreSQL server that does not respond.

use std::process::Command;
use std::time::Duration;

use super::cluster_or_skip;
use crate::support::TENANT;
use crate::support::cluster::Cluster;
use history_gateway::model::CallerId;
use history_gateway::store::{DatabaseUrl, Options, Store, StoreError};

/// Sends a signal to all processes of a server, to freeze or to continue it.
fn signal(cluster: &Cluster, signal: &str) {
    let pid = std::fs::read_to_string(cluster.directory.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().to_owned();
    let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
    let children = String::from_utf8(children.stdout).unwrap();
    let pids = children.split_whitespace().chain([pid.as_str()]);
    assert!(Command::new("kill").arg(signal).args(pids).status().unwrap().success());
}

/// A server that is frozen until this is dropped, however the test ends: a frozen server could not be stopped.
struct Frozen<'a>(&'a Cluster);

impl<'a> Frozen<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        signal(cluster, "-STOP");
        Self(cluster)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        signal(self.0, "-CONT");
    }
}

/// Runs a short query; its connection goes back to the pool.
async fn short_query(store: &Store) -> Result<(), StoreError> {
    let caller = CallerId { tenant: TENANT, key: 1 };
    let work = |connection: &mut _, _: &_| {
        history_gateway::store::tenants::list(connection)?;
        std::thread::sleep(Duration::from_millis(50));
        Ok(())
    };
    store.query(&caller.into(), work).await
}

#[actix_web::test]
async fn frozen_server_releases_slots_and_reports_lost_threads() {
    let installed = cluster_or_skip!();
    let cluster = Cluster::start(installed.binaries.clone(), "C", &[], &[]);
    let url = DatabaseUrl::parse(&cluster.url("postgres")).unwrap();
    let options = Options {
        read_connections: 3,
        abandoned_threads: 3,
        deadline: Duration::from_secs(1),
        wait: Duration::from_secs(2),
        ..Options::default()
    };
    let store = Store::open(&url, options).unwrap();
    // Three connections, which stay in the pool.
    let three = async || tokio::join!(short_query(&store), short_query(&store), short_query(&store));
    let (a, b, c) = three().await;
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let frozen = Frozen::new(&cluster);
    let (a, b, c) = three().await;
    assert!(a.is_err() && b.is_err() && c.is_err(), "{a:?} {b:?} {c:?}");
    // All three threads are abandoned, which is as many as may be.
    tokio::time::timeout(Duration::from_secs(20), store.too_many_abandoned()).await.unwrap();
    assert_eq!(store.abandoned_threads(), 3);
    // Their slots are free again: the next query fails instead of waiting for a slot.
    let next = short_query(&store).await;
    assert!(matches!(next, Err(StoreError::CannotConnect { .. } | StoreError::Cancelled(_))), "{next:?}");
    drop(frozen);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while store.abandoned_threads() > 0 || short_query(&store).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "{} threads", store.abandoned_threads());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
