//! An old primary that returns after its standby was promoted: it is never written to.

use std::time::Duration;

use crate::gateway::{Gateway, tenant};
use crate::node::{Node, wait_until};
use crate::promotion::same_tenant;

#[test]
fn old_primary_that_returns_is_not_used() {
    let Some(mut old) = Node::primary(&[]) else { return };
    let tenant = tenant(&old);
    let mut new = Node::standby_of(old.port(), &[]);
    new.wait_for(&old);
    let gateway = Gateway::start(same_tenant(&tenant), &[&old, &new], &[], &[]);
    assert_eq!(gateway.record([1]).status, 200);
    new.wait_for(&old);
    old.kill();
    new.promote();
    wait_until("the new primary is written to", || gateway.record([2]).status == 200);
    // Both accept writes now.
    old.start();
    std::thread::sleep(Duration::from_secs(2));
    for id in 3..=20 {
        assert_eq!(gateway.record([id]).status, 200);
    }
    // A gateway that starts asks all of them.
    let restarted = Gateway::start(same_tenant(&tenant), &[&old, &new], &[], &[]);
    for id in 21..=40 {
        assert_eq!(restarted.record([id]).status, 200);
    }
    assert_eq!(old.psql("SELECT count(*) FROM messages"), "1", "nothing was written to the old primary");
    // Also if it alone answers.
    new.kill();
    wait_until("nothing is ready", || gateway.get("/readyz").status == 503 && restarted.get("/readyz").status == 503);
    for (gateway, id) in [(&gateway, 41), (&restarted, 42)] {
        assert_eq!(gateway.record([id]).status, 503);
        assert_eq!(gateway.history(&[]).status, 503);
    }
    wait_until("the log tells", || gateway.server.log().contains("is an old primary"));
    assert_eq!(old.psql("SELECT count(*) FROM messages"), "1");
    new.start();
    wait_until("the new primary is back", || gateway.record([43]).status == 200);
    assert_eq!(old.psql("SELECT count(*) FROM messages"), "1");
}

/// A single address that moves from server to server, as a virtual address does.
#[test]
fn old_primary_behind_one_address_is_refused() {
    let Some(mut old) = Node::primary(&[]) else { return };
    let tenant = tenant(&old);
    let new = Node::standby_of(old.port(), &[]);
    new.wait_for(&old);
    let port = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(old.port()));
    let address = crate::proxy::moving(std::sync::Arc::clone(&port));
    let url = crate::node::url_of(&[format!("127.0.0.1:{address}")]);
    let gateway = Gateway::start_at(same_tenant(&tenant), &url, "", &[]);
    assert_eq!(gateway.record([1]).status, 200);
    new.wait_for(&old);
    old.kill();
    new.promote();
    port.store(new.port(), std::sync::atomic::Ordering::SeqCst);
    wait_until("the new primary is written to", || gateway.record([2]).status == 200);
    old.start();
    port.store(old.port(), std::sync::atomic::Ordering::SeqCst);
    new.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
    for id in 3..=6 {
        assert_eq!(gateway.record([id]).status, 503, "{}", gateway.server.log());
    }
    assert_eq!(old.psql("SELECT count(*) FROM messages"), "1");
    assert!(gateway.get("/readyz").body.contains("is an old primary"), "{}", gateway.get("/readyz").body);
    port.store(new.port(), std::sync::atomic::Ordering::SeqCst);
    wait_until("the right server is back", || gateway.record([3]).status == 200);
}
