//! `GET /v1/messages/{messageId}`: a message, its status trail, and where it came from (docs/edna.md 6.8).

use insta::assert_snapshot;
use serde_json::json;

use super::{Feeds, status_event, with_fields};
use crate::support::{TENANT, message};
use history_gateway::model::key::KeyKind;

#[actix_web::test]
async fn message_comes_with_its_status_events_and_sources() {
    let feeds = Feeds::new().await;
    let item = |word: &str, at: &str| message(1, json!({"deliveryStatus": word, "deliveryStatusAt": at}));
    feeds.post_api("/v1/messages", item("ACCEPTED", "2026-03-01T10:00:00Z")).await;
    feeds.app.import([item("SENT", "2026-03-01T10:00:01Z")]).await;
    feeds.post_webhook(status_event("READ", "2026-03-01T10:00:09Z")).await;
    feeds
        .post_webhook(with_fields(status_event("DELIVERED", "2026-03-01T10:00:05Z"), json!({"messageId": null})))
        .await;
    feeds
        .post_webhook(with_fields(status_event("DELIVERED", "2026-03-01T10:00:05Z"), json!({"messageId": null})))
        .await;
    assert_snapshot!(feeds.get("/v1/messages/1").await.replace("},{", "},\n{"), @r#"
    200 {"item":{"messageId":1,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{}","deliveryStatus":"READ","deliveryStatusAt":"2026-03-01T10:00:09.000+0000","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","cascadeId":31,"cascadeStageUuid":"b75c5b32-d185-4784-aac0-ec3adc468a71"},"trail":[{"status":"ACCEPTED","statusAt":"2026-03-01T10:00:00.000+0000","source":"api","receivedAt":"2026-03-01T12:00:00.000+0000"},
    {"status":"SENT","statusAt":"2026-03-01T10:00:01.000+0000","source":"import"},
    {"status":"DELIVERED","statusAt":"2026-03-01T10:00:05.000+0000","requestId":"req-1","cascadeId":31,"cascadeStageUUID":"b75c5b32-d185-4784-aac0-ec3adc468a71","source":"webhook","receivedAt":"2026-03-01T12:00:00.000+0000"},
    {"status":"READ","statusAt":"2026-03-01T10:00:09.000+0000","requestId":"req-1","cascadeId":31,"cascadeStageUUID":"b75c5b32-d185-4784-aac0-ec3adc468a71","source":"webhook","receivedAt":"2026-03-01T12:00:00.000+0000"}],"sources":[{"source":"import"}]}
    "#);
    assert_eq!(feeds.app.send("HEAD", "/v1/messages/1", &[("x-api-key", &feeds.app.key)], "").await.status, 200);
}

#[actix_web::test]
async fn message_missing_or_of_another_tenant_is_404() {
    let feeds = Feeds::new().await;
    let other = history_gateway::model::TenantId(4000);
    feeds.app.create_tenant(other).await;
    feeds.app.import_for(other, [message(1, json!({}))]).await;
    feeds.post_webhook(status_event("READ", "2026-03-01T10:00:09Z")).await;
    assert_snapshot!(feeds.get("/v1/messages/1").await, @r#"404 {"title":"not-found","status":404,"detail":"There is no message with this id."}"#);
    // Nor is another tenant's message, whose id lies between the tenant's own.
    feeds.app.import([message(4, json!({})), message(6, json!({}))]).await;
    feeds.app.import_for(other, [message(5, json!({}))]).await;
    assert!(feeds.get("/v1/messages/5").await.starts_with("404 "));
    assert!(feeds.get("/v1/messages/4").await.starts_with("200 "));
    assert_snapshot!(feeds.get("/v1/messages/x").await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The message id must be an integer."}"#);
    assert!(feeds.get("/v1/messages/9223372036854775808").await.starts_with("400 "));
}

#[actix_web::test]
async fn a_restricted_key_sees_its_senders_messages_only() {
    let feeds = Feeds::new().await;
    feeds.app.import([message(1, json!({"subjectId": 501})), message(2, json!({"subjectId": 502}))]).await;
    feeds.app.import([message(3, json!({}))]).await;
    let key = |groups: Vec<String>| {
        feeds.app.issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(groups);
            key.senders = Some(vec![501]);
        })
    };
    let (reader, sender) = (key(vec!["message-history".into()]).await, key(vec!["messaging".into()]).await);
    for (id, status) in [(1, "200"), (2, "404"), (3, "404")] {
        assert!(feeds.get_with(&reader, &format!("/v1/messages/{id}")).await.starts_with(status), "{id}");
        assert!(feeds.get_with(&sender, &format!("/v1/messages/{id}")).await.starts_with("403"), "{id}");
    }
}

#[actix_web::test]
async fn equal_statuses_of_two_feeds_are_listed_for_each() {
    let item = message(1, json!({"deliveryStatus": "READ", "deliveryStatusAt": "2026-03-01T10:00:09Z"}));
    for import_first in [true, false] {
        let feeds = Feeds::new().await;
        for step in [import_first, !import_first, true, false] {
            if step {
                feeds.app.import([item.clone()]).await;
            } else {
                feeds.post_api("/v1/messages", &item).await;
            }
        }
        let trail = feeds.get("/v1/messages/1").await;
        assert_eq!(trail.matches(r#""status":"READ""#).count(), 2, "{trail}");
    }
}

#[actix_web::test]
async fn repeated_status_is_listed_despite_a_lesser_copy_between() {
    let read = message(1, json!({"deliveryStatus": "READ"}));
    let sent = message(1, json!({"deliveryStatus": "SENT", "comment": "more"}));
    for api_first in [true, false] {
        let feeds = Feeds::new().await;
        if !api_first {
            feeds.app.import([read.clone()]).await;
        }
        feeds.post_api("/v1/messages", json!([sent, read])).await;
        feeds.app.import([read.clone()]).await;
        let trail = feeds.get("/v1/messages/1").await;
        for event in [r#""READ","source":"api""#, r#""READ","source":"import""#, r#""SENT","source":"api""#] {
            assert!(trail.contains(event), "{event}: {trail}");
        }
    }
}
