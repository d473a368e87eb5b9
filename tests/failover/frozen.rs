//! A primary that is frozen: it accepts connections and answers nothing.

use std::time::{Duration, Instant};

use crate::gateway::{Gateway, tenant};
use crate::node::{Node, wait_until, wait_within};

/// A server that is frozen until this is dropped, however the test ends.
struct Frozen<'a>(&'a Node);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.thaw();
    }
}

#[test]
fn frozen_primary_is_left_once_its_standby_is_promoted() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    standby.wait_for(&primary);
    let gateway = Gateway::start(tenant, &[&primary, &standby], &[], &[("DATABASE__DEADLINE_SECONDS", "600")]);
    assert_eq!((gateway.record(1..=3).status, gateway.messages(&[])), (200, 3));
    standby.wait_for(&primary);
    let frozen = Frozen(&primary);
    primary.freeze();
    std::thread::scope(|scope| {
        // These wait for the frozen server when its standby is promoted.
        let waiting = [
            scope.spawn(|| gateway.record([4]).status),
            scope.spawn(|| gateway.history(&[]).status),
            scope.spawn(|| gateway.history(&[]).status),
        ];
        std::thread::sleep(Duration::from_secs(1));
        standby.promote();
        let promoted = Instant::now();
        wait_within(Duration::from_secs(15), "the frozen primary is left", || {
            gateway.record([5]).status == 200 && gateway.history(&[]).status == 200
        });
        assert!(promoted.elapsed() < Duration::from_secs(15));
        for waiting in waiting {
            assert!(matches!(waiting.join().unwrap(), 200 | 503));
        }
    });
    assert_eq!(gateway.get("/readyz").status, 200);
    drop(frozen);
    // The old primary is back, and nothing is written to it.
    wait_until("the threads return", || gateway.get("/metrics").body.contains("history_gateway_abandoned_threads 0"));
    assert_eq!(gateway.record([6]).status, 200);
    let has = |node: &Node, id: i64| node.psql(&format!("SELECT count(*) FROM messages WHERE message_id = {id}"));
    assert_eq!((has(&standby, 5), has(&standby, 6)), ("1".into(), "1".into()));
    assert_eq!((has(&primary, 5), has(&primary, 6)), ("0".into(), "0".into()));
}

#[test]
fn frozen_primary_leaves_reads_to_replicas() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    let settings = [("AUTH__REMEMBER_KEYS_SECONDS", "600"), ("DATABASE__DEADLINE_SECONDS", "600")];
    let gateway = Gateway::start(tenant, &[&primary], &[&standby], &settings);
    assert_eq!(gateway.record(1..=3).status, 200);
    standby.wait_for(&primary);
    gateway.wait_for_replicas(1);
    assert_eq!(gateway.messages(&[]), 3);
    let frozen = Frozen(&primary);
    primary.freeze();
    let started = Instant::now();
    wait_within(Duration::from_secs(12), "reads do not wait for the primary", || {
        let asked = Instant::now();
        gateway.history(&[]).status == 200 && asked.elapsed() < Duration::from_millis(500)
    });
    let ready = gateway.get("/readyz");
    assert_eq!(ready.body, r#"{"status":"ready","reads":"ok","writes":"unavailable"}"#, "{:?}", started.elapsed());
    assert_eq!(gateway.record([4]).status, 503);
    drop(frozen);
    wait_until("writes work again", || gateway.record([4]).status == 200);
}
