//! Parameters are read strictly: what cannot be a filter is an error that names it (docs/api.md §1).

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{get, ids, query};
use crate::support::TestApp;

fn short(response: &str) -> String {
    let (status, body) = response.split_once(' ').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    match body["detail"].as_str() {
        Some(detail) => format!("{status} {}: {detail}", body["title"].as_str().unwrap()),
        None => ids(response),
    }
}

#[actix_web::test]
async fn wrong_parameter_of_a_url_is_named() {
    let app = TestApp::new().await;
    let mut all = String::new();
    for parameters in [
        "phone=79001112233",
        "79001112233=1",
        "Address=79001112233",
        "offset=0",
        "since=now",
        "direction=IN&direction=IN",
        "limit=1&limit=1",
        "comment=a&comment=b",
        "address=",
        "address=%28+%29",
        "addressType=PHONE",
        "address=1&addressType=FAX",
        "direction=in",
        "trafficType=AD,SPAM",
        "channelType=SMS,,PUSH",
        "subjectId=five",
        "subjectId=5.5",
        "subjectId=99999999999999999999",
        "subjectId=",
        "subjectId=%2279%22",
        "messageId=1,2,x",
        "replyTo=x",
        "from=yesterday",
        "to=2026-02-30",
        "order=newest",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=99999999999999999999",
        "limit=ten",
        "cursor=",
        "cursor=abc",
        "comment=%FF",
        "from",
    ] {
        all += &format!("{parameters}\n  {}\n", short(&get(&app, &format!("/v1/messages?{parameters}")).await));
    }
    assert_snapshot!(all, @"
    phone=79001112233
      400 not-valid-request: The parameter 'phone' is unknown; known are address, addressType, subscriberId, channelType, direction, trafficType, subjectId, deliveryStatus, cascadeId, broadcastId, matcherId, comment, messageId, replyTo, text, from, to, order, limit, cursor.
    79001112233=1
      400 not-valid-request: The parameter '…' is unknown; known are address, addressType, subscriberId, channelType, direction, trafficType, subjectId, deliveryStatus, cascadeId, broadcastId, matcherId, comment, messageId, replyTo, text, from, to, order, limit, cursor.
    Address=79001112233
      400 not-valid-request: The parameter 'Address' is unknown; known are address, addressType, subscriberId, channelType, direction, trafficType, subjectId, deliveryStatus, cascadeId, broadcastId, matcherId, comment, messageId, replyTo, text, from, to, order, limit, cursor.
    offset=0
      400 not-valid-request: The parameter 'offset' is unknown; known are address, addressType, subscriberId, channelType, direction, trafficType, subjectId, deliveryStatus, cascadeId, broadcastId, matcherId, comment, messageId, replyTo, text, from, to, order, limit, cursor.
    since=now
      400 not-valid-request: The parameter 'since' is unknown; known are address, addressType, subscriberId, channelType, direction, trafficType, subjectId, deliveryStatus, cascadeId, broadcastId, matcherId, comment, messageId, replyTo, text, from, to, order, limit, cursor.
    direction=IN&direction=IN
      400 not-valid-request: The parameter 'direction' is given twice; give it once.
    limit=1&limit=1
      400 not-valid-request: The parameter 'limit' is given twice; give it once.
    comment=a&comment=b
      400 not-valid-request: The parameter 'comment' is given twice; give it once.
    address=
      400 not-valid-request: The parameter 'address' must be left out, or not empty.
    address=%28+%29
      400 not-valid-request: The parameter 'address' must be an address, not only punctuation.
    addressType=PHONE
      400 not-valid-request: The parameter 'addressType' needs an 'address'.
    address=1&addressType=FAX
      400 not-valid-request: The parameter 'addressType' must be a type of address such as PHONE.
    direction=in
      400 not-valid-request: The parameter 'direction' must be IN or OUT.
    trafficType=AD,SPAM
      400 not-valid-request: The parameter 'trafficType' must be one of AD, SERVICE, HSM, CHAT.
    channelType=SMS,,PUSH
      400 not-valid-request: The parameter 'channelType' must be left out, or not empty.
    subjectId=five
      400 not-valid-request: The parameter 'subjectId' must be an integer.
    subjectId=5.5
      400 not-valid-request: The parameter 'subjectId' must be an integer.
    subjectId=99999999999999999999
      400 not-valid-request: The parameter 'subjectId' must be an integer of 64 bits.
    subjectId=
      400 not-valid-request: The parameter 'subjectId' must be an integer.
    subjectId=%2279%22
      400 not-valid-request: The parameter 'subjectId' must be an integer.
    messageId=1,2,x
      400 not-valid-request: The parameter 'messageId' must be an integer.
    replyTo=x
      400 not-valid-request: The parameter 'replyTo' must be an integer.
    from=yesterday
      400 not-valid-request: The parameter 'from' must be an ISO 8601 date such as 2026-03-01T10:00:00Z.
    to=2026-02-30
      400 not-valid-request: The parameter 'to' must be an ISO 8601 date such as 2026-03-01T10:00:00Z.
    order=newest
      400 not-valid-request: The parameter 'order' must be desc or asc.
    limit=0
      400 limit-not-valid: The parameter 'limit' must be between 1 and 1000.
    limit=1001
      400 limit-not-valid: The parameter 'limit' must be between 1 and 1000.
    limit=-1
      400 limit-not-valid: The parameter 'limit' must be between 1 and 1000.
    limit=99999999999999999999
      400 limit-not-valid: The parameter 'limit' must be between 1 and 1000.
    limit=ten
      400 not-valid-request: The parameter 'limit' must be an integer.
    cursor=
      400 not-valid-request: The parameter 'cursor' must be left out, or not empty.
    cursor=abc
      400 not-valid-request: The parameter 'cursor' must be the 'next' of a response to the same filters and order.
    comment=%FF
      400 not-valid-request: The query string of the URL is not valid UTF-8.
    from
      400 not-valid-request: The parameter 'from' must be left out, or not empty.
    ");
}

#[actix_web::test]
async fn wrong_field_of_a_body_is_named() {
    let app = TestApp::new().await;
    let mut all = String::new();
    for body in [
        json!({"phone": "79001112233"}),
        json!({"address": []}),
        json!({"address": [""]}),
        json!({"address": 79_001_112_233_i64}),
        json!({"address": ["1", null]}),
        json!({"address": {"a": 1}}),
        json!({"direction": ["IN"]}),
        json!({"subjectId": [true]}),
        json!({"subjectId": [[5]]}),
        json!({"comment": 5}),
        json!({"limit": "x"}),
        json!({"limit": 1.5}),
        json!({"limit": 0}),
        json!([]),
        json!("x"),
        json!({"address": (0..101).map(|n| n.to_string()).collect::<Vec<_>>()}),
        json!({"messageId": (1..=1001).collect::<Vec<_>>()}),
    ] {
        let shown: String = body.to_string().chars().take(60).collect();
        all += &format!("{shown}\n  {}\n", short(&query(&app, body).await));
    }
    for body in ["{\"direction\":\"IN\",\"direction\":\"OUT\"}", "{\"limit\":1", "{'a':1}", "{\"a\\u0000\":1}"] {
        let response = app.post("/v1/messages/query", &[("x-api-key", &app.key)], body).await;
        all += &format!("{body}\n  {}\n", short(&format!("{} {}", response.status.as_u16(), response.body)));
    }
    assert_snapshot!(all, @r#"
    {"phone":"79001112233"}
      400 not-valid-request: The parameter 'phone' is unknown; known are address, addressType, subscriberId, channelType, direction, trafficType, subjectId, deliveryStatus, cascadeId, broadcastId, matcherId, comment, messageId, replyTo, text, from, to, order, limit, cursor.
    {"address":[]}
      400 not-valid-request: The parameter 'address' must be left out, or a list with a value.
    {"address":[""]}
      400 not-valid-request: The parameter 'address' must be left out, or not empty.
    {"address":79001112233}
      400 not-valid-request: The parameter 'address' must be a string.
    {"address":["1",null]}
      400 not-valid-request: The parameter 'address' must be a string.
    {"address":{"a":1}}
      400 not-valid-request: The parameter 'address' must be a string.
    {"direction":["IN"]}
      400 not-valid-request: The parameter 'direction' must be one value, not a list.
    {"subjectId":[true]}
      400 not-valid-request: The parameter 'subjectId' must be an integer.
    {"subjectId":[[5]]}
      400 not-valid-request: The parameter 'subjectId' must be an integer.
    {"comment":5}
      400 not-valid-request: The parameter 'comment' must be a string.
    {"limit":"x"}
      400 not-valid-request: The parameter 'limit' must be an integer.
    {"limit":1.5}
      400 not-valid-request: The parameter 'limit' must be an integer.
    {"limit":0}
      400 limit-not-valid: The parameter 'limit' must be between 1 and 1000.
    []
      400 not-valid-request: The body must be a JSON object.
    "x"
      400 not-valid-request: The body must be a JSON object.
    {"address":["0","1","2","3","4","5","6","7","8","9","10","11
      400 not-valid-request: The parameter 'address' must be a list of at most 100 values.
    {"messageId":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,1
      400 not-valid-request: The parameter 'messageId' must be a list of at most 1000 values.
    {"direction":"IN","direction":"OUT"}
      400 not-valid-request: The parameter 'direction' is given twice; give it once.
    {"limit":1
      400 not-valid-request: The body is not valid JSON: it ends too early.
    {'a':1}
      400 not-valid-request: The body is not valid JSON: line 1, column 2.
    {"a\u0000":1}
      400 not-valid-request: The parameter '…' is unknown; known are address, addressType, subscriberId, channelType, direction, trafficType, subjectId, deliveryStatus, cascadeId, broadcastId, matcherId, comment, messageId, replyTo, text, from, to, order, limit, cursor.
    "#);
}

#[actix_web::test]
async fn parameters_of_a_url_are_not_ignored_with_a_body() {
    let app = TestApp::new().await;
    for path in ["/v1/messages/query?limit=1", "/v1/changes/query?since=now"] {
        let response = app.post(path, &[("x-api-key", &app.key)], json!({"since": "now"}).to_string()).await;
        assert_eq!(response.status, 400);
        assert!(response.body.contains("The URL must have no query string"), "{}", response.body);
    }
}

#[actix_web::test]
async fn what_is_not_given_restricts_nothing() {
    let app = TestApp::new().await;
    app.import([crate::support::message(1, json!({"subjectId": 5}))]).await;
    let nothing =
        json!({"address": null, "direction": null, "subjectId": null, "comment": null, "limit": null, "cursor": null});
    assert_eq!(short(&query(&app, nothing).await), "[1]");
    assert_eq!(
        short(&query(&app, json!({"subjectId": "5", "limit": "1", "messageId": 1, "replyTo": null})).await),
        "[1]"
    );
    assert_eq!(short(&query(&app, json!({"subjectId": ["5"], "messageId": ["1"]})).await), "[1]");
}
