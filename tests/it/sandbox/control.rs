//! What keeps others away from the control routes, and what wrong control requests are answered.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::TestSandbox;
use crate::support::TestApp;

#[actix_web::test]
async fn control_routes_refuse_other_origins_hosts_and_types() {
    let sandbox = TestSandbox::new().await;
    let send = async |headers: &[(&str, &str)], body: &str| {
        let response = sandbox.send("POST", "/_sandbox/tenants", headers, body).await;
        format!("{} {}", response.status.as_u16(), response.body.chars().take(90).collect::<String>())
    };
    let json_type = ("content-type", "application/json");
    for (headers, body) in [
        (&[("host", "localhost:8080"), json_type][..], "{}"),
        (&[("host", "127.0.0.1"), json_type], "{}"),
        (&[("host", "[::1]:8080"), ("content-type", "Application/JSON; charset=utf-8")], "{}"),
        (&[("host", "localhost:8080"), json_type, ("origin", "http://localhost:8080")], "{}"),
        (&[("host", "localhost")], ""),
    ] {
        assert_eq!(send(headers, body).await[..3], *"201", "{headers:?}");
    }
    assert_snapshot!(send(&[("host", "example.com"), json_type], "{}").await, @r#"403 {"title":"access-denied","status":403,"detail":"The Host header must name a loopback addre"#);
    assert_snapshot!(send(&[json_type], "{}").await, @r#"403 {"title":"access-denied","status":403,"detail":"The Host header must name a loopback addre"#);
    for origin in ["http://example.com", "null", "https://localhost:8080", "http://localhost:8081", ""] {
        let headers = [("host", "localhost:8080"), json_type, ("origin", origin)];
        let refused = send(&headers, "{}").await;
        assert!(refused.starts_with("403 ") && refused.contains("The Origin header must"), "{origin}: {refused}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let headers = [("host", "localhost"), ("content-type", kind), ("content-length", "2")];
        let refused = send(&headers, "{}").await;
        assert!(refused.starts_with("403 ") && refused.contains("The Content-Type header must"), "{kind}: {refused}");
    }
    // Not even an unknown control route says that it is unknown.
    assert_eq!(sandbox.send("GET", "/_sandbox/nothing", &[("host", "example.com")], "").await.status.as_u16(), 403);
    let response = sandbox.send("GET", "/_sandbox/tenants", &[("host", "localhost")], "").await;
    assert!(response.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
}

#[actix_web::test]
async fn serve_has_no_control_route() {
    let app = TestApp::new().await;
    let paths = ["/tenants", "/tenants/3193", "/unmatched"].map(str::to_owned);
    let of_tenant = ["reset", "strict", "clock", "messages", "statuses", "faults", "faults/1", "requests", "verify"];
    let paths = paths.into_iter().chain(of_tenant.map(|path| format!("/tenants/3193/{path}")));
    for path in paths {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let headers = [("host", "localhost"), ("content-type", "application/json")];
            let response = app.send(method, &format!("/_sandbox{path}"), &headers, "{}").await;
            assert_eq!(response.status.as_u16(), 404, "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn control_routes_say_which_methods_they_answer() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    for (path, allowed) in [
        ("/tenants".to_owned(), "GET, POST"),
        (format!("/tenants/{}", tenant.id), "DELETE"),
        (format!("/tenants/{}/clock", tenant.id), "GET, PUT"),
        (format!("/tenants/{}/faults", tenant.id), "DELETE, GET, POST"),
        ("/unmatched".to_owned(), "GET"),
    ] {
        let response = sandbox.send("PATCH", &format!("/_sandbox{path}"), &[("host", "localhost")], "").await;
        assert_eq!(response.status.as_u16(), 405, "{path}");
        assert_eq!(response.headers.get("allow").unwrap(), allowed, "{path}");
    }
    assert_eq!(sandbox.control("GET", "/nothing", "").await[..3], *"404");
}

/// Every field of every control request with every wrong type.
#[actix_web::test]
async fn wrong_types_in_control_requests_are_named() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let own = |path: &str| format!("/tenants/{}{path}", tenant.id);
    let fault = |then: Value| json!({"match": {}, "then": then});
    // The request, a field of it, what is right there, and the types that are right.
    let fields: Vec<(&str, String, &str, Value, &str)> = vec![
        ("POST", "/tenants".into(), "fixtures", json!({}), "string list"),
        ("POST", "/tenants".into(), "logs", json!({}), "list"),
        ("POST", "/tenants".into(), "now", json!({}), "string"),
        ("POST", "/tenants".into(), "strict", json!({}), "boolean"),
        ("PUT", own("/strict"), "strict", json!({}), "boolean"),
        ("PUT", own("/clock"), "now", json!({}), "string"),
        ("PUT", own("/clock"), "runs", json!({"now": "2026-03-01"}), "boolean"),
        ("PUT", own("/clock"), "advance", json!({}), "string"),
        ("PUT", own("/clock"), "machine", json!({}), "boolean"),
        ("POST", own("/faults"), "match", fault(json!({"status": 400})), "object"),
        ("POST", own("/faults"), "match.method", fault(json!({"status": 400})), "string"),
        ("POST", own("/faults"), "match.route", fault(json!({"status": 400})), "string"),
        ("POST", own("/faults"), "match.body", fault(json!({"status": 400})), "object"),
        ("POST", own("/faults"), "skip", fault(json!({"status": 400})), "integer"),
        ("POST", own("/faults"), "times", fault(json!({"status": 400})), "integer"),
        ("POST", own("/faults"), "probability", fault(json!({"status": 400})), "integer number"),
        ("POST", own("/faults"), "then", json!({}), "object"),
        ("POST", own("/faults"), "then.error", fault(json!({})), "string"),
        ("POST", own("/faults"), "then.status", fault(json!({})), "integer"),
        ("POST", own("/faults"), "then.title", fault(json!({"status": 400})), "string"),
        ("POST", own("/faults"), "then.detail", fault(json!({"status": 400})), "string"),
        ("POST", own("/faults"), "then.headers", fault(json!({"status": 400})), "object"),
        ("POST", own("/faults"), "then.retryAfter", fault(json!({"status": 400})), "integer"),
        ("POST", own("/faults"), "then.delayMs", fault(json!({})), "integer"),
        ("POST", own("/faults"), "then.close", fault(json!({})), "string"),
        ("POST", own("/faults"), "then.truncate", fault(json!({})), "integer"),
        ("POST", own("/faults"), "then.contentType", fault(json!({"status": 400})), "string"),
        ("POST", own("/faults"), "then.pass", fault(json!({})), "boolean"),
        ("POST", own("/verify"), "match", json!({}), "object"),
        ("POST", own("/verify"), "match.status", json!({"match": {}}), "integer"),
        ("POST", own("/verify"), "match.route", json!({"match": {}}), "string"),
        ("POST", own("/verify"), "match.method", json!({"match": {}}), "string"),
        ("POST", own("/verify"), "match.body", json!({"match": {}}), "object"),
        ("POST", own("/verify"), "count", json!({}), "integer"),
        ("POST", own("/verify"), "atLeast", json!({}), "integer"),
        ("POST", own("/verify"), "atMost", json!({}), "integer"),
    ];
    let values = [
        ("string", json!("79001112233")),
        ("integer", json!(7)),
        ("integer", json!(-7)),
        ("number", json!(7.5)),
        ("boolean", json!(true)),
        ("list", json!([79_001_112_233_i64])),
        ("list", json!([])),
        ("object", json!({"79001112233": {}})),
    ];
    for (method, path, field, around, right) in &fields {
        for (kind, value) in &values {
            if right.split(' ').any(|right| right == *kind) && *value != json!(-7) {
                continue;
            }
            let mut body = around.clone();
            let steps: Vec<&str> = field.split('.').collect();
            let (last, parents) = steps.split_last().unwrap();
            let parent = parents.iter().fold(&mut body, |value, step| &mut value[step]);
            parent[last] = value.clone();
            let response = sandbox.control(method, path, &body).await;
            assert!(response.starts_with("400 ") && response.contains(field), "{path} {body}: {response}");
            assert!(!response.contains("79001112233"), "{path} {body}: {response}");
        }
        let mut body = around.clone();
        body["79001112233"] = json!(1);
        let response = sandbox.control(method, path, &body).await;
        assert!(response.starts_with("400 ") && response.contains("is unknown; known here: "), "{path}: {response}");
        for body in ["[]", "5", "{", "nonsense", "{}{}"] {
            let response = sandbox.control(method, path, body).await;
            assert!(response.starts_with("400 "), "{path} {body}: {response}");
        }
    }
}

#[actix_web::test]
async fn control_requests_of_any_size_leave_the_sandbox_alive() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let long = format!("{{\"fixtures\":[\"{}\"]}}", "x".repeat(33 * 1024 * 1024));
    assert_snapshot!(sandbox.control("POST", "/tenants", long).await, @r#"413 {"title":"request-too-large","status":413,"detail":"The body must be at most 33554432 bytes long."}"#);
    for id in ["0", "-1", "99999999999999999999", "x", "%00"] {
        assert_eq!(sandbox.control("GET", &format!("/tenants/{id}/clock"), "").await[..3], *"404", "{id}");
        let response = tenant.control("DELETE", &format!("/faults/{id}"), "").await;
        assert_eq!(response[..3], *"404", "{id}");
    }
    assert_eq!(tenant.history(json!({})).await[..3], *"200");
}
