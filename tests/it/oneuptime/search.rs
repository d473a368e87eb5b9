//! Case-insensitive searches (docs/oneuptime.md §5).

use serde_json::{Value, json};

use super::{COUNT, id, log_row};
use crate::support::TestApp;

fn op(name: &str, value: &str) -> Value {
    json!({"_type": name, "value": value})
}

async fn with_texts(texts: &[&str]) -> TestApp {
    let app = TestApp::new().await;
    let row = |(number, text): (u32, &&str)| log_row(number, json!({"messageText": text}));
    app.import_logs((1..).zip(texts).map(row)).await;
    app
}

async fn search(app: &TestApp, text: &str) -> String {
    app.query(json!({"messageText": op("Search", text)})).await
}

#[actix_web::test]
async fn search_ignores_case_in_every_script() {
    let app = with_texts(&["ПРИВЕТ, Ёлка", "привет", "ÉCOLE Straße", "ΟΔΟΣ", "K\u{212a}k", "İIıi", "ǅ"]).await;
    assert_eq!(search(&app, "Привет").await, "[1, 2]");
    assert_eq!(search(&app, "ёЛКА").await, "[1]");
    assert_eq!(search(&app, "école").await, "[3]");
    assert_eq!(search(&app, "STRAẞE").await, "[3]");
    assert_eq!(search(&app, "οδος").await, "[4]");
    assert_eq!(search(&app, "kkk").await, "[5]");
    assert_eq!(search(&app, "İi").await, "[6]");
    assert_eq!(search(&app, "ǆ").await, "[7]");
}

#[actix_web::test]
async fn search_operators_match_their_position_in_the_text() {
    let app = with_texts(&["Database down", "the database", "DATABASE", "data base"]).await;
    assert_eq!(app.query(json!({"messageText": op("Search", "base")})).await, "[1, 2, 3, 4]");
    assert_eq!(app.query(json!({"messageText": op("StartsWith", "data")})).await, "[1, 3, 4]");
    assert_eq!(app.query(json!({"messageText": op("EndsWith", "BASE")})).await, "[2, 3, 4]");
    assert_eq!(app.query(json!({"messageText": op("NotContains", "database")})).await, "[4]");
}

#[actix_web::test]
async fn not_contains_includes_nulls_and_search_does_not() {
    let app = TestApp::new().await;
    app.import_logs([log_row(1, json!({"messageText": "a"})), log_row(2, json!({}))]).await;
    assert_eq!(app.query(json!({"messageText": op("NotContains", "a")})).await, "[2]");
    assert_eq!(app.query(json!({"messageText": op("NotContains", "b")})).await, "[1, 2]");
    assert_eq!(app.query(json!({"messageText": op("Search", "")})).await, "[1]");
    assert_eq!(app.query(json!({"messageText": op("NotContains", "")})).await, "[2]");
}

#[actix_web::test]
async fn the_pattern_is_trimmed_and_the_value_is_not() {
    let app = with_texts(&[" a ", "a", "b a"]).await;
    assert_eq!(app.query(json!({"messageText": op("StartsWith", "  a ")})).await, "[2]");
    assert_eq!(app.query(json!({"messageText": op("Search", "\t a \n")})).await, "[1, 2, 3]");
    assert_eq!(app.query(json!({"messageText": op("EndsWith", "a  ")})).await, "[2, 3]");
}

#[actix_web::test]
async fn percent_and_underscore_are_wildcards_unless_escaped() {
    let app = with_texts(&["100% sure", "1000 sure", "a_b", "axb", r"c:\dir", "я%я", "яяя", "line\nbreak"]).await;
    assert_eq!(search(&app, "1%sure").await, "[1, 2]");
    assert_eq!(search(&app, "a_b").await, "[3, 4]");
    // A backslash escapes the next character; at the end it is a plain character.
    assert_eq!(search(&app, r"a\_b").await, "[3]");
    assert_eq!(search(&app, r"1\%").await, "[]");
    assert_eq!(search(&app, r"100\%").await, "[1]");
    assert_eq!(search(&app, r"\1\0\0\%").await, "[1]");
    assert_eq!(search(&app, r"c:\dir").await, "[]");
    assert_eq!(search(&app, r"c:\\dir").await, "[5]");
    assert_eq!(search(&app, r"\").await, "[5]");
    assert_eq!(search(&app, r"[a-z*?^$").await, "[]");
    assert_eq!(search(&app, "я_я").await, "[6, 7]");
    assert_eq!(search(&app, "line_break").await, "[8]");
    assert_eq!(search(&app, "%%%%%%").await, "[1, 2, 3, 4, 5, 6, 7, 8]");
    assert_eq!(app.query(json!({"messageText": op("EndsWith", "r\\")})).await, "[]");
    assert_eq!(app.query(json!({"messageText": op("StartsWith", "_00%")})).await, "[1, 2]");
}

#[actix_web::test]
async fn control_characters_and_noncharacters_are_found() {
    let app = with_texts(&["a\u{0}b", "a\u{1}b", "A\u{0}", "ab", "\u{fffd}", "\u{fffe}", "\u{ffff}"]).await;
    assert_eq!(search(&app, "\u{fffd}").await, "[5]");
    assert_eq!(search(&app, "\u{fffe}").await, "[6]");
    assert_eq!(search(&app, "\u{ffff}").await, "[7]");
    assert_eq!(search(&app, "A\u{0}").await, "[1, 3]");
    assert_eq!(search(&app, "a_b").await, "[1, 2]");
    assert_eq!(app.query(json!({"messageText": "a\u{0}b"})).await, "[1]");
}

#[actix_web::test]
async fn every_kind_of_column_is_searched_as_text() {
    let app = TestApp::new().await;
    app.import_logs([
        log_row(
            1,
            json!({"whatsAppCostInUSDCents": 120, "fromNumber": "+4930ABC", "whatsAppMessageId": "wamid.HBgL",
            "statusMessage": "Ошибка", "incidentId": "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"}),
        ),
        log_row(
            2,
            json!({"createdAt": "1969-12-31T23:59:59.999Z", "updatedAt": "0001-02-03T04:05:06.007Z", "version": 12}),
        ),
        log_row(3, json!({"createdAt": "9999-12-31T23:59:59.999Z", "whatsAppCostInUSDCents": -12})),
    ])
    .await;
    for (column, operator, value, expected) in [
        ("whatsAppCostInUSDCents", "Search", "2", "[1, 3]"),
        ("whatsAppCostInUSDCents", "StartsWith", "-", "[3]"),
        ("version", "EndsWith", "2", "[2]"),
        ("fromNumber", "EndsWith", "abc", "[1]"),
        ("whatsAppMessageId", "StartsWith", "WAMID", "[1]"),
        ("statusMessage", "Search", "ОШИБ", "[1]"),
        ("status", "Search", "SENT", "[2, 1, 3]"),
        ("_id", "EndsWith", "002", "[2]"),
        ("incidentId", "StartsWith", "0C6F", "[1]"),
        ("incident", "Search", "1f8c", "[1]"),
        ("createdAt", "StartsWith", "1969-12-31t23:59:59.999z", "[2]"),
        ("createdAt", "Search", ".999Z", "[2, 3]"),
        ("updatedAt", "EndsWith", "04:05:06.007Z", "[2]"),
        ("updatedAt", "StartsWith", "0001-02-03T", "[2]"),
        ("deletedAt", "Search", "2", "[]"),
        ("deletedAt", "NotContains", "2", "[2, 1, 3]"),
    ] {
        assert_eq!(app.query(json!({column: op(operator, value)})).await, expected, "{column} {operator} {value}");
    }
}

#[actix_web::test]
async fn a_number_is_searched_by_its_digits() {
    let app = with_texts(&["code 42", "code 43"]).await;
    assert_eq!(app.query(json!({"messageText": {"_type": "Search", "value": 42}})).await, "[1]");
}

#[actix_web::test]
async fn multi_search_matches_any_of_its_fields() {
    let app = TestApp::new().await;
    app.import_logs([
        log_row(1, json!({"messageText": "call +4930"})),
        log_row(2, json!({"toNumber": "+4930123"})),
        log_row(3, json!({"statusMessage": "+4930"})),
    ])
    .await;
    let multi = |value: &str, fields: Value| json!({"_type": "MultiSearch", "value": value, "fields": fields});
    let both = json!(["messageText", "toNumber"]);
    assert_eq!(app.query(json!({"anything": multi("+4930", both.clone())})).await, "[1, 2]");
    assert_eq!(app.query(json!({"status": multi("CALL", both.clone())})).await, "[1]");
    assert_eq!(app.query(json!({"x": multi("+4930", both), "_id": id(2)})).await, "[2]");
    assert_eq!(app.query(json!({"x": multi("+4930", json!(["deletedAt"]))})).await, "[]");
    let project = crate::support::TENANT.derived_project_id().to_string().to_uppercase();
    assert_eq!(app.query(json!({"x": multi(&project, json!(["projectId"]))})).await, "[1, 2, 3]");
    assert_eq!(app.query(json!({"x": multi("no", json!(["projectId", "deletedAt"]))})).await, "[]");
}

#[actix_web::test]
async fn multi_search_with_an_empty_value_matches_every_row() {
    let app = TestApp::new().await;
    app.import_logs([log_row(1, json!({"messageText": "a"})), log_row(2, json!({}))]).await;
    let multi =
        |value: &str| json!({"_type": "MultiSearch", "value": value, "fields": ["messageText", "statusMessage"]});
    assert_eq!(app.query(json!({"any": multi("a")})).await, "[1]");
    assert_eq!(app.query(json!({"any": multi("")})).await, "[1, 2]");
    let without_fields = json!({"query": {"any": {"_type": "MultiSearch", "value": "", "fields": []}}});
    assert!(app.post_log(COUNT, without_fields).await.starts_with("400 "));
}
