//! docs/edna.md 6.7: what own systems send, `POST /v1/messages` and `/v1/statuses`.

use insta::assert_snapshot;
use serde_json::json;

use super::{Feeds, status, with};
use crate::support::{TENANT, TestApp, message};
use history_gateway::model::key::KeyKind;

/// A key that sends, and reads, for some subjects only.
async fn restricted(app: &TestApp, senders: &[i64]) -> String {
    let senders = senders.to_vec();
    app.issue(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["messaging".into(), "message-history".into()]);
        key.senders = Some(senders);
    })
    .await
}

#[actix_web::test]
async fn item_list_and_ndjson_bodies_get_one_result_per_item() {
    let feeds = Feeds::new().await;
    assert_snapshot!(feeds.send("/v1/messages", message(1, json!({}))).await, @r#"200 {"imported":1,"updated":0,"unchanged":0,"waiting":0,"rejected":0,"results":[{"result":"imported","messageId":1}]}"#);
    let list = json!([message(1, json!({})), message(2, json!({})), {"messageId": 3}]);
    assert_snapshot!(feeds.send("/v1/messages", list).await, @r#"200 {"imported":1,"updated":0,"unchanged":1,"waiting":0,"rejected":1,"results":[{"result":"unchanged","messageId":1},{"result":"imported","messageId":2},{"result":"rejected","detail":"the field 'channelType' is missing"}]}"#);
    let lines = format!("{}\n\n{}\r\n{{\n", message(3, json!({})), message(1, json!({"deliveryStatus": "READ"})));
    assert_snapshot!(feeds.send("/v1/messages", lines).await, @r#"200 {"imported":1,"updated":1,"unchanged":0,"waiting":0,"rejected":1,"results":[{"result":"imported","messageId":3},{"result":"updated","messageId":1},{"result":"rejected","detail":"it ends in the middle of a JSON value"}]}"#);
    assert_eq!(feeds.app.ids("{}").await, "[3, 2, 1]");
}

#[actix_web::test]
async fn pretty_printed_items_are_accepted() {
    let feeds = Feeds::new().await;
    let pretty = serde_json::to_string_pretty(&message(1, json!({"comment": "é"}))).unwrap();
    assert!(feeds.send("/v1/messages", &pretty).await.starts_with(r#"200 {"imported":1,"#));
    assert!(feeds.send("/v1/messages", format!("\u{feff}[{pretty}]\n")).await.starts_with(r#"200 {"imported":0,"#));
}

#[actix_web::test]
async fn request_without_a_valid_item_is_400() {
    let feeds = Feeds::new().await;
    assert_snapshot!(feeds.send("/v1/messages", message(1, json!({"address": ""}))).await, @r#"400 {"imported":0,"updated":0,"unchanged":0,"waiting":0,"rejected":1,"results":[{"result":"rejected","detail":"the field 'address' must be an address"}]}"#);
    for body in ["", "5", "{", "[", "[1,", "\"x\"", "nothing"] {
        let answer = feeds.send("/v1/messages", body).await;
        assert!(answer.starts_with(r#"400 {"title":"not-valid-request""#), "{body}: {answer}");
    }
    assert_snapshot!(feeds.send("/v1/messages", "[]").await, @r#"200 {"imported":0,"updated":0,"unchanged":0,"waiting":0,"rejected":0,"results":[]}"#);
}

#[actix_web::test]
async fn request_holds_at_most_10000_entries() {
    let feeds = Feeds::new().await;
    let lines = |count: i64| (1..=count).map(|id| format!("{}\n", message(id, json!({})))).collect::<String>();
    assert!(feeds.send("/v1/messages", lines(10_000)).await.starts_with(r#"200 {"imported":10000,"#));
    assert_snapshot!(feeds.send("/v1/messages", lines(10_001)).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The body must hold at most 10000 entries; send the rest in another request."}"#);
    let list = format!("[{}1]", "1,".repeat(10_000));
    assert!(feeds.send("/v1/statuses", list).await.starts_with("400 "));
}

#[actix_web::test]
async fn ingest_body_limit_is_a_separate_setting() {
    let app = TestApp::with(|config| config.ingest.body_limit_bytes = 2048).await;
    let feeds = Feeds::of(app).await;
    let long = message(1, json!({"comment": "x".repeat(2048)}));
    assert_snapshot!(feeds.send("/v1/messages", &long).await, @r#"413 {"title":"request-too-large","status":413,"detail":"The body must be at most 2048 bytes long."}"#);
    assert!(feeds.app.ask(with(json!({}), json!({"x": "x".repeat(4000)}))).await.starts_with("200 "));
}

#[actix_web::test]
async fn statuses_stay_pending_until_their_message_arrives() {
    let feeds = Feeds::new().await;
    let read = json!({"messageId": 1, "status": "read", "statusAt": "2026-03-01T10:00:09Z"});
    assert_snapshot!(feeds.send("/v1/statuses", &read).await, @r#"200 {"imported":0,"updated":0,"unchanged":0,"waiting":1,"rejected":0,"results":[{"result":"waiting","messageId":1}]}"#);
    assert_snapshot!(feeds.send("/v1/statuses", json!([read, {"requestId": "r", "status": "SENT"}])).await, @r#"200 {"imported":0,"updated":0,"unchanged":1,"waiting":1,"rejected":0,"results":[{"result":"unchanged","messageId":1},{"result":"waiting"}]}"#);
    feeds.app.import([message(1, json!({}))]).await;
    assert_eq!(feeds.status().await, "READ 2026-03-01T10:00:09.000+0000 -");
    let later = with(read, json!({"statusAt": "2026-03-01T10:00:10Z"}));
    assert!(feeds.send("/v1/statuses", later).await.contains(r#""result":"updated","messageId":1"#));
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
    let answer = feeds.send("/v1/statuses", json!(wrong)).await;
    assert_snapshot!(answer.replace("},{", "},\n{"), @r#"
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
    let reader = feeds.app.issue(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["message-history".into()]);
    });
    let reader = reader.await;
    let item = message(1, json!({}));
    assert_snapshot!(feeds.send_with(&reader, "/v1/messages", &item).await, @r#"403 {"title":"access-denied","status":403,"detail":"The key does not belong to the messaging group."}"#);
    assert!(feeds.send_with(&reader, "/v1/statuses", status("SENT", "x")).await.starts_with("403 "));
    assert!(feeds.send_with(&feeds.webhook_key, "/v1/messages", &item).await.starts_with("401 "));
    assert_eq!(feeds.app.ids("{}").await, "[]");
}

#[actix_web::test]
async fn restricted_key_writes_only_messages_of_its_senders() {
    let feeds = Feeds::new().await;
    let key = restricted(&feeds.app, &[501]).await;
    feeds.app.import([message(1, json!({"subjectId": 502})), message(2, json!({"subjectId": 501}))]).await;
    // By its own words, by the message's own subject, and by naming another message's id.
    let items = json!([
        message(3, json!({"subjectId": 502})),
        message(4, json!({})),
        message(1, json!({"subjectId": 501, "deliveryStatus": "READ"})),
        message(2, json!({"subjectId": 501, "deliveryStatus": "READ"})),
    ]);
    assert_snapshot!(feeds.send_with(&key, "/v1/messages", items).await.replace("},{", "},\n{"), @r#"
    200 {"imported":0,"updated":1,"unchanged":0,"waiting":0,"rejected":3,"results":[{"result":"rejected","messageId":3,"detail":"its subject does not belong to the key's senders"},
    {"result":"rejected","messageId":4,"detail":"its subject does not belong to the key's senders"},
    {"result":"rejected","messageId":1,"detail":"its message does not belong to the key's senders"},
    {"result":"updated","messageId":2}]}
    "#);
    let told = |id: i64, subject: i64| json!({"messageId": id, "subjectId": subject, "status": "READ"});
    let statuses = json!([told(1, 501), told(1, 502), {"messageId": 2, "status": "READ"}, told(2, 501), told(5, 501)]);
    assert_snapshot!(feeds.send_with(&key, "/v1/statuses", statuses).await.replace("},{", "},\n{"), @r#"
    200 {"imported":0,"updated":1,"unchanged":0,"waiting":1,"rejected":3,"results":[{"result":"rejected","messageId":1,"detail":"its message does not belong to the key's senders"},
    {"result":"rejected","messageId":1,"detail":"its subject does not belong to the key's senders"},
    {"result":"rejected","messageId":2,"detail":"its subject does not belong to the key's senders"},
    {"result":"updated","messageId":2},
    {"result":"waiting","messageId":5}]}
    "#);
    // What waited does not count for a message that turns out to be another subject's.
    feeds.app.import([message(5, json!({"subjectId": 502}))]).await;
    assert_eq!(feeds.app.ids("{}").await, "[5, 2, 1]");
    let others = feeds.app.ask(json!({"subjectId": 502})).await;
    assert!(!others.contains("deliveryStatus"), "{others}");
}

#[actix_web::test]
async fn restricted_key_cannot_claim_a_message_by_writing_first() {
    // What it says of a message that turns out to be another subject's counts in no order of arrival.
    let theirs = message(1, json!({"subjectId": 502, "comment": "theirs", "deliveryStatus": "SENT"}));
    let ours = json!({"subjectId": 501, "deliveryStatus": "READ", "subjectName": "ours", "cascadeName": "ours"});
    let ours = message(1, ours);
    for ours_first in [true, false] {
        let feeds = Feeds::new().await;
        let (one, other) = (restricted(&feeds.app, &[501]).await, restricted(&feeds.app, &[502]).await);
        if ours_first {
            assert!(feeds.send_with(&one, "/v1/messages", &ours).await.starts_with(r#"200 {"imported":1,"#));
            feeds.send("/v1/messages", &theirs).await;
        } else {
            feeds.send("/v1/messages", &theirs).await;
            assert!(feeds.send_with(&one, "/v1/messages", &ours).await.starts_with("400 "));
        }
        let answer = feeds.app.ask("{}").await;
        assert!(answer.contains("theirs") && !answer.contains("ours") && answer.contains("SENT"), "{answer}");
        assert_eq!(feeds.app.ids_with(&one, "{}").await, "[]");
        assert!(feeds.get_with(&one, "/v1/messages/1").await.starts_with("404 "));
        let trail = feeds.get("/v1/messages/1").await;
        assert!(!trail.contains("READ"), "{trail}");
        // Whose it is may go on.
        let read = json!({"messageId": 1, "subjectId": 502, "status": "DELIVERED"});
        assert!(feeds.send_with(&other, "/v1/statuses", read).await.contains("updated"));
        assert_eq!(feeds.status().await, "DELIVERED - -");
    }
}

#[actix_web::test]
async fn restricted_key_cannot_link_a_request_to_others_messages() {
    let feeds = Feeds::new().await;
    let key = restricted(&feeds.app, &[501]).await;
    let tie = json!({"messageId": 1, "requestId": "req-1", "subjectId": 501, "status": "SENT"});
    assert!(feeds.send_with(&key, "/v1/statuses", tie).await.contains("waiting"));
    feeds.hook(with(status("READ", "2026-03-01T10:00:09Z"), json!({"messageId": null}))).await;
    feeds.app.import([message(1, json!({"subjectId": 502}))]).await;
    assert_eq!(feeds.status().await, "- - -");
    assert!(feeds.get("/v1/messages/1").await.contains(r#""trail":[]"#));
}

#[actix_web::test]
async fn api_status_applies_to_a_message_without_subject() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({}))]).await;
    feeds.send("/v1/statuses", json!({"messageId": 1, "subjectId": 501, "status": "READ"})).await;
    assert_eq!(feeds.status().await, "READ - -");
}

#[actix_web::test]
async fn request_with_10000_new_recipients_is_accepted() {
    let feeds = Feeds::new().await;
    let line = |id: i64| format!("{}\n", message(id, json!({"address": format!("7900{id:07}"), "subscriberId": id})));
    let lines = (1..=10_000).map(line).collect::<String>();
    assert!(feeds.send("/v1/messages", &lines).await.starts_with(r#"200 {"imported":10000,"#));
    let told = |id: i64| json!({"messageId": id, "status": "READ"});
    let statuses: Vec<_> = (1..=10_000).map(told).collect();
    assert!(feeds.send("/v1/statuses", json!(statuses)).await.contains(r#""updated":10000,"#));
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
        assert!(feeds.send("/v1/messages", item(comment)).await.starts_with("200 "), "{comment}");
    }
}

#[actix_web::test]
async fn writes_of_unrestricted_and_restricted_keys_commute() {
    let of = |fields: serde_json::Value| message(1, fields);
    // Whose copy counts is settled by those who may say anything, however great the others' are.
    let free = of(json!({"subjectId": 501, "deliveryStatus": "SENT", "comment": "free"}));
    let later = of(json!({"subjectId": 501, "deliveryStatus": "DELIVERED"}));
    let ours = of(json!({"subjectId": 501, "deliveryStatus": "READ", "comment": "ours"}));
    let theirs = of(json!({"subjectId": 502, "deliveryStatus": "READ", "cascadeName": "theirs", "comment": "theirs"}));
    let mut answers = std::collections::BTreeSet::new();
    for order in super::event_order::orders(4) {
        let feeds = Feeds::new().await;
        let (one, other) = (restricted(&feeds.app, &[501]).await, restricted(&feeds.app, &[502]).await);
        for step in order {
            match step {
                0 => _ = feeds.send("/v1/messages", &free).await,
                1 => _ = feeds.send("/v1/messages", &later).await,
                2 => _ = feeds.send_with(&other, "/v1/messages", &theirs).await,
                _ => _ = feeds.send_with(&one, "/v1/messages", &ours).await,
            }
        }
        // Whoever was turned away while nobody had spoken freely comes again.
        feeds.send_with(&one, "/v1/messages", &ours).await;
        assert!(feeds.send_with(&other, "/v1/messages", &theirs).await.starts_with("400 "));
        answers.insert(feeds.app.ask("{}").await);
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    let answer = answers.first().unwrap();
    assert!(answer.contains("READ") && answer.contains("ours") && !answer.contains("theirs"), "{answer}");
}

#[actix_web::test]
async fn message_without_subject_gets_that_of_a_restricted_key() {
    let feeds = Feeds::new().await;
    let key = restricted(&feeds.app, &[501]).await;
    let ours = message(1, json!({"subjectId": 501, "deliveryStatus": "READ"}));
    assert!(feeds.send_with(&key, "/v1/messages", &ours).await.starts_with("200 "));
    feeds.app.import([message(1, json!({}))]).await;
    assert_eq!(feeds.app.ids_with(&key, "{}").await, "[1]");
    assert_eq!(feeds.status().await, "READ - -");
}

#[actix_web::test]
async fn integer_request_id_equals_its_digits_as_text() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({"subjectId": 501}))]).await;
    let early = json!({"requestId": 17, "subjectId": 501, "status": "READ", "statusAt": "2026-03-01T11:00:00Z"});
    assert!(feeds.send("/v1/statuses", early).await.contains(r#""waiting":1"#));
    // The same request by its text.
    let tie = json!({"messageId": 1, "requestId": "17", "subjectId": 501, "status": "SENT"});
    assert!(feeds.send("/v1/statuses", tie).await.starts_with("200 "));
    assert_eq!(feeds.status().await, "READ 2026-03-01T11:00:00.000+0000 -");
}
