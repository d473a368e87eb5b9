//! Callbacks of simulated sending: where they go, when they are tried again, what a receiver cannot do.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::receiver::{Answer, Receiver};
use super::sending::{START, advance, messages, post, request, schedule, set_callbacks};
use super::{TestSandbox, TestTenant};

/// When each callback was posted, its answer and its attempt.
async fn attempts(tenant: &TestTenant<'_>) -> String {
    let posted = tenant.json("GET", "/callbacks", "").await;
    let posted = posted["callbacks"].as_array().unwrap();
    let shown: Vec<String> =
        posted.iter().map(|post| format!("{} {} {}", post["at"], post["status"], post["attempt"])).collect();
    shown.join("\n")
}

#[actix_web::test]
async fn every_step_is_posted_to_the_status_callback() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    schedule(&tenant, "r1").await;
    advance(&tenant, "PT5S").await;
    assert_eq!(receiver.fields("status"), ["ENQUEUED", "SENT", "DELIVERED"]);
    advance(&tenant, "PT25S").await;
    let received = receiver.received();
    assert_eq!(received[3].authorization, format!("Token {}", tenant.key("webhook")));
    let mut body = received[3].body.clone();
    assert!(body["cascadeStageUUID"].take().is_string());
    assert_snapshot!(body.to_string(), @r#"{"cascadeId":31,"cascadeStageUUID":null,"comment":"order r1","error":null,"messageId":81000000001,"paymentData":null,"requestId":"r1","status":"READ","statusAt":"2026-03-01T12:00:30.000Z","subject":"sandbox_WA","subjectId":501}"#);
    assert_snapshot!(attempts(&tenant).await, @r#"
    "2026-03-01T12:00:01.000Z" 200 1
    "2026-03-01T12:00:02.000Z" 200 1
    "2026-03-01T12:00:05.000Z" 200 1
    "2026-03-01T12:00:30.000Z" 200 1
    "#);
}

#[actix_web::test]
async fn steps_in_any_order_and_shuffled_lose_no_callback() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    let steps = json!([
        {"after": "PT5S", "status": "DELIVERED"}, {"after": "PT1S", "status": "SENT"}, {"after": "P9999Y", "status": "READ"},
    ]);
    tenant.control("PUT", "/life", json!({"steps": steps, "shuffle": true})).await;
    schedule(&tenant, "r1").await;
    advance(&tenant, "PT1S").await;
    assert_eq!((receiver.received().len(), &messages(&tenant).await[0]["deliveryStatus"]), (0, &json!("SENT")));
    advance(&tenant, "PT4S").await;
    assert_eq!(receiver.fields("status"), ["DELIVERED", "SENT"]);
}

#[actix_web::test]
async fn a_callback_that_is_not_answered_200_is_tried_again() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    tenant.control("PUT", "/life", json!({"steps": [{"after": "PT1S", "status": "SENT"}]})).await;
    receiver.answer([500, 404, 302, 503].map(Answer::Status));
    schedule(&tenant, "r1").await;
    for (by, attempts) in
        [("PT1S", 1), ("PT3S", 1), ("PT1S", 2), ("PT127S", 2), ("PT1S", 3), ("PT2047S", 3), ("PT1S", 4), ("P10D", 4)]
    {
        advance(&tenant, by).await;
        assert_eq!(receiver.received().len(), attempts, "{by}");
    }
    assert_snapshot!(attempts(&tenant).await, @r#"
    "2026-03-01T12:00:01.000Z" 500 1
    "2026-03-01T12:00:05.000Z" 404 2
    "2026-03-01T12:02:13.000Z" 302 3
    "2026-03-01T12:36:21.000Z" 503 4
    "#);
    // One jump makes all attempts.
    receiver.answer([500, 500].map(Answer::Status));
    schedule(&tenant, "r2").await;
    advance(&tenant, "P1D").await;
    assert_eq!(receiver.received().len(), 7);
}

#[actix_web::test]
async fn callbacks_are_checked_in_ednas_order() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({})).await;
    let set = async |body: Value| post(&tenant, "master", "/api/callback/set", body).await;
    assert_snapshot!(set(json!({"subjectId": 999})).await, @r#"200 {"code":"url-not-specified"}"#);
    let long = format!("{}/{}", receiver.url, "x".repeat(500));
    assert_snapshot!(set(json!({"statusCallbackUrl": long, "subjectId": 999})).await, @r#"200 {"code":"error-callback-url-max-length"}"#);
    assert_snapshot!(set(json!({"statusCallbackUrl": receiver.url, "subjectId": 999})).await, @r#"200 {"code":"error-subject-unknown"}"#);
    assert_snapshot!(set(json!({"statusCallbackUrl": "http://10.255.255.1/x"})).await, @r#"200 {"code":"error-callback-url-not-available"}"#);
    assert_snapshot!(set(json!({"statusCallbackUrl": "nonsense"})).await, @r#"200 {"code":"error-callback-url-not-available"}"#);
    let closed = "http://127.0.0.1:1/x";
    assert_snapshot!(set(json!({"inMessageCallbackUrl": closed})).await, @r#"200 {"code":"error-callback-url-not-available"}"#);
    assert_snapshot!(set(json!({"inMessageCallbackUrl": receiver.url, "subjectId": "501"})).await, @r#"200 {"code":"ok"}"#);
    tenant.control("PUT", "/strict", json!({"strict": true})).await;
    assert_snapshot!(set(json!({"statusCallbackUrl": receiver.url, "subjectId": 999})).await, @r#"200 {"code":"error-callback-url-not-https"}"#);
}

#[actix_web::test]
async fn callbacks_and_their_authorization_are_set_by_control() {
    let sandbox = TestSandbox::new().await;
    let (all, own) = (Receiver::start(), Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    assert_snapshot!(tenant.control("PUT", "/callbacks", json!({"statusCallbackUrl": all.url, "authorization": "Bearer x"})).await, @r#"200 {"code":"ok"}"#);
    assert_snapshot!(tenant.control("PUT", "/callbacks", json!({"statusCallbackUrl": own.url, "subjectId": 501})).await, @r#"200 {"code":"ok"}"#);
    tenant.control("PUT", "/life", json!({"steps": [{"after": "PT1S", "status": "SENT"}]})).await;
    schedule(&tenant, "r1").await;
    let sms = request("r2", 32, json!({"smsContent": {"contentType": "TEXT", "text": "x"}}));
    post(&tenant, "master", "/api/cascade/schedule", sms).await;
    advance(&tenant, "PT1S").await;
    assert_eq!((all.fields("requestId"), own.fields("requestId")), (vec![json!("r2")], vec![json!("r1")]));
    assert_eq!(own.received()[0].authorization, "Bearer x");
    let wrong = json!({"authorization": "a\nb"});
    assert!(tenant.control("PUT", "/callbacks", wrong).await.contains("'authorization'"));
}

#[actix_web::test]
async fn receivers_that_misbehave_hold_nobody_up() {
    let (sandbox, receiver, elsewhere) = (TestSandbox::new().await, Receiver::start(), Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    tenant.control("PUT", "/life", json!({"steps": [{"after": "PT1S", "status": "SENT"}]})).await;
    receiver.answer([Answer::Redirect(elsewhere.url.clone()), Answer::Endless]);
    schedule(&tenant, "r1").await;
    advance(&tenant, "PT5S").await;
    assert_eq!((receiver.received().len(), elsewhere.received().len()), (2, 0));
    receiver.answer([Answer::Hang]);
    schedule(&tenant, "r2").await;
    let began = std::time::Instant::now();
    let ((), other) = tokio::join!(advance(&tenant, "PT1S"), async {
        let other = sandbox.tenant(json!({"now": START})).await;
        schedule(&other, "r1").await;
        advance(&other, "PT1H").await;
        assert_eq!(messages(&tenant).await[0]["deliveryStatus"], "SENT");
        began.elapsed()
    });
    assert!(other < std::time::Duration::from_secs(4), "{other:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{:?}", began.elapsed());
}

#[actix_web::test]
async fn an_address_is_checked_at_each_attempt() {
    let receiver = Receiver::start();
    let checks = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&checks);
    // A name that leads to an allowed address the first time only.
    let allow = move |host: &str, address: std::net::SocketAddr| {
        assert_eq!((host, address.ip().is_loopback()), ("localhost", true));
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 && address.is_ipv4() || address.is_ipv6()
    };
    let client = history_gateway::outbound::CheckedClient::new(std::time::Duration::from_secs(5), allow);
    let url = receiver.url.replace("127.0.0.1", "localhost");
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(client.post(url.clone(), None, "{}".into()).await);
    }
    assert_eq!((answers.first(), answers.last()), (Some(&Some(200)), Some(&None)), "{answers:?}");
    let reached = answers.iter().flatten().count();
    assert_eq!(receiver.received().len(), reached);
}
