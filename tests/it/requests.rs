//! docs/edna.md §1: what a request may look like.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{TENANT, TestApp, message};

/// Five messages of one recipient, 1 the oldest: three SMS, and an incoming and an outgoing WhatsApp message.
pub async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({"trafficType": "AD", "sentOrReceivedAt": "2026-02-19T00:00:00Z", "subjectId": 7})),
        message(2, json!({"trafficType": "SERVICE", "sentOrReceivedAt": "2026-02-20T00:00:00Z"})),
        message(3, json!({"channelType": "WHATSAPP", "direction": "IN", "sentOrReceivedAt": "2026-02-21T00:00:00Z"})),
        message(
            4,
            json!({"channelType": "WHATSAPP", "trafficType": "HSM", "sentOrReceivedAt": "2026-02-22T00:00:00Z"}),
        ),
        message(5, json!({"sentOrReceivedAt": "2026-02-23T00:00:00Z", "subjectId": 8})),
    ])
    .await;
    app
}

#[actix_web::test]
async fn all_fields_are_optional_and_an_empty_body_means_defaults() {
    let app = app().await;
    assert_snapshot!(app.ids("{}").await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids("").await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(" \n ").await, @"[5, 4, 3, 2, 1]");
    // PHP encodes an empty array like this.
    assert_snapshot!(app.ids("[]").await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(" [ ] ").await, @"[5, 4, 3, 2, 1]");
}

#[actix_web::test]
async fn the_body_is_read_as_json_whatever_its_content_type() {
    let app = app().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=UTF-8"] {
        let headers = [("x-api-key", app.key.as_str()), ("content-type", content_type)];
        let response = app.post("/api/messages/history", &headers, r#"{"limit":-1}"#).await;
        assert_eq!(response.status, 400, "{content_type}");
    }
}

#[actix_web::test]
async fn unknown_properties_are_ignored() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"trafficType":["HSM"],"foo":{"limit":0},"foo":1,"n":1e999,"subscriberFilter":{"x":1}}"#).await, @"[5, 4, 3, 2, 1]");
}

#[actix_web::test]
async fn null_and_an_empty_list_mean_not_given_for_every_field() {
    let app = app().await;
    let fields = [
        "subscriberFilter",
        "offset",
        "limit",
        "channelTypes",
        "messageId",
        "direction",
        "dateFrom",
        "dateTo",
        "sort",
        "trafficTypes",
        "subjectId",
        "subjectID",
    ];
    for field in fields {
        for nothing in ["null", "[]", "[ \n ]"] {
            assert_eq!(app.ids(format!(r#"{{"{field}":{nothing}}}"#)).await, "[5, 4, 3, 2, 1]", "{field} {nothing}");
        }
    }
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":null,"type":null}}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":[],"type":[]}}"#).await, @"[5, 4, 3, 2, 1]");
}

#[actix_web::test]
async fn an_empty_object_means_no_subscriber_filter() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{}}"#).await, @"[5, 4, 3, 2, 1]");
}

#[actix_web::test]
async fn empty_string_means_not_given_for_some_fields() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"","dateTo":"","direction":""}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":"79001112233","type":""}}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.history(r#"{"limit":""}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'limit' must be an integer."}"#);
}

#[actix_web::test]
async fn integers_may_arrive_as_numeric_strings() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"limit":"2","offset":"1"}"#).await, @"[4, 3, …]");
    assert_snapshot!(app.ids(r#"{"subjectId":"8"}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"messageId":"3"}"#).await, @"[3]");
    assert_snapshot!(app.history(r#"{"offset":"many"}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'offset' must be an integer."}"#);
}

#[actix_web::test]
async fn offset_skips_any_number_of_messages_after_sorting() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"offset":3}"#).await, @"[2, 1]");
    assert_snapshot!(app.ids(r#"{"offset":1,"limit":2}"#).await, @"[4, 3, …]");
    assert_snapshot!(app.ids(r#"{"offset":9223372036854775807}"#).await, @"[]");
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":"79001112233"},"offset":9223372036854775807}"#).await, @"[]");
}

#[actix_web::test]
async fn limit_0_and_null_mean_15() {
    let app = TestApp::new().await;
    app.import((1..=17).map(|id| message(id, json!({})))).await;
    assert_snapshot!(app.ids("{}").await, @"[17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, …]");
    assert_snapshot!(app.ids(r#"{"limit":0}"#).await, @"[17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, …]");
    assert_snapshot!(app.ids(r#"{"limit":null}"#).await, @"[17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, …]");
}

#[actix_web::test]
async fn limit_may_be_1000() {
    let app = TestApp::new().await;
    app.import((1..=1001).map(|id| message(id, json!({})))).await;
    let response = app.ids(r#"{"limit":1000}"#).await;
    assert!(response.starts_with("[1001, ") && response.ends_with("2, …]"), "{response}");
}

#[actix_web::test]
async fn channel_types_filter_by_channel() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"channelTypes":["WHATSAPP"]}"#).await, @"[4, 3]");
    assert_snapshot!(app.ids(r#"{"channelTypes":["WHATSAPP","SMS","SMS"]}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"channelTypes":["VK_NOTIFY"]}"#).await, @"[]");
}

#[actix_web::test]
async fn undocumented_channel_type_is_valid_if_the_tenant_has_it() {
    let app = app().await;
    assert_snapshot!(app.history(r#"{"channelTypes":["SMS","MAX"]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'channelTypes[1]' must be a channel type such as SMS, WHATSAPP, VIBER or PUSH."}"#);
    app.import([message(6, json!({"channelType": "MAX"}))]).await;
    assert_snapshot!(app.ids(r#"{"channelTypes":["SMS","MAX"]}"#).await, @"[6, 5, 2, 1]");
    let other = history_gateway::model::TenantId(77);
    app.create_tenant(other).await;
    let key = app.issue_key(other, |_| {}).await;
    assert_snapshot!(app.history_with(&key, r#"{"channelTypes":["MAX"]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'channelTypes[0]' must be a channel type such as SMS, WHATSAPP, VIBER or PUSH."}"#);
}

#[actix_web::test]
async fn channel_type_of_a_registered_subject_is_valid() {
    let app = app().await;
    let subject = history_gateway::model::subject::Subject { id: 9, name: None, channel_type: "TELEGRAM".into() };
    app.store.write(move |c| history_gateway::store::subjects::add(c, TENANT, &subject)).await.unwrap();
    assert_snapshot!(app.ids(r#"{"channelTypes":["TELEGRAM"]}"#).await, @"[]");
}

#[actix_web::test]
async fn message_id_combines_with_all_other_filters_and_the_window() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"messageId":3}"#).await, @"[3]");
    assert_snapshot!(app.ids(r#"{"messageId":0}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"messageId":3,"direction":"OUT"}"#).await, @"[]");
    assert_snapshot!(app.ids(r#"{"messageId":3,"dateFrom":"2026-02-22T00:00:00Z"}"#).await, @"[]");
    assert_snapshot!(app.ids(r#"{"messageId":3,"subscriberFilter":{"address":"79001112233"}}"#).await, @"[3]");
    assert_snapshot!(app.ids(r#"{"messageId":3,"subscriberFilter":{"address":"79990000000"}}"#).await, @"[]");
    assert_snapshot!(app.ids(r#"{"messageId":3,"offset":1}"#).await, @"[]");
    assert_snapshot!(app.ids(r#"{"messageId":-3}"#).await, @"[]");
}

#[actix_web::test]
async fn direction_filters_by_direction() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"direction":"IN"}"#).await, @"[3]");
    assert_snapshot!(app.ids(r#"{"direction":"OUT"}"#).await, @"[5, 4, 2, 1]");
    assert_snapshot!(app.history(r#"{"direction":"out"}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'direction' must be IN or OUT."}"#);
}

#[actix_web::test]
async fn traffic_types_filter_outgoing_messages_by_type() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD","HSM"]}"#).await, @"[4, 1]");
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD"],"direction":"OUT"}"#).await, @"[1]");
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD"],"direction":"IN"}"#).await, @"[3]");
    assert_snapshot!(app.history(r#"{"trafficTypes":["AD","SPAM"]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'trafficTypes[1]' must be one of AD, SERVICE, HSM, CHAT."}"#);
}

#[actix_web::test]
async fn traffic_types_exclude_incoming_messages() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"direction": "IN", "trafficType": "AD"}))]).await;
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD"]}"#).await, @"[]");
}

#[actix_web::test]
async fn subject_id_in_both_spellings_filters_by_subject() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"subjectId":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectID":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectID":0,"subjectId":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectID":8,"subjectId":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectId":0}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.history(r#"{"subjectID":8,"subjectId":7}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'subjectId' is given twice."}"#);
}

#[actix_web::test]
async fn default_sort_is_message_id_descending() {
    let app = app().await;
    assert_snapshot!(app.ids("{}").await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"sort":[{"direction":"ASC"}]}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"sort":[{"property":null,"direction":"UP"}]}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"sort":[{"property":"messageId","direction":"ASC"}]}"#).await, @"[1, 2, 3, 4, 5]");
    assert_snapshot!(app.ids(r#"{"sort":{"property":"messageId","direction":"ASC"}}"#).await, @"[1, 2, 3, 4, 5]");
    assert_snapshot!(app.ids(r#"{"sort":[{"property":"messageId"}]}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"sort":[{"property":"messageId","direction":""}]}"#).await, @"[5, 4, 3, 2, 1]");
}

#[actix_web::test]
async fn ties_are_broken_by_message_id_in_the_last_direction() {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({"segments": 1, "comment": "b"})),
        message(2, json!({"segments": 2, "comment": "b"})),
        message(3, json!({"segments": 1, "comment": "a"})),
        message(4, json!({"segments": 1, "comment": "b"})),
    ])
    .await;
    assert_snapshot!(app.ids(r#"{"sort":[{"property":"segments"}]}"#).await, @"[2, 4, 3, 1]");
    assert_snapshot!(app.ids(r#"{"sort":[{"property":"segments","direction":"ASC"}]}"#).await, @"[1, 3, 4, 2]");
    let sort = r#"{"sort":[{"property":"segments","direction":"ASC"},{"property":"comment","direction":"DESC"}]}"#;
    assert_snapshot!(app.ids(sort).await, @"[4, 1, 3, 2]");
    let sort = r#"{"sort":[{"property":"segments","direction":"DESC"},{"property":"comment","direction":"ASC"}]}"#;
    assert_snapshot!(app.ids(sort).await, @"[2, 3, 1, 4]");
    let sort = r#"{"sort":[{"property":"tenantId","direction":"ASC"},{"property":"tenantId","direction":"ASC"}]}"#;
    assert_snapshot!(app.ids(sort).await, @"[1, 2, 3, 4]");
}
