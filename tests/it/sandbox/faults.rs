//! Errors on demand, by rule and by key; what goes over the wire is in `wire`.

use history_gateway::model::ErrorTitle;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{TestSandbox, TestTenant};
use crate::support::Response;

async fn ask(tenant: &TestTenant<'_>, path: &str, body: &str) -> Response {
    let key = tenant.key("master");
    let headers = [("x-api-key", key), ("apikey", key), ("content-type", "application/json")];
    tenant.sandbox.send("POST", path, &headers, body).await
}

/// The status, the headers that matter, and the body of a history request.
async fn answer(tenant: &TestTenant<'_>) -> String {
    let Response { status, headers, body } = ask(tenant, "/api/messages/history", "{}").await;
    let shown = ["content-type", "retry-after", "x-test"]
        .into_iter()
        .filter_map(|name| headers.get(name).map(|value| format!("{name}: {}; ", value.to_str().unwrap())));
    format!("{} {}{body}", status.as_u16(), shown.collect::<String>())
}

/// The answer under one rule, which is removed again.
async fn under(tenant: &TestTenant<'_>, then: Value) -> String {
    let added = tenant.control("POST", "/faults", json!({"then": then})).await;
    assert!(added.starts_with("201 "), "{added}");
    let answer = answer(tenant).await;
    tenant.control("DELETE", "/faults", "").await;
    answer
}

#[actix_web::test]
async fn every_error_of_both_dialects_is_had_by_rule() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let titles = ErrorTitle::ALL.map(ErrorTitle::as_str).into_iter().chain(["changes-expired"]);
    let edna = titles.map(|title| ("/api/messages/history", title));
    let words = [
        "no-key",
        "invalid-api-key",
        "no-permission",
        "not-found",
        "too-large",
        "too-many-requests",
        "unavailable",
        "internal-error",
    ];
    let oneuptime = words.map(|word| ("/api/whatsapp-log/count", word));
    let mut seen = String::new();
    for (route, error) in edna.chain(oneuptime) {
        let rule = json!({"match": {"route": route}, "then": {"error": error}});
        tenant.json("POST", "/faults", rule).await;
        let response = ask(&tenant, route, "{}").await;
        tenant.control("DELETE", "/faults", "").await;
        let retry = response.headers.get("retry-after").map_or("", |_| "Retry-After ");
        seen += &format!("{error}: {} {retry}{}\n", response.status.as_u16(), response.body);
    }
    assert_snapshot!(seen, @r#"
    Api-key not found: 401 {"title":"Api-key not found","status":401,"detail":"The x-api-key header holds no valid API key."}
    access-denied: 403 {"title":"access-denied","status":403,"detail":"The key does not belong to the message-history group."}
    not-valid-request: 400 {"title":"not-valid-request","status":400,"detail":"A fault rule of the sandbox asks for this response."}
    limit-not-valid: 400 {"title":"limit-not-valid","status":400,"detail":"The field 'limit' must be between 0 and 1000."}
    date-range-not-valid: 400 {"title":"date-range-not-valid","status":400,"detail":"The fields 'dateFrom' and 'dateTo' must be at most 366 days apart."}
    message-matcher-subject-not-found: 400 {"title":"message-matcher-subject-not-found","status":400,"detail":"The field 'subjectId' names a subject that does not exist."}
    not-found: 404 {"title":"not-found","status":404,"detail":"There is nothing at this address; ask POST /api/messages/history."}
    method-not-allowed: 405 {"title":"method-not-allowed","status":405,"detail":"The address does not answer this method; the Allow header names those it does."}
    request-too-large: 413 {"title":"request-too-large","status":413,"detail":"The body must be at most 1048576 bytes long."}
    too-many-requests: 429 Retry-After {"title":"too-many-requests","status":429,"detail":"The key makes too many requests; the Retry-After header tells when to try again."}
    internal-error: 500 {"title":"internal-error","status":500,"detail":"The message store cannot give this answer; its operator's log tells why."}
    service-unavailable: 503 Retry-After {"title":"service-unavailable","status":503,"detail":"The message store is busy or away; try again."}
    changes-expired: 410 {"title":"changes-expired","status":410,"detail":"The changes since then are not all known any more: take since=now, read all messages, and go on from there."}
    changes-expired: 410 {"title":"changes-expired","status":410,"detail":"The changes since then are not all known any more: take since=now, read all messages, and go on from there."}
    no-key: 401 {"error":"Authenticated user or a valid API key is needed to read record of WhatsApp Log.","message":"Authenticated user or a valid API key is needed to read record of WhatsApp Log."}
    invalid-api-key: 400 {"error":"Invalid API Key","message":"Invalid API Key"}
    no-permission: 422 {"error":"You do not have permissions to read WhatsApp Log. You need one of these permissions: Project Owner, Project Admin, Project Member, Viewer, Read WhatsApp Log, Read All Project Resources","message":"You do not have permissions to read WhatsApp Log. You need one of these permissions: Project Owner, Project Admin, Project Member, Viewer, Read WhatsApp Log, Read All Project Resources"}
    not-found: 404 {"error":"Page not found - /api/whatsapp-log/count","message":"Page not found - /api/whatsapp-log/count"}
    too-large: 413 {"error":"The body must be at most 1048576 bytes long.","message":"The body must be at most 1048576 bytes long."}
    too-many-requests: 429 Retry-After {"error":"The key makes too many requests; the Retry-After header tells when to try again.","message":"The key makes too many requests; the Retry-After header tells when to try again."}
    unavailable: 503 Retry-After {"error":"The message store is busy or away; try again.","message":"The message store is busy or away; try again."}
    internal-error: 500 {"error":"The message store cannot give this answer; its operator's log tells why.","message":"The message store cannot give this answer; its operator's log tells why."}
    "#);
}

#[actix_web::test]
async fn a_rule_answers_any_status_header_and_body() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    assert_snapshot!(under(&tenant, json!({"status": 502})).await, @r#"502 content-type: application/json; {"title":"fault","status":502,"detail":"A fault rule of the sandbox asks for this response."}"#);
    assert_snapshot!(under(&tenant, json!({"status": 418, "title": "teapot", "detail": "Short and stout."})).await, @r#"418 content-type: application/json; {"title":"teapot","status":418,"detail":"Short and stout."}"#);
    assert_snapshot!(under(&tenant, json!({"status": 200})).await, @"200 content-type: application/json; {}");
    assert_snapshot!(under(&tenant, json!({"status": 204})).await, @"204");
    assert_snapshot!(under(&tenant, json!({"status": 304, "headers": {"X-Test": "a b"}})).await, @"304 x-test: a b;");
    assert_snapshot!(under(&tenant, json!({"status": 503, "retryAfter": 7})).await, @r#"503 content-type: application/json; retry-after: 7; {"title":"fault","status":503,"detail":"A fault rule of the sandbox asks for this response."}"#);
    assert_snapshot!(under(&tenant, json!({"error": "too-many-requests", "retryAfter": 9, "detail": "Slow down."})).await, @r#"429 content-type: application/json; retry-after: 9; {"title":"too-many-requests","status":429,"detail":"Slow down."}"#);
    assert_snapshot!(under(&tenant, json!({"body": "<html>", "contentType": "text/html"})).await, @"200 content-type: text/html; <html>");
    assert_snapshot!(under(&tenant, json!({"status": 500, "body": {"code": [1, null]}})).await, @r#"500 content-type: application/json; {"code":[1,null]}"#);
    assert_snapshot!(under(&tenant, json!({"pass": true})).await, @r#"200 content-type: application/json; {"content":[],"hasNext":false}"#);
    assert_snapshot!(under(&tenant, json!({"delayMs": 1})).await, @r#"200 content-type: application/json; {"content":[],"hasNext":false}"#);
}

#[actix_web::test]
async fn rules_skip_end_and_let_later_ones_try() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    tenant.control("POST", "/faults", json!({"skip": 1, "times": 2, "then": {"status": 501}})).await;
    tenant.control("POST", "/faults", json!({"times": 1, "then": {"status": 502}})).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(ask(&tenant, "/api/messages/history", "{}").await.status.as_u16());
    }
    assert_eq!(statuses, [502, 501, 501, 200, 200]);
    assert_snapshot!(tenant.control("GET", "/faults", "").await, @r#"200 {"faults":[{"id":1,"match":{},"skip":1,"times":2,"probability":1.0,"then":{"status":501},"applied":2},{"id":2,"match":{},"skip":0,"times":1,"probability":1.0,"then":{"status":502},"applied":1}]}"#);
    assert_snapshot!(tenant.control("DELETE", "/faults/1", "").await, @"204");
    assert_snapshot!(tenant.control("DELETE", "/faults/1", "").await, @r#"404 {"title":"not-found","status":404,"detail":"There is no fault rule with this id."}"#);
}

#[actix_web::test]
async fn a_rule_matches_method_route_and_body() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let body = json!({"sort": [{"property": "messageId"}], "limit": 5, "subscriberFilter": {"address": "79000000001"}});
    let log = "/api/whatsapp-log/0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10/get-item";
    for (matched, path, is_matched) in [
        (json!({}), "/api/messages/history", true),
        (json!({"method": "post"}), "/api/messages/history", true),
        (json!({"method": "GET"}), "/api/messages/history", false),
        (json!({"route": "/api/messages/history"}), "/api/messages/history", true),
        (json!({"route": "/api/whatsapp-log/:id/get-item"}), log, true),
        (json!({"route": "/api/whatsapp-log/{itemId}/get-item"}), "/API/WhatsApp-Log/1/GET-item/", true),
        (json!({"route": "/api/whatsapp-log/:id"}), log, false),
        (json!({"route": "/api/whatsapp-log/get-list"}), "/api/messages/history", false),
        (json!({"body": {"subscriberFilter.address": "79000000001"}}), "/api/messages/history", true),
        (json!({"body": {"subscriberFilter.address": "79000000002"}}), "/api/messages/history", false),
        (json!({"body": {"sort.0.property": "messageId", "limit": 5}}), "/api/messages/history", true),
        (json!({"body": {"limit": 5.0}}), "/api/messages/history", true),
        (json!({"body": {"limit": "5"}}), "/api/messages/history", false),
        (json!({"body": {"sort": [{"property": "messageId"}]}}), "/api/messages/history", true),
        (json!({"body": {"sort.1.property": "messageId"}}), "/api/messages/history", false),
        (json!({"body": {"offset": null}}), "/api/messages/history", false),
    ] {
        let rule = json!({"match": matched, "then": {"status": 599}});
        let added = tenant.control("POST", "/faults", &rule).await;
        assert!(added.starts_with("201 "), "{rule}: {added}");
        let status = ask(&tenant, path, &body.to_string()).await.status.as_u16();
        assert_eq!(status == 599, is_matched, "{rule}: {status}");
        tenant.control("DELETE", "/faults", "").await;
    }
}

#[actix_web::test]
async fn a_probability_draws_the_same_after_a_reset() {
    let sandbox = TestSandbox::new().await;
    let (one, other) = (sandbox.tenant(json!({})).await, sandbox.tenant(json!({})).await);
    let draw = async |tenant: &TestTenant<'_>| {
        tenant.control("POST", "/faults", json!({"probability": 0.5, "then": {"status": 500}})).await;
        let mut drawn = Vec::new();
        for _ in 0..20 {
            drawn.push(ask(tenant, "/api/messages/history", "{}").await.status.as_u16() == 500);
        }
        drawn
    };
    let first = draw(&one).await;
    assert!(first.contains(&true) && first.contains(&false), "{first:?}");
    assert_eq!(draw(&other).await, first);
    one.control("POST", "/reset", "").await;
    assert_eq!(draw(&one).await, first);
}

#[actix_web::test]
async fn a_wrong_rule_is_refused_with_its_field() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let mut refused = String::new();
    for rule in [
        json!({}),
        json!({"then": {}}),
        json!({"then": {"error": "limit"}, "match": {"route": "/api/whatsapp-log/count"}}),
        json!({"then": {"error": "no-key"}, "match": {"route": "/api/messages/history"}}),
        json!({"then": {"error": "internal-error", "status": 500}}),
        json!({"then": {"status": 199}}),
        json!({"then": {"status": 600}}),
        json!({"then": {"status": 204, "body": "x"}}),
        json!({"then": {"title": "x"}}),
        json!({"then": {"close": "after"}}),
        json!({"then": {"close": "before", "truncate": 3}}),
        json!({"then": {"pass": true, "status": 200}}),
        json!({"then": {"delayMs": 3_600_000}}),
        json!({"then": {"status": 200, "headers": {"Content-Length": "5"}}}),
        json!({"then": {"status": 200, "headers": {"X-A": "a\r\nb"}}}),
        json!({"then": {"status": 200, "body": {}, "title": "x"}}),
        json!({"then": {"status": 200}, "probability": 2}),
        json!({"then": {"status": 200}, "match": {"route": "/api/history"}}),
        json!({"then": {"status": 200}, "match": {"method": "GET POST"}}),
        json!({"then": {"status": 200}, "match": {"body": {"a..b": 1}}}),
    ] {
        let answer = tenant.control("POST", "/faults", &rule).await;
        assert!(answer.starts_with("400 "), "{rule}: {answer}");
        refused += &format!("{}\n", answer.split("\"detail\":").nth(1).unwrap().trim_end_matches('}'));
    }
    assert_snapshot!(refused, @r#"
    "The field 'then' is missing."
    "The field 'then' must be an object with error, status, body, delayMs, close, truncate or pass."
    "The field 'then.error' must be one of no-key, invalid-api-key, no-permission, not-found, too-large, too-many-requests, unavailable, internal-error."
    "The field 'then.error' must be one of Api-key not found, access-denied, not-valid-request, limit-not-valid, date-range-not-valid, message-matcher-subject-not-found, not-found, method-not-allowed, request-too-large, too-many-requests, internal-error, service-unavailable, changes-expired."
    "The field 'then.status' must be given without 'then.error'."
    "The field 'then.status' must be an integer from 200 to 599."
    "The field 'then.status' must be an integer from 200 to 599."
    "The field 'then.body' must be left out: this status has no body."
    "The field 'then.title' must be given with 'then.status', 'then.error' or 'then.body'."
    "The field 'then.close' must be \"before\" or \"middle\"."
    "The field 'then.truncate' must be given without 'then.close'."
    "The field 'then.pass' must be given alone or with 'then.delayMs'."
    "The field 'then.delayMs' must be at most 600000."
    "The field 'then.headers' must be an object of header names, those that frame a message aside, and their values."
    "The field 'then.headers.X-A' must be visible ASCII characters."
    "The field 'then.title' must be given without 'then.body'."
    "The field 'probability' must be a number from 0 to 1."
    "The field 'match.route' must be a documented route such as /api/messages/history."
    "The field 'match.method' must be a method such as POST."
    "The field 'match.body' must be an object of values by dotted paths."
    "#);
    assert_eq!(tenant.json("GET", "/faults", "").await, json!({"faults": []}));
}

#[actix_web::test]
async fn fixed_keys_of_the_demo_tenant_answer_errors() {
    let sandbox = TestSandbox::with_demo().await;
    let mut seen = String::new();
    for last in ["429", "500", "503", "401", "402", "403"] {
        let key = format!("00000000-0000-4000-8000-000000000{last}");
        for (path, header) in [("/api/messages/history", "x-api-key"), ("/api/whatsapp-log/count", "apikey")] {
            let headers = [(header, key.as_str()), ("content-type", "application/json")];
            let response = sandbox.send("POST", path, &headers, "{}").await;
            let retry = response.headers.get("retry-after").map_or("", |value| value.to_str().unwrap());
            seen += &format!("{last} {header}: {} {retry} {}\n", response.status.as_u16(), response.body);
        }
    }
    assert_snapshot!(seen, @r#"
    429 x-api-key: 429 1 {"title":"too-many-requests","status":429,"detail":"The key makes too many requests; the Retry-After header tells when to try again."}
    429 apikey: 429 1 {"error":"The key makes too many requests; the Retry-After header tells when to try again.","message":"The key makes too many requests; the Retry-After header tells when to try again."}
    500 x-api-key: 500  {"title":"internal-error","status":500,"detail":"The message store cannot give this answer; its operator's log tells why."}
    500 apikey: 500  {"error":"The message store cannot give this answer; its operator's log tells why.","message":"The message store cannot give this answer; its operator's log tells why."}
    503 x-api-key: 503 1 {"title":"service-unavailable","status":503,"detail":"The message store is busy or away; try again."}
    503 apikey: 503 1 {"error":"The message store is busy or away; try again.","message":"The message store is busy or away; try again."}
    401 x-api-key: 401  {"title":"Api-key not found","status":401,"detail":"The x-api-key header holds no valid API key."}
    401 apikey: 400  {"error":"Invalid API Key","message":"Invalid API Key"}
    402 x-api-key: 401  {"title":"Api-key not found","status":401,"detail":"The x-api-key header holds no valid API key."}
    402 apikey: 400  {"error":"Invalid API Key","message":"Invalid API Key"}
    403 x-api-key: 403  {"title":"access-denied","status":403,"detail":"The key does not belong to the message-history group."}
    403 apikey: 422  {"error":"You do not have permissions to read WhatsApp Log. You need one of these permissions: Project Owner, Project Admin, Project Member, Viewer, Read WhatsApp Log, Read All Project Resources","message":"You do not have permissions to read WhatsApp Log. You need one of these permissions: Project Owner, Project Admin, Project Member, Viewer, Read WhatsApp Log, Read All Project Resources"}
    "#);
    // In any header for keys.
    let token = "Token 00000000-0000-4000-8000-000000000503";
    let response = sandbox.send("POST", "/webhooks/edna", &[("authorization", token)], "{}").await;
    assert_eq!(response.status.as_u16(), 503);
}
