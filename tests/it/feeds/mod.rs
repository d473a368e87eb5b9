//! docs/edna.md §6: how messages and statuses are received, feed by feed, and how they are merged.

mod api;
mod event_order;
mod get_message;
mod ingest_queue;
mod webhooks;

use serde_json::{Value, json};

use crate::support::{Response, TENANT, TestApp};
use history_gateway::model::key::KeyKind;

/// An app with a key for edna's webhooks.
pub struct Feeds {
    pub app: TestApp,
    pub webhook_key: String,
}

impl Feeds {
    pub async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    pub async fn of(app: TestApp) -> Self {
        let webhook_key = app.issue_key(TENANT, |key| key.kind = KeyKind::Webhook).await;
        Self { app, webhook_key }
    }

    /// Posts an event as edna does; returns status and body.
    pub async fn post_webhook(&self, event: impl ToString) -> String {
        self.post_webhook_at("/webhooks/edna", event).await
    }

    pub async fn post_webhook_at(&self, path: &str, event: impl ToString) -> String {
        let authorization = format!("Token {}", self.webhook_key);
        status_and_body(&self.app.post(path, &[("Authorization", &authorization)], event.to_string()).await)
    }

    /// Posts to `/v1` with the master key; returns status and body.
    pub async fn post_api(&self, path: &str, body: impl ToString) -> String {
        self.post_api_with(&self.app.key, path, body).await
    }

    pub async fn post_api_with(&self, key: &str, path: &str, body: impl ToString) -> String {
        status_and_body(&self.app.post(path, &[("x-api-key", key)], body.to_string()).await)
    }

    pub async fn get(&self, path: &str) -> String {
        self.get_with(&self.app.key, path).await
    }

    pub async fn get_with(&self, key: &str, path: &str) -> String {
        status_and_body(&self.app.send("GET", path, &[("x-api-key", key)], "").await)
    }

    /// The delivery status of the only message: status, time and text.
    pub async fn only_status(&self) -> String {
        let response = self.app.history("{}").await;
        let response: Value = serde_json::from_str(response.strip_prefix("200 ").expect(&response)).unwrap();
        let message = &response["content"][0];
        let text = |name: &str| message[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("deliveryStatus"), text("deliveryStatusAt"), text("deliveryStatusMessage"))
    }
}

fn status_and_body(response: &Response) -> String {
    format!("{} {}", response.status.as_u16(), response.body)
}

/// The published shape of an incoming message's webhook (docs/edna.md 6.1).
pub fn incoming_message(id: i64) -> Value {
    json!({
        "id": id, "subject": "shop_WA", "subjectId": 501,
        "subscriber": {"id": 4242, "identifier": "79001112233"},
        "userInfo": {"userName": "alex", "firstName": null, "lastName": null, "avatarUrl": null},
        "messageContent": {"type": "TEXT", "attachment": null, "location": null, "caption": null, "text": "Hi",
            "payload": null, "story": null, "items": null, "contact": null, "product": null, "catalog": null,
            "order": null},
        "receivedAt": "2026-03-01T10:00:00Z", "replyOutMessageId": null,
        "replyOutMessageExternalRequestId": null, "replyInMessageId": null, "lastMessage": null,
    })
}

/// The published shape of a status webhook (docs/edna.md 6.2), of message 1.
pub fn status_event(word: &str, at: &str) -> Value {
    json!({
        "requestId": "req-1", "messageId": 1, "cascadeId": 31,
        "cascadeStageUUID": "b75c5b32-d185-4784-aac0-ec3adc468a71", "subject": "shop_WA", "subjectId": 501,
        "status": word, "statusAt": at, "error": null, "comment": null, "paymentData": null,
    })
}

/// A JSON object; `fields` override its fields or are added.
pub fn with_fields(mut value: Value, fields: Value) -> Value {
    let fields = fields.as_object().expect("an object of fields").clone();
    value.as_object_mut().unwrap().extend(fields);
    value
}
