//! One row, and counts (docs/oneuptime.md §4).

use insta::assert_snapshot;
use serde_json::json;

use super::{COUNT, id, log_row};
use crate::support::TestApp;
use history_gateway::model::TenantId;

fn item(id: &str) -> String {
    format!("/api/whatsapp-log/{id}/get-item")
}

#[actix_web::test]
async fn item_response_is_the_bare_object() {
    let app = TestApp::new().await;
    app.import_logs([log_row(1, json!({"messageText": "hello"}))]).await;
    assert_snapshot!(app.post_log(&item(&id(1)), "").await, @r#"200 {"_id":"00000000-0000-4000-8000-000000000001"}"#);
    assert_snapshot!(app.post_log(&item(&id(1)), json!({"select": {"messageText": true, "toNumber": true}})).await, @r#"200 {"_id":"00000000-0000-4000-8000-000000000001","toNumber":"+15551234567","messageText":"hello"}"#);
    assert_snapshot!(app.post_log(&item(&id(1)), json!({"select": {"foo": true}})).await.get(..40).unwrap(), @r#"400 {"error":"Invalid select clause. Can"#);
}

#[actix_web::test]
async fn item_missing_or_of_another_project_is_an_empty_object() {
    let app = TestApp::new().await;
    app.create_tenant(TenantId(77)).await;
    app.import_logs_for(TenantId(77), [log_row(1, json!({}))]).await;
    assert_eq!(app.post_log(&item(&id(1)), "{}").await, "200 {}");
    assert_eq!(app.post_log(&item(&id(2)), "{}").await, "200 {}");
}

#[actix_web::test]
async fn malformed_id_is_400_even_without_a_key() {
    let app = TestApp::new().await;
    assert_snapshot!(app.post_log_with("", &item("abc"), "").await, @r#"400 {"error":"Invalid ID format: \"abc\". Expected a valid UUID (e.g., \"550e8400-e29b-41d4-a716-446655440000\").","message":"Invalid ID format: \"abc\". Expected a valid UUID (e.g., \"550e8400-e29b-41d4-a716-446655440000\")."}"#);
    for path in ["/api/whatsapp-log/abc/update-item", "/api/whatsapp-log/abc/delete-item"] {
        assert!(
            app.post_log_with("", path, "{").await.starts_with(r#"400 {"error":"Invalid ID format: \"abc\"."#),
            "{path}"
        );
    }
    let put = app.log_request("", "PUT", "/api/whatsapp-log/550e8400e29b41d4a716446655440000", "{}").await;
    assert_eq!(put.status.as_u16(), 400);
}

#[actix_web::test]
async fn a_count_is_exact() {
    let app = TestApp::new().await;
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":0}"#);
    app.import_logs(
        (1..=30).map(|number| log_row(number, json!({"status": if number > 20 { "Read" } else { "Sent" }}))),
    )
    .await;
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":30}"#);
    assert_eq!(app.post_log(COUNT, r#"{"query":{"status":"Read"}}"#).await, r#"200 {"count":10}"#);
    assert_eq!(app.post_log(COUNT, r#"{"query":{"toNumber":"+15551234567"}}"#).await, r#"200 {"count":30}"#);
}
