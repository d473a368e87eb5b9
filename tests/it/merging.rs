//! docs/edna.md 6.3, 6.4 and 6.6: how copies of a message are merged.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, message, permutations};
use history_gateway::ingest::OutcomeCounts;
use history_gateway::model::{Item, TenantId};

/// Imports copies one by one; returns the history response with the merged message.
async fn merge_copies(copies: &[Value]) -> String {
    let app = TestApp::new().await;
    for copy in copies {
        app.import([copy.clone()]).await;
    }
    app.history("{}").await
}

fn message_with_status(word: &str, at: &str) -> Value {
    message(1, json!({"deliveryStatus": word, "deliveryStatusAt": at}))
}

#[actix_web::test]
async fn late_sent_does_not_undo_read() {
    let app = TestApp::new().await;
    app.import([message_with_status("READ", "2026-03-01T10:00:01Z")]).await;
    let late = app.import([message_with_status("SENT", "2026-03-01T10:00:09Z")]).await;
    assert_eq!(late, OutcomeCounts { unchanged: 1, ..OutcomeCounts::default() });
    assert!(
        app.history("{}")
            .await
            .contains(r#""deliveryStatus":"READ","deliveryStatusAt":"2026-03-01T10:00:01.000+0000""#)
    );
}

#[actix_web::test]
async fn later_failure_does_not_undo_delivered() {
    for failure in ["UNDELIVERED", "FAILED", "CANCELLED", "EXPIRED", "INVALID"] {
        let copies = [
            message_with_status("DELIVERED", "2026-03-01T10:00:01Z"),
            message_with_status(failure, "2026-03-01T10:00:09Z"),
        ];
        assert!(merge_copies(&copies).await.contains(r#""deliveryStatus":"DELIVERED""#), "{failure}");
    }
}

#[actix_web::test]
async fn status_precedence_is_rank_then_time_then_word_then_text() {
    // Each takes precedence over the one before it.
    let with_status = |word: &str, at: &str, text: &str| {
        message(1, json!({"deliveryStatus": word, "deliveryStatusAt": at, "deliveryStatusMessage": text}))
    };
    let (early, late) = ("2026-03-01T10:00:01Z", "2026-03-01T10:00:02Z");
    let ascending = [
        message(1, json!({})),
        with_status("ACCEPTED", late, "z"),
        with_status("ENQUEUED", early, "z"),
        with_status("DELAYED", early, "z"),
        with_status("SENT", early, "z"),
        with_status("HALFWAY", late, "z"),
        with_status("SENT", late, "a"),
        with_status("SENT", late, "b"),
        with_status("CANCELLED", early, "z"),
        with_status("EXPIRED", early, "z"),
        with_status("FAILED", early, "z"),
        with_status("INVALID", early, "z"),
        with_status("UNDELIVERED", early, "z"),
        with_status("CANCELLED", late, "z"),
        with_status("DELIVERED", early, "z"),
        with_status("READ", early, "z"),
    ];
    // Every pair is a message of its own, in both orders.
    let app = TestApp::new().await;
    let pairs: Vec<(usize, usize)> =
        (0..ascending.len()).flat_map(|top| (0..=top).flat_map(move |low| [(low, top), (top, low)])).collect();
    let as_message = |id: i64, index: usize| {
        let mut copy = ascending[index].clone();
        copy["messageId"] = json!(id);
        copy
    };
    app.import((1..).zip(&pairs).map(|(id, pair)| as_message(id, pair.0))).await;
    app.import((1..).zip(&pairs).map(|(id, pair)| as_message(id, pair.1))).await;
    for (id, (first, second)) in (1..).zip(&pairs) {
        let expected = Item::parse(&as_message(id, *first.max(second)).to_string(), TENANT).unwrap().render();
        let response = app.history(json!({"messageId": id})).await;
        assert_eq!(response, format!(r#"200 {{"content":[{expected}],"hasNext":false}}"#), "{first} {second}");
    }
}

#[actix_web::test]
async fn winning_copy_is_completed_from_the_other() {
    let lower =
        message(1, json!({"deliveryStatus": "SENT", "comment": "c", "segments": 1, "newField": 1, "old": true}));
    let higher = message(1, json!({"deliveryStatus": "READ", "segments": 2, "newField": 2, "content": "x"}));
    let both = merge_copies(&[lower.clone(), higher.clone()]).await;
    assert_snapshot!(both, @r#"200 {"content":[{"messageId":1,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"x","deliveryStatus":"READ","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","segments":2,"comment":"c","newField":2,"old":true}],"hasNext":false}"#);
    assert_eq!(merge_copies(&[higher, lower]).await, both);
}

#[actix_web::test]
async fn copies_with_equal_statuses_are_ordered_by_their_bytes() {
    let (a, b) = (message(1, json!({"comment": "a"})), message(1, json!({"comment": "b"})));
    let both = merge_copies(&[a.clone(), b.clone()]).await;
    assert!(both.contains(r#""comment":"b""#), "{both}");
    assert_eq!(merge_copies(&[b, a]).await, both);
}

#[actix_web::test]
async fn three_copies_merge_the_same_in_every_order() {
    // Fields that only the lowest copy fills must not prevent those of the middle one.
    let copies = [
        message(1, json!({"comment": "least", "cascadeId": 1, "extra": "least"})),
        message(1, json!({"deliveryStatus": "SENT", "comment": "middle", "extra": "middle"})),
        message(1, json!({"deliveryStatus": "READ", "broadcastId": 3})),
    ];
    let expected = merge_copies(&copies).await;
    assert_snapshot!(expected, @r#"200 {"content":[{"messageId":1,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{}","deliveryStatus":"READ","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","cascadeId":1,"broadcastId":3,"comment":"middle","extra":"middle"}],"hasNext":false}"#);
    for order in permutations(copies.len()) {
        let ordered: Vec<Value> = order.iter().map(|index| copies[*index].clone()).collect();
        assert_eq!(merge_copies(&ordered).await, expected, "{order:?}");
    }
}

#[actix_web::test]
async fn repeated_import_changes_nothing() {
    let app = TestApp::new().await;
    let items = || (1..=3).map(|id| message(id, json!({"deliveryStatus": "SENT"})));
    assert_eq!(app.import(items()).await, OutcomeCounts { imported: 3, ..OutcomeCounts::default() });
    let before = app.history("{}").await;
    assert_eq!(app.import(items().chain(items())).await, OutcomeCounts { unchanged: 6, ..OutcomeCounts::default() });
    assert_eq!(app.history("{}").await, before);
}

#[actix_web::test]
async fn updated_filter_fields_apply_to_every_query() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"subjectId": 5, "trafficType": "AD"})), message(2, json!({}))]).await;
    app.import([message(1, json!({
        "deliveryStatus": "READ", "channelType": "WHATSAPP", "trafficType": "HSM", "subjectId": 6, "address": "79990000000",
        "sentOrReceivedAt": "2026-02-10T00:00:00Z",
    }))])
    .await;
    assert_snapshot!(app.ids(r#"{"channelTypes":["WHATSAPP"],"trafficTypes":["HSM"],"dateTo":"2026-02-10"}"#).await, @"[1]");
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD"]}"#).await, @"[]");
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":"79990000000"}}"#).await, @"[1]");
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":"79001112233"}}"#).await, @"[2]");
    assert_snapshot!(app.ids(r#"{"subjectId":6}"#).await, @"[1]");
    assert_snapshot!(app.ids(r#"{"subjectId":5}"#).await, @r#"400 {"title":"message-matcher-subject-not-found","status":400,"detail":"The field 'subjectId' names a subject that does not exist."}"#);
}

#[actix_web::test]
async fn unknown_channels_statuses_and_traffic_types_are_kept() {
    let app = TestApp::new().await;
    let unknown = json!({"channelType": "MAX_BOT", "deliveryStatus": "Halfway", "trafficType": "NEW", "content": {"type": "HOLOGRAM"}});
    app.import([message(1, unknown)]).await;
    assert_snapshot!(app.history("{}").await, @r#"200 {"content":[{"messageId":1,"tenantId":3193,"channelType":"MAX_BOT","direction":"OUT","address":"79001112233","content":"{\"type\":\"HOLOGRAM\"}","deliveryStatus":"Halfway","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","trafficType":"NEW"}],"hasNext":false}"#);
}

#[actix_web::test]
async fn subject_name_comes_from_the_message_with_the_greatest_id() {
    let named = |id: i64, name: Value| message(id, json!({"subjectId": 5, "subjectName": name}));
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let app = TestApp::new().await;
        for id in order {
            app.import([named(id, json!(format!("name {id}")))]).await;
        }
        let subjects = app.store.read_primary(|c| history_gateway::store::subjects::list(c, TENANT)).await.unwrap();
        assert_eq!(subjects[0].name.as_deref(), Some("name 3"));
    }
}

#[actix_web::test]
async fn subjects_derived_from_copies_do_not_depend_on_order() {
    let copies = [
        message(9, json!({"deliveryStatus": "SENT", "subjectId": 5, "subjectName": "lesser"})),
        message(9, json!({"deliveryStatus": "READ", "subjectId": 5, "subjectName": "greater"})),
        message(8, json!({"deliveryStatus": "SENT", "subjectId": 6, "subjectName": "moves away"})),
        message(8, json!({"deliveryStatus": "READ", "subjectId": 5, "subjectName": "older"})),
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
        let app = TestApp::new().await;
        for index in order {
            app.import([copies[index].clone()]).await;
        }
        let subjects = app.store.read_primary(|c| history_gateway::store::subjects::list(c, TENANT)).await.unwrap();
        let known: Vec<_> = subjects.iter().map(|subject| (subject.id, subject.name.as_deref())).collect();
        assert_eq!(known, [(5, Some("greater"))], "{order:?}");
    }
}

#[actix_web::test]
async fn manually_added_subject_is_not_overwritten() {
    let app = TestApp::new().await;
    let subject =
        history_gateway::model::subject::Subject { id: 5, name: Some("mine".into()), channel_type: "SMS".into() };
    let added = subject.clone();
    app.store.write(move |c| history_gateway::store::subjects::add(c, TENANT, &added)).await.unwrap();
    app.import([message(1, json!({"subjectId": 5, "subjectName": "theirs", "channelType": "VIBER"}))]).await;
    let subjects = app.store.read_primary(|c| history_gateway::store::subjects::list(c, TENANT)).await.unwrap();
    assert_eq!(subjects, [subject]);
}

#[actix_web::test]
async fn same_message_id_of_two_tenants_is_two_messages() {
    let app = TestApp::new().await;
    let other = TenantId(77);
    app.create_tenant(other).await;
    let key = app.issue_key(other, |_| {}).await;
    app.import([message(1, json!({"comment": "ours"}))]).await;
    app.import_for(other, [message(1, json!({"comment": "theirs"}))]).await;
    assert!(app.history("{}").await.contains("ours"));
    assert!(app.history_with(&key, "{}").await.contains("theirs"));
}
