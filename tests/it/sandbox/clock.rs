//! Time, for each tenant.

use insta::assert_snapshot;
use serde_json::json;

use super::TestSandbox;
use crate::support::message;

#[actix_web::test]
async fn a_clock_is_stopped_moved_and_given_back() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let clock = async |body: serde_json::Value| tenant.control("PUT", "/clock", body).await;
    assert_eq!(tenant.json("GET", "/clock", "").await["runs"], true);
    assert_snapshot!(clock(json!({"now": "2026-03-01T10:00:00+03:00"})).await, @r#"200 {"now":"2026-03-01T07:00:00.000Z","runs":false}"#);
    assert_snapshot!(clock(json!({"advance": "P1DT2H"})).await, @r#"200 {"now":"2026-03-02T09:00:00.000Z","runs":false}"#);
    assert_snapshot!(tenant.control("GET", "/clock", "").await, @r#"200 {"now":"2026-03-02T09:00:00.000Z","runs":false}"#);
    let runs = clock(json!({"now": "2030-01-01", "runs": true})).await;
    assert!(runs.starts_with(r#"200 {"now":"2030-01-01T00:0"#) && runs.ends_with(r#""runs":true}"#), "{runs}");
    let moved = clock(json!({"advance": "PT10H"})).await;
    assert!(moved.starts_with(r#"200 {"now":"2030-01-01T10:0"#) && moved.ends_with(r#""runs":true}"#), "{moved}");
    let given_back = clock(json!({"machine": true})).await;
    let now = history_gateway::clock::Clock::System.now().iso();
    assert_eq!(given_back[12..25], now[..13], "{given_back}");
}

#[actix_web::test]
async fn a_clock_reaches_the_year_9999_and_comes_back() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    tenant.add([1]).await;
    assert_snapshot!(tenant.control("PUT", "/clock", json!({"now": "9999-12-31T23:59:59.999Z"})).await, @r#"200 {"now":"9999-12-31T23:59:59.999Z","runs":false}"#);
    assert_eq!(tenant.history(json!({})).await[..3], *"200");
    assert_snapshot!(tenant.control("PUT", "/clock", json!({"advance": "PT1S"})).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'advance' must be a duration that ends before the year 10000."}"#);
    // One that runs stays there.
    tenant.control("PUT", "/clock", json!({"now": "9999-12-31T23:59:59.999Z", "runs": true})).await;
    assert_snapshot!(tenant.control("GET", "/clock", "").await, @r#"200 {"now":"9999-12-31T23:59:59.999Z","runs":true}"#);
    assert_snapshot!(tenant.control("PUT", "/clock", json!({"now": "2026-03-02"})).await, @r#"200 {"now":"2026-03-02T00:00:00.000Z","runs":false}"#);
    assert_eq!(tenant.ids().await, [1]);
}

#[actix_web::test]
async fn a_clock_governs_window_key_and_receipt_of_its_tenant_only() {
    let sandbox = TestSandbox::new().await;
    let one = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"})).await;
    let other = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"})).await;
    one.add([1]).await;
    other.add([1]).await;
    one.control("PUT", "/clock", json!({"advance": "P31D"})).await;
    // The default window is 30 days.
    assert_snapshot!(one.history(json!({})).await, @r#"200 {"content":[],"hasNext":false}"#);
    assert!(other.history(json!({})).await.contains(r#""messageId":1,"#));
    // The last day of the expired key is 2000-01-01.
    assert_eq!(one.history_with("expired", json!({})).await[..3], *"401");
    one.control("PUT", "/clock", json!({"now": "2000-01-01T23:59:59Z"})).await;
    assert_eq!(one.history_with("expired", json!({})).await[..3], *"200");
    assert_eq!(other.history_with("expired", json!({})).await[..3], *"401");
    // When a message was received.
    one.control("POST", "/messages", message(2, json!({}))).await;
    let headers = [("x-api-key", one.key("master"))];
    let found = sandbox.send("GET", "/v1/messages/2", &headers, "").await.body;
    assert!(found.contains(r#""receivedAt":"2000-01-01T23:59:59.000+0000""#), "{found}");
}

#[actix_web::test]
async fn a_wrong_clock_request_says_what_belongs_there() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let detail = async |body: serde_json::Value| {
        let answer = tenant.control("PUT", "/clock", &body).await;
        assert_eq!(answer[..3], *"400", "{body}");
        answer.split("\"detail\":").nth(1).unwrap().trim_end_matches('}').to_owned()
    };
    assert_snapshot!(detail(json!({"now": "tomorrow"})).await, @r#""The field 'now' must be an ISO 8601 date such as 2026-03-01T10:00:00Z.""#);
    assert_snapshot!(detail(json!({"now": 5})).await, @r#""The field 'now' must be a string.""#);
    assert_snapshot!(detail(json!({"advance": "1D"})).await, @r#""The field 'advance' must be an ISO 8601 duration such as PT10S or P1DT2H.""#);
    assert_snapshot!(detail(json!({"advance": "P1D", "now": "2026-03-01"})).await, @r#""The body must have 'now' (and 'runs', if it is to run), 'advance', or 'machine': true.""#);
    assert_snapshot!(detail(json!({"machine": false})).await, @r#""The body must have 'now' (and 'runs', if it is to run), 'advance', or 'machine': true.""#);
    assert_snapshot!(detail(json!({})).await, @r#""The body must have 'now' (and 'runs', if it is to run), 'advance', or 'machine': true.""#);
    assert_snapshot!(detail(json!({"nwo": "2026-03-01"})).await, @r#""The field 'nwo' is unknown; known here: 'now', 'runs', 'advance', 'machine'.""#);
}
