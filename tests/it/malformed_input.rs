//! Malformed input of every kind: only documented responses, never a crash.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{TestApp, message};

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import([message(1, json!({"subjectId": 5, "subscriberId": 10}))]).await;
    app
}

/// Whether a response is one that the contract documents for a request with a valid key.
fn is_documented(response: &str) -> bool {
    let (status, body) = response.split_once(' ').unwrap();
    let Ok(body) = serde_json::from_str::<Value>(body) else { return false };
    match status {
        "200" => body["content"].is_array() && body["hasNext"].is_boolean() && body.as_object().unwrap().len() == 2,
        "400" | "413" => {
            let titles = [
                "not-valid-request",
                "limit-not-valid",
                "date-range-not-valid",
                "message-matcher-subject-not-found",
                "request-too-large",
            ];
            titles.contains(&body["title"].as_str().unwrap())
                && body["status"].as_u64() == status.parse().ok()
                && body["detail"].is_string()
                && body.as_object().unwrap().len() == 3
        }
        _ => false,
    }
}

#[actix_web::test]
async fn deep_nesting_gets_a_documented_answer() {
    let app = app().await;
    let (open, close) = ("[".repeat(200_000), "]".repeat(200_000));
    for (body, status) in [
        (open.clone(), "400"),
        (format!("{open}{close}"), "400"),
        (format!("{{\"unknown\":{open}{close}}}"), "200"),
        (format!("{{\"sort\":{open}{close}}}"), "400"),
        (format!("{{\"sort\":[{{\"property\":{open}{close}}}]}}"), "400"),
        (format!("{{\"subscriberFilter\":{{\"address\":{open}{close}}}}}"), "400"),
        (format!("{{\"limit\":{open}{close}}}"), "400"),
        ("{\"a\":".repeat(200_000), "400"),
        // Nested sort entries without a property, which are ignored.
        (format!("{}1{}", "{\"sort\":".repeat(100_000), "}".repeat(100_000)), "200"),
    ] {
        let response = app.history(&body).await;
        assert!(response.starts_with(status), "{}…: {response}", &body[..20]);
        assert!(is_documented(&response));
    }
}

#[actix_web::test]
async fn invalid_utf_8_is_400() {
    let app = app().await;
    for body in [&b"\xff"[..], b"{\"x\":\"\xc3\x28\"}", b"{\"direction\":\"\xed\xa0\x80\"}"] {
        let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], body.to_vec()).await;
        assert_eq!(response.status, 400);
        assert!(response.body.contains("not valid UTF-8"), "{}", response.body);
    }
    assert!(app.history(r#"{"direction":"\ud800"}"#).await.starts_with("400 "));
}

#[actix_web::test]
async fn huge_lists_are_handled() {
    let app = app().await;
    let words = vec!["SMS"; 100_000];
    assert_eq!(app.ids(json!({"channelTypes": words})).await, "[1]");
    let unknown: Vec<String> = (0..50_000).map(|n| format!("C{n}")).collect();
    assert!(app.history(json!({"channelTypes": unknown})).await.starts_with("400 "));
    let sort = vec![json!({"property": "comment"}); 20_000];
    assert_eq!(app.ids(json!({"sort": sort})).await, "[1]");
    let every: Vec<Value> = history_gateway::model::Property::ALL
        .iter()
        .filter(|property| property.name() != "messageId")
        .map(|property| json!({"property": property.name(), "direction": "ASC"}))
        .collect();
    assert_eq!(app.ids(json!({"sort": every})).await, "[1]");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "SMS",
            "OUT",
            "ASC",
            "messageId",
            "2026-03-01",
            "PHONE",
            "79001112233",
            "AD",
            "5",
            ""
        ])
        .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "subscriberFilter",
        "address",
        "type",
        "offset",
        "limit",
        "channelTypes",
        "messageId",
        "direction",
        "dateFrom",
        "dateTo",
        "sort",
        "property",
        "trafficTypes",
        "subjectId",
        "subjectID",
        "other",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[actix_web::test]
async fn control_characters_are_stored_found_and_sorted() {
    let app = TestApp::new().await;
    let texts =
        ["\u{0}", "a", "a\u{0}", "a\u{0}b", "a\u{1}", "a\u{1}b", "ab", "\\u0000", "\\\u{0}", "\"content\":\"x\""];
    let item = |id: i64, text: &str| {
        message(
            id,
            json!({
                "content": text, "comment": text, "subjectName": text, "subjectId": id, "cascadeName": text,
                "channelType": "PUSH", "address": format!("x{text}"), "trafficType": text,
            }),
        )
    };
    app.import((1..).zip(texts).map(|(id, text)| item(id, text))).await;
    // An unknown field may hold invalid Unicode.
    let odd = item(50, "odd").to_string().replacen('{', r#"{"extra":"\ud800 \u0000","#, 1);
    let odd = history_gateway::model::Item::parse(&odd, crate::support::TENANT).unwrap();
    history_gateway::ingest::record(&app.store, crate::support::TENANT, vec![odd]).await.unwrap();
    for (id, text) in (1..).zip(texts) {
        let address = json!({"subscriberFilter": {"address": format!("x{text}"), "type": "COOKIE_ID"}});
        assert_eq!(app.ids(address).await, format!("[{id}]"), "{text:?}");
    }
    let mut sorted: Vec<(&str, i64)> = texts.into_iter().zip(1..).chain([("odd", 50)]).collect();
    sorted.sort_unstable();
    let ids: Vec<String> = sorted.iter().map(|(_, id)| id.to_string()).collect();
    for property in ["content", "comment", "subjectName", "cascadeName", "address"] {
        let body = json!({"limit": 100, "sort": {"property": property, "direction": "ASC"}});
        // Not parsed as JSON, which the unknown field would prevent.
        let response = app.history(body).await;
        let found: Vec<&str> =
            response.split("\"messageId\":").skip(1).filter_map(|item| item.split(',').next()).collect();
        assert_eq!(found, ids, "{property}");
    }
}

#[test]
fn overlong_indexed_fields_are_rejected_by_name() {
    let parse = |field: &str, length: usize| {
        let item = message(1, json!({"channelType": "PUSH", field: "ж".repeat(length / 2)}));
        history_gateway::model::Item::parse(&item.to_string(), crate::support::TENANT)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(parse("address", 1024), Ok(()));
    insta::assert_snapshot!(parse("address", 1026).unwrap_err(), @"the field 'address' must be an address of at most 1024 bytes");
    assert_eq!((parse("channelType", 256), parse("trafficType", 256)), (Ok(()), Ok(())));
    insta::assert_snapshot!(parse("channelType", 258).unwrap_err(), @"the field 'channelType' must be a word of at most 256 bytes");
    insta::assert_snapshot!(parse("trafficType", 258).unwrap_err(), @"the field 'trafficType' must be a word of at most 256 bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_json_gets_a_documented_answer(bodies in prop::collection::vec(any_json(), 60)) {
        actix_web::rt::System::new().block_on(async {
            let app = app().await;
            for body in bodies {
                let response = app.history(&body).await;
                assert!(is_documented(&response), "{body}: {response}");
            }
        });
    }

    #[test]
    fn arbitrary_bytes_get_a_documented_answer(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 60)) {
        actix_web::rt::System::new().block_on(async {
            let app = app().await;
            for body in bodies {
                let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], body.clone()).await;
                let status_and_body = format!("{} {}", response.status.as_u16(), response.body);
                assert!(is_documented(&status_and_body), "{body:?}: {status_and_body}");
            }
        });
    }
}
