//! Bad input of every kind: only documented answers, never a crash.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{TestApp, message};

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import([message(1, json!({"subjectId": 5, "subscriberId": 10}))]).await;
    app
}

/// Whether an answer is one the contract names for a request with a good key.
fn is_documented(answer: &str) -> bool {
    let (status, body) = answer.split_once(' ').unwrap();
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
async fn deep_nesting_is_answered() {
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
        // Each a sort entry without a property, which is passed over.
        (format!("{}1{}", "{\"sort\":".repeat(100_000), "}".repeat(100_000)), "200"),
    ] {
        let answer = app.ask(&body).await;
        assert!(answer.starts_with(status), "{}…: {answer}", &body[..20]);
        assert!(is_documented(&answer));
    }
}

#[actix_web::test]
async fn invalid_utf_8_is_not_valid() {
    let app = app().await;
    for body in [&b"\xff"[..], b"{\"x\":\"\xc3\x28\"}", b"{\"direction\":\"\xed\xa0\x80\"}"] {
        let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], body.to_vec()).await;
        assert_eq!(response.status, 400);
        assert!(response.body.contains("not valid UTF-8"), "{}", response.body);
    }
    assert!(app.ask(r#"{"direction":"\ud800"}"#).await.starts_with("400 "));
}

#[actix_web::test]
async fn huge_lists_are_answered() {
    let app = app().await;
    let words = vec!["SMS"; 100_000];
    assert_eq!(app.ids(json!({"channelTypes": words})).await, "[1]");
    let unknown: Vec<String> = (0..50_000).map(|n| format!("C{n}")).collect();
    assert!(app.ask(json!({"channelTypes": unknown})).await.starts_with("400 "));
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_json_gets_a_documented_answer(bodies in prop::collection::vec(any_json(), 60)) {
        actix_web::rt::System::new().block_on(async {
            let app = app().await;
            for body in bodies {
                let answer = app.ask(&body).await;
                assert!(is_documented(&answer), "{body}: {answer}");
            }
        });
    }

    #[test]
    fn arbitrary_bytes_get_a_documented_answer(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 60)) {
        actix_web::rt::System::new().block_on(async {
            let app = app().await;
            for body in bodies {
                let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], body.clone()).await;
                let answer = format!("{} {}", response.status.as_u16(), response.body);
                assert!(is_documented(&answer), "{body:?}: {answer}");
            }
        });
    }
}
