//! The gateway's own read API, `/v1` (docs/api.md): a test for each rule.

mod addresses;
mod change_pages;
mod changes;
mod cursors;
mod filters;
mod follow;
mod parameters;
mod property;
mod rows;
mod waiting;

use serde_json::{Value, json};

use crate::support::TestApp;

/// Gets a path with the master key: `200 {…}`.
pub async fn get(app: &TestApp, path: &str) -> String {
    get_with(app, &app.key, path).await
}

pub async fn get_with(app: &TestApp, key: &str, path: &str) -> String {
    let response = app.send("GET", path, &[("x-api-key", key)], "").await;
    format!("{} {}", response.status.as_u16(), response.body)
}

/// Posts a query with the master key: `200 {…}`.
pub async fn query(app: &TestApp, body: Value) -> String {
    query_with(app, &app.key, body).await
}

pub async fn query_with(app: &TestApp, key: &str, body: Value) -> String {
    let response = app.post("/v1/messages/query", &[("x-api-key", key)], body.to_string()).await;
    format!("{} {}", response.status.as_u16(), response.body)
}

/// The ids of a response, with `…` if a page follows and `incomplete` if the budget ended first; or the error's title.
pub fn ids(response: &str) -> String {
    let (status, body) = response.split_once(' ').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    if status != "200" {
        return format!("{status} {}", body["title"].as_str().unwrap());
    }
    let mut ids: Vec<String> = page_ids(&body).iter().map(i64::to_string).collect();
    if body["next"].is_string() {
        ids.push("…".into());
    }
    if body["complete"] == json!(false) {
        ids.push("incomplete".into());
    }
    format!("[{}]", ids.join(", "))
}

pub fn page_ids(body: &Value) -> Vec<i64> {
    body["messages"].as_array().unwrap().iter().map(|message| message["messageId"].as_i64().unwrap()).collect()
}

/// The bodies of a walk's pages, from the first to the last.
pub async fn walk(app: &TestApp, key: &str, mut body: Value) -> Vec<Value> {
    let mut pages = Vec::new();
    loop {
        let response = query_with(app, key, body.clone()).await;
        let page: Value =
            serde_json::from_str(response.strip_prefix("200 ").unwrap_or_else(|| panic!("{response}"))).unwrap();
        let next = page["next"].clone();
        pages.push(page);
        if next.is_null() {
            return pages;
        }
        body["cursor"] = next;
        assert!(pages.len() < 10_000, "the walk does not end");
    }
}

/// The ids of all pages of a walk.
pub async fn walk_ids(app: &TestApp, key: &str, body: Value) -> Vec<i64> {
    walk(app, key, body).await.iter().flat_map(page_ids).collect()
}
