//! edna's published samples, byte for byte.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{TENANT, TestApp};
use history_gateway::ingest;
use history_gateway::model::Item;

const RESPONSE: &str = include_str!("../fixtures/edna-response.json");
const WITH_FILTER: &str = include_str!("../fixtures/edna-request-with-filter.json");
const WITHOUT_FILTER: &str = include_str!("../fixtures/edna-request-without-filter.json");
const SKELETON: &str = include_str!("../fixtures/edna-request-skeleton.json");

/// An app with the two published messages, imported as published.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    let response: Value = serde_json::from_str(RESPONSE).unwrap();
    let item = |item: &Value| Item::parse(&item.to_string(), TENANT).unwrap();
    let items = response["content"].as_array().unwrap().iter().map(item).collect();
    ingest::record(&app.store, TENANT, items).await.unwrap();
    app
}

/// The request with another end of its window and without its traffic types.
fn widened(request: &str) -> Value {
    let mut request: Value = serde_json::from_str(request).unwrap();
    request["dateTo"] = "2024-07-24T00:00:00Z".into();
    request.as_object_mut().unwrap().remove("trafficTypes");
    request
}

#[actix_web::test]
async fn published_requests_as_is_return_an_empty_list() {
    let app = app().await;
    assert_snapshot!(app.history(WITH_FILTER).await, @r#"200 {"content":[],"hasNext":false}"#);
    assert_snapshot!(app.history(WITHOUT_FILTER).await, @r#"200 {"content":[],"hasNext":false}"#);
}

#[actix_web::test]
async fn widened_requests_return_the_published_response_exactly() {
    let app = app().await;
    let published = format!("200 {}", RESPONSE.trim_end());
    assert_eq!(app.history(widened(WITH_FILTER)).await, published);
    assert_eq!(app.history(widened(WITHOUT_FILTER)).await, published);
}

#[actix_web::test]
async fn skeleton_request_with_zeros_is_200() {
    let app = app().await;
    assert_snapshot!(app.history(SKELETON).await, @r#"200 {"content":[],"hasNext":false}"#);
}
