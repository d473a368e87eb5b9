//! docs/edna.md §4: the form of a response.

use actix_web::test;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{TENANT, TestApp, message};
use history_gateway::model::Item;

#[actix_web::test]
async fn empty_response_has_two_keys_and_is_json() {
    let app = TestApp::new().await;
    let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], "{}").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "application/json");
    assert_snapshot!(response.body, @r#"{"content":[],"hasNext":false}"#);
}

#[actix_web::test]
async fn has_next_is_true_exactly_when_a_message_follows() {
    let app = TestApp::new().await;
    app.import((1..=4).map(|id| message(id, json!({})))).await;
    assert_snapshot!(app.ids(r#"{"limit":3}"#).await, @"[4, 3, 2, …]");
    assert_snapshot!(app.ids(r#"{"limit":4}"#).await, @"[4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"limit":5}"#).await, @"[4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"limit":1,"offset":2}"#).await, @"[2, …]");
    assert_snapshot!(app.ids(r#"{"limit":1,"offset":3}"#).await, @"[1]");
}

#[actix_web::test]
async fn fields_are_rendered_in_order_with_their_types() {
    let app = TestApp::new().await;
    let item = r#"{"newField":{"b":[1, 2.50],"a":null},"another":"x","gone":null,
        "replyOutMessageExternalRequestId":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","replyOutMessageId":"12","replyInMessageId":11,
        "comment":"c","subscriberId":10,"segments":2,"trafficType":"HSM","broadcastName":"b","broadcastId":9,
        "cascadeStageUuid":"u","matcherName":"m","matcherId":8,"cascadeName":"cn","cascadeId":7,"subjectName":"s","subjectId":6,
        "sentOrReceivedAt":"2026-03-01T13:00:00.1239+03:00","deliveryStatusMessage":"ok","deliveryStatusAt":"2026-03-01",
        "deliveryStatus":"Delivered","content":{"type": "TEXT", "text": "a \" b"},"address":"+7900","direction":"OUT",
        "channelType":"WHATSAPP","messageId":"14550000001"}"#;
    history_gateway::ingest::record(&app.store, TENANT, vec![Item::parse(item, TENANT).unwrap()]).await.unwrap();
    assert_snapshot!(app.history("{}").await, @r#"200 {"content":[{"messageId":14550000001,"tenantId":3193,"channelType":"WHATSAPP","direction":"OUT","address":"7900","content":"{\"type\":\"TEXT\",\"text\":\"a \\\" b\"}","deliveryStatus":"DELIVERED","deliveryStatusAt":"2026-03-01T00:00:00.000+0000","deliveryStatusMessage":"ok","sentOrReceivedAt":"2026-03-01T10:00:00.123+0000","subjectId":6,"subjectName":"s","cascadeId":7,"cascadeName":"cn","matcherId":8,"matcherName":"m","cascadeStageUuid":"u","broadcastId":9,"broadcastName":"b","trafficType":"HSM","segments":2,"subscriberId":10,"comment":"c","replyInMessageId":11,"replyOutMessageId":12,"replyOutMessageExternalRequestId":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","newField":{"b":[1,2.50],"a":null},"another":"x"}],"hasNext":false}"#);
}

#[actix_web::test]
async fn a_field_without_a_value_is_left_out() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"comment": null, "segments": null, "foo": null}))]).await;
    assert_snapshot!(app.history("{}").await, @r#"200 {"content":[{"messageId":1,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{}","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000"}],"hasNext":false}"#);
}

#[actix_web::test]
async fn content_is_returned_byte_exact() {
    let app = TestApp::new().await;
    let contents = [
        "{\"type\": \"TEXT\", \"text\": \"Привет 🙂\"}",
        "not json at all",
        "",
        "{\"a\":1e400, \"a\": \"\\u0000\\ud800\"}",
        " \u{0} \u{1f} \u{7f} \u{2028} \\ \" / ",
    ];
    let one = |(id, content): (i64, &str)| message(id, json!({"content": content}));
    app.import((1..).zip(contents).map(one)).await;
    let response = app.history(r#"{"sort":{"property":"messageId","direction":"ASC"}}"#).await;
    let response: serde_json::Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
    let returned: Vec<&str> =
        response["content"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(returned, contents);
}

#[actix_web::test]
async fn text_sorts_by_code_point_with_missing_values_last() {
    let app = TestApp::new().await;
    let names = ["b", "B", "ä", "a", "Я", "я", "ё", "", "🙂", "\u{ffff}", "ab"];
    let one = |(id, name): (i64, &str)| message(id, json!({"comment": name}));
    app.import((1..).zip(names).map(one)).await;
    app.import([message(12, json!({}))]).await;
    assert_snapshot!(app.ids(r#"{"sort":{"property":"comment","direction":"ASC"}}"#).await, @"[8, 2, 4, 11, 1, 3, 5, 6, 7, 10, 9, 12]");
    assert_snapshot!(app.ids(r#"{"sort":{"property":"comment","direction":"DESC"}}"#).await, @"[9, 10, 7, 6, 5, 3, 1, 11, 4, 2, 8, 12]");
}

#[actix_web::test]
async fn dates_and_numbers_are_sorted_by_value() {
    let app = TestApp::new().await;
    let one = |id: i64, number: i64, at: &str| message(id, json!({"cascadeId": number, "deliveryStatusAt": at}));
    app.import([one(1, 10, "2026-01-02T00:00:00Z"), one(2, 9, "2026-01-02T01:00:00+03:00"), one(3, -1, "2025-12-31")])
        .await;
    assert_snapshot!(app.ids(r#"{"sort":{"property":"cascadeId","direction":"ASC"}}"#).await, @"[3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"sort":{"property":"deliveryStatusAt","direction":"ASC"}}"#).await, @"[3, 2, 1]");
}

#[actix_web::test]
async fn ids_keep_64_bit_precision() {
    let app = TestApp::new().await;
    app.import([message(i64::MAX, json!({"subscriberId": i64::MIN})), message(9_007_199_254_740_993, json!({}))]).await;
    assert_snapshot!(app.ids(r#"{"limit":1}"#).await, @"[9223372036854775807, …]");
    assert_snapshot!(app.ids(r#"{"messageId":9007199254740993}"#).await, @"[9007199254740993]");
    assert!(app.history("{}").await.contains(r#""subscriberId":-9223372036854775808"#));
}

/// Imports more than a page keeps in memory at once.
async fn long_messages(app: &TestApp) {
    let content = |id: i64| format!(r#"{{"text":"{}{id}"}}"#, "long ".repeat(50_000));
    app.import((1..=12).map(|id| message(id, json!({"content": content(id), "channelType": "WHATSAPP"})))).await;
}

#[actix_web::test]
async fn large_page_equals_its_messages_fetched_one_by_one() {
    let app = TestApp::new().await;
    long_messages(&app).await;
    let headers = [("x-api-key", app.key.as_str())];
    for query in [
        json!({"limit": 11}),
        json!({"limit": 12, "sort": {"property": "messageId", "direction": "ASC"}}),
        json!({"limit": 9, "offset": 2, "sort": {"property": "content", "direction": "ASC"}}),
        json!({"limit": 11, "subscriberFilter": {"address": "79001112233"}}),
        json!({"limit": 1000, "direction": "OUT"}),
    ] {
        let long = app.post("/api/messages/history", &headers, query.to_string()).await;
        assert_eq!(long.status, 200);
        assert!(long.body.len() > 1024 * 1024, "{query}");
        // The same messages one at a time, joined.
        let (first, limit) = (query["offset"].as_i64().unwrap_or(0), query["limit"].as_i64().unwrap());
        let mut items = Vec::new();
        for offset in first..(first + limit).min(12) {
            let mut one = query.clone();
            one["offset"] = offset.into();
            one["limit"] = 1.into();
            let response = app.history(one).await;
            let (before, after) = (r#"200 {"content":["#.len(), response.rfind(']').unwrap());
            items.push(response[before..after].to_owned());
        }
        let has_next = first + limit < 12;
        assert!(long.body == format!(r#"{{"content":[{}],"hasNext":{has_next}}}"#, items.join(",")), "{query}");
    }
    let select = json!({"select": {"messageText": true, "toNumber": true}, "limit": 12});
    let logs = app.post("/api/whatsapp-log/get-list", &[("ApiKey", &app.key)], select.to_string()).await;
    let logs: serde_json::Value = serde_json::from_str(&logs.body).unwrap();
    assert_eq!((&logs["count"], logs["data"].as_array().unwrap().len()), (&json!(12), 12));
    assert!(logs["data"].as_array().unwrap().iter().all(|row| row["messageText"].as_str().unwrap().len() > 250_000));
}

#[actix_web::test]
async fn exceeding_the_bytes_in_flight_limit_is_503() {
    let app = TestApp::with(|config| config.server.bytes_in_flight = 1024 * 1024).await;
    long_messages(&app).await;
    let headers = [("x-api-key", app.key.as_str())];
    let page = app.post("/api/messages/history", &headers, r#"{"limit":12}"#).await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "1"));
    let logs = r#"{"select":{"messageText":true},"limit":12}"#;
    let logs = app.post("/api/whatsapp-log/get-list", &[("ApiKey", &app.key)], logs).await;
    assert_eq!((logs.status.as_u16(), logs.header("retry-after")), (503, "1"));
    // Until they are written, events take twice the bytes of their body; without that space, nothing is stored.
    let body = format!("[{}]", message(50, json!({"content": "x".repeat(600_000)})));
    let refused = app.post("/v1/messages", &headers, body).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
    // What fits is still answered after that: all bytes were released.
    assert_eq!(app.ids(r#"{"limit":3}"#).await, "[12, 11, 10, …]");
    assert!(app.ids(r#"{"messageId":50}"#).await == "[]");
}

#[actix_web::test]
async fn interrupted_page_is_not_valid_json() {
    use actix_web::body::MessageBody;
    if crate::support::runs_on_postgres() {
        return;
    }
    let app = TestApp::new().await;
    long_messages(&app).await;
    let service = test::init_service(history_gateway::http::app(app.gateway.clone())).await;
    let request = test::TestRequest::post().uri("/api/messages/history").insert_header(("x-api-key", app.key.as_str()));
    let response = test::call_service(&service, request.set_payload(r#"{"limit":12}"#).to_request()).await;
    assert_eq!(response.status(), 200);
    let mut body = std::pin::pin!(response.into_body());
    assert!(matches!(body.size(), actix_web::body::BodySize::Stream), "its length is not sent before it is known");
    // The status has been sent; then the store is moved away.
    let file = app.database_url_string().replace("sqlite://", "");
    std::fs::rename(&file, format!("{file}-elsewhere")).unwrap();
    let mut received = Vec::new();
    let failed = loop {
        match std::future::poll_fn(|context| body.as_mut().poll_next(context)).await {
            Some(Ok(part)) => received.extend_from_slice(&part),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(failed && received.len() > 1024 * 1024);
    assert!(serde_json::from_slice::<serde_json::Value>(&received).is_err());
}

/// A client that does not read its response keeps none of the memory that its request's body took.
#[actix_web::test]
async fn request_bodies_are_not_counted_while_the_response_is_sent() {
    let app = TestApp::new().await;
    let in_flight = &app.gateway.app.in_flight;
    let service = test::init_service(history_gateway::http::app(app.gateway.clone())).await;
    let long = |id| message(id, json!({"content": "x".repeat(200 * 1024)}));
    let request = test::TestRequest::post().uri("/v1/messages").insert_header(("x-api-key", app.key.as_str()));
    let request = request.set_payload(json!([long(1), long(2)]).to_string()).to_request();
    let unread = test::call_service(&service, request).await;
    assert_eq!((unread.status().as_u16(), in_flight.bytes_in_use()), (200, 0));
    // A long response is counted until it is sent.
    let request = test::TestRequest::post().uri("/api/messages/history").insert_header(("x-api-key", app.key.as_str()));
    let unread = test::call_service(&service, request.to_request()).await;
    assert!(in_flight.bytes_in_use() > 400 * 1024);
    drop(unread);
    assert_eq!(in_flight.bytes_in_use(), 0);
}
