//! Which messages each filter finds (docs/api.md 1.1), in which order (1.2), and in which form (1.3).

use insta::assert_snapshot;
use serde_json::json;

use super::{get, get_with, ids, query, query_with};
use crate::support::{TestApp, message};
use history_gateway::model::key::KeyKind;

/// Messages that differ in what filters look at.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({"subjectId": 5, "channelType": "SMS", "trafficType": "AD", "deliveryStatus": "DELIVERED",
            "deliveryStatusAt": "2026-03-01T10:00:05Z", "comment": "order A-1,2", "broadcastId": 70, "sentOrReceivedAt": "2024-01-01T00:00:00Z"})),
        message(2, json!({"subjectId": 6, "channelType": "WHATSAPP", "trafficType": "HSM", "deliveryStatus": "UNDELIVERED",
            "deliveryStatusAt": "2026-03-01T10:00:05Z", "cascadeId": 31, "matcherId": 9, "subscriberId": 42})),
        message(3, json!({"subjectId": 6, "channelType": "WHATSAPP", "direction": "IN", "trafficType": "CHAT", "replyOutMessageId": 2, "subscriberId": 42})),
        message(4, json!({"channelType": "PUSH", "address": "tok-a", "deliveryStatus": "ODD", "deliveryStatusAt": "2026-03-01T10:00:05Z",
            "replyInMessageId": 3, "cascadeId": 31, "broadcastId": 71, "comment": "order A-1,2"})),
        message(5, json!({"subjectId": 5, "address": "79002223344", "deliveryStatus": "EXPIRED", "deliveryStatusAt": "2026-03-01T10:00:05Z",
            "comment": "order a-1,2", "sentOrReceivedAt": "2026-03-01T10:00:00.001Z"})),
    ])
    .await;
    app
}

async fn found(app: &TestApp, parameters: &str) -> String {
    ids(&get(app, &format!("/v1/messages?{parameters}")).await)
}

#[actix_web::test]
async fn each_filter_finds_its_messages() {
    let app = app().await;
    let mut all = String::new();
    for parameters in [
        "",
        "address=79001112233",
        "address=79001112233&address=79002223344",
        "address=tok-a&addressType=APPLE_ID",
        "address=tok-a",
        "address=TOK-A&addressType=EMAIL",
        "address=42&addressType=EDNA_ID",
        "subscriberId=42",
        "subscriberId=42,43",
        "subscriberId=42&address=79002223344",
        "channelType=SMS,PUSH",
        "channelType=SMS&channelType=PUSH",
        "direction=IN",
        "trafficType=CHAT",
        "trafficType=CHAT,AD",
        "subjectId=5",
        "subjectId=5,6",
        "deliveryStatus=UNDELIVERED",
        "deliveryStatus=undelivered,EXPIRED",
        "deliveryStatus=DELIVERED",
        "deliveryStatus=DELIVERED,ODD",
        "deliveryStatus=NEVER-SEEN",
        "cascadeId=31",
        "cascadeId=31,32",
        "broadcastId=70,71",
        "matcherId=9",
        "comment=order+A-1,2",
        "comment=order",
        "messageId=5,1,99",
        "messageId=5&messageId=2",
        "messageId=9,8,7,6,1&limit=1",
        "replyTo=2",
        "replyTo=3",
        "from=2026-03-01T10:00:00Z",
        "from=2026-03-01T10:00:00.001Z",
        "to=2024-01-01",
        "from=2026-03-01&to=2026-03-01T10:00:00Z",
        "from=2026-03-01T13:00:00+03:00&to=2026-03-01T13:00:00%2B03:00",
        "from=2026-03-02&to=2026-03-01",
        "from=2027-01-01",
        "broadcastId=71&cascadeId=31&comment=order+A-1,2&deliveryStatus=ODD",
        "comment=order+A-1,2&from=2025-01-01",
        "messageId=1,2,3&direction=OUT&subjectId=6",
    ] {
        all += &format!("{parameters} {}\n", found(&app, parameters).await);
    }
    assert_snapshot!(all, @r"
     [5, 4, 3, 2, 1]
    address=79001112233 [3, 2, 1]
    address=79001112233&address=79002223344 [5, 3, 2, 1]
    address=tok-a&addressType=APPLE_ID [4]
    address=tok-a []
    address=TOK-A&addressType=EMAIL [4]
    address=42&addressType=EDNA_ID [3, 2, 1]
    subscriberId=42 [3, 2, 1]
    subscriberId=42,43 [3, 2, 1]
    subscriberId=42&address=79002223344 []
    channelType=SMS,PUSH [5, 4, 1]
    channelType=SMS&channelType=PUSH [5, 4, 1]
    direction=IN [3]
    trafficType=CHAT [3]
    trafficType=CHAT,AD [3, 1]
    subjectId=5 [5, 1]
    subjectId=5,6 [5, 3, 2, 1]
    deliveryStatus=UNDELIVERED [2]
    deliveryStatus=undelivered,EXPIRED [5, 2]
    deliveryStatus=DELIVERED [1]
    deliveryStatus=DELIVERED,ODD [4, 1]
    deliveryStatus=NEVER-SEEN []
    cascadeId=31 [4, 2]
    cascadeId=31,32 [4, 2]
    broadcastId=70,71 [4, 1]
    matcherId=9 [2]
    comment=order+A-1,2 [4, 1]
    comment=order []
    messageId=5,1,99 [5, 1]
    messageId=5&messageId=2 [5, 2]
    messageId=9,8,7,6,1&limit=1 [1]
    replyTo=2 [3]
    replyTo=3 [4]
    from=2026-03-01T10:00:00Z [5, 4, 3, 2]
    from=2026-03-01T10:00:00.001Z [5]
    to=2024-01-01 [1]
    from=2026-03-01&to=2026-03-01T10:00:00Z [4, 3, 2]
    from=2026-03-01T13:00:00+03:00&to=2026-03-01T13:00:00%2B03:00 [4, 3, 2]
    from=2026-03-02&to=2026-03-01 []
    from=2027-01-01 []
    broadcastId=71&cascadeId=31&comment=order+A-1,2&deliveryStatus=ODD [4]
    comment=order+A-1,2&from=2025-01-01 [4]
    messageId=1,2,3&direction=OUT&subjectId=6 [2]
    ");
}

#[actix_web::test]
async fn order_is_by_id_and_the_limit_is_fifty() {
    let app = TestApp::new().await;
    app.import((1..=60).map(|id| message(id, json!({})))).await;
    let first = found(&app, "").await;
    assert!(first.starts_with("[60, 59, ") && first.ends_with(", 11, …]"), "{first}");
    assert_eq!(found(&app, "order=asc&limit=3").await, "[1, 2, 3, …]");
    assert_eq!(found(&app, "order=desc&limit=3").await, "[60, 59, 58, …]");
    assert_eq!(found(&app, "limit=60").await.matches(',').count(), 59);
    assert_eq!(found(&app, "limit=1000").await.matches(',').count(), 59);
}

#[actix_web::test]
async fn items_are_those_of_the_history_endpoint() {
    let app = app().await;
    let history = app.history(json!({"dateFrom": "2020-01-01", "limit": 1000})).await;
    let items = history.strip_prefix("200 {\"content\":[").unwrap().strip_suffix("],\"hasNext\":false}").unwrap();
    let expected = format!("200 {{\"messages\":[{items}],\"complete\":true}}");
    assert_eq!(get(&app, "/v1/messages").await, expected);
    assert_eq!(query(&app, json!({})).await, expected);
    let response = app.post("/v1/messages/query", &[("x-api-key", &app.key)], "").await;
    assert_eq!(response.body, expected.strip_prefix("200 ").unwrap());
    assert_eq!(response.header("content-type"), "application/json");
    let head = app.send("HEAD", "/v1/messages", &[("x-api-key", &app.key)], "").await;
    assert_eq!(head.status, 200);
}

#[actix_web::test]
async fn key_with_senders_sees_only_their_messages() {
    let app = app().await;
    let key = app
        .issue_key(crate::support::TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.senders = Some(vec![6, 7]);
        })
        .await;
    let found = async |parameters: &str| ids(&get_with(&app, &key, &format!("/v1/messages?{parameters}")).await);
    assert_eq!(found("").await, "[3, 2]");
    assert_eq!(found("address=79001112233").await, "[3, 2]");
    assert_eq!(found("messageId=1,2").await, "[2]");
    assert_eq!(found("subjectId=6").await, "[3, 2]");
    assert_eq!(found("cascadeId=31").await, "[2]");
    assert_eq!(found("comment=order+A-1,2").await, "[]");
    assert_eq!(found("subjectId=5").await, "403 access-denied");
    assert_eq!(found("subjectId=6,5").await, "403 access-denied");
    // The tenant does not have the key's second sender.
    assert_eq!(found("subjectId=7").await, "400 message-matcher-subject-not-found");
    assert_eq!(found("subjectId=5,99").await, "400 message-matcher-subject-not-found");
    assert_eq!(ids(&query_with(&app, &key, json!({"subjectId": [6]})).await), "[3, 2]");

    let without_group = app
        .issue_key(crate::support::TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["messaging".into()]);
        })
        .await;
    assert_eq!(ids(&get_with(&app, &without_group, "/v1/messages").await), "403 access-denied");
    assert_eq!(ids(&query_with(&app, &without_group, json!({})).await), "403 access-denied");
    assert_eq!(ids(&get_with(&app, "no-key", "/v1/messages?unknown=1").await), "401 Api-key not found");
}

#[actix_web::test]
async fn other_tenants_messages_are_never_found() {
    let app = app().await;
    let other = history_gateway::model::TenantId(77);
    app.create_tenant(other).await;
    app.import_for(
        other,
        [message(2, json!({"subjectId": 6, "comment": "order A-1,2", "cascadeId": 31, "broadcastId": 70}))],
    )
    .await;
    let key = app.issue_key(other, |_| {}).await;
    for parameters in [
        "",
        "comment=order+A-1,2",
        "cascadeId=31",
        "broadcastId=70",
        "subjectId=6",
        "messageId=1,2,3",
        "address=79001112233",
    ] {
        assert_eq!(ids(&get_with(&app, &key, &format!("/v1/messages?{parameters}")).await), "[2]", "{parameters}");
    }
}

#[actix_web::test]
async fn values_that_no_index_can_hold_are_found() {
    let app = TestApp::new().await;
    let (comment, status) = ("я".repeat(20_000), "S".repeat(3000));
    let with_zero = "a\0b\u{1}c";
    app.import([
        message(1, json!({"comment": comment, "deliveryStatus": status})),
        message(2, json!({"comment": with_zero, "deliveryStatus": with_zero})),
        message(3, json!({"content": "x".repeat(100_000), "deliveryStatus": "FAILED", "comment": ""})),
    ])
    .await;
    assert_eq!(ids(&query(&app, json!({"comment": comment})).await), "[1]");
    assert_eq!(ids(&query(&app, json!({"deliveryStatus": status})).await), "[1]");
    assert_eq!(ids(&query(&app, json!({"deliveryStatus": [status, "FAILED"]})).await), "[3, 1]");
    assert_eq!(ids(&query(&app, json!({"comment": with_zero})).await), "[2]");
    assert_eq!(ids(&query(&app, json!({"deliveryStatus": with_zero})).await), "[2]");
    assert_eq!(ids(&query(&app, json!({"deliveryStatus": "FAILED"})).await), "[3]");
    assert_eq!(ids(&query(&app, json!({"direction": "OUT"})).await), "[3, 2, 1]");
}

#[actix_web::test]
async fn channel_type_of_another_provider_has_to_be_known() {
    let app = TestApp::new().await;
    assert_eq!(found(&app, "channelType=VIBER").await, "[]");
    assert_eq!(found(&app, "channelType=MAX").await, "400 not-valid-request");
    app.import([message(1, json!({"channelType": "MAX"}))]).await;
    assert_eq!(found(&app, "channelType=MAX").await, "[1]");
    assert_eq!(found(&app, "channelType=MAX,max").await, "400 not-valid-request");
}
