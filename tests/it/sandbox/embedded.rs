//! The sandbox inside a Rust test's process.

use std::io::{Read, Write};

use history_gateway::sandbox::{FaultRule, Sandbox, SandboxError, TestTenant};
use serde_json::json;

use crate::support::message;

/// Asks for a history, as the program under test would; returns status and body.
fn ask(sandbox: &Sandbox, tenant: &TestTenant, body: &str) -> String {
    let mut stream = std::net::TcpStream::connect(sandbox.url().strip_prefix("http://").unwrap()).unwrap();
    let (key, length) = (tenant.api_key(), body.len());
    let head =
        "POST /api/messages/history HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}x-api-key: {key}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let status = response.split(' ').nth(1).unwrap().to_owned();
    format!("{status} {}", response.split("\r\n\r\n").nth(1).unwrap())
}

#[test]
fn a_rust_test_controls_a_sandbox_of_its_own() {
    let sandbox = Sandbox::start().unwrap();
    let tenant = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"})).unwrap();
    tenant.add(json!([message(1, json!({}))])).unwrap();
    assert!(ask(&sandbox, &tenant, "{}").contains(r#""messageId":1,"#));
    tenant.add_statuses(json!({"messageId": 1, "status": "READ", "statusAt": "2026-03-01T11:00:00Z"})).unwrap();
    assert!(ask(&sandbox, &tenant, "{}").contains(r#""deliveryStatus":"READ""#));
    tenant.clock().advance("P31D").unwrap();
    assert_eq!(tenant.clock().now().unwrap(), "2026-04-01T12:00:00.000Z");
    assert_eq!(ask(&sandbox, &tenant, "{}"), r#"200 {"content":[],"hasNext":false}"#);
    let rule = FaultRule::error("limit-not-valid").route("/api/messages/history").body("limit", 7).skip(1).times(1);
    tenant.fail_with(rule).unwrap();
    let statuses = [7, 7, 7].map(|limit| ask(&sandbox, &tenant, &json!({"limit": limit}).to_string())[..3].to_owned());
    assert_eq!(statuses, ["200", "400", "200"]);
    tenant.fail_with(FaultRule::status(502)).unwrap();
    assert_eq!(ask(&sandbox, &tenant, "{}")[..3], *"502");
    assert_eq!(tenant.faults().unwrap()[1]["applied"], 1);
    tenant.remove_faults().unwrap();
    assert_eq!(tenant.requests().unwrap().len(), 7);
    assert_eq!(tenant.verify(json!({"match": {"status": 200}})), Ok(5));
    let missed = tenant.verify(json!({"match": {"body": {"limit": 8}, "status": 400}})).unwrap_err().to_string();
    assert!(missed.contains(r#"all but "body.limit" fits: POST /api/messages/history {"limit":7} -> 400"#), "{missed}");
    tenant.set_strict(true).unwrap();
    assert_eq!(ask(&sandbox, &tenant, r#"{"subjectID": 501}"#)[..3], *"400");
    tenant.set_strict(false).unwrap();
    let received = tenant.incoming(json!({"address": "79001112233", "subjectId": 501, "text": "Hi"})).unwrap();
    assert_eq!(received["direction"], "IN");
    tenant.life(json!({"steps": []})).unwrap();
    let refused = tenant.set_callbacks(json!({"statusCallbackUrl": "http://127.0.0.1:1/"})).unwrap_err().to_string();
    assert_eq!(refused, "200: error-callback-url-not-available");
    assert_eq!(tenant.callbacks().unwrap().len(), 0);
    tenant.reset().unwrap();
    assert_eq!(tenant.requests().unwrap().len(), 0);
    let rejected = tenant.add(json!([{"messageId": 2}]));
    let detail = "the field 'channelType' is missing".to_owned();
    assert_eq!(rejected, Err(SandboxError::Rejected { status: 400, detail }));
    let refused = sandbox.tenant(json!({"nwo": 1})).err().unwrap().to_string();
    assert_eq!(refused, "400: The field 'nwo' is unknown; known here: 'fixtures', 'logs', 'now', 'strict'.");
}

#[test]
fn two_sandboxes_run_in_one_process() {
    let (one, other) = (Sandbox::start().unwrap(), Sandbox::start().unwrap());
    let tenant = one.tenant(json!({})).unwrap();
    assert_eq!(ask(&one, &tenant, "{}")[..3], *"200");
    assert_eq!(ask(&other, &tenant, "{}")[..3], *"401");
    assert_eq!(other.unmatched().unwrap().len(), 1);
    drop(tenant);
    drop(one);
    let tenant = other.tenant(json!({"fixtures": "demo"})).unwrap();
    assert!(ask(&other, &tenant, "{}").contains(r#""hasNext":true"#));
}

#[test]
fn a_tenant_ends_with_its_test() {
    let sandbox = Sandbox::start().unwrap();
    let id = sandbox.tenant(json!({})).unwrap().id;
    let tenant = sandbox.tenant(json!({})).unwrap();
    assert_ne!(tenant.id, id);
    drop(tenant);
    let other = sandbox.tenant(json!({})).unwrap();
    assert_eq!(ask(&sandbox, &other, "{}")[..3], *"200");
}
