//! Replicas that lag, fail, freeze or are all that is left.

use std::time::{Duration, Instant};

use history_gateway::model::{CallerId, Freshness};
use history_gateway::store::{Budget, Connection, DatabaseUrl, Options, Store};

use crate::gateway::{Gateway, tenant};
use crate::node::{Node, wait_until, wait_within};
use crate::support::TENANT;

#[test]
fn lagging_replica_serves_no_reads_until_it_catches_up() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    let gateway = Gateway::start(tenant, &[&primary], &[&standby], &[("DATABASE__MAX_REPLICA_LAG_SECONDS", "2")]);
    gateway.wait_for_replicas(1);
    standby.set("recovery_min_apply_delay = '20s'");
    // Within the bound, a read may be old; one with the write's position never is.
    let position = gateway.record([1]).header("history-position").unwrap().to_owned();
    assert_eq!(gateway.messages(&[("history-position", &position)]), 1);
    assert_eq!(gateway.reads("primary"), 1);
    let mut id = 1;
    wait_within(Duration::from_secs(10), "the lag is noticed", || {
        id += 1;
        gateway.record([id]);
        gateway.get("/readyz?verbose").body.contains("\"inUse\":false")
    });
    let before = gateway.reads("primary");
    assert_eq!(gateway.messages(&[]), usize::try_from(id).unwrap());
    assert_eq!(gateway.reads("primary"), before + 1);
    standby.set("recovery_min_apply_delay = 0");
    gateway.wait_for_replicas(1);
    let before = gateway.reads("replica");
    assert_eq!(gateway.messages(&[("history-position", &position)]), usize::try_from(id).unwrap());
    assert_eq!(gateway.reads("replica"), before + 1);
}

/// An idle primary writes nothing for long, and its replica's last transaction is old, but nothing is missing.
#[test]
fn idle_replica_that_has_applied_all_stays_in_use() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    let gateway = Gateway::start(tenant, &[&primary], &[&standby], &[("DATABASE__MAX_REPLICA_LAG_SECONDS", "1")]);
    gateway.wait_for_replicas(1);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(4) {
        assert!(gateway.get("/readyz?verbose").body.contains("\"inUse\":true"), "{}", gateway.server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn read_that_a_replica_cancels_is_answered_by_the_primary() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &["max_standby_streaming_delay=0"]);
    let gateway = Gateway::start(tenant, &[&primary], &[&standby], &[]);
    assert_eq!(gateway.record(1..=50).status, 200);
    standby.wait_for(&primary);
    gateway.wait_for_replicas(1);
    // A lock that the standby applies conflicts with every query there.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                primary.psql("BEGIN; LOCK TABLE messages IN ACCESS EXCLUSIVE MODE; COMMIT");
            }
        });
        let _stop = crate::feeder::SetOnDrop(&stop);
        wait_until("a read is repeated on the primary", || {
            assert_eq!(gateway.messages(&[]), 50);
            gateway.reads("primary") > 0
        });
    });
    assert_eq!(gateway.messages(&[]), 50);
}

#[test]
fn all_replicas_away_leave_the_reads_to_the_primary() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let mut standbys = [0, 1].map(|_| Node::standby_of(primary.port(), &[]));
    let gateway = Gateway::start(tenant, &[&primary], &[&standbys[0], &standbys[1]], &[]);
    assert_eq!(gateway.record([1]).status, 200);
    for standby in &standbys {
        standby.wait_for(&primary);
    }
    gateway.wait_for_replicas(2);
    for _ in 0..8 {
        assert_eq!(gateway.messages(&[]), 1);
    }
    assert_eq!(gateway.reads("replica"), 8);
    for standby in &standbys {
        let served = standby.psql("SELECT sum(numbackends) > 1 FROM pg_stat_database WHERE datname = 'history'");
        assert_eq!(served, "t", "both serve reads");
    }
    standbys.iter_mut().for_each(Node::kill);
    // No request fails meanwhile.
    wait_until("the primary serves the reads", || {
        assert_eq!(gateway.messages(&[]), 1);
        gateway.get("/readyz?verbose").body.matches("\"inUse\":false").count() == 2
    });
    standbys.iter_mut().for_each(Node::start);
    gateway.wait_for_replicas(2);
    let before = gateway.reads("replica");
    assert_eq!(gateway.messages(&[]), 1);
    assert_eq!(gateway.reads("replica"), before + 1);
}

#[test]
fn frozen_replica_holds_up_no_read_for_long() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    let gateway = Gateway::start(tenant, &[&primary], &[&standby], &[]);
    assert_eq!(gateway.record([1]).status, 200);
    standby.wait_for(&primary);
    gateway.wait_for_replicas(1);
    assert_eq!(gateway.messages(&[]), 1);
    standby.freeze();
    let started = Instant::now();
    let mut answered = 0;
    while started.elapsed() < Duration::from_secs(8) {
        let asked = Instant::now();
        assert_eq!(gateway.messages(&[]), 1, "{}", gateway.server.log());
        assert!(asked.elapsed() < Duration::from_secs(7), "{:?}", asked.elapsed());
        answered += 1;
    }
    assert!(answered > 50, "{answered}");
    standby.thaw();
    gateway.wait_for_replicas(1);
    assert_eq!(gateway.messages(&[]), 1);
}

#[test]
fn without_a_primary_reads_go_on_with_remembered_keys() {
    let Some(mut primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let other =
        tenant.binary.run(&["key", "issue", "--tenant", "3193", "--database", &primary.url()]).trim().to_owned();
    let standby = Node::standby_of(primary.port(), &[]);
    let remember = [("AUTH__REMEMBER_KEYS_SECONDS", "60"), ("DATABASE__MAX_REPLICA_LAG_SECONDS", "1")];
    let gateway = Gateway::start(tenant, &[&primary], &[&standby], &remember);
    assert_eq!(gateway.record(1..=5).status, 200);
    standby.wait_for(&primary);
    gateway.wait_for_replicas(1);
    assert_eq!(gateway.get("/readyz").body, r#"{"status":"ready"}"#);
    primary.kill();
    wait_until("writes are unavailable", || gateway.get("/readyz").body != r#"{"status":"ready"}"#);
    // The lag grows beyond its bound, and does not count.
    std::thread::sleep(Duration::from_secs(2));
    let ready = gateway.get("/readyz");
    assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"status":"ready","reads":"ok","writes":"unavailable"}"#));
    assert_eq!(gateway.messages(&[]), 5);
    assert_eq!(gateway.record([6]).status, 503);
    // A key that was not used before is not known, and is not rejected as a wrong one.
    let unknown = gateway.send("POST", "/api/messages/history", &[("x-api-key", &other)], "{}").unwrap();
    assert_eq!(unknown.status, 503);
    drop(standby);
    wait_until("nothing works", || gateway.get("/readyz").status == 503);
    primary.start();
    wait_until("the primary is back", || gateway.get("/readyz").body == r#"{"status":"ready"}"#);
    assert_eq!((gateway.record([6]).status, gateway.messages(&[])), (200, 6));
}

/// A role without the right to read statistics does not learn a standby's timeline.
#[test]
fn replica_serves_a_plain_role_soon_after_a_fail_over() {
    let Some(mut old) = Node::primary(&[]) else { return };
    old.psql("CREATE ROLE shop LOGIN");
    old.psql("ALTER DATABASE history OWNER TO shop");
    old.psql("GRANT ALL ON SCHEMA public TO shop");
    let url = |node: &Node| format!("postgres://shop@{}/history", node.host());
    let tenant =
        crate::feeder::TestTenant::with_arguments(crate::support::Binary::with_sqlite(), &["--database", &url(&old)]);
    let new = Node::standby_of(old.port(), &[]);
    new.wait_for(&old);
    // Its standby follows the new primary from the start, and has no restart point of its own after the fail-over.
    let replica = Node::standby_of(new.port(), &["checkpoint_timeout=1h"]);
    let hosts = format!("postgres://shop@{},{}/history", old.host(), new.host());
    let gateway = Gateway::start_at(tenant, &hosts, &url(&replica), &[]);
    assert_eq!(gateway.record([1]).status, 200);
    gateway.wait_for_replicas(1);
    old.kill();
    new.promote();
    wait_until("the new primary is written to", || gateway.record([2]).status == 200);
    wait_within(Duration::from_secs(20), "the replica is in use again", || {
        gateway.get("/readyz?verbose").body.contains("\"inUse\":true")
    });
    let before = gateway.reads("replica");
    assert_eq!(gateway.messages(&[]), 2);
    assert_eq!(gateway.reads("replica"), before + 1);
}

#[test]
fn busy_replica_leaves_reads_to_the_primary() {
    let Some(primary) = Node::primary(&[]) else { return };
    let _tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    standby.wait_for(&primary);
    let url = DatabaseUrl::parse(&primary.url()).unwrap();
    let url = url.with_replicas(&[standby.url()], Duration::from_secs(5)).unwrap();
    // One slot for any tenant, and one for tenants that hold none.
    let store = Store::open(&url, Options { read_connections: 1, ..Options::default() }).unwrap();
    wait_until("the replica is in use", || store.replicas()[0].is_in_use);
    actix_web::rt::System::new().block_on(async {
        let reader = || store.reader(CallerId { tenant: TENANT, key: 1 }, Freshness::Any);
        let is_standby = |connection: &mut Connection, _: &Budget| Ok(connection.applied()? > 0);
        assert!(store.query(&reader(), is_standby).await.unwrap());
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = std::sync::Arc::new(std::sync::Mutex::new(released));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let begun = std::sync::Arc::new(std::sync::Mutex::new(Some(begun)));
        let hold = move |connection: &mut Connection| {
            begun.lock().unwrap().take().unwrap().send(connection.applied()? > 0).unwrap();
            // An error means that the sender was dropped.
            let _ = released.lock().unwrap().recv();
            Ok(())
        };
        let (shared, of_holder) = (store.clone(), reader());
        let holding = actix_web::rt::spawn(async move { shared.read(&of_holder, hold).await });
        assert!(has_begun.await.unwrap(), "it is held on the replica");
        // The tenant's next read does not wait for the slot.
        let started = Instant::now();
        assert!(!store.query(&reader(), is_standby).await.unwrap());
        assert!(started.elapsed() < Duration::from_secs(1));
        drop(release);
        holding.await.unwrap().unwrap();
        assert!(store.query(&reader(), is_standby).await.unwrap(), "the replica is not blamed for being busy");
    });
}
