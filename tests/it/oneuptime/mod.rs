//! The OneUptime dialect, a file a part of docs/oneuptime.md, and what its tests share.

mod counts;
mod files;
mod invalid_requests;
mod items;
mod keys;
mod lists;
mod message_rows;
mod operators;
mod oracle;
mod plans;
mod property;
mod samples;
mod search;
mod select;
mod sort;

use history_gateway::ingest::{self, OutcomeCounts};
use history_gateway::model::TenantId;
use history_gateway::oneuptime::row;
use serde_json::{Value, json};

use crate::support::{Response, TENANT, TestApp};

pub const LIST: &str = "/api/whatsapp-log/get-list";
pub const COUNT: &str = "/api/whatsapp-log/count";

/// The id of a row, by its number.
pub fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A row of OneUptime's own with every required field, a minute after the row before it, and `fields` over it.
pub fn log(number: u32, fields: Value) -> Value {
    let mut row = json!({
        "_id": id(number),
        "createdAt": format!("2026-03-01T10:{number:02}:00.000Z"),
        "toNumber": "+15551234567",
        "status": "Sent",
    });
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

/// A WhatsApp message that was sent out, in edna's form, and `fields` over it.
pub fn whatsapp(id: i64, fields: Value) -> Value {
    let mut message = crate::support::message(id, json!({"channelType": "WHATSAPP"}));
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message
}

/// The name of a row in short: its number, or what a message's row begins with.
fn short(id: &str) -> String {
    let number = id.strip_prefix("00000000-0000-4000-8000-").and_then(|end| end.parse::<u32>().ok());
    number.map_or_else(|| id.to_owned(), |number| number.to_string())
}

impl TestApp {
    pub async fn import_logs(&self, rows: impl IntoIterator<Item = Value>) -> OutcomeCounts {
        self.import_logs_for(TENANT, rows).await
    }

    pub async fn import_logs_for(&self, tenant: TenantId, rows: impl IntoIterator<Item = Value>) -> OutcomeCounts {
        let project_id = tenant.derived_project_id().to_string();
        let rows = rows.into_iter().map(|row| row::parse(&row.to_string(), &project_id).unwrap().log).collect();
        ingest::logs::record(&self.store, tenant, rows).await.unwrap()
    }

    /// A request with a key in OneUptime's header; none where the key is empty.
    pub async fn log_call(&self, key: &str, method: &str, path: &str, body: impl ToString) -> Response {
        let headers: &[(&str, &str)] = if key.is_empty() { &[] } else { &[("ApiKey", key)] };
        self.send(method, path, headers, body.to_string()).await
    }

    /// A request with the master key: `200 {"count":…}`.
    pub async fn logs(&self, path: &str, body: impl ToString) -> String {
        self.logs_with(&self.key, path, body).await
    }

    pub async fn logs_with(&self, key: &str, path: &str, body: impl ToString) -> String {
        let response = self.log_call(key, "POST", path, body).await;
        format!("{} {}", response.status.as_u16(), response.body)
    }

    /// The rows of a list by their numbers, and the count: `[3, 2] of 5`.
    pub async fn found(&self, body: impl ToString) -> String {
        self.found_with(&self.key, body).await
    }

    pub async fn found_with(&self, key: &str, body: impl ToString) -> String {
        let answer = self.logs_with(key, LIST, body).await;
        let Some(body) = answer.strip_prefix("200 ") else { return answer };
        let answer: Value = serde_json::from_str(body).unwrap();
        let ids = answer["data"].as_array().unwrap().iter();
        let ids: Vec<String> = ids.map(|row| short(row["_id"].as_str().unwrap())).collect();
        format!("[{}] of {}", ids.join(", "), answer["count"])
    }

    /// The rows that a query finds, the oldest first; the count endpoint must say the same.
    pub async fn query(&self, query: Value) -> String {
        let found = self.found(json!({"query": query, "sort": {"createdAt": 1}, "limit": 100})).await;
        let Some((_, count)) = found.split_once(" of ") else {
            assert_eq!(self.logs(COUNT, json!({"query": query})).await, found, "{query}");
            return found;
        };
        assert_eq!(self.logs(COUNT, json!({"query": query})).await, format!("200 {{\"count\":{count}}}"), "{query}");
        found.split_once(" of ").unwrap().0.to_owned()
    }

    /// A key with the live form of answers.
    pub async fn live_key(&self) -> String {
        self.issue(TENANT, |key| key.oneuptime_profile = Some("live".into())).await
    }
}
