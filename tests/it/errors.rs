//! docs/edna.md §5: every error, its status and its exact body.

use insta::assert_snapshot;
use serde_json::json;

use crate::oneuptime::LIST;
use crate::support::{TENANT, TestApp, message, runs_on_postgres};
use history_gateway::model::key::KeyKind;
use history_gateway::model::{CallerId, TenantId};

#[actix_web::test]
async fn invalid_keys_get_the_same_401_whatever_the_reason() {
    let app = TestApp::new().await;
    let missing = app.post("/api/messages/history", &[], "{}").await;
    assert_eq!(missing.header("content-type"), "application/json");
    let missing = format!("{} {}", missing.status.as_u16(), missing.body);
    assert_snapshot!(missing, @r#"401 {"title":"Api-key not found","status":401,"detail":"The x-api-key header holds no valid API key."}"#);
    let expired = app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["message-history".into()]);
        key.valid_until = Some("2026-02-28".parse().unwrap());
    });
    let webhook = app.issue_key(TENANT, |key| key.kind = KeyKind::Webhook);
    for key in [expired.await, webhook.await, "550e8400-e29b-41d4-a716-446655440000".into(), "x".into(), String::new()]
    {
        assert_eq!(app.history_with(&key, "{}").await, missing);
    }
}

#[actix_web::test]
async fn key_and_group_are_checked_before_the_body_is_read() {
    let app = TestApp::new().await;
    let response = app.post("/api/messages/history", &[], vec![b'['; 3_000_000]).await;
    assert_eq!(response.status, 401);
    let group = app.issue_key(TENANT, |key| key.kind = KeyKind::Additional).await;
    let response = app.post("/api/messages/history", &[("x-api-key", &group)], vec![b'['; 3_000_000]).await;
    assert_eq!(response.status, 403);
    let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], vec![b'['; 3_000_000]).await;
    assert_eq!(response.status, 413);
}

#[actix_web::test]
async fn limit_over_1000_is_400() {
    assert_snapshot!(TestApp::new().await.history(r#"{"limit":1001}"#).await, @r#"400 {"title":"limit-not-valid","status":400,"detail":"The field 'limit' must be between 0 and 1000."}"#);
}

#[actix_web::test]
async fn range_over_366_days_is_400() {
    assert_snapshot!(TestApp::new().await.history(r#"{"dateFrom":"2024-01-01","dateTo":"2026-01-01"}"#).await, @r#"400 {"title":"date-range-not-valid","status":400,"detail":"The fields 'dateFrom' and 'dateTo' must be at most 366 days apart."}"#);
}

#[actix_web::test]
async fn subject_of_another_tenant_is_not_found() {
    let app = TestApp::new().await;
    let other = TenantId(77);
    app.create_tenant(other).await;
    app.import_for(other, [message(1, json!({"subjectId": 99}))]).await;
    assert_snapshot!(app.history(r#"{"subjectId":99}"#).await, @r#"400 {"title":"message-matcher-subject-not-found","status":400,"detail":"The field 'subjectId' names a subject that does not exist."}"#);
    assert_snapshot!(app.history(r#"{"subjectId":-1}"#).await, @r#"400 {"title":"message-matcher-subject-not-found","status":400,"detail":"The field 'subjectId' names a subject that does not exist."}"#);
}

#[actix_web::test]
async fn key_without_the_history_group_is_403() {
    let app = TestApp::new().await;
    let key = app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["messaging".into(), "templates".into()]);
    });
    assert_snapshot!(app.history_with(&key.await, "{}").await, @r#"403 {"title":"access-denied","status":403,"detail":"The key does not belong to the message-history group."}"#);
}

#[actix_web::test]
async fn a_subject_outside_the_keys_senders_is_denied() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"subjectId": 501})), message(2, json!({"subjectId": 502})), message(3, json!({}))])
        .await;
    let key = app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["message-history".into()]);
        key.senders = Some(vec![501]);
    });
    let key = key.await;
    assert_snapshot!(app.history_with(&key, r#"{"subjectId":502}"#).await, @r#"403 {"title":"access-denied","status":403,"detail":"The subject does not belong to the key's senders."}"#);
    // An unknown subject is checked first: 400 before 403.
    assert_snapshot!(app.history_with(&key, r#"{"subjectId":503}"#).await, @r#"400 {"title":"message-matcher-subject-not-found","status":400,"detail":"The field 'subjectId' names a subject that does not exist."}"#);
    assert_snapshot!(app.ids_with(&key, r#"{"subjectId":501}"#).await, @"[1]");
    // Without a subject, only the senders' messages are found.
    assert_snapshot!(app.ids_with(&key, "{}").await, @"[1]");
    assert_snapshot!(app.ids_with(&key, r#"{"messageId":2}"#).await, @"[]");
    assert_snapshot!(app.ids_with(&key, r#"{"subscriberFilter":{"address":"79001112233"}}"#).await, @"[1]");
}

#[actix_web::test]
async fn wrong_paths_methods_and_sizes_are_404_405_and_413() {
    let app = TestApp::new().await;
    let mut table = String::new();
    for (method, path) in
        [("POST", "/api/messages"), ("GET", "/history"), ("GET", "/api/messages/history"), ("DELETE", "/healthz")]
    {
        let response = app.send(method, path, &[("x-api-key", &app.key)], "").await;
        assert_eq!(response.header("content-type"), "application/json");
        let allow = response.header("allow").to_owned();
        table += &format!("{method} {path}\n  {} {allow}\n  {}\n", response.status.as_u16(), response.body);
    }
    let body = format!("{{\"x\":\"{}\"}}", "a".repeat(1_048_576));
    table += &format!("1 MiB and more\n  {}\n", app.history(body).await);
    assert_snapshot!(table, @r#"
    POST /api/messages
      404 
      {"title":"not-found","status":404,"detail":"There is nothing at this address; ask POST /api/messages/history."}
    GET /history
      404 
      {"title":"not-found","status":404,"detail":"There is nothing at this address; ask POST /api/messages/history."}
    GET /api/messages/history
      405 POST
      {"title":"method-not-allowed","status":405,"detail":"The address does not answer this method; the Allow header names those it does."}
    DELETE /healthz
      405 GET, HEAD
      {"title":"method-not-allowed","status":405,"detail":"The address does not answer this method; the Allow header names those it does."}
    1 MiB and more
      413 {"title":"request-too-large","status":413,"detail":"The body must be at most 1048576 bytes long."}
    "#);
    let body = format!("{{\"x\":\"{}\"}}", "a".repeat(1_048_576 - 8));
    assert_eq!(body.len(), 1_048_576);
    assert_eq!(app.ids(body).await, "[]");
}

#[actix_web::test]
async fn requests_over_a_keys_limit_are_429() {
    let app = TestApp::with(|config| config.edna.requests_per_second = 2).await;
    let other = app.issue_key(TENANT, |_| {}).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], "{}").await;
        statuses.push(response.status.as_u16());
        if response.status == 429 {
            assert_eq!(response.header("retry-after"), "1");
            assert_snapshot!(response.body, @r#"{"title":"too-many-requests","status":429,"detail":"The key makes too many requests; the Retry-After header tells when to try again."}"#);
        }
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(app.ids_with(&other, "{}").await, "[]", "each key has its own limit");
}

#[actix_web::test]
async fn busy_store_is_503_with_retry_after() {
    let app = TestApp::with(|config| {
        config.database.read_connections = 1;
        config.database.wait_seconds = 1;
        config.database.small_query_milliseconds = 1000;
    })
    .await;
    app.import([message(1, json!({}))]).await;
    assert_eq!(app.ids("{}").await, "[1]", "the key is cached from here on");
    // One has the slot for any tenant, one the slot for tenants that have none, and one is queued before this request.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let holders = [8, 9, 10].map(|tenant| {
        let (store, released, begun) = (app.store.clone(), released.clone(), begun.clone());
        let caller = CallerId { tenant: TenantId(tenant), key: 1 };
        let hold = move |_: &mut _, _: &_| {
            let _ = begun.send(());
            // An error means that the sender was dropped.
            let _ = released.lock().unwrap().recv();
            Ok(())
        };
        actix_web::rt::spawn(async move { store.query(&caller.into(), hold).await })
    });
    has_begun.recv().await.unwrap();
    has_begun.recv().await.unwrap();
    let sorted = r#"{"sort":[{"property":"content","direction":"ASC"}]}"#;
    let response = app.post("/api/messages/history", &[("x-api-key", &app.key)], sorted).await;
    assert_eq!(response.header("retry-after"), "1");
    assert_snapshot!(format!("{} {}", response.status.as_u16(), response.body), @r#"503 {"title":"service-unavailable","status":503,"detail":"The message store is busy or away; try again."}"#);
    // Readiness and key look-ups do not wait for queries. Nor do small queries on a file, which need no slot.
    assert_eq!(app.send("GET", "/readyz", &[], "").await.status, 200);
    if !runs_on_postgres() {
        assert_eq!(app.ids("{}").await, "[1]");
        let list = app.post(LIST, &[("ApiKey", &app.key)], "{}").await;
        assert_eq!(list.status, 200, "{}", list.body);
    }
    drop(release);
    for holder in holders {
        // Two were cancelled meanwhile and ran again.
        let _ = holder.await.unwrap();
    }
    assert_eq!(app.ids("{}").await, "[1]");
}
