//! `GET /metrics`: what is counted, in Prometheus's format and without personal data.

use history_gateway::store::LookupFor;
use insta::assert_snapshot;
use serde_json::json;

use crate::feeds::{Feeds, incoming_message, status_event};
use crate::support::message;

/// The lines of the metrics whose names begin with one of `names`, sorted.
async fn metric_lines(feeds: &Feeds, names: &[&str]) -> String {
    let response = feeds.app.send("GET", "/metrics", &[], "").await;
    assert_eq!(response.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let is_wanted = |line: &&str| names.iter().any(|name| line.starts_with(&format!("history_gateway_{name}")));
    let mut lines: Vec<&str> = response.body.lines().filter(is_wanted).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[actix_web::test]
async fn events_are_counted_by_source_kind_and_outcome() {
    let feeds = Feeds::new().await;
    feeds.post_api("/v1/messages", json!([message(1, json!({})), message(1, json!({})), {"messageId": 2}])).await;
    feeds.post_webhook(status_event("READ", "2026-03-01T10:00:09Z")).await;
    feeds.post_webhook(status_event("READ", "2026-03-01T10:00:09Z")).await;
    feeds.post_webhook(incoming_message(2)).await;
    feeds.post_webhook(json!({"templateId": 5})).await;
    feeds.post_webhook("{}").await;
    feeds.post_webhook("nonsense").await;
    assert_snapshot!(metric_lines(&feeds, &["events", "pending_messages", "queue", "commit_events_sum"]).await, @r#"
    history_gateway_commit_events_sum 6.0
    history_gateway_events_received_total{source="api",kind="message"} 2
    history_gateway_events_received_total{source="webhook",kind="message"} 1
    history_gateway_events_received_total{source="webhook",kind="other"} 1
    history_gateway_events_received_total{source="webhook",kind="status"} 2
    history_gateway_events_rejected_total{source="api",reason="unreadable"} 1
    history_gateway_events_rejected_total{source="webhook",reason="unreadable"} 2
    history_gateway_events_total{source="api",outcome="imported"} 1
    history_gateway_events_total{source="api",outcome="unchanged"} 1
    history_gateway_events_total{source="webhook",outcome="imported"} 1
    history_gateway_events_total{source="webhook",outcome="pending"} 1
    history_gateway_events_total{source="webhook",outcome="unchanged"} 1
    history_gateway_events_total{source="webhook",outcome="updated"} 1
    history_gateway_pending_messages{tenant="3193"} 1
    history_gateway_queue_bytes 0
    history_gateway_queue_callers 0
    "#);
}

#[actix_web::test]
async fn requests_are_counted_by_route_and_status_and_timed() {
    let feeds = Feeds::new().await;
    feeds.app.history("{}").await;
    feeds.app.history(json!({"limit": -1})).await;
    feeds.get("/v1/messages/79001112233").await;
    feeds.get("/somewhere/79001112233").await;
    assert_snapshot!(metric_lines(&feeds, &["requests", "request_seconds_count"]).await, @r#"
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
async fn store_size_is_reported_and_labels_hold_no_personal_data() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({"comment": "for Anna"}))]).await;
    feeds.post_webhook(incoming_message(2)).await;
    let size = metric_lines(&feeds, &["store_bytes"]).await;
    let bytes: u64 = size.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(bytes > 100_000, "{size}");
    let everything = feeds.app.send("GET", "/metrics", &[], "").await.body;
    for private in ["79001112233", "Anna", "req-1", "shop_WA", &feeds.app.key, &feeds.webhook_key] {
        assert!(!everything.contains(private), "{private}");
    }
}

/// The metrics after some activity of every kind.
async fn metrics_after_activity() -> (Feeds, String) {
    let feeds = Feeds::new().await;
    feeds.post_api("/v1/messages", json!([message(1, json!({})), {"messageId": 2}])).await;
    feeds.post_webhook(incoming_message(2)).await;
    feeds.post_webhook(json!({"templateId": 5})).await;
    feeds.app.history("{}").await;
    feeds.app.history(json!({"sort": [{"property": "content"}]})).await;
    feeds.get("/somewhere").await;
    record_pull_progress(&feeds).await;
    // Requests for the metrics are counted too.
    feeds.app.send("GET", "/metrics", &[], "").await;
    let text = feeds.app.send("GET", "/metrics", &[], "").await.body;
    (feeds, text)
}

async fn record_pull_progress(feeds: &Feeds) {
    use history_gateway::store::pulls::{self, PullProgress};
    let complete_up_to = Some(crate::support::instant("2026-03-01T11:58:30Z"));
    let progress = PullProgress { complete_up_to, ..PullProgress::default() };
    let saved = feeds.app.store.write(move |connection| {
        pulls::save(connection, crate::support::TENANT, "https://upstream.example", &progress)
    });
    saved.await.unwrap();
}

#[actix_web::test]
async fn promtool_accepts_the_metrics() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let (_feeds, text) = metrics_after_activity().await;
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        println!("skipped: promtool is not installed");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), report.as_ref()), (Some(0), ""), "{text}");
}

#[actix_web::test]
async fn every_metric_is_documented() {
    let description = include_str!("../../docs/metrics.md");
    let (_feeds, text) = metrics_after_activity().await;
    let mut names = 0;
    for described in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = described.split_once(' ').unwrap();
        let row = format!("| `{name}` | {kind} |");
        assert!(description.contains(&row), "docs/metrics.md has no row {row}");
        names += 1;
    }
    assert!(names > 25, "{text}");
}

#[actix_web::test]
async fn open_metrics_is_sent_only_on_request() {
    let app = crate::support::TestApp::new().await;
    let open_metrics = app.send("GET", "/metrics", &[("accept", "application/openmetrics-text")], "").await;
    assert_eq!(open_metrics.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open_metrics.body.contains("# TYPE history_gateway_log_lines_dropped counter\n"), "{}", open_metrics.body);
    assert!(open_metrics.body.ends_with("# EOF\n"), "{}", open_metrics.body);
    let plain = app.send("GET", "/metrics", &[("accept", "*/*")], "").await;
    assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(plain.body.contains("# TYPE history_gateway_log_lines_dropped_total counter\n"), "{}", plain.body);
    assert!(!plain.body.contains("# EOF"), "{}", plain.body);
}

#[actix_web::test]
async fn process_and_gateway_gauges_are_reported() {
    let (feeds, text) = metrics_after_activity().await;
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name}: {text}")).parse().unwrap()
    };
    if cfg!(target_os = "linux") {
        assert!(value("process_cpu_seconds_total") > 0.0);
        assert!(value("process_resident_memory_bytes") > 1_000_000.0);
        assert!(value("process_open_fds") > 3.0 && value("process_open_fds") <= value("process_max_fds"));
        // After this test was written, and within the next hundred years.
        assert!((1.7e9..5e9).contains(&value("process_start_time_seconds")));
    }
    for none in ["bytes_in_flight", "expensive_queries_running", "expensive_queries_waiting", "abandoned_threads"] {
        assert!(value(&format!("history_gateway_{none}")) < f64::EPSILON, "{none}: {text}");
    }
    assert!(text.contains(concat!("history_gateway_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n")));
    assert!(text.contains("history_gateway_store_up 1\n"), "{text}");
    assert_eq!(text.contains("history_gateway_store_wal_bytes"), feeds.app.store.wal_bytes().is_some(), "{text}");
    if let Some(bytes) = feeds.app.store.wal_bytes() {
        assert!(bytes > 0 && value("history_gateway_store_wal_bytes") > 0.0, "{text}");
    }
}

#[actix_web::test]
async fn running_expensive_queries_are_counted() {
    let feeds = Feeds::new().await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Arc::new(std::sync::Mutex::new(Some(begun)));
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let work = move |_: &mut _, budget: &history_gateway::store::Budget| {
        budget.expect_rows(1_000_000)?;
        if let Some(begun) = begun.lock().unwrap().take() {
            begun.send(()).unwrap();
        }
        // An error means that the sender was dropped.
        let _ = released.lock().unwrap().recv();
        Ok(())
    };
    let caller = history_gateway::model::CallerId { tenant: crate::support::TENANT, key: 7 };
    let reader = caller.into();
    let querying = feeds.app.store.query(&reader, work);
    let reading = async {
        has_begun.await.unwrap();
        let running = metric_lines(&feeds, &["expensive"]).await;
        drop(release);
        running
    };
    let (response, running) = tokio::join!(querying, reading);
    response.unwrap();
    assert_snapshot!(running, @"
    history_gateway_expensive_queries_running 1
    history_gateway_expensive_queries_waiting 0
    ");
}

#[actix_web::test]
async fn unresponsive_store_does_not_block_metrics() {
    let feeds = Feeds::new().await;
    feeds.app.history("{}").await;
    feeds.app.send("GET", "/metrics", &[], "").await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let store = feeds.app.store.clone();
    // An error means that the sender was dropped.
    let held = actix_web::rt::spawn(async move {
        store.quick_read(LookupFor::Gateway, move |_| Ok(released.recv().is_ok())).await.unwrap();
    });
    // The read has begun before the next query.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let started = std::time::Instant::now();
    let lines = metric_lines(&feeds, &["store_up", "store_bytes", "requests_total{route=\"/api"]).await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(lines.contains("store_up 0") && !lines.contains("store_bytes 0"), "{lines}");
    assert!(lines.contains(r#"requests_total{route="/api/messages/history",status="200"} 1"#), "{lines}");
    drop(release);
    held.await.unwrap();
    assert!(metric_lines(&feeds, &["store_up"]).await.ends_with(" 1"));
}

#[actix_web::test]
async fn requests_are_timed_in_buckets_from_half_a_millisecond() {
    let feeds = Feeds::new().await;
    feeds.app.send("GET", "/healthz", &[], "").await;
    let buckets = metric_lines(&feeds, &["request_seconds_bucket{"]).await;
    let mut ends: Vec<&str> = buckets.split("le=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    ends.sort_by(|one, other| one.parse::<f64>().unwrap().total_cmp(&other.parse().unwrap()));
    assert_snapshot!(ends.join(" "), @"0.0005 0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1.0 2.0 5.0 10.0 30.0 +Inf");
}

#[actix_web::test]
async fn pull_lag_is_reported() {
    let feeds = Feeds::new().await;
    record_pull_progress(&feeds).await;
    assert_snapshot!(metric_lines(&feeds, &["pull"]).await, @r#"
    history_gateway_pull_lag_seconds{tenant="3193",upstream="https://upstream.example"} 90
    history_gateway_pull_last_success_timestamp_seconds{tenant="3193",upstream="https://upstream.example"} 1772366310.0
    "#);
}

#[actix_web::test]
async fn bodies_that_are_not_utf8_are_counted_as_unreadable() {
    let feeds = Feeds::new().await;
    for (path, header, value) in [
        ("/v1/messages", "x-api-key", feeds.app.key.clone()),
        ("/webhooks/edna", "Authorization", format!("Token {}", feeds.webhook_key)),
    ] {
        let response = feeds.app.post(path, &[(header, &value)], vec![b'{', 0xff, b'}']).await;
        assert_eq!(response.status, 400, "{path}");
    }
    assert_snapshot!(metric_lines(&feeds, &["events_rejected"]).await, @r#"
    history_gateway_events_rejected_total{source="api",reason="unreadable"} 1
    history_gateway_events_rejected_total{source="webhook",reason="unreadable"} 1
    "#);
}
