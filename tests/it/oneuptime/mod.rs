//! The OneUptime dialect, one file per part of docs/oneuptime.md, and what its tests share.

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

/// A row in OneUptime's form with every required field, its number in minutes after 10:00; `fields` override them.
pub fn log_row(number: u32, fields: Value) -> Value {
    let mut row = json!({
        "_id": id(number),
        "createdAt": format!("2026-03-01T10:{number:02}:00.000Z"),
        "toNumber": "+15551234567",
        "status": "Sent",
    });
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

/// An outgoing WhatsApp message in edna's form; `fields` override its fields or are added.
pub fn whatsapp(id: i64, fields: Value) -> Value {
    let mut message = crate::support::message(id, json!({"channelType": "WHATSAPP"}));
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message
}

/// The number of a row; the whole id if it is a message's row.
fn short_id(id: &str) -> String {
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

    /// Sends a request with a key in OneUptime's header, or without the header if the key is empty.
    pub async fn log_request(&self, key: &str, method: &str, path: &str, body: impl ToString) -> Response {
        let headers: &[(&str, &str)] = if key.is_empty() { &[] } else { &[("ApiKey", key)] };
        self.send(method, path, headers, body.to_string()).await
    }

    /// Posts a request with the master key; returns status and body: `200 {"count":…}`.
    pub async fn post_log(&self, path: &str, body: impl ToString) -> String {
        self.post_log_with(&self.key, path, body).await
    }

    pub async fn post_log_with(&self, key: &str, path: &str, body: impl ToString) -> String {
        let response = self.log_request(key, "POST", path, body).await;
        format!("{} {}", response.status.as_u16(), response.body)
    }

    /// Requests a list; returns the numbers of its rows and the count: `[3, 2] of 5`.
    pub async fn list_numbers(&self, body: impl ToString) -> String {
        self.list_numbers_with(&self.key, body).await
    }

    pub async fn list_numbers_with(&self, key: &str, body: impl ToString) -> String {
        let response = self.post_log_with(key, LIST, body).await;
        let Some(body) = response.strip_prefix("200 ") else { return response };
        let response: Value = serde_json::from_str(body).unwrap();
        let ids = response["data"].as_array().unwrap().iter();
        let ids: Vec<String> = ids.map(|row| short_id(row["_id"].as_str().unwrap())).collect();
        format!("[{}] of {}", ids.join(", "), response["count"])
    }

    /// The rows that a query finds, the oldest first. Fails unless the count endpoint agrees.
    pub async fn query(&self, query: Value) -> String {
        let found = self.list_numbers(json!({"query": query, "sort": {"createdAt": 1}, "limit": 100})).await;
        let Some((_, count)) = found.split_once(" of ") else {
            assert_eq!(self.post_log(COUNT, json!({"query": query})).await, found, "{query}");
            return found;
        };
        assert_eq!(
            self.post_log(COUNT, json!({"query": query})).await,
            format!("200 {{\"count\":{count}}}"),
            "{query}"
        );
        found.split_once(" of ").unwrap().0.to_owned()
    }

    /// A key with the live profile.
    pub async fn live_key(&self) -> String {
        self.issue_key(TENANT, |key| key.oneuptime_profile = Some("live".into())).await
    }
}
