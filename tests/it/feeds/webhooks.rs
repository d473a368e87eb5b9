//! docs/edna.md 6.1 to 6.3: edna's webhooks.

use insta::assert_snapshot;
use serde_json::json;

use super::{Feeds, incoming_message, status_and_body, status_event, with_fields};
use crate::support::{TENANT, TestApp, message};
use history_gateway::ingest;
use history_gateway::model::key::KeyKind;
use history_gateway::model::subject::Subject;

const OK: &str = r#"200 {"status":"ok"}"#;

async fn with_subject() -> Feeds {
    let feeds = Feeds::new().await;
    add_subject(&feeds.app).await;
    feeds
}

async fn add_subject(app: &TestApp) {
    let subject = Subject { id: 501, name: Some("shop_WA".into()), channel_type: "WHATSAPP".into() };
    ingest::add_subject(&app.store, TENANT, subject).await.unwrap();
}

#[actix_web::test]
async fn incoming_message_is_in_the_next_response() {
    let feeds = with_subject().await;
    assert_eq!(feeds.post_webhook_at("/webhooks/edna/messages", incoming_message(14_550_000_001)).await, OK);
    assert_snapshot!(feeds.app.history("{}").await, @r#"200 {"content":[{"messageId":14550000001,"tenantId":3193,"channelType":"WHATSAPP","direction":"IN","address":"79001112233","content":"{\"text\":\"Hi\",\"type\":\"TEXT\"}","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","subjectId":501,"subjectName":"shop_WA","subscriberId":4242}],"hasNext":false}"#);
}

#[actix_web::test]
async fn content_is_stored_verbatim_except_for_nulls() {
    let feeds = with_subject().await;
    let content = r#"{ "type":"LIST_PICKER", "items":[null,{"id":1.50,"x":null,"y":[null]}], "big":12345678901234567890123,"e":{},"text":"a \u0041 \"null\" null" }"#;
    let raw = incoming_message(1).to_string().replace(&incoming_message(1)["messageContent"].to_string(), content);
    assert_eq!(feeds.post_webhook(raw).await, OK);
    let response = feeds.app.history("{}").await;
    let response: serde_json::Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
    assert_snapshot!(response["content"][0]["content"].as_str().unwrap(), @r#"{"type":"LIST_PICKER","items":[{"id":1.50,"y":[]}],"big":12345678901234567890123,"e":{},"text":"a \u0041 \"null\" null"}"#);
}

#[actix_web::test]
async fn reply_references_are_stored() {
    let feeds = with_subject().await;
    let reply = json!({"replyOutMessageId": 7, "replyOutMessageExternalRequestId": "5d1c", "replyInMessageId": 6});
    assert_eq!(feeds.post_webhook(with_fields(incoming_message(8), reply)).await, OK);
    let response = feeds.app.history("{}").await;
    let replies = r#""replyInMessageId":6,"replyOutMessageId":7,"replyOutMessageExternalRequestId":"5d1c""#;
    assert!(response.contains(replies), "{response}");
}

#[actix_web::test]
async fn pending_message_appears_when_its_subject_is_added() {
    let feeds = Feeds::new().await;
    assert_eq!(feeds.post_webhook(incoming_message(1)).await, OK);
    assert_eq!(feeds.post_webhook(incoming_message(1)).await, OK);
    assert_eq!(feeds.app.ids("{}").await, "[]");
    add_subject(&feeds.app).await;
    assert_eq!(feeds.app.ids(json!({"channelTypes": ["WHATSAPP"], "direction": "IN"})).await, "[1]");
}

#[actix_web::test]
async fn pending_messages_appear_once_an_import_names_the_channel() {
    let feeds = Feeds::new().await;
    for id in 1..=3 {
        feeds.post_webhook(incoming_message(id)).await;
    }
    feeds.post_webhook(with_fields(incoming_message(4), json!({"subjectId": 502}))).await;
    // Any message of the subject is evidence of its channel type; here it is imported.
    feeds.app.import([message(9, json!({"subjectId": 501, "channelType": "VIBER"}))]).await;
    assert_eq!(feeds.app.ids(json!({"channelTypes": ["VIBER"]})).await, "[9, 3, 2, 1]");
    assert_eq!(feeds.app.ids("{}").await, "[9, 3, 2, 1]");
}

#[actix_web::test]
async fn pending_message_appears_within_a_second_of_an_api_write() {
    let feeds = Feeds::new().await;
    feeds.post_webhook(incoming_message(1)).await;
    feeds.post_api("/v1/messages", message(9, json!({"subjectId": 501, "channelType": "WHATSAPP"}))).await;
    let written_at = std::time::Instant::now();
    while feeds.app.ids("{}").await != "[9, 1]" {
        assert!(written_at.elapsed() < std::time::Duration::from_secs(1), "the message is still pending");
    }
}

#[actix_web::test]
async fn subject_of_another_tenant_does_not_count() {
    let feeds = Feeds::new().await;
    let other = history_gateway::model::TenantId(4000);
    feeds.app.create_tenant(other).await;
    let subject = Subject { id: 501, name: None, channel_type: "SMS".into() };
    ingest::add_subject(&feeds.app.store, other, subject).await.unwrap();
    feeds.post_webhook(incoming_message(1)).await;
    assert_eq!(feeds.app.ids("{}").await, "[]");
}

#[actix_web::test]
async fn status_updates_the_message_in_the_next_response() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({"deliveryStatus": "SENT", "deliveryStatusAt": "2026-03-01T10:00:01Z"}))]).await;
    let delivered = status_event("delivered", "2026-03-01T10:00:05Z");
    assert_eq!(feeds.post_webhook_at("/webhooks/edna/statuses", delivered).await, OK);
    assert_eq!(feeds.only_status().await, "DELIVERED 2026-03-01T10:00:05.000+0000 -");
    let late =
        with_fields(status_event("UNDELIVERED", "2026-03-01T10:00:09Z"), json!({"error": "error-address-unknown"}));
    assert_eq!(feeds.post_webhook(late).await, OK);
    assert_eq!(feeds.only_status().await, "DELIVERED 2026-03-01T10:00:05.000+0000 -");
    let response = feeds.app.history("{}").await;
    let filled = r#""cascadeId":31,"cascadeStageUuid":"b75c5b32-d185-4784-aac0-ec3adc468a71""#;
    assert!(response.contains(filled), "{response}");
}

#[actix_web::test]
async fn error_becomes_the_delivery_status_message() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({}))]).await;
    let failed =
        with_fields(status_event("UNDELIVERED", "2026-03-01T10:00:05Z"), json!({"error": "error-address-unknown"}));
    feeds.post_webhook(failed).await;
    assert_eq!(feeds.only_status().await, "UNDELIVERED 2026-03-01T10:00:05.000+0000 error-address-unknown");
}

#[actix_web::test]
async fn early_status_is_applied_when_its_message_arrives() {
    let feeds = Feeds::new().await;
    assert_eq!(feeds.post_webhook(status_event("READ", "2026-03-01T10:00:09Z")).await, OK);
    assert_eq!(feeds.app.ids("{}").await, "[]");
    feeds.app.import([message(1, json!({"deliveryStatus": "SENT"}))]).await;
    assert_eq!(feeds.only_status().await, "READ 2026-03-01T10:00:09.000+0000 -");
}

#[actix_web::test]
async fn status_by_request_id_applies_once_linked_to_a_message() {
    let read = with_fields(status_event("READ", "2026-03-01T10:00:09Z"), json!({"messageId": null}));
    let sent = status_event("SENT", "2026-03-01T10:00:01Z");
    for order in [[&read, &sent], [&sent, &read]] {
        for import_first in [true, false] {
            let feeds = Feeds::new().await;
            if import_first {
                feeds.app.import([message(1, json!({}))]).await;
            }
            for event in order {
                assert_eq!(feeds.post_webhook(event).await, OK);
            }
            if !import_first {
                feeds.app.import([message(1, json!({}))]).await;
            }
            assert_eq!(feeds.only_status().await, "READ 2026-03-01T10:00:09.000+0000 -");
        }
    }
}

#[actix_web::test]
async fn request_id_is_linked_within_its_subject_only() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({}))]).await;
    feeds.post_webhook(status_event("SENT", "2026-03-01T10:00:01Z")).await;
    let other = json!({"messageId": null, "subjectId": 502});
    feeds.post_webhook(with_fields(status_event("READ", "2026-03-01T10:00:09Z"), other)).await;
    assert_eq!(feeds.only_status().await, "SENT 2026-03-01T10:00:01.000+0000 -");
}

#[actix_web::test]
async fn list_of_events_is_accepted() {
    let feeds = with_subject().await;
    let read = with_fields(status_event("READ", "2026-03-01T10:00:09Z"), json!({"messageId": 2}));
    let list = json!([incoming_message(1), incoming_message(2), read]);
    assert_eq!(feeds.post_webhook(list).await, OK);
    assert_eq!(feeds.app.ids("{}").await, "[2, 1]");
    assert_eq!(feeds.post_webhook("[]").await, OK);
}

#[actix_web::test]
async fn other_events_are_stored_once_and_change_nothing() {
    let feeds = with_subject().await;
    let events = [
        json!({"id": 5, "name": "promo", "channelType": "WHATSAPP", "status": "APPROVED", "category": "MARKETING"}),
        json!({"templateId": 5, "oldCategory": "UTILITY", "newCategory": "MARKETING"}),
        json!({"messageId": 1, "url": "https://shop.example/a", "clickedAt": "2026-03-01T10:00:00Z"}),
    ];
    for event in &events {
        assert_eq!(feeds.post_webhook(event).await, OK);
        assert_eq!(feeds.post_webhook(json!([event])).await, OK);
    }
    assert_eq!(feeds.app.ids("{}").await, "[]");
    let count = feeds
        .app
        .store
        .read_primary(|connection| history_gateway::store::messages::pending::count_events(connection, TENANT));
    assert_eq!(count.await.unwrap(), 3, "each once");
}

#[actix_web::test]
async fn get_and_head_need_no_key() {
    let feeds = Feeds::new().await;
    for path in ["/webhooks/edna", "/webhooks/edna/messages", "/webhooks/edna/statuses", "/webhooks/edna/"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(feeds.app.send(method, path, &[], "").await.status.as_u16(), 200, "{method} {path}");
        }
        let put = feeds.app.send("PUT", path, &[], "").await;
        assert_eq!((put.status.as_u16(), put.header("allow")), (405, "GET, HEAD, POST"));
    }
}

#[actix_web::test]
async fn only_a_webhook_key_may_post() {
    let feeds = with_subject().await;
    let additional = feeds.app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["webhooks".into(), "messaging".into()]);
    });
    let keys = [feeds.app.key.clone(), additional.await, "550e8400-e29b-41d4-a716-446655440000".into(), "x".into()];
    let unauthorized = status_and_body(&feeds.app.post("/webhooks/edna", &[], incoming_message(1).to_string()).await);
    for key in &keys {
        for value in [format!("Token {key}"), key.clone()] {
            let refused =
                feeds.app.post("/webhooks/edna", &[("Authorization", &value)], incoming_message(1).to_string()).await;
            assert_eq!(status_and_body(&refused), unauthorized);
        }
    }
    let own_header = [("x-api-key", feeds.webhook_key.as_str())];
    let refused = feeds.app.post("/webhooks/edna", &own_header, incoming_message(1).to_string()).await;
    assert_eq!(status_and_body(&refused), unauthorized);
    assert_snapshot!(unauthorized, @r#"401 {"title":"Api-key not found","status":401,"detail":"The request holds no valid webhook key."}"#);
    assert_eq!(feeds.app.ids("{}").await, "[]");
    for scheme in ["Token ", "token ", ""] {
        let value = format!("{scheme}{}", feeds.webhook_key);
        let accepted =
            feeds.app.post("/webhooks/edna", &[("authorization", &value)], incoming_message(1).to_string()).await;
        assert_eq!(accepted.status.as_u16(), 200, "{scheme}");
    }
}

#[actix_web::test]
async fn key_header_is_configurable() {
    let app = TestApp::with(|config| config.webhooks.header = "X-Hook-Key".into()).await;
    let feeds = Feeds::of(app).await;
    let headers = [("x-hook-key", feeds.webhook_key.as_str())];
    assert_eq!(feeds.app.post("/webhooks/edna", &headers, incoming_message(1).to_string()).await.status.as_u16(), 200);
    assert!(feeds.post_webhook(incoming_message(1)).await.starts_with("401 "));
}

#[actix_web::test]
async fn invalid_events_are_400_and_never_500() {
    let feeds = with_subject().await;
    let wrong_everywhere = |event: &serde_json::Value, wrong: &serde_json::Value| {
        let names = event.as_object().unwrap().keys().map(|name| (name.clone(), wrong.clone()));
        serde_json::Value::from(names.collect::<serde_json::Map<_, _>>())
    };
    let mut refused =
        vec![String::new(), "{".into(), "5".into(), "\"x\"".into(), "[5]".into(), "{}".into(), "[[]]".into()];
    for wrong in [json!([]), json!({}), json!(-1), json!(1.5), json!(true), json!("")] {
        refused.push(wrong_everywhere(&incoming_message(1), &wrong).to_string());
        refused.push(wrong_everywhere(&status_event("SENT", "x"), &wrong).to_string());
    }
    let bad = [
        json!({"id": 0}),
        json!({"id": "9223372036854775808"}),
        json!({"subjectId": null}),
        json!({"subscriber": null}),
        json!({"subscriber": {"identifier": "+"}}),
        json!({"receivedAt": "yesterday"}),
        json!({"messageContent": []}),
    ];
    refused.extend(bad.map(|fields| with_fields(incoming_message(1), fields).to_string()));
    let bad = [json!({"status": ""}), json!({"messageId": null, "requestId": null})];
    refused.extend(bad.map(|fields| with_fields(status_event("SENT", "2026-03-01T10:00:09Z"), fields).to_string()));
    for body in refused {
        let response = feeds.post_webhook(&body).await;
        assert!(response.starts_with(r#"400 {"title":"not-valid-request""#), "{body}: {response}");
        assert!(!response.contains("79001112233"), "{response}");
    }
    assert_eq!(feeds.app.ids("{}").await, "[]");
    let deep = format!("{}{}", r#"{"a":"#.repeat(20_000), "1".to_owned() + &"}".repeat(20_000));
    let body = incoming_message(1).to_string().replace(&incoming_message(1)["messageContent"].to_string(), &deep);
    assert!(feeds.post_webhook(body).await.starts_with("400 "));
}

#[actix_web::test]
async fn valid_parts_of_an_odd_event_are_stored() {
    let feeds = with_subject().await;
    feeds.app.import([message(9_007_199_254_740_993, json!({}))]).await;
    // A megabyte of unknown fields, wrong types in unneeded fields, an id beyond 53 bits, a date in the future.
    let odd = json!({
        "messageId": "9007199254740993", "status": "ReAd", "statusAt": "2036-03-01T10:00:09Z", "requestId": [1],
        "cascadeId": {}, "cascadeStageUUID": 5, "error": {}, "comment": [], "subjectId": "x",
        "unknown": "x".repeat(1_000_000),
    });
    assert_eq!(feeds.post_webhook(odd).await, OK);
    assert_eq!(feeds.only_status().await, "READ 2036-03-01T10:00:09.000+0000 -");
    let odd = json!({
        "subject": 5, "userInfo": 7, "replyOutMessageId": "x", "lastMessage": [], "receivedAt": "2036-03-01",
        "subscriber": {"id": [], "identifier": 79_001_112_233_i64}, "unknown": "x".repeat(1_000_000),
    });
    assert_eq!(feeds.post_webhook(with_fields(incoming_message(9_007_199_254_740_995), odd)).await, OK);
    let future = json!({"dateFrom": "2036-01-01", "dateTo": "2036-12-01"});
    assert_eq!(feeds.app.ids(future).await, "[9007199254740995]");
}

#[actix_web::test]
async fn valid_events_of_a_list_are_stored_despite_invalid_ones() {
    let feeds = with_subject().await;
    let invalid = with_fields(incoming_message(2), json!({"receivedAt": 5}));
    assert_eq!(feeds.post_webhook(json!([incoming_message(1), invalid, incoming_message(3)])).await, OK);
    assert_eq!(feeds.app.ids("{}").await, "[3, 1]");
}

#[actix_web::test]
async fn a_body_over_the_limit_is_413() {
    let feeds = Feeds::new().await;
    let long = with_fields(incoming_message(1), json!({"unknown": "x".repeat(2_000_000)}));
    assert!(feeds.post_webhook(long).await.starts_with("413 "));
}

#[actix_web::test]
async fn repeat_after_a_channel_correction_changes_nothing() {
    let feeds = with_subject().await;
    feeds.post_webhook(incoming_message(1)).await;
    let before = feeds.app.history("{}").await;
    for channel_type in ["VIBER", "SMS"] {
        let subject = Subject { id: 501, name: Some("shop_WA".into()), channel_type: channel_type.into() };
        ingest::add_subject(&feeds.app.store, TENANT, subject).await.unwrap();
        assert_eq!(feeds.post_webhook(incoming_message(1)).await, OK);
        assert_eq!(feeds.app.history("{}").await, before);
    }
}

#[actix_web::test]
async fn inferred_channel_is_not_evidence_for_its_subject() {
    let imported = |id: i64, channel_type: &str| message(id, json!({"subjectId": 501, "channelType": channel_type}));
    for order in [[0, 1, 2], [0, 2, 1]] {
        let feeds = Feeds::new().await;
        for step in order {
            match step {
                0 => _ = feeds.app.import([imported(10, "SMS")]).await,
                1 => _ = feeds.post_webhook(incoming_message(1000)).await,
                _ => _ = feeds.app.import([imported(500, "WHATSAPP")]).await,
            }
        }
        feeds.post_webhook(incoming_message(1001)).await;
        let response = feeds.app.history(json!({"messageId": 1001})).await;
        assert!(response.contains(r#""channelType":"WHATSAPP""#), "{order:?}: {response}");
    }
}

#[actix_web::test]
async fn numeric_request_id_of_any_length_is_accepted() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({}))]).await;
    let long = |event: serde_json::Value| event.to_string().replace(r#""req-1""#, "123456789012345678901234567890");
    let read = with_fields(status_event("READ", "2026-03-01T10:00:09Z"), json!({"messageId": null}));
    assert_eq!(feeds.post_webhook(long(read)).await, OK);
    assert_eq!(feeds.post_webhook(long(status_event("SENT", "2026-03-01T10:00:01Z"))).await, OK);
    assert_eq!(feeds.only_status().await, "READ 2026-03-01T10:00:09.000+0000 -");
}

#[actix_web::test]
async fn subject_stays_known_if_its_evidence_also_came_by_webhook() {
    let feeds = Feeds::new().await;
    feeds.post_webhook(incoming_message(1)).await;
    // The same message from edna's history, with the nulls in its content; the webhook's copy takes precedence.
    let imported = message(
        1,
        json!({"direction": "IN", "channelType": "WHATSAPP", "subjectId": 501, "content": "{\"attachment\":null}"}),
    );
    feeds.app.import([imported]).await;
    assert_eq!(feeds.app.ids(json!({"subjectId": 501})).await, "[1]");
    feeds.post_webhook(incoming_message(2)).await;
    assert_eq!(feeds.app.ids(json!({"subjectId": 501})).await, "[2, 1]");
}

#[actix_web::test]
async fn message_exceeding_the_item_size_limit_is_400() {
    let feeds = with_subject().await;
    let long = json!({"messageContent": {"type": "TEXT", "text": "\"".repeat(400_000)}});
    let response = feeds.post_webhook(with_fields(incoming_message(1), long)).await;
    assert!(response.starts_with("400 ") && response.contains("messageContent"), "{response}");
}

#[actix_web::test]
async fn status_with_an_invalid_time_is_stored_without_a_time() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({"subjectId": 501}))]).await;
    for at in [json!("soon"), json!(17), json!(null)] {
        let status = json!({"messageId": 1, "subjectId": 501, "status": "DELIVERED", "statusAt": at});
        assert_eq!(feeds.post_webhook(status).await, r#"200 {"status":"ok"}"#);
    }
    assert!(feeds.app.history("{}").await.contains(r#""deliveryStatus":"DELIVERED","sentOrReceivedAt""#));
}
