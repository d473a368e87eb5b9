//! What is recorded of the requests of API keys, by the setting `audit.api`.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::json;

use super::records;
use crate::support::{NOW, TENANT, TestApp, instant, message};
use history_gateway::config::ApiAudit;

async fn app_with(api: ApiAudit) -> TestApp {
    let app = TestApp::with(|config| config.audit.api = api).await;
    let whatsapp = json!({"channelType": "WHATSAPP", "subjectId": 7, "trafficType": "HSM"});
    app.import([message(1, json!({})), message(2, whatsapp), message(3, json!({"address": "79005556677"}))]).await;
    app
}

/// Requests for messages: the route, the method, the path and the body.
fn requests() -> Vec<(&'static str, &'static str, &'static str, String)> {
    let subscriber = json!({"address": "+7 900 111-22-33", "type": "PHONE"});
    let history = json!({"subscriberFilter": subscriber, "channelTypes": ["SMS"]});
    let query = json!({"address": "8 900 111 22 33", "text": "hello"});
    let logs = json!({"query": {"toNumber": "+79001112233"}});
    let whatsapp_log = history_gateway::model::whatsapp_log::id_of_message(TENANT, 2);
    let item = format!("/api/whatsapp-log/{whatsapp_log}/get-item").leak();
    [
        ("/api/messages/history", "POST", "/api/messages/history", history),
        ("/v1/messages", "GET", "/v1/messages?comment=order", json!("")),
        ("/v1/messages/query", "POST", "/v1/messages/query", query),
        ("/v1/messages/{}", "GET", "/v1/messages/3", json!("")),
        ("/v1/changes", "GET", "/v1/changes?since=now", json!("")),
        ("/v1/changes/query", "POST", "/v1/changes/query", json!({"since": "now", "comment": "a"})),
        ("/api/whatsapp-log/get-list", "POST", "/api/whatsapp-log/get-list", logs),
        ("/api/whatsapp-log/{}/get-item", "POST", item, json!({})),
        ("/api/whatsapp-log/count", "POST", "/api/whatsapp-log/count", json!({})),
    ]
    .map(|(route, method, path, body)| (route, method, path, if body == "" { String::new() } else { body.to_string() }))
    .to_vec()
}

/// Sends one request to each route that returns messages.
async fn read_everything(app: &TestApp) {
    for (_, method, path, body) in requests() {
        let header = if path.contains("whatsapp-log") { "ApiKey" } else { "x-api-key" };
        let response = app.send(method, path, &[(header, &app.key)], body).await;
        assert_eq!(response.status.as_u16(), 200, "{path}: {}", response.body);
    }
}

#[actix_web::test]
async fn every_request_is_recorded_with_its_filter() {
    let app = app_with(ApiAudit::Every).await;
    read_everything(&app).await;
    assert_eq!(records(&app).await, "", "nobody waits for the records");
    app.gateway.app.audit.flush(instant(NOW)).await.unwrap();
    assert_snapshot!(records(&app).await, @r#"
    1 {"action":"api-read","addresses":"1 digests","digestKey":"KEY","filter":{"channelType":["SMS"],"from":"2026-01-30T12:00:00.000Z","to":"2026-03-01T12:00:00.000Z"},"rows":1,"who":{"key":1}}
    1 {"action":"api-read","digestKey":"KEY","filter":{"comment":"DIGEST"},"rows":0,"who":{"key":1}}
    1 {"action":"api-read","addresses":"2 digests","digestKey":"KEY","filter":{"text":"DIGEST"},"rows":0,"who":{"key":1}}
    1 {"action":"api-read","addresses":"1 digests","digestKey":"KEY","message":3,"rows":1,"who":{"key":1}}
    1 {"action":"api-read","digestKey":"KEY","rows":0,"who":{"key":1}}
    1 {"action":"api-read","digestKey":"KEY","filter":{"comment":"DIGEST"},"rows":0,"who":{"key":1}}
    1 {"action":"api-read","addresses":"1 digests","digestKey":"KEY","filter":{"query":[{"toNumber":["DIGEST"]}]},"rows":1,"who":{"key":1}}
    1 {"action":"api-read","digestKey":"KEY","filter":{"query":[{"id":["0db8af39-0932-8002-8000-000000000002"]}]},"rows":1,"who":{"key":1}}
    1 {"action":"api-count","rows":0,"who":{"key":1}}
    "#);
}

#[actix_web::test]
async fn digests_tell_who_was_asked_for_and_nothing_else_does() {
    let app = app_with(ApiAudit::Every).await;
    app.history(json!({"subscriberFilter": {"address": "79001112233", "type": "PHONE"}})).await;
    app.gateway.app.audit.flush(instant(NOW)).await.unwrap();
    let entries = app.store.read_primary(|connection| history_gateway::store::audit::after(connection, TENANT, 0, 10));
    let records = entries.await.unwrap().remove(0).records;
    let digest = app.gateway.app.audit.key().unwrap().digest("79001112233");
    assert!(records.contains(&digest) && !records.contains("9001112233"), "{records}");
}

#[actix_web::test]
async fn requests_of_a_key_are_summed_up() {
    let app = app_with(ApiAudit::Summary).await;
    for _ in 0..2 {
        read_everything(&app).await;
    }
    let audit = &app.gateway.app.audit;
    audit.flush(instant(NOW)).await.unwrap();
    assert_eq!(records(&app).await, "");
    audit.summarize(instant(NOW));
    audit.flush(instant(NOW)).await.unwrap();
    assert_snapshot!(records(&app).await, @r#"
    1 {"action":"api-read","requests":16,"rows":8,"who":{"key":1}}
    1 {"action":"api-count","requests":2,"rows":0,"who":{"key":1}}
    "#);
    audit.summarize(instant(NOW));
    audit.flush(instant(NOW)).await.unwrap();
    assert_eq!(records(&app).await.lines().count(), 2, "nothing was read since");
}

#[actix_web::test]
async fn nothing_is_recorded_if_the_setting_says_so() {
    let app = app_with(ApiAudit::Off).await;
    read_everything(&app).await;
    app.gateway.app.audit.summarize(instant(NOW));
    app.gateway.app.audit.flush(instant(NOW)).await.unwrap();
    assert_eq!(records(&app).await, "");
}

/// A request whose record does not fit gets no messages.
#[actix_web::test]
async fn full_queue_is_503() {
    let app = app_with(ApiAudit::Every).await;
    let statuses: BTreeSet<String> = {
        let mut statuses = BTreeSet::new();
        // Each record has about 90 kB.
        let ids: Vec<i64> = (1..=1000).map(|id| 1_000_000_000_000_000 + id).collect();
        let request =
            json!({"messageId": ids, "subscriberId": ids, "broadcastId": ids, "cascadeId": ids, "matcherId": ids});
        let request = request.to_string();
        for _ in 0..200 {
            let headers = [("x-api-key", app.key.as_str())];
            let response = app.post("/v1/messages/query", &headers, request.clone()).await;
            statuses.insert(format!("{} {}", response.status.as_u16(), response.body));
        }
        statuses
    };
    assert_snapshot!(statuses.into_iter().collect::<Vec<_>>().join("\n"), @r#"
    200 {"messages":[],"complete":true}
    503 {"title":"service-unavailable","status":503,"detail":"The message store is busy or away; try again."}
    "#);
    app.gateway.app.audit.flush(instant(NOW)).await.unwrap();
    assert!(app.history("{}").await.starts_with("200 "));
}

/// A route that is added must not be left out of the audit log by accident.
#[test]
fn each_route_for_messages_is_among_the_requests() {
    let writes = ["/v1/statuses", "/update-item", "/delete-item", "/webhooks", "/api/whatsapp-log/{}"];
    let routes = crate::openapi::all_routes();
    let routes = routes.iter().filter(|path| path.starts_with("/v1/") || path.starts_with("/api/"));
    let missing: Vec<&String> = routes
        .filter(|path| requests().iter().all(|(route, ..)| route != path))
        .filter(|path| !writes.iter().any(|written| path.ends_with(written)))
        .collect();
    assert_eq!(missing, ["/api/whatsapp-log"], "it only writes");
}
