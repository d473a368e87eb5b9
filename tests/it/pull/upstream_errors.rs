//! Upstreams that do not answer, or not with messages: what is waited for, and what somebody has to mend.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use history_gateway::pull::Pull;
use insta::assert_snapshot;
use serde_json::json;

use super::fake_upstream::{History, Reply, StandIn};
use super::{PullOptions, Told, imported, kept, minutes, options, pull, upstream};
use crate::support::{NOW, TENANT, TestApp, instant};

/// An upstream that answers the first requests so, and the others as it should.
fn at_first(replies: impl IntoIterator<Item = Reply, IntoIter: Send + 'static>) -> StandIn {
    let (mut replies, history) = (replies.into_iter(), History::of(minutes("2019-05-01T10:00:00Z", 25)));
    StandIn::new(move |request, _| replies.next().unwrap_or_else(|| history.answer(request)))
}

/// What is wrong, without how long it was waited for.
fn reasons(told: &[String]) -> String {
    told.iter().map(|line| line.split_once(": ").unwrap().1).collect::<Vec<_>>().join("\n")
}

#[actix_web::test]
async fn transient_errors_are_retried_until_the_copy_is_complete() {
    let html = |status| Reply::Answer(status, vec![("Content-Type", "text/html".into())], "<html>soon</html>".into());
    let json = |text: &str| Reply::Answer(200, Vec::new(), text.into());
    let rounds = [
        vec![Reply::status(500), html(502), Reply::status(503)],
        vec![html(200), json(""), json("[]")],
        vec![json("{}"), json(r#"{"content":[]}"#), json(r#"{"content":{},"hasNext":false}"#)],
        vec![json(r#"{"content":[],"hasNext":"no"}"#), json(r#"{"content":[],"hasNext":null}"#)],
        vec![Reply::Cut(r#"{"content":[],"hasNext":false}"#.into()), Reply::Cut(String::new()), Reply::HangUp],
        vec![Reply::Answer(204, Vec::new(), String::new()), Reply::status(408), Reply::status(425)],
    ];
    let mut told = Vec::new();
    for replies in rounds {
        let app = TestApp::new().await;
        let outcome = pull(&app, &at_first(replies), |_| {}).await;
        assert_eq!(outcome.short(), "25+0+0");
        assert_eq!(kept(&app).await, imported(minutes("2019-05-01T10:00:00Z", 25)).await);
        told.extend(outcome.told);
    }
    assert_snapshot!(reasons(&told), @"
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
    let busy = |after: &str| Reply::Answer(429, vec![("Retry-After", after.into())], String::new());
    // The clock of the tests stands at 12:00:00 that day.
    let stand_in = at_first([
        busy("0"),
        busy("Sun, 01 Mar 2026 11:59:59 GMT"),
        Reply::Answer(503, vec![("Retry-After", "86400".into())], String::new()),
    ]);
    let outcome = pull(&TestApp::new().await, &stand_in, |_| {}).await;
    assert_eq!(outcome.short(), "25+0+0");
    assert_snapshot!(outcome.told.join("\n"), @"
    waits 0ns: it answered with status 429
    waits 0ns: it answered with status 429
    waits 5ms: it answered with status 503
    ");
    let stand_in = at_first([busy("Sun, 01 Mar 2026 12:00:01 GMT"), busy("soon")]);
    let limit = |options: &mut PullOptions| options.retry.longest_asked_for = Duration::from_millis(3);
    let outcome = pull(&TestApp::new().await, &stand_in, limit).await;
    assert!(outcome.told[0].starts_with("waits 3ms: "), "{:?}", outcome.told);
    assert!(outcome.told[1].contains("µs: "), "what cannot be read is not waited for: {:?}", outcome.told);
}

#[actix_web::test]
async fn backoff_grows_to_a_limit_and_the_pull_gives_up() {
    let stand_in = StandIn::new(|_, _| Reply::status(500));
    let outcome = pull(&TestApp::new().await, &stand_in, |options| {
        options.retry.attempts = Some(6);
        options.retry.first_pause = Duration::from_micros(100);
        options.retry.longest_pause = Duration::from_micros(400);
    })
    .await;
    assert_snapshot!(outcome.short(), @"0+0+0 the upstream gives no messages: it answered with status 500, 6 times in a row; try again later");
    let micros =
        |line: &String| line.strip_prefix("waits ").unwrap().split("µs").next().unwrap().parse::<f64>().unwrap();
    let pauses: Vec<f64> = outcome.told.iter().map(micros).collect();
    let bounds = [(50.0, 100.0), (100.0, 200.0), (200.0, 400.0), (200.0, 400.0), (200.0, 400.0)];
    assert_eq!(pauses.len(), bounds.len());
    for (pause, (least, most)) in pauses.iter().zip(bounds) {
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
}

#[actix_web::test]
async fn non_consecutive_failures_do_not_end_the_pull() {
    let history = History::of(minutes("2019-05-01T10:00:00Z", 25));
    let stand_in =
        StandIn::new(move |request, place| if place % 2 == 0 { Reply::status(500) } else { history.answer(request) });
    let outcome = pull(&TestApp::new().await, &stand_in, |options| options.retry.attempts = Some(2)).await;
    assert_eq!(outcome.short(), "25+0+0");
}

#[actix_web::test]
async fn unresponsive_upstream_times_out() {
    let (app, stand_in) = (TestApp::new().await, StandIn::new(|_, _| Reply::Silence));
    let upstream = upstream(&stand_in, TENANT, Duration::from_millis(30));
    let mut pull = Pull::new(app.gateway.app.ingest.clone(), upstream, options(), || instant(NOW), Told::default());
    assert_snapshot!(pull.once().await.unwrap_err(), @"the upstream gives no messages: it did not answer in time, 4 times in a row; try again later");
}

#[actix_web::test]
async fn unreachable_upstream_is_reported() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut stand_in = StandIn::new(|_, _| Reply::Silence);
    stand_in.url = format!("http://{gone}");
    assert_snapshot!(pull(&TestApp::new().await, &stand_in, |_| {}).await.short(), @"0+0+0 the upstream gives no messages: it refuses connections, 4 times in a row; try again later");
}

#[actix_web::test]
async fn permanent_errors_are_reported_at_once_without_the_body() {
    let app = TestApp::new().await;
    let mut said = String::new();
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
        let stand_in = StandIn::new(move |_, _| Reply::Answer(status, Vec::new(), body.clone()));
        said += &format!("{}\n", pull(&app, &stand_in, |_| {}).await.short());
        assert_eq!(stand_in.asked().len(), 1);
    }
    assert!(!said.contains("7900") && !said.contains("secret"), "{said}");
    assert_snapshot!(said, @"
    0+0+0 the upstream gives no messages: it does not know the key (401): give the key file a key that is valid there
    0+0+0 the upstream gives no messages: it does not let the key read the message history (403): give the key the right to, or take another
    0+0+0 the upstream gives no messages: it refuses the request (status 400, date-range-not-valid): check that it is edna's message history, or a gateway's
    0+0+0 the upstream gives no messages: it refuses the request (status 400): check that it is edna's message history, or a gateway's
    0+0+0 the upstream gives no messages: it has no message history at this address (404 or 405): give the address before /api/messages/history
    0+0+0 the upstream gives no messages: it has no message history at this address (404 or 405): give the address before /api/messages/history
    0+0+0 the upstream gives no messages: it refuses the request (status 413, request-too-large): check that it is edna's message history, or a gateway's
    ");
}

#[actix_web::test]
async fn a_redirect_is_not_followed_so_the_key_goes_nowhere_else() {
    let elsewhere = History::default().serve();
    for status in [301, 302, 303, 307, 308] {
        let location = vec![("Location", format!("{}/api/messages/history", elsewhere.url))];
        let stand_in = StandIn::new(move |_, _| Reply::Answer(status, location.clone(), String::new()));
        let said = pull(&TestApp::new().await, &stand_in, |_| {}).await.short();
        insta::allow_duplicates! { assert_snapshot!(said, @"0+0+0 the upstream gives no messages: it sends to another address, and the key is not sent there: give the address that it sends to, if it is right"); }
        assert_eq!(stand_in.keys(), ["the-key-of-another-account"]);
    }
    assert_eq!(elsewhere.asked().len(), 0);
}

#[actix_web::test]
async fn requests_per_second_limits_the_request_rate() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let noted = times.clone();
    let stand_in = StandIn::new(move |_, _| {
        noted.lock().unwrap().push(std::time::Instant::now());
        Reply::page(&[], false)
    });
    let slowly = |options: &mut PullOptions| {
        options.retry.requests_per_second = 50.0;
        options.from = Some(instant("2023-01-01"));
    };
    let outcome = pull(&TestApp::new().await, &stand_in, slowly).await;
    assert_eq!(outcome.stats.requests, 4);
    let times = times.lock().unwrap();
    assert!(*times.last().unwrap() - times[0] >= Duration::from_millis(3 * 20 - 15));
}
