//! docs/edna.md 6.7: `POST /v1/messages` and `/v1/statuses`, for your own systems.

use insta::assert_snapshot;
use serde_json::json;

use super::{Feeds, status_event, with_fields};
use crate::support::{TENANT, TestApp, message, permutations};
use history_gateway::model::key::KeyKind;

/// A key that may write and read only for some subjects.
async fn restricted_key(app: &TestApp, senders: &[i64]) -> String {
    let senders = senders.to_vec();
    app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["messaging".into(), "message-history".into()]);
        key.senders = Some(senders);
    })
    .await
}

#[actix_web::test]
async fn item_list_and_ndjson_bodies_get_one_result_per_item() {
    let feeds = Feeds::new().await;
    assert_snapshot!(feeds.post_api("/v1/messages", message(1, json!({}))).await, @r#"200 {"imported":1,"updated":0,"unchanged":0,"waiting":0,"rejected":0,"results":[{"result":"imported","messageId":1}]}"#);
    let list = json!([message(1, json!({})), message(2, json!({})), {"messageId": 3}]);
    assert_snapshot!(feeds.post_api("/v1/messages", list).await, @r#"200 {"imported":1,"updated":0,"unchanged":1,"waiting":0,"rejected":1,"results":[{"result":"unchanged","messageId":1},{"result":"imported","messageId":2},{"result":"rejected","detail":"the field 'channelType' is missing"}]}"#);
    let lines = format!("{}\n\n{}\r\n{{\n", message(3, json!({})), message(1, json!({"deliveryStatus": "READ"})));
    assert_snapshot!(feeds.post_api("/v1/messages", lines).await, @r#"200 {"imported":1,"updated":1,"unchanged":0,"waiting":0,"rejected":1,"results":[{"result":"imported","messageId":3},{"result":"updated","messageId":1},{"result":"rejected","detail":"it ends in the middle of a JSON value"}]}"#);
    assert_eq!(feeds.app.ids("{}").await, "[3, 2, 1]");
}

#[actix_web::test]
async fn pretty_printed_items_are_accepted() {
    let feeds = Feeds::new().await;
    let pretty = serde_json::to_string_pretty(&message(1, json!({"comment": "é"}))).unwrap();
    assert!(feeds.post_api("/v1/messages", &pretty).await.starts_with(r#"200 {"imported":1,"#));
    assert!(feeds.post_api("/v1/messages", format!("\u{feff}[{pretty}]\n")).await.starts_with(r#"200 {"imported":0,"#));
}

#[actix_web::test]
async fn request_without_a_valid_item_is_400() {
    let feeds = Feeds::new().await;
    assert_snapshot!(feeds.post_api("/v1/messages", message(1, json!({"address": ""}))).await, @r#"400 {"imported":0,"updated":0,"unchanged":0,"waiting":0,"rejected":1,"results":[{"result":"rejected","detail":"the field 'address' must be an address"}]}"#);
    for body in ["", "5", "{", "[", "[1,", "\"x\"", "nothing"] {
        let response = feeds.post_api("/v1/messages", body).await;
        assert!(response.starts_with(r#"400 {"title":"not-valid-request""#), "{body}: {response}");
    }
    assert_snapshot!(feeds.post_api("/v1/messages", "[]").await, @r#"200 {"imported":0,"updated":0,"unchanged":0,"waiting":0,"rejected":0,"results":[]}"#);
}

#[actix_web::test]
async fn request_holds_at_most_10000_entries() {
    let feeds = Feeds::new().await;
    let lines = |count: i64| (1..=count).map(|id| format!("{}\n", message(id, json!({})))).collect::<String>();
    assert!(feeds.post_api("/v1/messages", lines(10_000)).await.starts_with(r#"200 {"imported":10000,"#));
    assert_snapshot!(feeds.post_api("/v1/messages", lines(10_001)).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The body must hold at most 10000 entries; send the rest in another request."}"#);
    let list = format!("[{}1]", "1,".repeat(10_000));
    assert!(feeds.post_api("/v1/statuses", list).await.starts_with("400 "));
}

#[actix_web::test]
async fn ingest_body_limit_is_a_separate_setting() {
    let app = TestApp::with(|config| config.ingest.body_limit_bytes = 2048).await;
    let feeds = Feeds::of(app).await;
    let long = message(1, json!({"comment": "x".repeat(2048)}));
    assert_snapshot!(feeds.post_api("/v1/messages", &long).await, @r#"413 {"title":"request-too-large","status":413,"detail":"The body must be at most 2048 bytes long."}"#);
    assert!(feeds.app.history(with_fields(json!({}), json!({"x": "x".repeat(4000)}))).await.starts_with("200 "));
}

#[actix_web::test]
async fn statuses_stay_pending_until_their_message_arrives() {
    let feeds = Feeds::new().await;
    let read = json!({"messageId": 1, "status": "read", "statusAt": "2026-03-01T10:00:09Z"});
    assert_snapshot!(feeds.post_api("/v1/statuses", &read).await, @r#"200 {"imported":0,"updated":0,"unchanged":0,"waiting":1,"rejected":0,"results":[{"result":"waiting","messageId":1}]}"#);
    assert_snapshot!(feeds.post_api("/v1/statuses", json!([read, {"requestId": "r", "status": "SENT"}])).await, @r#"200 {"imported":0,"updated":0,"unchanged":1,"waiting":1,"rejected":0,"results":[{"result":"unchanged","messageId":1},{"result":"waiting"}]}"#);
    feeds.app.import([message(1, json!({}))]).await;
    assert_eq!(feeds.only_status().await, "READ 2026-03-01T10:00:09.000+0000 -");
    let later = with_fields(read, json!({"statusAt": "2026-03-01T10:00:10Z"}));
    assert!(feeds.post_api("/v1/statuses", later).await.contains(r#""result":"updated","messageId":1"#));
}

#[actix_web::test]
async fn invalid_statuses_are_rejected_with_a_reason() {
    let feeds = Feeds::new().await;
    let wrong = [
        json!({"status": "SENT"}),
        json!({"messageId": 1}),
        json!({"messageId": "x", "status": "SENT"}),
        json!({"messageId": 1, "status": "SENT", "statusAt": "soon"}),
        json!({"messageId": 1, "status": "SENT", "subjectId": 1.5}),
        json!({"messageId": 1, "status": "SENT", "comment": 5}),
        json!({"messageId": 1, "status": 5}),
        json!([]),
    ];
    let response = feeds.post_api("/v1/statuses", json!(wrong)).await;
    assert_snapshot!(response.replace("},{", "},\n{"), @r#"
    400 {"imported":0,"updated":0,"unchanged":0,"waiting":0,"rejected":8,"results":[{"result":"rejected","detail":"it names neither a message nor a request"},
    {"result":"rejected","detail":"the field 'status' must be a word"},
    {"result":"rejected","detail":"the field 'messageId' must be a positive integer"},
    {"result":"rejected","detail":"the field 'statusAt' must be an ISO 8601 date in a string"},
    {"result":"rejected","detail":"the field 'subjectId' must be an integer"},
    {"result":"rejected","detail":"the field 'comment' must be a string"},
    {"result":"rejected","detail":"the field 'status' must be a word"},
    {"result":"rejected","detail":"it is not a JSON object"}]}
    "#);
}

#[actix_web::test]
async fn writing_requires_the_messaging_group() {
    let feeds = Feeds::new().await;
    let reader = feeds.app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["message-history".into()]);
    });
    let reader = reader.await;
    let item = message(1, json!({}));
    assert_snapshot!(feeds.post_api_with(&reader, "/v1/messages", &item).await, @r#"403 {"title":"access-denied","status":403,"detail":"The key does not belong to the messaging group."}"#);
    assert!(feeds.post_api_with(&reader, "/v1/statuses", status_event("SENT", "x")).await.starts_with("403 "));
    assert!(feeds.post_api_with(&feeds.webhook_key, "/v1/messages", &item).await.starts_with("401 "));
    assert_eq!(feeds.app.ids("{}").await, "[]");
}

#[actix_web::test]
async fn restricted_key_writes_only_messages_of_its_senders() {
    let feeds = Feeds::new().await;
    let key = restricted_key(&feeds.app, &[501]).await;
    feeds.app.import([message(1, json!({"subjectId": 502})), message(2, json!({"subjectId": 501}))]).await;
    // Rejected: an item of another subject, one without a subject, and one with the id of another subject's message.
    let items = json!([
        message(3, json!({"subjectId": 502})),
        message(4, json!({})),
        message(1, json!({"subjectId": 501, "deliveryStatus": "READ"})),
        message(2, json!({"subjectId": 501, "deliveryStatus": "READ"})),
    ]);
    assert_snapshot!(feeds.post_api_with(&key, "/v1/messages", items).await.replace("},{", "},\n{"), @r#"
    200 {"imported":0,"updated":1,"unchanged":0,"waiting":0,"rejected":3,"results":[{"result":"rejected","messageId":3,"detail":"its subject does not belong to the key's senders"},
    {"result":"rejected","messageId":4,"detail":"its subject does not belong to the key's senders"},
    {"result":"rejected","messageId":1,"detail":"its message does not belong to the key's senders"},
    {"result":"updated","messageId":2}]}
    "#);
    let read_status = |id: i64, subject: i64| json!({"messageId": id, "subjectId": subject, "status": "READ"});
    let without_subject = json!({"messageId": 2, "status": "READ"});
    let statuses =
        json!([read_status(1, 501), read_status(1, 502), without_subject, read_status(2, 501), read_status(5, 501)]);
    assert_snapshot!(feeds.post_api_with(&key, "/v1/statuses", statuses).await.replace("},{", "},\n{"), @r#"
    200 {"imported":0,"updated":1,"unchanged":0,"waiting":1,"rejected":3,"results":[{"result":"rejected","messageId":1,"detail":"its message does not belong to the key's senders"},
    {"result":"rejected","messageId":1,"detail":"its subject does not belong to the key's senders"},
    {"result":"rejected","messageId":2,"detail":"its subject does not belong to the key's senders"},
    {"result":"updated","messageId":2},
    {"result":"waiting","messageId":5}]}
    "#);
    // The pending status does not count, because its message turns out to be another subject's.
    feeds.app.import([message(5, json!({"subjectId": 502}))]).await;
    assert_eq!(feeds.app.ids("{}").await, "[5, 2, 1]");
    let others = feeds.app.history(json!({"subjectId": 502})).await;
    assert!(!others.contains("deliveryStatus"), "{others}");
}

#[actix_web::test]
async fn restricted_key_cannot_claim_a_message_by_writing_first() {
    // A restricted key's copy of a message that is another subject's never counts, whichever arrives first.
    let other_copy = message(1, json!({"subjectId": 502, "comment": "theirs", "deliveryStatus": "SENT"}));
    let own_copy = json!({"subjectId": 501, "deliveryStatus": "READ", "subjectName": "ours", "cascadeName": "ours"});
    let own_copy = message(1, own_copy);
    for own_first in [true, false] {
        let feeds = Feeds::new().await;
        let (own_key, other_key) = (restricted_key(&feeds.app, &[501]).await, restricted_key(&feeds.app, &[502]).await);
        if own_first {
            assert!(
                feeds.post_api_with(&own_key, "/v1/messages", &own_copy).await.starts_with(r#"200 {"imported":1,"#)
            );
            feeds.post_api("/v1/messages", &other_copy).await;
        } else {
            feeds.post_api("/v1/messages", &other_copy).await;
            assert!(feeds.post_api_with(&own_key, "/v1/messages", &own_copy).await.starts_with("400 "));
        }
        let response = feeds.app.history("{}").await;
        assert!(response.contains("theirs") && !response.contains("ours") && response.contains("SENT"), "{response}");
        assert_eq!(feeds.app.ids_with(&own_key, "{}").await, "[]");
        assert!(feeds.get_with(&own_key, "/v1/messages/1").await.starts_with("404 "));
        let trail = feeds.get("/v1/messages/1").await;
        assert!(!trail.contains("READ"), "{trail}");
        // The key of the message's own subject may still write.
        let read = json!({"messageId": 1, "subjectId": 502, "status": "DELIVERED"});
        assert!(feeds.post_api_with(&other_key, "/v1/statuses", read).await.contains("updated"));
        assert_eq!(feeds.only_status().await, "DELIVERED - -");
    }
}

#[actix_web::test]
async fn restricted_key_cannot_link_a_request_to_others_messages() {
    let feeds = Feeds::new().await;
    let key = restricted_key(&feeds.app, &[501]).await;
    let link = json!({"messageId": 1, "requestId": "req-1", "subjectId": 501, "status": "SENT"});
    assert!(feeds.post_api_with(&key, "/v1/statuses", link).await.contains("waiting"));
    feeds.post_webhook(with_fields(status_event("READ", "2026-03-01T10:00:09Z"), json!({"messageId": null}))).await;
    feeds.app.import([message(1, json!({"subjectId": 502}))]).await;
    assert_eq!(feeds.only_status().await, "- - -");
    assert!(feeds.get("/v1/messages/1").await.contains(r#""trail":[]"#));
}

#[actix_web::test]
async fn api_status_applies_to_a_message_without_subject() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({}))]).await;
    feeds.post_api("/v1/statuses", json!({"messageId": 1, "subjectId": 501, "status": "READ"})).await;
    assert_eq!(feeds.only_status().await, "READ - -");
}

#[actix_web::test]
async fn request_with_10000_new_recipients_is_accepted() {
    let feeds = Feeds::new().await;
    let line = |id: i64| format!("{}\n", message(id, json!({"address": format!("7900{id:07}"), "subscriberId": id})));
    let lines = (1..=10_000).map(line).collect::<String>();
    assert!(feeds.post_api("/v1/messages", &lines).await.starts_with(r#"200 {"imported":10000,"#));
    let read_status = |id: i64| json!({"messageId": id, "status": "READ"});
    let statuses: Vec<_> = (1..=10_000).map(read_status).collect();
    assert!(feeds.post_api("/v1/statuses", json!(statuses)).await.contains(r#""updated":10000,"#));
}

#[actix_web::test]
async fn item_with_90000_unknown_fields_is_accepted() {
    let feeds = Feeds::new().await;
    let fields = (0..90_000).map(|number| format!("\"a{number}\":1")).collect::<Vec<_>>().join(",");
    let item = |comment: &str| {
        let item = message(1, json!({"comment": comment})).to_string();
        format!("{},{fields}}}", item.strip_suffix('}').unwrap())
    };
    for comment in ["a", "b", "c"] {
        assert!(feeds.post_api("/v1/messages", item(comment)).await.starts_with("200 "), "{comment}");
    }
}

#[actix_web::test]
async fn writes_of_unrestricted_and_restricted_keys_commute() {
    let copy = |fields: serde_json::Value| message(1, fields);
    // Unrestricted keys decide the subject, whatever precedence the copies of restricted keys have.
    let free = copy(json!({"subjectId": 501, "deliveryStatus": "SENT", "comment": "free"}));
    let later = copy(json!({"subjectId": 501, "deliveryStatus": "DELIVERED"}));
    let own_copy = copy(json!({"subjectId": 501, "deliveryStatus": "READ", "comment": "ours"}));
    let other_copy =
        copy(json!({"subjectId": 502, "deliveryStatus": "READ", "cascadeName": "theirs", "comment": "theirs"}));
    let mut responses = std::collections::BTreeSet::new();
    for order in permutations(4) {
        let feeds = Feeds::new().await;
        let (own_key, other_key) = (restricted_key(&feeds.app, &[501]).await, restricted_key(&feeds.app, &[502]).await);
        for step in order {
            match step {
                0 => _ = feeds.post_api("/v1/messages", &free).await,
                1 => _ = feeds.post_api("/v1/messages", &later).await,
                2 => _ = feeds.post_api_with(&other_key, "/v1/messages", &other_copy).await,
                _ => _ = feeds.post_api_with(&own_key, "/v1/messages", &own_copy).await,
            }
        }
        // A restricted key that was rejected before an unrestricted copy arrived tries again.
        feeds.post_api_with(&own_key, "/v1/messages", &own_copy).await;
        assert!(feeds.post_api_with(&other_key, "/v1/messages", &other_copy).await.starts_with("400 "));
        responses.insert(feeds.app.history("{}").await);
    }
    assert_eq!(responses.len(), 1, "{responses:#?}");
    let response = responses.first().unwrap();
    assert!(response.contains("READ") && response.contains("ours") && !response.contains("theirs"), "{response}");
}

#[actix_web::test]
async fn message_without_subject_gets_that_of_a_restricted_key() {
    let feeds = Feeds::new().await;
    let key = restricted_key(&feeds.app, &[501]).await;
    let own_copy = message(1, json!({"subjectId": 501, "deliveryStatus": "READ"}));
    assert!(feeds.post_api_with(&key, "/v1/messages", &own_copy).await.starts_with("200 "));
    feeds.app.import([message(1, json!({}))]).await;
    assert_eq!(feeds.app.ids_with(&key, "{}").await, "[1]");
    assert_eq!(feeds.only_status().await, "READ - -");
}

#[actix_web::test]
async fn integer_request_id_equals_its_digits_as_text() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({"subjectId": 501}))]).await;
    let early = json!({"requestId": 17, "subjectId": 501, "status": "READ", "statusAt": "2026-03-01T11:00:00Z"});
    assert!(feeds.post_api("/v1/statuses", early).await.contains(r#""waiting":1"#));
    // The same request id as a string.
    let link = json!({"messageId": 1, "requestId": "17", "subjectId": 501, "status": "SENT"});
    assert!(feeds.post_api("/v1/statuses", link).await.starts_with("200 "));
    assert_eq!(feeds.only_status().await, "READ 2026-03-01T11:00:00.000+0000 -");
}
