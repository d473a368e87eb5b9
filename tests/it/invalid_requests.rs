//! docs/edna.md 1.2, 1.3 and 1.5: which requests are refused, and how.

use insta::assert_snapshot;
use serde_json::json;

use crate::requests::app;

#[actix_web::test]
async fn wrong_types_and_values_are_400_with_the_field_path() {
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
    let mut responses = String::new();
    for body in bodies {
        let response = app.history(body).await;
        let detail = response.strip_prefix(r#"400 {"title":"not-valid-request","status":400,"detail":"#);
        responses += &format!("{body}\n  {}\n", detail.unwrap_or(&response).trim_end_matches('}'));
    }
    assert_snapshot!(responses, @r#"
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
async fn malformed_json_and_non_objects_are_400() {
    let app = app().await;
    let bodies = [
        "{",
        "nonsense",
        "{\"limit\":1",
        "{\"limit\":1}}",
        "[1]",
        "1",
        "null",
        "\"{}\"",
        "{\"limit\":01}",
        "{'limit':1}",
        "[{}",
    ];
    let mut responses = String::new();
    for body in bodies {
        responses += &format!("{body}\n  {}\n", app.history(body).await);
    }
    assert_snapshot!(responses, @r#"
    {
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: it ends too early."}
    nonsense
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: line 1, column 2."}
    {"limit":1
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: it ends too early."}
    {"limit":1}}
      400 {"title":"not-valid-request","status":400,"detail":"The body is not valid JSON: line 1, column 12."}
    [1]
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
    assert_snapshot!(app.history(r#"{"limit":1,"limit":1}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'limit' is given twice."}"#);
    assert_snapshot!(app.history(r#"{"limit":null,"limit":1}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'limit' is given twice."}"#);
    assert_snapshot!(app.history(r#"{"subscriberFilter":{"address":"1","address":"2"}}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'subscriberFilter.address' is given twice."}"#);
    assert_snapshot!(app.history(r#"{"sort":[{"property":"messageId","property":"address"}]}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'sort[0].property' is given twice."}"#);
}

#[actix_web::test]
async fn a_blank_address_is_not_valid() {
    let app = app().await;
    assert_snapshot!(app.history(r#"{"subscriberFilter":{"address":""}}"#).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'subscriberFilter.address' must not be empty."}"#);
    for blank in [" ", "+", "( )", "+[] {}", "\u{a0}", "( ) -", "--.", "...", "-"] {
        let body = json!({"subscriberFilter": {"address": blank, "type": "EMAIL"}});
        assert!(app.history(body).await.starts_with(r#"400 {"title":"not-valid-request""#), "{blank:?}");
    }
}

#[actix_web::test]
async fn checks_run_in_a_fixed_order() {
    let app = app().await;
    let title_of = async |body: &str| {
        let response = app.history(body).await;
        response.split("\"title\":").nth(1).map(|rest| rest.split(',').next().unwrap().to_owned()).unwrap_or(response)
    };
    // The order is shape, address, limit, range, subject.
    let range = r#""dateFrom":"2024-01-01","dateTo":"2026-01-01""#;
    assert_snapshot!(title_of(r#"{"subscriberFilter":{"address":""},"limit":5000,"direction":"UP"}"#).await, @r#""not-valid-request""#);
    assert_snapshot!(title_of(r#"{"subscriberFilter":{"address":""},"limit":5000}"#).await, @r#""not-valid-request""#);
    assert_snapshot!(title_of(&format!(r#"{{"limit":5000,{range},"subjectId":99}}"#)).await, @r#""limit-not-valid""#);
    assert_snapshot!(title_of(&format!(r#"{{{range},"subjectId":99}}"#)).await, @r#""date-range-not-valid""#);
    assert_snapshot!(title_of(r#"{"subjectId":99}"#).await, @r#""message-matcher-subject-not-found""#);
    assert_snapshot!(title_of(r#"{"channelTypes":["FAX"],"limit":5000}"#).await, @r#""not-valid-request""#);
}

#[actix_web::test]
async fn limit_over_1000_or_negative_is_limit_not_valid() {
    let app = app().await;
    assert_snapshot!(app.history(r#"{"limit":1001}"#).await, @r#"400 {"title":"limit-not-valid","status":400,"detail":"The field 'limit' must be between 0 and 1000."}"#);
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
        let response = app.history(format!(r#"{{"limit":{limit}}}"#)).await;
        assert!(response.contains(r#""title":"limit-not-valid""#), "{limit}: {response}");
    }
}
