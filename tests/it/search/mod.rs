//! Text search: the analysis by itself, and against a plain scan of the messages (docs/api.md §3).

mod index;
mod matching;
mod properties;
mod rules;
mod scan;

use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, instant};
use history_gateway::store::Store;
use history_gateway::store::search::indexing;

/// Brings the text index up to date.
pub async fn index(store: &Store) {
    let step = |connection: &mut _| indexing::step(connection, TENANT, 100, instant(crate::support::NOW));
    while store.write(step).await.unwrap().is_behind {}
}

/// A message with a text.
pub fn text(id: i64, text: &str) -> Value {
    crate::support::message(id, json!({"content": json!({"type": "TEXT", "text": text}).to_string()}))
}

/// The response to a search with the master key.
pub async fn search(app: &TestApp, mut query: Value, text: &str) -> Value {
    query["text"] = json!(text);
    let response = crate::v1::query(app, query).await;
    serde_json::from_str(response.strip_prefix("200 ").unwrap_or_else(|| panic!("{text}: {response}"))).unwrap()
}

/// The ids of the messages that a search finds.
pub fn ids(body: &Value) -> Vec<i64> {
    let messages = body["messages"].as_array().unwrap();
    messages.iter().map(|found| found["message"]["messageId"].as_i64().unwrap()).collect()
}

pub async fn found(app: &TestApp, text: &str) -> Vec<i64> {
    ids(&search(app, json!({}), text).await)
}
