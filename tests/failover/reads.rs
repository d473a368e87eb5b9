//! Which requests a replica answers, and which the primary.

use serde_json::json;

use crate::gateway::{Gateway, tenant};
use crate::node::Node;

#[test]
fn replicas_answer_reads_and_the_primary_everything_else() {
    let Some(primary) = Node::primary(&[]) else { return };
    let standby = Node::standby_of(primary.port(), &[]);
    let gateway = Gateway::start(tenant(&primary), &[&primary], &[&standby], &[]);
    let written = gateway.record(1..=30);
    assert_eq!(written.status, 200, "{}", written.body);
    let position = written.header("history-position").unwrap().to_owned();
    standby.wait_for(&primary);
    gateway.wait_for_replicas(1);
    let (key, at) = (gateway.tenant.master.as_str(), ("history-position", position.as_str()));
    let history = gateway.history(&[at]);
    assert_eq!(history.body.matches("\"messageId\"").count(), 30, "{}", history.body);
    let trail = gateway.send("GET", "/v1/messages/7", &[("x-api-key", key), at], "").unwrap();
    assert_eq!(trail.status, 200, "{}", trail.body);
    let logs = gateway.send("POST", "/api/whatsapp-log/get-list", &[("ApiKey", key), at], "{}").unwrap();
    assert!(logs.body.starts_with(r#"{"count":30,"#), "{}", logs.body);
    let count = gateway.send("POST", "/api/whatsapp-log/count", &[("ApiKey", key), at], "{}").unwrap();
    assert_eq!(count.body, r#"{"count":30}"#);
    let unknown = json!({"channelTypes": ["PIGEON"]}).to_string();
    let unknown = gateway.send("POST", "/api/messages/history", &[("x-api-key", key)], &unknown).unwrap();
    assert_eq!(unknown.status, 400);
    assert_eq!((gateway.reads("replica"), gateway.reads("primary")), (5, 0));
    // Any other text than a position means the primary.
    assert_eq!(gateway.messages(&[("history-position", "primary")]), 30);
    assert_eq!((gateway.reads("replica"), gateway.reads("primary")), (5, 1));
    // Keys are looked up, and messages written, on the primary: the standby has nobody else's sessions.
    let metrics = gateway.get("/metrics").body;
    assert!(metrics.contains("history_gateway_replicas_in_use 1"), "{metrics}");
    assert!(metrics.contains("history_gateway_replica_lag_seconds{replica=\"1\"} "), "{metrics}");
    let looked_up = "SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'api_keys' AND seq_scan + idx_scan > 0";
    assert_eq!((primary.psql(looked_up).as_str(), standby.psql(looked_up).as_str()), ("1", "0"));
}

/// Walks and changes are read from the primary: a replica that is behind would tell a gap, or that a token is too new.
#[test]
fn walks_and_changes_do_not_miss_what_a_replica_lacks() {
    let Some(primary) = Node::primary(&[]) else { return };
    let standby = Node::standby_of(primary.port(), &[]);
    let gateway = Gateway::start(tenant(&primary), &[&primary], &[&standby], &[]);
    let position = gateway.record(1..=10).header("history-position").unwrap().to_owned();
    standby.wait_for(&primary);
    gateway.wait_for_replicas(1);
    standby.set("recovery_min_apply_delay = '20s'");
    let key = gateway.tenant.master.clone();
    let get = |path: &str, more: &[(&str, &str)]| {
        let answer = gateway.send("GET", path, &[&[("x-api-key", key.as_str())], more].concat(), "").unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()
    };
    let ids = |body: &serde_json::Value| body["messages"].as_array().unwrap().len();
    for round in 1..=5 {
        let token = get("/v1/changes?since=now", &[])["next"].as_str().unwrap().to_owned();
        assert_eq!(gateway.record(round * 100..round * 100 + 10).status, 200);
        let changes = get(&format!("/v1/changes?since={token}"), &[]);
        assert_eq!(changes["changes"].as_array().unwrap().len(), 10, "{changes}");
        assert_eq!(ids(&get("/v1/messages?limit=1000", &[])), 10 + usize::try_from(round).unwrap() * 10);
    }
    // A first page may be as old as its client says, and the next one is not.
    let first = get("/v1/messages?limit=5&order=asc", &[("history-position", &position)]);
    let path = format!("/v1/messages?limit=1000&order=asc&cursor={}", first["next"].as_str().unwrap());
    assert_eq!(ids(&get(&path, &[("history-position", &position)])), 55);
}

#[test]
fn export_from_a_replica_has_everything_committed_before() {
    let Some(primary) = Node::primary(&[]) else { return };
    let standby = Node::standby_of(primary.port(), &[]);
    let gateway = Gateway::start(tenant(&primary), &[&primary], &[&standby], &[]);
    for round in 0..5 {
        assert_eq!(gateway.record(round * 100 + 1..=round * 100 + 100).status, 200);
        let mut export = gateway.tenant.binary.command(&["export", "--tenant", "3193", "--database", &primary.url()]);
        export.env("HISTORY_GATEWAY__DATABASE__REPLICAS", standby.url());
        let output = export.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().lines().count(),
            usize::try_from(round + 1).unwrap() * 100
        );
    }
}

#[test]
fn standby_as_the_address_answers_reads_and_refuses_writes() {
    let Some(primary) = Node::primary(&[]) else { return };
    let tenant = tenant(&primary);
    let standby = Node::standby_of(primary.port(), &[]);
    standby.wait_for(&primary);
    let gateway = Gateway::start(tenant, &[&standby], &[], &[]);
    assert_eq!(gateway.messages(&[]), 0);
    let written = gateway.record([1]);
    assert_eq!((written.status, written.header("retry-after")), (503, Some("1")));
    let ready = gateway.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("The store may not be written to."), "{}", ready.body);
    // The same gateway writes once its server is promoted.
    standby.promote();
    assert_eq!(gateway.record([1]).status, 200, "{}", gateway.server.log());
    assert_eq!((gateway.messages(&[]), gateway.get("/readyz").status), (1, 200));
}
