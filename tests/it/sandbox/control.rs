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
    // However its path is written.
    for path in ["/%5Fsandbox/tenants", "/_%73andbox/tenants", "/%5fsandbox/%74enants"] {
        let headers = [("host", "example.com"), json_type];
        assert_eq!(sandbox.send("POST", path, &headers, "{}").await.status.as_u16(), 403, "{path}");
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
    let of_tenant = [
        "reset",
        "strict",
        "clock",
        "messages",
        "statuses",
        "faults",
        "faults/1",
        "requests",
        "verify",
        "life",
        "callbacks",
        "incoming",
    ];
    let paths = paths.into_iter().chain(of_tenant.map(|path| format!("/tenants/3193/{path}")));
    let simulated = [
        "/api/cascade/schedule",
        "/api/cascade/get-all",
        "/api/channel-profile",
        "/api/callback/set",
        "/api/in-message/change-status",
    ];
    for path in paths.map(|path| format!("/_sandbox{path}")).chain(simulated.map(str::to_owned)) {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let headers =
                [("host", "localhost"), ("content-type", "application/json"), ("x-api-key", app.key.as_str())];
            let response = app.send(method, &path, &headers, "{}").await;
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
        ("PUT", own("/life"), "steps", json!({"steps": []}), "list"),
        ("PUT", own("/life"), "match", json!({"steps": []}), "object"),
        ("PUT", own("/life"), "match.address", json!({"steps": [], "match": {}}), "string"),
        ("PUT", own("/life"), "repeat", json!({"steps": []}), "integer"),
        ("PUT", own("/life"), "shuffle", json!({"steps": []}), "boolean"),
        ("PUT", own("/callbacks"), "statusCallbackUrl", json!({}), "string"),
        ("PUT", own("/callbacks"), "inMessageCallbackUrl", json!({}), "string"),
        ("PUT", own("/callbacks"), "messageMatcherCallbackUrl", json!({}), "string"),
        ("PUT", own("/callbacks"), "subjectId", json!({}), "integer negative"),
        ("PUT", own("/callbacks"), "authorization", json!({}), "string"),
        ("POST", own("/incoming"), "address", json!({"subjectId": 501, "text": "x"}), "string"),
        ("POST", own("/incoming"), "subjectId", json!({"address": "7", "text": "x"}), "integer"),
        ("POST", own("/incoming"), "text", json!({"address": "7", "subjectId": 501}), "string"),
        ("POST", own("/incoming"), "content", json!({"address": "7", "subjectId": 501}), "object"),
        ("POST", own("/incoming"), "replyTo", json!({"address": "7", "subjectId": 501, "text": "x"}), "integer"),
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
            let may_be_negative = right.contains("negative");
            if right.split(' ').any(|right| right == *kind) && (may_be_negative || *value != json!(-7)) {
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
        assert!(!response.contains("79001112233"), "{path}: {response}");
        for (body, reason) in [
            ("[]", "must be a JSON object"),
            ("5", "must be a JSON object"),
            ("{", "not valid JSON"),
            ("nonsense", "not valid JSON"),
            ("{} x", "not valid JSON"),
        ] {
            let response = sandbox.control(method, path, body).await;
            assert!(response.starts_with("400 ") && response.contains(reason), "{path} {body}: {response}");
        }
        let name = field.split('.').next().unwrap();
        let huge = format!("{{\"{name}\":1e400}}");
        let response = sandbox.control(method, path, huge).await;
        assert!(response.starts_with("400 ") && !response.contains("not valid JSON"), "{path} {field}: {response}");
    }
}

#[actix_web::test]
async fn control_requests_with_more_than_they_take_are_rejected() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    assert!(tenant.control("POST", "/reset", r#"{"messages":1}"#).await.contains("'messages' is unknown"));
    for (method, path) in [("DELETE", "?x=1"), ("GET", "/clock?x=1"), ("GET", "/faults?x=1"), ("GET", "/callbacks?x=1")]
    {
        let response = tenant.control(method, path, "").await;
        assert!(response.starts_with("400 ") && response.contains("takes none"), "{path}: {response}");
    }
    let headers = json!({"then": {"status": 200, "headers": {"x-a": "1", "X-A": "2"}}});
    assert!(tenant.control("POST", "/faults", headers).await.contains("is given twice"));
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

#[actix_web::test]
async fn a_rule_may_name_every_documented_route() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let document: Value = serde_json::from_str(&history_gateway::http::openapi::document()).unwrap();
    let mut seen = 0;
    for path in document["paths"].as_object().unwrap().keys() {
        let is_of_server = ["/healthz", "/readyz", "/metrics", "/openapi.json"].contains(&path.as_str());
        let rule = json!({"match": {"route": path}, "then": {"status": 500}});
        let added = tenant.control("POST", "/faults", rule).await;
        assert_eq!(added.starts_with("201 "), !is_of_server, "{path}: {added}");
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}

/// The table of docs/sandbox.md: every row is a request, and the error that it gets.
#[actix_web::test]
async fn the_documented_requests_get_the_documented_errors() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sandbox.md")).unwrap();
    let section = docs.split("### By request").nth(1).unwrap().split("### By key").next().unwrap();
    let mut rows = 0;
    for row in section.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [status, error, key, request] = cells[..] else { panic!("{row}") };
        let mut parts = request.splitn(3, ' ');
        let (method, path, body) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or_default());
        let long = format!("{{\"comment\":\"{}\"}}", "x".repeat(1024 * 1024));
        let body = if body == "with more than 1 MiB" { &long } else { body };
        let keys: Vec<&str> = key.split(", ").map(|key| key.trim_matches('`')).collect();
        for key in keys {
            let value = match key {
                "none" => None,
                "unknown" => Some("0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"),
                name => Some(tenant.key(name)),
            };
            let name = if path.contains("whatsapp-log") { "apikey" } else { "x-api-key" };
            let headers = [Some(("content-type", "application/json")), value.map(|value| (name, value))];
            let headers: Vec<_> = headers.into_iter().flatten().collect();
            let response = sandbox.send(method, path, &headers, body).await;
            assert_eq!(response.status.as_u16().to_string(), status, "{row}: {}", response.body);
            assert!(response.body.contains(error), "{row}: {}", response.body);
            rows += 1;
        }
    }
    assert!(rows > 15, "{rows}");
}
