//! The windows of a pull: what is copied, and what a later pull reads again.

use std::cell::Cell;
use std::time::Duration;

use history_gateway::model::Instant;
use history_gateway::model::instant::DAY;
use history_gateway::pull::{Pull, PullOptions};
use history_gateway::store::{pulls, tenants};
use serde_json::{Value, json};

use super::fake_upstream::{FakeUpstream, History, Reply};
use super::{
    Events, exported_items, items_after_import, messages_at, messages_each_minute, options, pull, pull_at, upstream,
};
use crate::support::{NOW, TENANT, TestApp, instant, message};

/// Few messages for years, then many in about an hour, four in each millisecond, then few again.
fn uneven() -> Vec<Value> {
    let years = (0..40).map(|index| Instant(instant("2012-02-29T00:00:00Z").0 + index * 40 * 86_400_000).iso());
    let rush = (0..300).map(|index| Instant(instant("2019-05-01T10:00:00Z").0 + index / 4 * 60_000).iso());
    let after = (0..25).map(|index| Instant(instant("2025-12-31T23:59:59.999Z").0 + index * 86_400_000).iso());
    let mut messages = messages_at(years.chain(rush).chain(after));
    // The ids do not ascend with the time.
    for message in &mut messages {
        let id = message["messageId"].as_i64().unwrap();
        message["messageId"] = json!(id * 7919 % 10_007 + 1);
    }
    messages
}

fn requests(fake: &FakeUpstream) -> Vec<(Instant, Instant, u64)> {
    let end = |request: &Value, name: &str| instant(request[name].as_str().unwrap());
    let one = |request: &Value| (end(request, "dateFrom"), end(request, "dateTo"), request["offset"].as_u64().unwrap());
    fake.received_requests().iter().map(one).collect()
}

#[actix_web::test]
async fn history_is_copied_in_gapless_windows_with_small_offsets() {
    let (app, history) = (TestApp::new().await, History::of(uneven()));
    let fake = history.serve();
    let outcome = pull(&app, &fake, |_| {}).await;
    assert_eq!(outcome.summary(), "365+0+0");
    assert_eq!(outcome.events, Vec::<String>::new());
    assert_eq!(exported_items(&app).await, items_after_import(uneven()).await);
    let sent = requests(&fake);
    assert_eq!(sent.len() as u64, outcome.stats.requests);
    assert!(sent.len() < 200, "{}", sent.len());
    assert!(sent.iter().all(|(_, _, offset)| *offset <= options().limits.max_offset));
    // Each instant from the beginning until now is in a window.
    let mut reached = instant("2010-01-01T00:00:00Z");
    let mut windows: Vec<(Instant, Instant)> = sent.iter().map(|(from, to, _)| (*from, *to)).collect();
    windows.sort();
    for (from, to) in windows {
        assert!(from <= reached, "a gap before {from}");
        reached = reached.max(Instant(to.0 + 1));
    }
    assert_eq!(reached, Instant(instant(NOW).0 + 1));
}

#[actix_web::test]
async fn overfull_shortest_window_is_read_with_deep_offsets() {
    let app = TestApp::new().await;
    let messages = messages_at((0..120).map(|_| "2019-05-01T10:00:00.500Z".to_owned()));
    let fake = History::of(messages.clone()).serve();
    assert_eq!(pull(&app, &fake, |_| {}).await.summary(), "120+0+0");
    assert_eq!(exported_items(&app).await, items_after_import(messages).await);
    assert!(requests(&fake).iter().any(|(_, _, offset)| *offset > 100));
}

#[actix_web::test]
async fn interrupted_pull_resumes_at_its_last_page() {
    let (app, history) = (TestApp::new().await, History::of(messages_each_minute("2019-05-01T10:00:00Z", 45)));
    let source = history.clone();
    // The key is revoked while the only window with messages is read.
    let mut pages = 0;
    let fake = FakeUpstream::new(move |request, _| {
        pages += usize::from(request["dateFrom"].as_str().unwrap() > "2018-06");
        if pages == 5 { Reply::status(401) } else { source.reply(request) }
    });
    let broken = pull(&app, &fake, |_| {}).await;
    assert!(broken.result.is_err() && broken.stats.recorded.imported > 10, "{}", broken.summary());
    let before = exported_items(&app).await.len();
    fake.clear_requests();
    let outcome = pull(&app, &fake, |_| {}).await;
    let rest = 45 - before;
    assert_eq!(outcome.summary(), format!("{rest}+0+0"), "no message is read twice");
    assert_eq!(requests(&fake)[0].2, before as u64 - 1, "the last known message is the first one requested");
    // The rest of the window's pages, and one request for every year after it.
    assert!(outcome.stats.requests <= rest.div_ceil(9) as u64 + 8, "{}", outcome.stats.requests);
    assert_eq!(exported_items(&app).await, items_after_import(messages_each_minute("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn only_the_overlap_is_read_again_for_late_statuses() {
    let app = TestApp::new().await;
    let history = History::of([
        message(1, json!({"sentOrReceivedAt": "2026-02-20T10:00:00Z", "deliveryStatus": "SENT"})),
        message(2, json!({"sentOrReceivedAt": "2026-02-28T10:00:00Z", "deliveryStatus": "SENT"})),
    ]);
    let fake = history.serve();
    assert_eq!(pull(&app, &fake, |_| {}).await.summary(), "2+0+0");
    history.0.lock().unwrap().iter_mut().for_each(|message| message["deliveryStatus"] = json!("READ"));
    history.add(message(3, json!({"sentOrReceivedAt": "2026-03-01T12:30:00Z"})));
    fake.clear_requests();
    assert_eq!(pull_at(&app, &fake, "2026-03-01T13:00:00Z", |_| {}).await.summary(), "1+1+0");
    assert_eq!(requests(&fake), [(instant("2026-02-27T12:00:00.001Z"), instant("2026-03-01T13:00:00Z"), 0)]);
    // A month later, the overlap of that day is read again.
    fake.clear_requests();
    assert_eq!(pull_at(&app, &fake, "2026-04-01T13:00:00Z", |_| {}).await.summary(), "0+0+2");
    assert_eq!(requests(&fake)[0].0, instant("2026-02-27T13:00:00.001Z"));
    // A longer overlap reads more of it again.
    fake.clear_requests();
    let longer = |options: &mut PullOptions| options.overlap = Duration::from_hours(30 * 24);
    assert_eq!(pull_at(&app, &fake, "2026-04-01T13:00:00Z", longer).await.summary(), "0+0+0");
    assert_eq!(requests(&fake)[0].0, instant("2026-03-02T13:00:00.001Z"));
}

#[actix_web::test]
async fn overlap_counts_from_when_each_window_was_read() {
    let app = TestApp::new().await;
    let fake = History::default().serve();
    let three_days = Duration::from_hours(72);
    let mut options = PullOptions { from: Some(instant("2026-02-25T12:00:00Z")), overlap: three_days, ..options() };
    options.limits.max_window = DAY;
    // Three windows of a day; what comes after them is read ten days later.
    let calls = Cell::new(0);
    let now = || {
        calls.set(calls.get() + 1);
        if calls.get() < 5 { instant(NOW) } else { instant(NOW).plus_days(10) }
    };
    let upstream = upstream(&fake, TENANT, Duration::from_secs(20));
    assert!(
        Pull::new(app.gateway.app.ingest.clone(), upstream, options, now, Events::default()).run_once().await.unwrap()
    );
    assert_eq!(calls.get(), 6);
    fake.clear_requests();
    // Two days before the end would be a day too late.
    pull_at(&app, &fake, "2026-04-01T12:00:00Z", |_| {}).await.result.unwrap();
    assert_eq!(requests(&fake)[0].0, instant("2026-02-26T12:00:00.001Z"));
}

#[actix_web::test]
async fn given_range_includes_both_ends_and_starts_over() {
    let app = TestApp::new().await;
    let fake = History::of(messages_each_minute("2026-01-01T00:00:00Z", 10)).serve();
    let range = |from: &str, to: &str| {
        let (from, to) = (instant(from), instant(to));
        move |options: &mut PullOptions| (options.from, options.to) = (Some(from), Some(to))
    };
    let first = range("2026-01-01T00:03:00Z", "2026-01-01T00:05:00Z");
    assert_eq!(pull(&app, &fake, &first).await.summary(), "3+0+0");
    assert_eq!(pull(&app, &fake, &first).await.summary(), "0+0+3", "an explicit range is read again");
    assert_eq!(pull(&app, &fake, range("2026-01-01T00:01:00Z", "2026-01-01T00:04:00Z")).await.summary(), "2+0+2");
    fake.clear_requests();
    let outcome = pull(&app, &fake, |_| {}).await;
    assert_eq!(outcome.summary(), "4+0+5");
    assert_eq!(outcome.events, ["goes on after 2026-01-01T00:01:00.000Z"]);
    assert_eq!(requests(&fake)[0].0, instant("2026-01-01T00:01:00Z"), "the overlap does not reach before the range");
    assert_eq!(pull(&app, &fake, |options| options.from = Some(instant("2010-01-01"))).await.summary(), "1+0+9");
}

#[actix_web::test]
async fn end_in_the_future_is_capped_at_now() {
    let app = TestApp::new().await;
    let history = History::of(messages_each_minute("2026-03-01T11:59:00Z", 2));
    let fake = history.serve();
    let until_next_year = |options: &mut PullOptions| options.to = Some(instant("2027-01-01"));
    assert_eq!(pull(&app, &fake, until_next_year).await.summary(), "2+0+0");
    history.add(message(9, json!({"sentOrReceivedAt": "2026-03-01T12:00:00.001Z"})));
    assert_eq!(pull_at(&app, &fake, "2026-06-01", until_next_year).await.summary(), "1+0+2");
}

#[actix_web::test]
async fn concurrent_pulls_import_each_message_once() {
    let (app, messages) = (TestApp::new().await, uneven());
    let fake = History::of(messages.clone()).serve();
    let (one, other) = tokio::join!(pull(&app, &fake, |_| {}), pull(&app, &fake, |_| {}));
    assert!(one.result.unwrap() && other.result.unwrap());
    assert_eq!(one.stats.recorded.imported + other.stats.recorded.imported, 365);
    assert_eq!(exported_items(&app).await, items_after_import(messages).await);
    assert_eq!(pull(&app, &fake, |_| {}).await.stats.requests, 1);
}

#[actix_web::test]
async fn deleting_a_tenant_deletes_its_pull_progress() {
    let app = TestApp::new().await;
    let fake = History::of(messages_each_minute("2026-01-01T00:00:00Z", 10)).serve();
    pull(&app, &fake, |_| {}).await.result.unwrap();
    let url = fake.url.clone();
    let known = app.store.write(move |connection| {
        let before = pulls::load(connection, TENANT, &url)?.unwrap();
        tenants::delete(connection, TENANT)?;
        let saved = pulls::save(connection, TENANT, &url, &before);
        Ok((saved.is_err(), pulls::load(connection, TENANT, &url)?))
    });
    assert_eq!(known.await.unwrap(), (true, None));
    assert!(pull(&app, &fake, |_| {}).await.result.is_err());
}
