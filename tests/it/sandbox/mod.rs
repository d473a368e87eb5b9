//! The sandbox: tenants, clock, faults, journal, and what keeps others away from its control routes.

mod callbacks;
mod clock;
mod control;
mod embedded;
mod faults;
mod isolation;
mod journal;
mod receiver;
mod sending;
mod start;
mod tenants;
mod verify;
mod warnings;
mod wire;

use std::sync::Arc;

use actix_web::{test, web};
use history_gateway::clock::Clock;
use history_gateway::config::Config;
use history_gateway::http::Gateway;
use history_gateway::sandbox::{Defaults, Destinations, Fixtures, Registry, Settings, app};
use serde_json::{Value, json};

use crate::support::Response;

/// A sandbox that is called in process.
pub struct TestSandbox {
    gateway: web::Data<Gateway>,
    registry: Arc<Registry>,
}

/// A tenant of it.
pub struct TestTenant<'a> {
    sandbox: &'a TestSandbox,
    pub id: i64,
    pub keys: Value,
}

impl TestSandbox {
    pub async fn new() -> Self {
        Self::with(Defaults::default()).await
    }

    pub async fn with(defaults: Defaults) -> Self {
        let config = Config::defaults().unwrap();
        let destinations = Destinations { is_local: true, ..Destinations::default() };
        let settings = Settings { defaults, destinations, ..Settings::default() };
        let (registry, base) = Registry::start(config.clone(), settings).await.unwrap();
        Self { gateway: web::Data::new(Gateway::new(&config, base, Clock::System)), registry: Arc::new(registry) }
    }

    /// With the demo tenant, which has no messages.
    pub async fn with_demo() -> Self {
        let sandbox = Self::new().await;
        sandbox.registry.create_demo(Fixtures::empty()).await.unwrap();
        sandbox
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let service = test::init_service(app(self.gateway.clone(), web::Data::from(Arc::clone(&self.registry)))).await;
        let request = test::TestRequest::with_uri(path).method(method.parse().unwrap()).set_payload(body.to_owned());
        let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
        match test::try_call_service(&service, request.to_request()).await {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
                Response { status, headers, body }
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A control request from the same machine; returns status and body.
    pub async fn control(&self, method: &str, path: &str, body: impl ToString) -> String {
        let headers = [("host", "localhost:8080"), ("content-type", "application/json")];
        let response = self.send(method, &format!("/_sandbox{path}"), &headers, &body.to_string()).await;
        format!("{} {}", response.status.as_u16(), response.body).trim_end().to_owned()
    }

    pub async fn tenant(&self, body: Value) -> TestTenant<'_> {
        let created = self.control("POST", "/tenants", body).await;
        let created: Value =
            serde_json::from_str(created.strip_prefix("201 ").unwrap_or_else(|| panic!("{created}"))).unwrap();
        TestTenant { sandbox: self, id: created["tenantId"].as_i64().unwrap(), keys: created["keys"].clone() }
    }
}

impl TestTenant<'_> {
    pub fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap()
    }

    /// A control request about this tenant.
    pub async fn control(&self, method: &str, path: &str, body: impl ToString) -> String {
        self.sandbox.control(method, &format!("/tenants/{}{path}", self.id), body).await
    }

    /// The same, whose JSON is returned.
    pub async fn json(&self, method: &str, path: &str, body: impl ToString) -> Value {
        let response = self.control(method, path, body).await;
        serde_json::from_str(response.split_once(' ').unwrap().1).unwrap_or_else(|_| panic!("{response}"))
    }

    /// A history request with the tenant's master key; returns status and body.
    pub async fn history(&self, body: Value) -> String {
        self.history_with("master", body).await
    }

    pub async fn history_with(&self, key: &str, body: Value) -> String {
        let headers = [("x-api-key", self.key(key)), ("content-type", "application/json")];
        let response = self.sandbox.send("POST", "/api/messages/history", &headers, &body.to_string()).await;
        format!("{} {}", response.status.as_u16(), response.body)
    }

    /// The count of the tenant's WhatsApp log rows; returns status and body.
    pub async fn count_logs_with(&self, key: &str) -> String {
        let headers = [("apikey", self.key(key)), ("content-type", "application/json")];
        let response = self.sandbox.send("POST", "/api/whatsapp-log/count", &headers, "{}").await;
        format!("{} {}", response.status.as_u16(), response.body)
    }

    /// The ids of its messages, the greatest first.
    pub async fn ids(&self) -> Vec<i64> {
        let response = self.history(json!({"dateFrom": "2000-01-01", "limit": 1000})).await;
        let body: Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
        body["content"].as_array().unwrap().iter().map(|item| item["messageId"].as_i64().unwrap()).collect()
    }

    /// Puts messages with these ids into the tenant.
    pub async fn add(&self, ids: impl IntoIterator<Item = i64>) {
        let messages: Vec<Value> = ids.into_iter().map(|id| crate::support::message(id, json!({}))).collect();
        let response = self.control("POST", "/messages", json!(messages)).await;
        assert!(response.starts_with("200 "), "{response}");
    }
}
