//! docs/edna.md §8: the requests that real programs send, with made-up values.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{TestApp, message};

fn content(response: &str) -> Value {
    serde_json::from_str(response.strip_prefix("200 ").expect(response)).unwrap()
}

#[actix_web::test]
async fn client_reconciles_a_message_after_sending_it() {
    let app = TestApp::at("2026-09-18T15:00:30Z", |_| {}).await;
    let flow = r#"{"type":"FLOW","flowId":"77","text":"Ol\u00e1,  tudo bem? 🙂"}"#;
    app.import([
        message(14_550_000_001, json!({
            "channelType": "WHATSAPP", "address": "5493510000000", "subjectId": 2423, "cascadeId": 31, "content": flow,
            "comment": "req-1", "deliveryStatus": "SENT", "sentOrReceivedAt": "2026-09-18T15:00:00.500Z",
        })),
        message(14_550_000_000, json!({
            "channelType": "WHATSAPP", "address": "5493510000000", "subjectId": 2423,
            "sentOrReceivedAt": "2026-09-18T14:58:59.999Z",
        })),
    ])
    .await;
    let request = r#"{"subscriberFilter":{"address":"5493510000000","type":"PHONE"},"subjectId":2423,"direction":"OUT","channelTypes":["WHATSAPP"],
        "dateFrom":"2026-09-18T14:59:00+00:00","dateTo":"2026-09-19T15:00:00+00:00","limit":1000,"offset":0,"sort":[{"property":"messageId","direction":"DESC"}]}"#;
    let response = content(&app.history(request).await);
    assert_eq!(response["hasNext"], false);
    assert_eq!(response["content"].as_array().unwrap().len(), 1);
    let found = &response["content"][0];
    assert_eq!(found["content"], flow);
    assert_eq!((&found["comment"], &found["address"]), (&json!("req-1"), &json!("5493510000000")));
    assert_eq!((&found["subjectId"], &found["cascadeId"]), (&json!(2423), &json!(31)));
    assert_eq!((&found["messageId"], &found["deliveryStatus"]), (&json!(14_550_000_001_i64), &json!("SENT")));
}

#[actix_web::test]
async fn status_poll_gets_the_newest_message_of_its_window() {
    let app = TestApp::at("2026-03-01T10:00:10Z", |_| {}).await;
    let sent = |id, status, at: &str| {
        message(
            id,
            json!({"channelType": "WHATSAPP", "subjectId": 501, "deliveryStatus": status, "sentOrReceivedAt": at}),
        )
    };
    app.import([
        sent(1, "READ", "2026-03-01T09:59:49Z"),
        sent(2, "SENT", "2026-03-01T09:59:55Z"),
        sent(3, "DELIVERED", "2026-03-01T10:00:00Z"),
    ])
    .await;
    let request = r#"{"subscriberFilter":{"address":"79001112233","type":"PHONE"},"channelTypes":["WHATSAPP"],"subjectId":501,"direction":"OUT","trafficType":["HSM"],
        "dateFrom":"2026-03-01T09:59:50Z","dateTo":"2026-03-01T10:00:10Z","offset":0,"limit":1}"#;
    let response = content(&app.history(request).await);
    assert_eq!((&response["content"][0]["deliveryStatus"], &response["hasNext"]), (&json!("DELIVERED"), &json!(true)));
}

#[actix_web::test]
async fn reply_poll_finds_the_incoming_message() {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({"channelType": "WHATSAPP", "subjectId": 501})),
        message(2, json!({"channelType": "WHATSAPP", "subjectId": 501, "direction": "IN", "replyOutMessageId": 1})),
    ])
    .await;
    let request = r#"{"subscriberFilter":{"address":"79001112233","type":"PHONE"},"channelTypes":["WHATSAPP"],"subjectId":501,"direction":"IN","trafficType":["HSM"],
        "dateFrom":"2026-03-01T09:58:00Z","dateTo":"2026-03-01T10:02:00Z","offset":0,"limit":1}"#;
    assert_snapshot!(app.ids(request).await, @"[2]");
}

#[actix_web::test]
async fn list_of_phones_is_a_json_400() {
    let request = r#"{"subscriberFilter":{"address":["79001112233","79001112244"],"type":"PHONE"},"dateFrom":"2026-31-01T00:00:00Z"}"#;
    assert_snapshot!(TestApp::new().await.history(request).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'subscriberFilter.address' must be a string."}"#);
}

#[actix_web::test]
async fn sample_request_of_2023_finds_its_page() {
    let app = TestApp::new().await;
    let incoming = |id: i64| {
        message(
            id,
            json!({
                "channelType": "WHATSAPP", "direction": "IN", "address": "00000000000", "subjectId": 20526,
                "sentOrReceivedAt": "2023-06-05T00:00:00Z",
            }),
        )
    };
    app.import((1..=3).map(incoming)).await;
    let request = r#"{"subscriberFilter":{"address":"00000000000","type":"PHONE"},"channelTypes":["WHATSAPP"],"direction":"IN","subjectId":20526,"dateFrom":"2023-06-01T00:00:00Z","dateTo":"2023-06-12T00:00:00Z","limit":12,"offset":1,"sort":[{"property":"messageId","direction":"ASC"}]}"#;
    assert_snapshot!(app.ids(request).await, @"[2, 3]");
}

#[actix_web::test]
async fn body_alone_distinguishes_success_from_failure() {
    let app = TestApp::new().await;
    let success = content(&app.history("{}").await);
    assert!(success.get("status").is_none() && success.get("code").is_none());
    let failure: Value =
        serde_json::from_str(app.history(r#"{"limit":-1}"#).await.strip_prefix("400 ").unwrap()).unwrap();
    assert_eq!(failure["status"], 400);
    assert!(failure["detail"].is_string());
}
