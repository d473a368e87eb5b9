//! docs/edna.md §1: what a request may look like.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{TENANT, TestApp, message};

/// Five SMS of one recipient, 1 the oldest, and one incoming WhatsApp message.
async fn app() -> TestApp {
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
async fn every_field_is_optional_and_an_empty_body_means_an_empty_object() {
    let app = app().await;
    assert_snapshot!(app.ids("{}").await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids("").await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(" \n ").await, @"[5, 4, 3, 2, 1]");
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
async fn an_empty_string_means_not_given_for_dates_direction_and_address_type() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"","dateTo":"","direction":""}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"subscriberFilter":{"address":"79001112233","type":""}}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ask(r#"{"limit":""}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'limit' must be an integer."}"#);
}

#[actix_web::test]
async fn integers_may_arrive_as_numeric_strings() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"limit":"2","offset":"1"}"#).await, @"[4, 3, …]");
    assert_snapshot!(app.ids(r#"{"subjectId":"8"}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"messageId":"3"}"#).await, @"[3]");
    assert_snapshot!(app.ask(r#"{"offset":"many"}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'offset' must be an integer."}"#);
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
    let answer = app.ids(r#"{"limit":1000}"#).await;
    assert!(answer.starts_with("[1001, ") && answer.ends_with("2, …]"), "{answer}");
}

#[actix_web::test]
async fn a_limit_over_1000_however_large_and_a_negative_one_are_not_valid() {
    let app = app().await;
    assert_snapshot!(app.ask(r#"{"limit":1001}"#).await, @r#"400 {"title":"limit-not-valid","status":400,"detail":"The field 'limit' must be between 0 and 1000."}"#);
    for limit in [
        "1001",
        "\"1001\"",
        "-1",
        "9223372036854775808",
        "-9223372036854775809",
        &"9".repeat(500),
        "1e21",
        "1e999",
        "-1e21",
        "2000.0",
    ] {
        let answer = app.ask(format!(r#"{{"limit":{limit}}}"#)).await;
        assert!(answer.contains(r#""title":"limit-not-valid""#), "{limit}: {answer}");
    }
}

#[actix_web::test]
async fn channel_types_keep_the_channels_they_name() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"channelTypes":["WHATSAPP"]}"#).await, @"[4, 3]");
    assert_snapshot!(app.ids(r#"{"channelTypes":["WHATSAPP","SMS","SMS"]}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"channelTypes":["VK_NOTIFY"]}"#).await, @"[]");
}

#[actix_web::test]
async fn an_undocumented_channel_type_is_accepted_where_the_tenant_has_it() {
    let app = app().await;
    assert_snapshot!(app.ask(r#"{"channelTypes":["SMS","MAX"]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'channelTypes[1]' must be a channel type such as SMS, WHATSAPP, VIBER or PUSH."}"#);
    app.import([message(6, json!({"channelType": "MAX"}))]).await;
    assert_snapshot!(app.ids(r#"{"channelTypes":["SMS","MAX"]}"#).await, @"[6, 5, 2, 1]");
    let other = history_gateway::model::TenantId(77);
    app.tenant(other).await;
    let key = app.issue(other, |_| {}).await;
    assert_snapshot!(app.ask_with(&key, r#"{"channelTypes":["MAX"]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'channelTypes[0]' must be a channel type such as SMS, WHATSAPP, VIBER or PUSH."}"#);
}

#[actix_web::test]
async fn a_channel_type_of_a_registered_subject_is_known() {
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
async fn direction_keeps_one_direction() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"direction":"IN"}"#).await, @"[3]");
    assert_snapshot!(app.ids(r#"{"direction":"OUT"}"#).await, @"[5, 4, 2, 1]");
    assert_snapshot!(app.ask(r#"{"direction":"out"}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'direction' must be IN or OUT."}"#);
}

#[actix_web::test]
async fn traffic_types_keep_matching_out_messages_only() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD","HSM"]}"#).await, @"[4, 1]");
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD"],"direction":"OUT"}"#).await, @"[1]");
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD"],"direction":"IN"}"#).await, @"[3]");
    assert_snapshot!(app.ask(r#"{"trafficTypes":["AD","SPAM"]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'trafficTypes[1]' must be one of AD, SERVICE, HSM, CHAT."}"#);
}

#[actix_web::test]
async fn traffic_types_do_not_find_incoming_messages_that_have_one() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"direction": "IN", "trafficType": "AD"}))]).await;
    assert_snapshot!(app.ids(r#"{"trafficTypes":["AD"]}"#).await, @"[]");
}

#[actix_web::test]
async fn subject_id_and_its_misspelling_keep_one_subject() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"subjectId":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectID":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectID":0,"subjectId":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectID":8,"subjectId":8}"#).await, @"[5]");
    assert_snapshot!(app.ids(r#"{"subjectId":0}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ask(r#"{"subjectID":8,"subjectId":7}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'subjectId' is given twice."}"#);
}

#[actix_web::test]
async fn a_wrong_type_or_word_is_not_valid_and_its_path_is_named() {
    let app = app().await;
    let bodies = [
        r#"{"subscriberFilter":"79001112233"}"#,
        r#"{"subscriberFilter":{"address":79001112233}}"#,
        r#"{"subscriberFilter":{"address":["79001112233","79001112244"]}}"#,
        r#"{"subscriberFilter":{"address":"79001112233","type":"FAX"}}"#,
        r#"{"subscriberFilter":{"address":"79001112233","type":"phone"}}"#,
        r#"{"subscriberFilter":{"type":"PHONE"}}"#,
        r#"{"subscriberFilter":[{"address":"79001112233"}]}"#,
        r#"{"offset":-1}"#,
        r#"{"offset":1.5}"#,
        r#"{"offset":1.0}"#,
        r#"{"offset":9223372036854775808}"#,
        r#"{"limit":1.5}"#,
        r#"{"limit":1e3}"#,
        r#"{"limit":{}}"#,
        r#"{"limit":[1]}"#,
        r#"{"limit":true}"#,
        r#"{"channelTypes":"SMS"}"#,
        r#"{"channelTypes":["SMS",1]}"#,
        r#"{"channelTypes":["SMS","FAX"]}"#,
        r#"{"channelTypes":["SMS",null]}"#,
        r#"{"messageId":"abc"}"#,
        r#"{"messageId":99999999999999999999}"#,
        r#"{"direction":"BOTH"}"#,
        r#"{"direction":["IN"]}"#,
        r#"{"dateFrom":"2026-31-01T00:00:00Z"}"#,
        r#"{"dateFrom":1767225600}"#,
        r#"{"dateTo":"yesterday"}"#,
        r#"{"sort":"messageId"}"#,
        r#"{"sort":["messageId"]}"#,
        r#"{"sort":[{"property":"messageId"},{"property":"foo"}]}"#,
        r#"{"sort":{"property":"messageId","direction":"UP"}}"#,
        r#"{"sort":[{"property":1}]}"#,
        r#"{"trafficTypes":"AD"}"#,
        r#"{"trafficTypes":["ad"]}"#,
        r#"{"subjectId":"shop"}"#,
        r#"{"subjectId":1.5}"#,
    ];
    let mut answers = String::new();
    for body in bodies {
        let answer = app.ask(body).await;
        let detail = answer.strip_prefix(r#"400 {"title":"not-valid-request","status":400,"detail":"#);
        answers += &format!("{body}\n  {}\n", detail.unwrap_or(&answer).trim_end_matches('}'));
    }
    assert_snapshot!(answers, @r#"
    {"subscriberFilter":"79001112233"}
      "The field 'subscriberFilter' must be an object."
    {"subscriberFilter":{"address":79001112233}}
      "The field 'subscriberFilter.address' must be a string."
    {"subscriberFilter":{"address":["79001112233","79001112244"]}}
      "The field 'subscriberFilter.address' must be a string."
    {"subscriberFilter":{"address":"79001112233","type":"FAX"}}
      "The field 'subscriberFilter.type' must be one of PHONE, EMAIL, UTM, COOKIE_ID, INSTAGRAM_ID, FACEBOOK_ID, TELEGRAM_ID, GOOGLE_ID, APPLE_ID, YANDEX_ID, EXT_USER_ID, EDNA_ID."
    {"subscriberFilter":{"address":"79001112233","type":"phone"}}
      "The field 'subscriberFilter.type' must be one of PHONE, EMAIL, UTM, COOKIE_ID, INSTAGRAM_ID, FACEBOOK_ID, TELEGRAM_ID, GOOGLE_ID, APPLE_ID, YANDEX_ID, EXT_USER_ID, EDNA_ID."
    {"subscriberFilter":{"type":"PHONE"}}
      "The field 'subscriberFilter.address' must be given with 'subscriberFilter.type'."
    {"subscriberFilter":[{"address":"79001112233"}]}
      "The field 'subscriberFilter' must be an object."
    {"offset":-1}
      "The field 'offset' must be 0 or greater."
    {"offset":1.5}
      "The field 'offset' must be an integer."
    {"offset":1.0}
      "The field 'offset' must be an integer."
    {"offset":9223372036854775808}
      "The field 'offset' must be an integer of 64 bits."
    {"limit":1.5}
      "The field 'limit' must be an integer."
    {"limit":1e3}
      "The field 'limit' must be an integer."
    {"limit":{}}
      "The field 'limit' must be an integer."
    {"limit":[1]}
      "The field 'limit' must be an integer."
    {"limit":true}
      "The field 'limit' must be an integer."
    {"channelTypes":"SMS"}
      "The field 'channelTypes' must be a list of strings."
    {"channelTypes":["SMS",1]}
      "The field 'channelTypes[1]' must be a string."
    {"channelTypes":["SMS","FAX"]}
      "The field 'channelTypes[1]' must be a channel type such as SMS, WHATSAPP, VIBER or PUSH."
    {"channelTypes":["SMS",null]}
      "The field 'channelTypes[1]' must be a string."
    {"messageId":"abc"}
      "The field 'messageId' must be an integer."
    {"messageId":99999999999999999999}
      "The field 'messageId' must be an integer of 64 bits."
    {"direction":"BOTH"}
      "The field 'direction' must be IN or OUT."
    {"direction":["IN"]}
      "The field 'direction' must be a string."
    {"dateFrom":"2026-31-01T00:00:00Z"}
      "The field 'dateFrom' must be an ISO 8601 date such as 2026-03-01T10:00:00Z."
    {"dateFrom":1767225600}
      "The field 'dateFrom' must be a string."
    {"dateTo":"yesterday"}
      "The field 'dateTo' must be an ISO 8601 date such as 2026-03-01T10:00:00Z."
    {"sort":"messageId"}
      "The field 'sort' must be an object with property and direction."
    {"sort":["messageId"]}
      "The field 'sort[0]' must be an object with property and direction."
    {"sort":[{"property":"messageId"},{"property":"foo"}]}
      "The field 'sort[1].property' must be the name of a field of an answer's message."
    {"sort":{"property":"messageId","direction":"UP"}}
      "The field 'sort.direction' must be ASC or DESC."
    {"sort":[{"property":1}]}
      "The field 'sort[0].property' must be a string."
    {"trafficTypes":"AD"}
      "The field 'trafficTypes' must be a list of strings."
    {"trafficTypes":["ad"]}
      "The field 'trafficTypes[0]' must be one of AD, SERVICE, HSM, CHAT."
    {"subjectId":"shop"}
      "The field 'subjectId' must be an integer."
    {"subjectId":1.5}
      "The field 'subjectId' must be an integer."
    "#);
}

#[actix_web::test]
async fn malformed_json_and_other_values_are_not_valid() {
    let app = app().await;
    let bodies = [
        "{",
        "nonsense",
        "{\"limit\":1",
        "{\"limit\":1}}",
        "[]",
        "1",
        "null",
        "\"{}\"",
        "{\"limit\":01}",
        "{'limit':1}",
        "[{}",
    ];
    let mut answers = String::new();
    for body in bodies {
        answers += &format!("{body}\n  {}\n", app.ask(body).await);
    }
    assert_snapshot!(answers, @r#"
    {
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: it ends too early."}
    nonsense
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: line 1, column 2."}
    {"limit":1
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: it ends too early."}
    {"limit":1}}
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: line 1, column 12."}
    []
      400 {"title":"not-valid-request","status":400,"detail":"The body must be a JSON object."}
    1
      400 {"title":"not-valid-request","status":400,"detail":"The body must be a JSON object."}
    null
      400 {"title":"not-valid-request","status":400,"detail":"The body must be a JSON object."}
    "{}"
      400 {"title":"not-valid-request","status":400,"detail":"The body must be a JSON object."}
    {"limit":01}
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: line 1, column 11."}
    {'limit':1}
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: line 1, column 2."}
    [{}
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: it ends too early."}
    "#);
}

#[actix_web::test]
async fn a_known_field_given_twice_is_not_valid() {
    let app = app().await;
    assert_snapshot!(app.ask(r#"{"limit":1,"limit":1}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'limit' is given twice."}"#);
    assert_snapshot!(app.ask(r#"{"limit":null,"limit":1}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'limit' is given twice."}"#);
    assert_snapshot!(app.ask(r#"{"subscriberFilter":{"address":"1","address":"2"}}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'subscriberFilter.address' is given twice."}"#);
    assert_snapshot!(app.ask(r#"{"sort":[{"property":"messageId","property":"address"}]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'sort[0].property' is given twice."}"#);
}

#[actix_web::test]
async fn a_blank_address_is_not_valid() {
    let app = app().await;
    assert_snapshot!(app.ask(r#"{"subscriberFilter":{"address":""}}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'subscriberFilter.address' must not be empty."}"#);
    for blank in [" ", "+", "( )", "+[] {}", "\u{a0}"] {
        let body = json!({"subscriberFilter": {"address": blank, "type": "EMAIL"}});
        assert!(app.ask(body).await.starts_with(r#"400 {"title":"not-valid-request""#), "{blank:?}");
    }
}

#[actix_web::test]
async fn the_checks_have_an_order() {
    let app = app().await;
    let ask = async |body: &str| {
        let answer = app.ask(body).await;
        answer.split("\"title\":").nth(1).map(|rest| rest.split(',').next().unwrap().to_owned()).unwrap_or(answer)
    };
    // Shape, then address, limit, range, subject.
    let range = r#""dateFrom":"2024-01-01","dateTo":"2026-01-01""#;
    assert_snapshot!(ask(r#"{"subscriberFilter":{"address":""},"limit":5000,"direction":"UP"}"#).await, @r#""not-valid-request""#);
    assert_snapshot!(ask(r#"{"subscriberFilter":{"address":""},"limit":5000}"#).await, @r#""not-valid-request""#);
    assert_snapshot!(ask(&format!(r#"{{"limit":5000,{range},"subjectId":99}}"#)).await, @r#""limit-not-valid""#);
    assert_snapshot!(ask(&format!(r#"{{{range},"subjectId":99}}"#)).await, @r#""date-range-not-valid""#);
    assert_snapshot!(ask(r#"{"subjectId":99}"#).await, @r#""message-matcher-subject-not-found""#);
    assert_snapshot!(ask(r#"{"channelTypes":["FAX"],"limit":5000}"#).await, @r#""not-valid-request""#);
}

#[actix_web::test]
async fn sort_is_by_message_id_descending_unless_asked_otherwise() {
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
async fn the_first_sort_entry_decides_and_message_id_in_the_last_ones_direction_ends_the_list() {
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
