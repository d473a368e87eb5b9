//! The order of rows (docs/oneuptime.md 3.5).

use insta::assert_snapshot;
use serde_json::json;

use super::{LIST, log_row};
use crate::support::TestApp;

#[actix_web::test]
async fn default_order_is_newest_first_then_greater_id() {
    let app = TestApp::new().await;
    let same = json!({"createdAt": "2026-03-01T10:30:00Z"});
    app.import_logs([log_row(1, same.clone()), log_row(3, same.clone()), log_row(2, same), log_row(40, json!({}))])
        .await;
    assert_eq!(app.list_numbers("{}").await, "[40, 3, 2, 1] of 4");
    assert_eq!(app.list_numbers(json!({"sort": {"createdAt": "ASC"}})).await, "[3, 2, 1, 40] of 4");
    assert_eq!(app.list_numbers(json!({"sort": {"_id": 1}})).await, "[1, 2, 3, 40] of 4");
    assert_eq!(app.list_numbers(json!({"sort": {"projectId": 1, "deletedAt": -1}})).await, "[40, 3, 2, 1] of 4");
}

#[actix_web::test]
async fn sort_directions_accept_several_spellings() {
    let app = TestApp::new().await;
    app.import_logs([log_row(1, json!({})), log_row(2, json!({}))]).await;
    for ascending in [json!(1), json!("1"), json!("ASC"), json!("asc"), json!("Asc")] {
        assert_eq!(app.list_numbers(json!({"sort": {"createdAt": ascending}})).await, "[1, 2] of 2", "{ascending}");
    }
    for descending in [json!(-1), json!("-1"), json!("DESC"), json!("desc")] {
        assert_eq!(app.list_numbers(json!({"sort": {"createdAt": descending}})).await, "[2, 1] of 2", "{descending}");
    }
    for wrong in [json!(0), json!(2), json!("up"), json!(true), json!(null), json!({}), json!("")] {
        assert!(app.list_numbers(json!({"sort": {"createdAt": wrong}})).await.starts_with("400 "), "{wrong}");
    }
}

#[actix_web::test]
async fn unknown_columns_and_directions_are_refused() {
    let app = TestApp::new().await;
    assert_snapshot!(app.post_log(LIST, json!({"sort": {"foo": 1}})).await, @r#"400 {"error":"Invalid sort on WhatsApp Log - foo. Column does not exist.","message":"Invalid sort on WhatsApp Log - foo. Column does not exist."}"#);
    assert_snapshot!(app.post_log(LIST, json!({"sort": {"status": "up"}})).await, @r#"400 {"error":"Invalid sort on WhatsApp Log - status: it must be 1, -1, ASC or DESC.","message":"Invalid sort on WhatsApp Log - status: it must be 1, -1, ASC or DESC."}"#);
    assert_snapshot!(app.post_log(LIST, json!({"sort": {"deletedByUserId": 1}})).await, @r#"422 {"error":"You do not have permissions to sort on - deletedByUserId. No permission reads this column.","message":"You do not have permissions to sort on - deletedByUserId. No permission reads this column."}"#);
    assert_snapshot!(app.post_log(LIST, json!({"sort": ["status"]})).await, @r#"400 {"error":"Sort must be an object.","message":"Sort must be an object."}"#);
}

#[actix_web::test]
async fn sort_keys_apply_in_the_given_order() {
    let app = TestApp::new().await;
    let row = |number, status, cost| log_row(number, json!({"status": status, "whatsAppCostInUSDCents": cost}));
    app.import_logs([row(1, "Sent", 2), row(2, "Read", 1), row(3, "Sent", 1), row(4, "Read", 2)]).await;
    assert_eq!(app.list_numbers(r#"{"sort":{"status":1,"whatsAppCostInUSDCents":-1}}"#).await, "[4, 2, 1, 3] of 4");
    assert_eq!(app.list_numbers(r#"{"sort":{"whatsAppCostInUSDCents":-1,"status":1}}"#).await, "[4, 1, 2, 3] of 4");
}

#[actix_web::test]
async fn nulls_come_first_descending_and_last_ascending() {
    let app = TestApp::new().await;
    app.import_logs([
        log_row(1, json!({"messageText": "a"})),
        log_row(2, json!({})),
        log_row(3, json!({"messageText": "b"})),
    ])
    .await;
    assert_eq!(app.list_numbers(json!({"sort": {"messageText": -1}})).await, "[2, 3, 1] of 3");
    assert_eq!(app.list_numbers(json!({"sort": {"messageText": 1}})).await, "[1, 3, 2] of 3");
}

#[actix_web::test]
async fn text_is_compared_by_code_point() {
    let app = TestApp::new().await;
    let texts = ["b", "B", "ä", "я", "Я", "", "\u{10ffff}", "\u{ffff}", "a\u{0}", "a\u{1}", "a"];
    app.import_logs((1..).zip(texts).map(|(number, text)| log_row(number, json!({"messageText": text})))).await;
    let mut expected: Vec<(usize, &str)> = (1..).zip(texts).collect();
    expected.sort_by_key(|(_, text)| text.chars().collect::<Vec<_>>());
    let expected: Vec<String> = expected.iter().map(|(number, _)| number.to_string()).collect();
    let found = app.list_numbers(json!({"sort": {"messageText": 1}, "limit": 20})).await;
    assert_eq!(found, format!("[{}] of 11", expected.join(", ")));
}

#[actix_web::test]
async fn pages_of_every_sort_join_to_the_whole_list() {
    let app = TestApp::new().await;
    let row = |number| {
        log_row(number, json!({"createdAt": format!("2026-03-01T10:0{}:00Z", number % 3), "version": number % 2}))
    };
    app.import_logs((1..=9).map(row)).await;
    for sort in [json!({}), json!({"createdAt": 1}), json!({"version": 1}), json!({"updatedAt": -1, "version": 1})] {
        let whole = app.list_numbers(json!({"sort": sort, "limit": 9})).await;
        let mut pages = Vec::new();
        for skip in [0, 2, 4, 6, 8] {
            let page = app.list_numbers(json!({"sort": sort, "limit": 2, "skip": skip})).await;
            pages.push(page.trim_start_matches('[').split(']').next().unwrap().to_owned());
        }
        assert_eq!(format!("[{}] of 9", pages.join(", ")), whole, "{sort}");
    }
}
