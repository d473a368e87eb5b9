//! A gateway that starts before its database's primary.

use std::net::TcpListener;

use crate::gateway::{environment, send, tenant};
use crate::node::{Node, url_of, wait_until};
use crate::support::Server;

#[test]
fn serve_waits_for_a_primary_and_says_that_it_is_not_ready() {
    let Some(mut primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    standby.wait_for(&primary);
    primary.kill();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut command = tenant.binary.command(&["serve", "--bind", &address]);
    command.envs(environment(&url_of(&[primary.host(), standby.host()]), "", &[]));
    let log = tenant.binary.path("server.log");
    let child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let server = Server::from_child(child, address.clone(), &log);
    let get = |path: &str| send(&address, "GET", path, &[], "");
    wait_until("it answers", || get("/healthz").is_ok_and(|answer| answer.status == 200));
    let ready = get("/readyz").unwrap();
    assert_eq!((ready.status, ready.header("retry-after")), (503, Some("1")));
    assert_eq!(
        ready.body,
        r#"{"title":"service-unavailable","status":503,"detail":"The database is away; the gateway waits for it."}"#
    );
    let history = send(&address, "POST", "/api/messages/history", &[("x-api-key", "x")], "{}").unwrap();
    assert_eq!((history.status, history.header("retry-after")), (503, Some("1")));
    let logs = send(&address, "POST", "/api/whatsapp-log/get-list", &[("ApiKey", "x")], "{}").unwrap();
    assert_eq!(logs.status, 503);
    assert!(server.log().contains("the database is away; the gateway waits for it"), "{}", server.log());
    assert!(server.log().contains("is a standby"), "{}", server.log());
    standby.promote();
    wait_until("it is ready", || get("/readyz").is_ok_and(|answer| answer.status == 200));
    let written =
        send(&address, "POST", "/v1/messages", &[("x-api-key", &tenant.master)], &crate::feeder::item(1).to_string());
    assert_eq!(written.unwrap().status, 200);
    // A signal ends it while it waits, too.
    let second = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = tenant.binary.command(&["serve", "--bind", &format!("127.0.0.1:{second}")]);
    command.envs(environment("postgres://nobody@127.0.0.1:9/history", "", &[]));
    let log = tenant.binary.path("second.log");
    let child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let mut waiting = Server::from_child(child, String::new(), &log);
    wait_until("it waits", || waiting.log().contains("the gateway waits for it"));
    waiting.signal("-TERM");
    assert_eq!(waiting.wait(), Some(0), "{}", waiting.log());
}

#[test]
fn serve_ends_at_once_if_its_role_is_refused() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let url = format!("postgres://nobody@{}/history", primary.host());
    let error = tenant.binary.run_failing(&["serve", "--bind", "127.0.0.1:0", "--database", &url]);
    assert!(error.contains("role \"nobody\" does not exist"), "{error}");
}

#[test]
fn replicas_that_are_away_hold_up_no_start() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let mut standby = Node::standby_of(primary.port(), &[]);
    standby.wait_for(&primary);
    standby.kill();
    let gateway = crate::gateway::Gateway::start(tenant, &[&primary], &[&standby], &[]);
    assert_eq!((gateway.record([1]).status, gateway.messages(&[])), (200, 1));
    standby.start();
    gateway.wait_for_replicas(1);
    let before = gateway.reads("replica");
    assert_eq!(gateway.messages(&[]), 1);
    assert_eq!(gateway.reads("replica"), before + 1);
}
