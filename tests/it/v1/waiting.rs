//! Readers that wait for a change (docs/api.md 2.4).

use std::time::{Duration, Instant};

use actix_web::web;
use serde_json::json;

use super::changes::{body, next, told};
use super::{get, ids};
use crate::support::{TENANT, TestApp, message};
use history_gateway::http::Gateway;
use history_gateway::store::tenants;

async fn now(app: &TestApp) -> String {
    next(&body(&get(app, "/v1/changes?since=now").await))
}

/// Starts a reader, and returns once it waits.
async fn reader(app: &TestApp, parameters: String) -> impl Future<Output = String> + use<> {
    let (gateway, key) = (app.gateway.clone(), app.key.clone());
    let before = app.store.change_signals().waiting();
    let task = actix_web::rt::spawn(get_from(gateway, key, format!("/v1/changes?{parameters}")));
    while app.store.change_signals().waiting() == before {
        tokio::task::yield_now().await;
    }
    async { task.await.unwrap() }
}

async fn get_from(gateway: web::Data<Gateway>, key: String, path: String) -> String {
    let service = actix_web::test::init_service(history_gateway::http::app(gateway)).await;
    let request = actix_web::test::TestRequest::with_uri(&path).insert_header(("x-api-key", key)).to_request();
    let response = actix_web::test::call_service(&service, request).await;
    let status = response.status().as_u16();
    format!("{status} {}", String::from_utf8(actix_web::test::read_body(response).await.to_vec()).unwrap())
}

#[actix_web::test]
async fn commit_wakes_the_readers_of_its_tenant() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    let started = Instant::now();
    let waiting = reader(&app, format!("since={token}&wait=60")).await;
    let key = app.key.clone();
    let sent = message(1, json!({}));
    assert_eq!(app.post("/v1/messages", &[("x-api-key", &key)], sent.to_string()).await.status, 200);
    assert_eq!(told(&body(&waiting.await)), "+1");
    assert!(started.elapsed() < Duration::from_secs(30), "it was woken");
    assert_eq!(app.store.change_signals().waiting(), 0);
}

#[actix_web::test]
async fn commit_of_another_gateway_wakes_too() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    let other = TestApp::with_store(app.open_second_store(), &app);
    let started = Instant::now();
    let waiting = reader(&app, format!("since={token}&wait=60")).await;
    other.import([message(1, json!({}))]).await;
    assert_eq!(told(&body(&waiting.await)), "+1");
    assert!(started.elapsed() < Duration::from_secs(30), "it was woken");
}

#[actix_web::test]
async fn wait_ends_with_a_token_to_go_on_with() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    let response = body(&get(&app, &format!("/v1/changes?since={token}&wait=1")).await);
    assert_eq!(told(&response), "");
    assert_eq!(next(&response), token);
    // There is something already, or only a token is wanted.
    app.import([message(1, json!({}))]).await;
    assert_eq!(told(&body(&get(&app, &format!("/v1/changes?since={token}&wait=60")).await)), "+1");
    assert_eq!(told(&body(&get(&app, "/v1/changes?since=now&wait=60").await)), "");
}

#[actix_web::test]
async fn readers_that_wait_hold_no_connection() {
    let app = TestApp::with(|config| config.database.read_connections = 1).await;
    let token = now(&app).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(reader(&app, format!("since={token}&wait=60")).await);
    }
    assert_eq!(ids(&get(&app, "/v1/messages").await), "[]");
    app.import([message(1, json!({}))]).await;
    for waiting in waiting {
        assert_eq!(told(&body(&waiting.await)), "+1");
    }
}

#[actix_web::test]
async fn stopping_server_answers_at_once() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    let started = Instant::now();
    let waiting = reader(&app, format!("since={token}&wait=60")).await;
    app.store.stop();
    let response = body(&waiting.await);
    assert_eq!((told(&response), next(&response)), (String::new(), token));
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[actix_web::test]
async fn one_reader_too_many_gets_503() {
    let app = TestApp::with(|config| config.changes.max_waiting_readers = 1).await;
    let token = now(&app).await;
    let waiting = reader(&app, format!("since={token}&wait=60")).await;
    let response = app.send("GET", &format!("/v1/changes?since={token}&wait=60"), &[("x-api-key", &app.key)], "").await;
    assert_eq!((response.status.as_u16(), response.header("retry-after")), (503, "1"));
    assert_eq!(
        told(&body(&get(&app, &format!("/v1/changes?since={token}")).await)),
        "",
        "without a wait there is room"
    );
    app.import([message(1, json!({}))]).await;
    assert_eq!(told(&body(&waiting.await)), "+1");
}

#[actix_web::test]
async fn reader_that_leaves_is_forgotten() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    drop(app.store.wait_for_changes(TENANT, 10));
    let waiting = get_from(app.gateway.clone(), app.key.clone(), format!("/v1/changes?since={token}&wait=60"));
    assert!(tokio::time::timeout(Duration::from_millis(200), waiting).await.is_err());
    assert_eq!(app.store.change_signals().waiting(), 0);
}

#[actix_web::test]
async fn bulk_removal_tells_waiting_readers() {
    let app = TestApp::new().await;
    app.import([message(1, json!({}))]).await;
    let token = now(&app).await;
    let waiting = reader(&app, format!("since={token}&wait=60")).await;
    app.store.write(|connection| tenants::delete_messages(connection, TENANT)).await.unwrap();
    assert!(waiting.await.starts_with("410 "));
}

#[actix_web::test]
async fn key_that_is_revoked_meanwhile_gets_nothing() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    let waiting = reader(&app, format!("since={token}&wait=60")).await;
    let revoke = |connection: &mut _| {
        history_gateway::store::api_keys::revoke(connection, TENANT, 1, crate::support::instant(crate::support::NOW))
    };
    app.store.write(revoke).await.unwrap();
    // Within a second, the key is looked up again.
    while !get(&app, "/v1/messages").await.starts_with("401 ") {
        tokio::task::yield_now().await;
    }
    app.import([message(1, json!({}))]).await;
    assert!(waiting.await.starts_with("401 "));
}
