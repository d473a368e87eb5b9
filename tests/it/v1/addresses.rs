//! Addresses in any spelling that a person types, and what is done with one that no message has (docs/api.md 1.1).

use serde_json::{Value, json};

use super::{get_with, ids, query, walk};
use crate::support::{TENANT, TestApp, message};
use history_gateway::model::key::KeyKind;

async fn find(app: &TestApp, address: &str) -> String {
    let response = query(app, json!({"address": [address]})).await;
    let body: Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
    format!("{} {}", ids(&response), body["interpretedAs"])
}

#[actix_web::test]
async fn phone_is_found_in_any_spelling() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"address": "79000003193"})), message(2, json!({"address": "00441234567"}))]).await;
    for spelling in [
        "79000003193",
        "+7 (900) 000-31-93",
        "tel:+7-900-000-31-93",
        "TEL:79000003193;ext=1",
        "0079000003193",
        "00 7 900 000 31 93",
        "\u{202a}+7\u{a0}900\u{a0}000\u{2011}31\u{2013}93\u{202c}",
    ] {
        assert_eq!(find(&app, spelling).await, "[1] null", "{spelling}");
    }
    // In a URL, a plus sign that is not encoded is a space.
    assert_eq!(ids(&get_with(&app, &app.key, "/v1/messages?address=+7+(900)+000-31-93").await), "[1]");
    assert_eq!(find(&app, "00441234567").await, "[2] null", "an address that was stored so is found so");
    // The history endpoint has a rule of its own (docs/edna.md 3.3).
    assert_eq!(app.ids(json!({"subscriberFilter": {"address": "0079000003193"}})).await, "[]");
}

#[actix_web::test]
async fn russian_number_without_its_country_code_is_tried() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"address": "79000003193"})), message(2, json!({"address": "89000003194"}))]).await;
    assert_eq!(find(&app, "8 (900) 000-31-93").await, r#"[1] ["79000003193"]"#);
    assert_eq!(find(&app, "900 000-31-93").await, r#"[1] ["79000003193"]"#);
    assert_eq!(find(&app, "89000003194").await, "[2] null", "a message has it as it was typed");
    assert_eq!(find(&app, "89000003195").await, r#"[] ["79000003195"]"#);
    assert_eq!(app.ids(json!({"subscriberFilter": {"address": "89000003193"}})).await, "[]");
}

#[actix_web::test]
async fn only_visible_messages_keep_a_number_from_being_tried() {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({"address": "79000003193", "subjectId": 5})),
        message(2, json!({"address": "89000003193", "subjectId": 6})),
    ])
    .await;
    let key = app
        .issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.senders = Some(vec![5]);
        })
        .await;
    let path = "/v1/messages?address=89000003193";
    assert_eq!(ids(&get_with(&app, &app.key, path).await), "[2]");
    let of_sender = get_with(&app, &key, path).await;
    assert_eq!(ids(&of_sender), "[1]");
    assert!(of_sender.ends_with(r#","interpretedAs":["79000003193"]}"#), "{of_sender}");
    // The other filters have no part in it.
    assert_eq!(ids(&get_with(&app, &app.key, &format!("{path}&from=2026-03-02")).await), "[]");
    assert!(!get_with(&app, &app.key, &format!("{path}&from=2026-03-02")).await.contains("interpretedAs"));
}

#[actix_web::test]
async fn cursor_keeps_the_interpretation() {
    let app = TestApp::new().await;
    app.import((1..=4).map(|id| message(id, json!({"address": "79000003193"})))).await;
    let body = json!({"address": ["89000003193", "79990000000"], "limit": 2});
    let first = query(&app, body.clone()).await;
    assert_eq!(ids(&first), "[4, 3, …]");
    // A message with the number as it was typed arrives during the walk.
    app.import([message(9, json!({"address": "89000003193"}))]).await;
    let next = serde_json::from_str::<Value>(first.strip_prefix("200 ").unwrap()).unwrap()["next"].clone();
    let mut second = body.clone();
    second["cursor"] = next;
    let second = query(&app, second).await;
    assert_eq!(ids(&second), "[2, 1]");
    assert!(second.ends_with(r#","interpretedAs":["79000003193"]}"#), "{second}");
    assert_eq!(walk(&app, &app.key, body).await.len(), 1, "a new walk finds the new message alone");
}

#[actix_web::test]
async fn address_finds_the_person() {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({"address": "79000003193", "subscriberId": 42})),
        message(2, json!({"address": "tok-a", "channelType": "PUSH", "subscriberId": 42})),
        message(3, json!({"address": "tok-a", "channelType": "PUSH"})),
        message(4, json!({"address": "79000003193", "channelType": "WHATSAPP"})),
        message(5, json!({"address": "79990000000", "subscriberId": 43})),
    ])
    .await;
    assert_eq!(ids(&query(&app, json!({"address": "79000003193"})).await), "[4, 3, 2, 1]");
    assert_eq!(ids(&query(&app, json!({"subscriberId": 42})).await), "[4, 3, 2, 1]");
    assert_eq!(ids(&query(&app, json!({"address": "tok-a", "addressType": "GOOGLE_ID"})).await), "[4, 3, 2, 1]");
    assert_eq!(ids(&query(&app, json!({"address": "79990000000", "subscriberId": [42]})).await), "[]");

    let narrow =
        TestApp::with(|config| config.edna.recipient = history_gateway::config::RecipientSetting::Address).await;
    narrow
        .import([
            message(1, json!({"address": "79000003193", "subscriberId": 42})),
            message(2, json!({"address": "tok-a", "channelType": "PUSH", "subscriberId": 42})),
        ])
        .await;
    assert_eq!(ids(&query(&narrow, json!({"address": "79000003193"})).await), "[1]");
}
