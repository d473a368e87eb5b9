//! A server that is frozen, and one whose settings change while it is used.

use std::process::Command;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::cluster_or_skip;
use crate::support::TENANT;
use crate::support::cluster::Cluster;
use history_gateway::model::CallerId;
use history_gateway::store::{DatabaseUrl, Options, Store, StoreError};

/// Freezes or thaws a server, all of its processes.
fn signal(cluster: &Cluster, signal: &str) {
    let pid = std::fs::read_to_string(cluster.directory.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().to_owned();
    let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
    let children = String::from_utf8(children.stdout).unwrap();
    let pids = children.split_whitespace().chain([pid.as_str()]);
    assert!(Command::new("kill").arg(signal).args(pids).status().unwrap().success());
}

/// A server that is frozen until this is dropped, however the test ends: nobody could wait for its end otherwise.
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

/// Asks for something that takes no time; the connection to it is kept.
async fn ask(store: &Store) -> Result<(), StoreError> {
    let caller = CallerId { tenant: TENANT, key: 1 };
    let work = |connection: &mut _, _: &_| {
        history_gateway::store::tenants::list(connection)?;
        std::thread::sleep(Duration::from_millis(50));
        Ok(())
    };
    store.query(caller, work).await
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
    // Three connections, kept.
    let three = async || tokio::join!(ask(&store), ask(&store), ask(&store));
    let (a, b, c) = three().await;
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let frozen = Frozen::new(&cluster);
    let (a, b, c) = three().await;
    assert!(a.is_err() && b.is_err() && c.is_err(), "{a:?} {b:?} {c:?}");
    // All three are lost, which is more than may be.
    tokio::time::timeout(Duration::from_secs(20), store.failed()).await.unwrap();
    assert_eq!(store.abandoned_threads(), 3);
    // Their places are not: who comes next is told, instead of waiting for a place.
    let next = ask(&store).await;
    assert!(matches!(next, Err(StoreError::CannotConnect { .. } | StoreError::Cancelled(_))), "{next:?}");
    drop(frozen);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while store.abandoned_threads() > 0 || ask(&store).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "{} threads", store.abandoned_threads());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

#[actix_web::test]
async fn writes_stay_durable_when_the_server_default_changes() {
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
        // A server's processes read their settings anew in their own time.
        let is_read = async || {
            let of_server = "SELECT current_setting('synchronous_commit') AS value";
            let read = store.read(move |connection| {
                let setting: Setting = diesel::sql_query(of_server).get_result(connection)?;
                Ok(setting.value)
            });
            read.await.unwrap() == default
        };
        while !is_read().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for _ in 0..3 {
            assert_eq!(setting(&store).await, used, "where the default is {default}");
        }
    }
}
