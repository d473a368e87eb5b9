//! `GET /metrics`: what is counted, in the form of Prometheus, and nothing personal in it.

use insta::assert_snapshot;
use serde_json::json;

use crate::feeds::{Feeds, incoming, status};
use crate::support::message;

/// The lines of some names, without what a clock or a disk decides.
async fn numbers(feeds: &Feeds, names: &[&str]) -> String {
    let response = feeds.app.send("GET", "/metrics", &[], "").await;
    assert_eq!(response.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let is_asked_for = |line: &&str| names.iter().any(|name| line.starts_with(&format!("history_gateway_{name}")));
    let mut lines: Vec<&str> = response.body.lines().filter(is_asked_for).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[actix_web::test]
async fn events_are_counted_by_feed_kind_and_what_became_of_them() {
    let feeds = Feeds::new().await;
    feeds.send("/v1/messages", json!([message(1, json!({})), message(1, json!({})), {"messageId": 2}])).await;
    feeds.hook(status("READ", "2026-03-01T10:00:09Z")).await;
    feeds.hook(status("READ", "2026-03-01T10:00:09Z")).await;
    feeds.hook(incoming(2)).await;
    feeds.hook(json!({"templateId": 5})).await;
    feeds.hook("{}").await;
    feeds.hook("nonsense").await;
    assert_snapshot!(numbers(&feeds, &["events", "messages_waiting", "queue", "commit_events_sum"]).await, @r#"
    history_gateway_commit_events_sum 6.0
    history_gateway_events_received_total{source="api",kind="message"} 2
    history_gateway_events_received_total{source="webhook",kind="message"} 1
    history_gateway_events_received_total{source="webhook",kind="other"} 1
    history_gateway_events_received_total{source="webhook",kind="status"} 2
    history_gateway_events_rejected_total{source="api",reason="unreadable"} 1
    history_gateway_events_rejected_total{source="webhook",reason="unreadable"} 2
    history_gateway_events_total{source="api",outcome="imported"} 1
    history_gateway_events_total{source="api",outcome="repeated"} 1
    history_gateway_events_total{source="webhook",outcome="imported"} 1
    history_gateway_events_total{source="webhook",outcome="repeated"} 1
    history_gateway_events_total{source="webhook",outcome="updated"} 1
    history_gateway_events_total{source="webhook",outcome="waiting"} 1
    history_gateway_messages_waiting{tenant="3193"} 1
    history_gateway_queue_bytes 0
    history_gateway_queue_callers 0
    "#);
}

#[actix_web::test]
async fn requests_are_counted_by_route_and_status_and_timed() {
    let feeds = Feeds::new().await;
    feeds.app.ask("{}").await;
    feeds.app.ask(json!({"limit": -1})).await;
    feeds.get("/v1/messages/79001112233").await;
    feeds.get("/somewhere/79001112233").await;
    assert_snapshot!(numbers(&feeds, &["requests", "request_seconds_count"]).await, @r#"
    history_gateway_request_seconds_count{route="/api/messages/history"} 2
    history_gateway_request_seconds_count{route="/v1/messages/{id}"} 1
    history_gateway_request_seconds_count{route="unknown"} 1
    history_gateway_requests_total{route="/api/messages/history",status="200"} 1
    history_gateway_requests_total{route="/api/messages/history",status="400"} 1
    history_gateway_requests_total{route="/v1/messages/{id}",status="404"} 1
    history_gateway_requests_total{route="unknown",status="404"} 1
    "#);
}

#[actix_web::test]
async fn the_store_has_a_size_and_no_label_holds_anything_personal() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({"comment": "for Anna"}))]).await;
    feeds.hook(incoming(2)).await;
    let size = numbers(&feeds, &["store_bytes"]).await;
    let bytes: u64 = size.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(bytes > 100_000, "{size}");
    let everything = feeds.app.send("GET", "/metrics", &[], "").await.body;
    assert!(everything.ends_with("# EOF\n"), "{everything}");
    for private in ["79001112233", "Anna", "req-1", "shop_WA", &feeds.app.key, &feeds.webhook_key] {
        assert!(!everything.contains(private), "{private}");
    }
}

#[actix_web::test]
async fn how_far_a_pull_is_behind_is_told() {
    use history_gateway::store::pulls::{self, Progress};
    let feeds = Feeds::new().await;
    let complete_up_to = Some(crate::support::instant("2026-03-01T11:58:30Z"));
    let progress = Progress { complete_up_to, ..Progress::default() };
    let noted = feeds.app.store.write(move |connection| {
        pulls::note(connection, crate::support::TENANT, "https://upstream.example", &progress)
    });
    noted.await.unwrap();
    assert_snapshot!(numbers(&feeds, &["pull_lag"]).await, @r#"history_gateway_pull_lag_seconds{tenant="3193",upstream="https://upstream.example"} 90"#);
}
