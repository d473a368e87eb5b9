//! Wrong keys: rate-limited by address, all looked up alike, and without delay for other clients.

use insta::assert_snapshot;

use crate::support::{TENANT, TestApp};
use history_gateway::model::key::KeyKind;
use history_gateway::store::{LookupFor, api_keys};

/// Posts with a key from an address, which may be a proxy; returns the status and `Retry-After`.
async fn post_from(app: &TestApp, key: &str, from: &str, path: &str, forwarded: Option<&str>) -> (u16, String) {
    let service = actix_web::test::init_service(history_gateway::http::app(app.gateway.clone())).await;
    let header = if path.contains("whatsapp") { "ApiKey" } else { "x-api-key" };
    let mut request = actix_web::test::TestRequest::post().uri(path).insert_header((header, key));
    request = request.peer_addr(format!("{from}:1234").parse().unwrap());
    if let Some(forwarded) = forwarded {
        request = request.insert_header(("X-Forwarded-For", forwarded));
    }
    let response = actix_web::test::call_service(&service, request.to_request()).await;
    let wait = response.headers().get("retry-after").map(|wait| wait.to_str().unwrap().to_owned());
    (response.status().as_u16(), wait.unwrap_or_default())
}

#[actix_web::test]
async fn wrong_keys_are_rate_limited_but_valid_keys_are_not() {
    let app = TestApp::with(|config| {
        config.auth.wrong_keys_per_minute = 3;
        config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (history, count) = ("/api/messages/history", "/api/whatsapp-log/count");
    let wrong = "01234567-89ab-4cde-8f01-23456789abcd";
    for path in [history, count, history] {
        let (status, _) = post_from(&app, wrong, "203.0.113.1", path, None).await;
        assert_eq!(status, if path == history { 401 } else { 400 });
    }
    for (path, key) in [(history, wrong), (count, wrong), (history, "no uuid")] {
        let (status, wait) = post_from(&app, key, "203.0.113.1", path, None).await;
        assert_eq!(status, 429, "{path} {key}");
        assert!((1..=21).contains(&wait.parse::<u64>().unwrap()), "{wait}");
    }
    // Neither a valid key nor another address is limited.
    assert_eq!(post_from(&app, &app.key, "203.0.113.1", history, None).await.0, 200);
    assert_eq!(post_from(&app, wrong, "203.0.113.2", history, None).await.0, 401);
    // `X-Forwarded-For` counts only if it comes from a trusted proxy.
    assert_eq!(post_from(&app, wrong, "203.0.113.1", history, Some("203.0.113.99")).await.0, 429);
    assert_eq!(post_from(&app, wrong, "10.0.0.1", history, Some("203.0.113.1")).await.0, 429);
    assert_eq!(post_from(&app, wrong, "10.0.0.1", history, Some("203.0.113.3")).await.0, 401);
    // An IPv6 network counts as one client.
    for last in 1..=3 {
        assert_eq!(post_from(&app, wrong, &format!("[2001:db8::{last}]"), history, None).await.0, 401);
    }
    assert_eq!(post_from(&app, wrong, "[2001:db8::4]", history, None).await.0, 429);
}

#[actix_web::test]
async fn wrong_key_limit_error_has_each_dialects_format() {
    let app = TestApp::with(|config| config.auth.wrong_keys_per_minute = 1).await;
    let service = actix_web::test::init_service(history_gateway::http::app(app.gateway.clone())).await;
    let post = async |path, header| {
        let request = actix_web::test::TestRequest::post().uri(path);
        let request = request.insert_header((header, "01234567-89ab-4cde-8f01-23456789abcd"));
        let request = request.peer_addr("203.0.113.1:1".parse().unwrap()).to_request();
        let body = actix_web::test::call_and_read_body(&service, request).await;
        String::from_utf8(body.to_vec()).unwrap()
    };
    post("/api/messages/history", "x-api-key").await;
    assert_snapshot!(post("/api/messages/history", "x-api-key").await, @r#"{"title":"too-many-requests","status":429,"detail":"Too many wrong keys came from this address; the Retry-After header tells when to try again."}"#);
    assert_snapshot!(post("/api/whatsapp-log/count", "ApiKey").await, @r#"{"error":"Too many wrong keys came from this address; the Retry-After header tells when to try again.","message":"Too many wrong keys came from this address; the Retry-After header tells when to try again."}"#);
}

#[actix_web::test]
async fn flood_of_wrong_keys_does_not_delay_other_addresses() {
    let app = TestApp::with(|config| config.auth.wrong_keys_per_minute = 1).await;
    let (history, wrong) = ("/api/messages/history", "01234567-89ab-4cde-8f01-23456789abcd");
    let (_, denied) = (
        post_from(&app, wrong, "203.0.113.1", history, None).await,
        post_from(&app, wrong, "203.0.113.1", history, None).await,
    );
    assert_eq!(denied.0, 429);
    // A look-up for a suspect address takes until `release` is dropped.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let store = app.store.clone();
    let holding = actix_web::rt::spawn(async move {
        // An error means that the sender was dropped.
        store
            .quick_read(LookupFor::Suspect("203.0.113.9".parse().unwrap()), move |_| Ok(released.recv().is_ok()))
            .await
            .unwrap();
    });
    tokio::task::yield_now().await;
    let suspects = post_from(&app, wrong, "203.0.113.1", history, None);
    let others = async {
        let responses = (
            post_from(&app, wrong, "203.0.113.2", history, None).await,
            post_from(&app, &app.key, "203.0.113.2", history, None).await,
            app.send("GET", "/readyz", &[], "").await,
        );
        drop(release);
        (responses.0.0, responses.1.0, responses.2.status.as_u16())
    };
    let (suspects, others) = tokio::join!(suspects, others);
    assert_eq!((suspects.0, others), (429, (401, 200, 200)));
    holding.await.unwrap();
}

#[actix_web::test]
async fn every_kind_of_wrong_key_costs_one_lookup() {
    let app = TestApp::new().await;
    let webhook = app.issue_key(TENANT, |key| key.kind = KeyKind::Webhook).await;
    let expired = app
        .issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.valid_until = chrono::NaiveDate::from_ymd_opt(2020, 1, 1);
        })
        .await;
    let revoked = app.issue_key(TENANT, |_| {}).await;
    app.store
        .write(|connection| api_keys::revoke(connection, TENANT, 4, crate::support::instant(crate::support::NOW)))
        .await
        .unwrap()
        .unwrap();
    // A webhook key that has just been used as such is not rejected faster here.
    let authorization = format!("Token {webhook}");
    app.post("/webhooks/edna", &[("Authorization", &authorization)], r#"{"template":1}"#).await;
    let lookups = async |key: &str| {
        let before = app.store.lookups();
        let response = app.history_with(key, "{}").await;
        (response, app.store.lookups() - before)
    };
    let unknown = lookups("01234567-89ab-4cde-8f01-23456789abcd").await;
    assert_eq!(unknown.1, 1);
    for key in [&webhook, &expired, &revoked] {
        for _ in 0..2 {
            assert_eq!(lookups(key).await, unknown);
        }
    }
    assert_eq!(lookups(&app.key).await.0, "200 {\"content\":[],\"hasNext\":false}");
    assert_eq!(lookups(&app.key).await.1, 0, "a valid key is cached");
}
