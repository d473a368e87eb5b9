//! Upstreams that do not respond, or not with messages: which errors are retried, and which end the pull.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use history_gateway::pull::Pull;
use insta::assert_snapshot;
use serde_json::json;

use super::fake_upstream::{FakeUpstream, History, Reply};
use super::{Events, PullOptions, exported_items, items_after_import, messages_each_minute, options, pull, upstream};
use crate::support::{NOW, TENANT, TestApp, instant};

/// An upstream that gives these replies first, and works after that.
fn failing_at_first(replies: impl IntoIterator<Item = Reply, IntoIter: Send + 'static>) -> FakeUpstream {
    let (mut replies, history) = (replies.into_iter(), History::of(messages_each_minute("2019-05-01T10:00:00Z", 25)));
    FakeUpstream::new(move |request, _| replies.next().unwrap_or_else(|| history.reply(request)))
}

/// The reasons of the retries, without the pauses.
fn reasons(events: &[String]) -> String {
    events.iter().map(|line| line.split_once(": ").unwrap().1).collect::<Vec<_>>().join("\n")
}

#[actix_web::test]
async fn transient_errors_are_retried_until_the_copy_is_complete() {
    let html = |status| Reply::Response(status, vec![("Content-Type", "text/html".into())], "<html>soon</html>".into());
    let json = |text: &str| Reply::Response(200, Vec::new(), text.into());
    let rounds = [
        vec![Reply::status(500), html(502), Reply::status(503)],
        vec![html(200), json(""), json("[]")],
        vec![json("{}"), json(r#"{"content":[]}"#), json(r#"{"content":{},"hasNext":false}"#)],
        vec![json(r#"{"content":[],"hasNext":"no"}"#), json(r#"{"content":[],"hasNext":null}"#)],
        vec![
            Reply::Truncated(r#"{"content":[],"hasNext":false}"#.into()),
            Reply::Truncated(String::new()),
            Reply::HangUp,
        ],
        vec![Reply::Response(204, Vec::new(), String::new()), Reply::status(408), Reply::status(425)],
    ];
    let mut events = Vec::new();
    for replies in rounds {
        let app = TestApp::new().await;
        let outcome = pull(&app, &failing_at_first(replies), |_| {}).await;
        assert_eq!(outcome.summary(), "25+0+0");
        assert_eq!(
            exported_items(&app).await,
            items_after_import(messages_each_minute("2019-05-01T10:00:00Z", 25)).await
        );
        events.extend(outcome.events);
    }
    assert_snapshot!(reasons(&events), @"
    it answered with status 500
    it answered with status 502
    it answered with status 503
    it answered with something that is no page of a message history
    it answered with something that is no page of a message history
    it answered with something that is no page of a message history
    it answered with something that is no page of a message history
    it answered with something that is no page of a message history
    it answered with something that is no page of a message history
    it answered with something that is no page of a message history
    it answered with something that is no page of a message history
    the connection broke off
    the connection broke off
    the connection broke off
    it answered with status 204
    it answered with status 408
    it answered with status 425
    ");
}

#[actix_web::test]
async fn retry_after_is_honored_up_to_a_limit() {
    let busy = |after: &str| Reply::Response(429, vec![("Retry-After", after.into())], String::new());
    // The clock of the tests is stopped at 12:00:00 that day.
    let fake = failing_at_first([
        busy("0"),
        busy("Sun, 01 Mar 2026 11:59:59 GMT"),
        Reply::Response(503, vec![("Retry-After", "86400".into())], String::new()),
    ]);
    let outcome = pull(&TestApp::new().await, &fake, |_| {}).await;
    assert_eq!(outcome.summary(), "25+0+0");
    assert_snapshot!(outcome.events.join("\n"), @"
    waits 0ns: it answered with status 429
    waits 0ns: it answered with status 429
    waits 5ms: it answered with status 503
    ");
    let fake = failing_at_first([busy("Sun, 01 Mar 2026 12:00:01 GMT"), busy("soon")]);
    let limit = |options: &mut PullOptions| options.retry.max_retry_after = Duration::from_millis(3);
    let outcome = pull(&TestApp::new().await, &fake, limit).await;
    assert!(outcome.events[0].starts_with("waits 3ms: "), "{:?}", outcome.events);
    assert!(outcome.events[1].contains("µs: "), "an invalid Retry-After is ignored: {:?}", outcome.events);
}

#[actix_web::test]
async fn backoff_grows_to_a_limit_and_the_pull_gives_up() {
    let fake = FakeUpstream::new(|_, _| Reply::status(500));
    let outcome = pull(&TestApp::new().await, &fake, |options| {
        options.retry.attempts = Some(6);
        options.retry.initial_backoff = Duration::from_micros(100);
        options.retry.max_backoff = Duration::from_micros(400);
    })
    .await;
    assert_snapshot!(outcome.summary(), @"0+0+0 the upstream returned no messages: it answered with status 500, 6 times in a row; try again later");
    let micros =
        |line: &String| line.strip_prefix("waits ").unwrap().split("µs").next().unwrap().parse::<f64>().unwrap();
    let pauses: Vec<f64> = outcome.events.iter().map(micros).collect();
    let bounds = [(50.0, 100.0), (100.0, 200.0), (200.0, 400.0), (200.0, 400.0), (200.0, 400.0)];
    assert_eq!(pauses.len(), bounds.len());
    for (pause, (least, most)) in pauses.iter().zip(bounds) {
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
}

#[actix_web::test]
async fn non_consecutive_failures_do_not_end_the_pull() {
    let history = History::of(messages_each_minute("2019-05-01T10:00:00Z", 25));
    let fake = FakeUpstream::new(
        move |request, index| if index % 2 == 0 { Reply::status(500) } else { history.reply(request) },
    );
    let outcome = pull(&TestApp::new().await, &fake, |options| options.retry.attempts = Some(2)).await;
    assert_eq!(outcome.summary(), "25+0+0");
}

#[actix_web::test]
async fn unresponsive_upstream_times_out() {
    let (app, fake) = (TestApp::new().await, FakeUpstream::new(|_, _| Reply::NoResponse));
    let upstream = upstream(&fake, TENANT, Duration::from_millis(30));
    let mut pull = Pull::new(app.gateway.app.ingest.clone(), upstream, options(), || instant(NOW), Events::default());
    assert_snapshot!(pull.run_once().await.unwrap_err(), @"the upstream returned no messages: it did not answer in time, 4 times in a row; try again later");
}

#[actix_web::test]
async fn unreachable_upstream_is_reported() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut fake = FakeUpstream::new(|_, _| Reply::NoResponse);
    fake.url = format!("http://{gone}");
    assert_snapshot!(pull(&TestApp::new().await, &fake, |_| {}).await.summary(), @"0+0+0 the upstream returned no messages: it refuses connections, 4 times in a row; try again later");
}

#[actix_web::test]
async fn permanent_errors_are_reported_at_once_without_the_body() {
    let app = TestApp::new().await;
    let mut errors = String::new();
    for (status, title) in [
        (401, "Api-key not found"),
        (403, "access-denied"),
        (400, "date-range-not-valid"),
        (400, "+79001112233"),
        (404, "not-found"),
        (405, "method-not-allowed"),
        (413, "request-too-large"),
    ] {
        let body = json!({"title": title, "detail": "my secret text"}).to_string();
        let fake = FakeUpstream::new(move |_, _| Reply::Response(status, Vec::new(), body.clone()));
        errors += &format!("{}\n", pull(&app, &fake, |_| {}).await.summary());
        assert_eq!(fake.received_requests().len(), 1);
    }
    assert!(!errors.contains("7900") && !errors.contains("secret"), "{errors}");
    assert_snapshot!(errors, @"
    0+0+0 the upstream returned no messages: it does not know the key (401): give the key file a key that is valid there
    0+0+0 the upstream returned no messages: it does not let the key read the message history (403): give the key that right, or use another key
    0+0+0 the upstream returned no messages: it refuses the request (status 400, date-range-not-valid): check that it is edna's message history, or a gateway's
    0+0+0 the upstream returned no messages: it refuses the request (status 400): check that it is edna's message history, or a gateway's
    0+0+0 the upstream returned no messages: it has no message history at this address (404 or 405): give the address before /api/messages/history
    0+0+0 the upstream returned no messages: it has no message history at this address (404 or 405): give the address before /api/messages/history
    0+0+0 the upstream returned no messages: it refuses the request (status 413, request-too-large): check that it is edna's message history, or a gateway's
    ");
}

#[actix_web::test]
async fn a_redirect_is_not_followed_so_the_key_goes_nowhere_else() {
    let elsewhere = History::default().serve();
    for status in [301, 302, 303, 307, 308] {
        let location = vec![("Location", format!("{}/api/messages/history", elsewhere.url))];
        let fake = FakeUpstream::new(move |_, _| Reply::Response(status, location.clone(), String::new()));
        let error = pull(&TestApp::new().await, &fake, |_| {}).await.summary();
        insta::allow_duplicates! { assert_snapshot!(error, @"0+0+0 the upstream returned no messages: it sends to another address, and the key is not sent there: give the address that it sends to, if it is right"); }
        assert_eq!(fake.keys(), ["the-key-of-another-account"]);
    }
    assert_eq!(elsewhere.received_requests().len(), 0);
}

#[actix_web::test]
async fn requests_per_second_limits_the_request_rate() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let recorded = times.clone();
    let fake = FakeUpstream::new(move |_, _| {
        recorded.lock().unwrap().push(std::time::Instant::now());
        Reply::page(&[], false)
    });
    let slowly = |options: &mut PullOptions| {
        options.retry.requests_per_second = 50.0;
        options.from = Some(instant("2023-01-01"));
    };
    let outcome = pull(&TestApp::new().await, &fake, slowly).await;
    assert_eq!(outcome.stats.requests, 4);
    let times = times.lock().unwrap();
    assert!(*times.last().unwrap() - times[0] >= Duration::from_millis(3 * 20 - 15));
}
