//! A primary that dies under load, and its standby that is promoted: what was acknowledged, and what is kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::feeder::{FEEDS, Feeder, SetOnDrop, TestTenant, assert_nothing_lost, export_statuses};
use crate::gateway::{Gateway, tenant};
use crate::node::{Node, wait_until};
use crate::proxy::Proxy;

/// Has commits wait for the standby.
fn make_synchronous(primary: &Node) {
    primary.set("synchronous_standby_names = '*'");
    wait_until("the standby is synchronous", || {
        primary.psql("SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')") == "1"
    });
}

/// Feeds a gateway while `during` runs, and until that has returned and more was acknowledged.
fn feed(gateway: &Gateway, feeder: &Feeder, during: impl FnOnce()) {
    let is_stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for feed in FEEDS {
            let (address, tenant, is_stopped) = (&gateway.server.address, &gateway.tenant, &is_stopped);
            scope.spawn(move || {
                while !is_stopped.load(Ordering::SeqCst) {
                    feeder.run_feed(address, tenant, feed, || is_stopped.load(Ordering::SeqCst));
                }
            });
        }
        let _stop = SetOnDrop(&is_stopped);
        wait_until("the feeds begin", || feeder.count.load(Ordering::SeqCst) > 100);
        during();
        let wanted = feeder.count.load(Ordering::SeqCst) + 100;
        wait_until("the feeds go on", || feeder.count.load(Ordering::SeqCst) > wanted);
    });
}

#[test]
fn kill_and_promotion_lose_nothing_that_a_standby_confirmed() {
    let Some(mut primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &["synchronous_standby_names="]);
    make_synchronous(&primary);
    let gateway = Gateway::start(tenant, &[&primary, &standby], &[], &[]);
    let ready = gateway.get("/readyz?verbose").body;
    assert_eq!(ready, r#"{"status":"ready","reads":"ok","writes":"ok","replication":"synchronous"}"#);
    let feeder = Feeder::new();
    feed(&gateway, &feeder, || {
        primary.kill();
        std::thread::sleep(Duration::from_millis(500));
        standby.promote();
        let promoted = Instant::now();
        wait_until("the new primary is written to", || gateway.record([1]).status == 200);
        assert!(promoted.elapsed() < Duration::from_secs(10), "{:?}: {}", promoted.elapsed(), gateway.server.log());
    });
    assert!(feeder.rejected.load(Ordering::SeqCst) > 0, "some were rejected while there was no primary");
    let found = export_statuses(&gateway.tenant, &["--database", &standby.url()]);
    assert_nothing_lost(&found, &feeder.acknowledged.lock().unwrap(), &BTreeMap::new());
}

/// What is lost if the line to the standby is cut, then writes are acknowledged, and then the primary dies.
fn messages_lost_after_a_cut(is_synchronous: bool) -> (usize, usize) {
    let Some(mut primary) = Node::primary(&[]) else { return (0, 0) };
    let tenant = tenant(&primary);
    let line = Proxy::to(primary.port());
    let standby = Node::standby_of(line.port(), &["synchronous_standby_names="]);
    if is_synchronous {
        make_synchronous(&primary);
    }
    standby.wait_for(&primary);
    let settings =
        [("DATABASE__WAIT_SECONDS", "2"), ("DATABASE__DEADLINE_SECONDS", "3"), ("INGEST__WAIT_SECONDS", "2")];
    let gateway = Gateway::start(tenant, &[&primary, &standby], &[], &settings);
    assert_eq!(gateway.record(1..=10).status, 200);
    standby.wait_for(&primary);
    line.cut();
    let acknowledged: Vec<i64> = (11..=13).filter(|id| gateway.record([*id]).status == 200).collect();
    primary.kill();
    standby.promote();
    wait_until("the new primary is written to", || gateway.record([100]).status == 200);
    let found = export_statuses(&gateway.tenant, &["--database", &standby.url()]);
    assert!((1..=10).all(|id| found.contains_key(&id)));
    let lost = acknowledged.iter().filter(|id| !found.contains_key(id)).count();
    (acknowledged.len(), lost)
}

#[test]
fn asynchronous_replication_loses_what_was_not_sent() {
    if crate::support::postgres_cluster().is_some() {
        assert_eq!(messages_lost_after_a_cut(false), (3, 3));
    }
}

#[test]
fn synchronous_replication_acknowledges_nothing_it_could_lose() {
    assert_eq!(messages_lost_after_a_cut(true), (0, 0));
}

#[test]
fn readiness_tells_whether_commits_wait_for_standbys() {
    let Some(primary) = Node::primary(&[]) else { return };
    let gateway = Gateway::start(tenant(&primary), &[&primary], &[], &[]);
    let replication = || gateway.get("/readyz?verbose").body;
    let wait_for = |word: &str| wait_until(word, || replication().contains(&format!(r#""replication":"{word}""#)));
    wait_for("asynchronous");
    let standby = Node::standby_of(primary.port(), &["synchronous_standby_names="]);
    make_synchronous(&primary);
    wait_for("synchronous");
    assert_eq!(gateway.record([1]).status, 200);
    // The gateway sets `off` back to `on` for its writes, but leaves `local`.
    primary.set("synchronous_commit = 'off'");
    assert!(replication().contains(r#""replication":"synchronous""#));
    standby.freeze();
    let settings = gateway.send(
        "POST",
        "/v1/messages",
        &[("x-api-key", &gateway.tenant.master)],
        &crate::feeder::item(2).to_string(),
    );
    assert_eq!(settings.unwrap().status, 503, "a write waits for the standby even if the server's default is off");
    standby.thaw();
    wait_until("the standby confirms again", || gateway.record([2]).status == 200);
    primary.set("synchronous_commit = 'local'");
    wait_for("asynchronous");
}

/// The tenant of another gateway on the same servers.
pub fn same_tenant(tenant: &TestTenant) -> TestTenant {
    TestTenant {
        binary: crate::support::Binary::with_sqlite(),
        master: tenant.master.clone(),
        webhook: tenant.webhook.clone(),
    }
}
