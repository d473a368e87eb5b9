//! Upstreams with inconsistent pages: the pull copies what it can, comes to an end, and reports what may be missing.

use history_gateway::store::pulls;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::fake_upstream::{FakeUpstream, History, Reply};
use super::{PullOptions, exported_items, items_after_import, messages_at, messages_each_minute, pull};
use crate::support::{TENANT, TestApp, instant, message};

/// Limits a pull to one hour.
fn limit_to_one_hour(options: &mut PullOptions) {
    options.from = Some(instant("2019-05-01T10:00:00Z"));
    options.to = Some(instant("2019-05-01T10:59:59.999Z"));
}

fn offset(request: &Value) -> usize {
    usize::try_from(request["offset"].as_u64().unwrap()).unwrap()
}

#[actix_web::test]
async fn message_inserted_during_paging_is_not_missed() {
    let history = History::of(messages_each_minute("2019-05-01T10:00:00Z", 45).into_iter().skip(1));
    let source = history.clone();
    let fake = FakeUpstream::new(move |request, index| {
        if index == 3 {
            source.add(message(1, json!({"sentOrReceivedAt": "2019-05-01T10:00:00Z"})));
        }
        source.reply(request)
    });
    let app = TestApp::new().await;
    let outcome = pull(&app, &fake, limit_to_one_hour).await;
    assert!(outcome.result.unwrap());
    assert_eq!(outcome.events, Vec::<String>::new());
    assert_eq!(exported_items(&app).await, items_after_import(messages_each_minute("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn deletions_during_paging_skip_no_other_message() {
    let history = History::of(messages_each_minute("2019-05-01T10:00:00Z", 45));
    let source = history.clone();
    let fake = FakeUpstream::new(move |request, index| {
        if index == 4 {
            source.0.lock().unwrap().drain(..5);
        }
        source.reply(request)
    });
    let app = TestApp::new().await;
    assert!(pull(&app, &fake, limit_to_one_hour).await.result.unwrap());
    assert_eq!(exported_items(&app).await, items_after_import(messages_each_minute("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn unstable_window_is_still_copied_completely() {
    let history = History::of(messages_each_minute("2019-05-01T10:00:00Z", 45));
    let source = history.clone();
    // Pages after the first are shifted by one message at every second request.
    let fake = FakeUpstream::new(move |request, index| {
        let mut request = request.clone();
        let offset = offset(&request);
        request["offset"] = json!(if offset > 0 { offset - index % 2 } else { 0 });
        source.reply(&request)
    });
    let app = TestApp::new().await;
    let outcome = pull(&app, &fake, limit_to_one_hour).await;
    assert!(outcome.result.unwrap());
    assert_eq!(exported_items(&app).await, items_after_import(messages_each_minute("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn incomplete_window_is_reported_stored_and_read_again() {
    let app = TestApp::new().await;
    let messages = messages_at((0..25).map(|_| "2019-05-01T10:00:30Z".to_owned()));
    let (history, is_fixed) = (History::of(messages.clone()), std::sync::Arc::new(std::sync::Mutex::new(false)));
    let is_fixed_now = is_fixed.clone();
    // One message of a minute is on no page, and there the pages do not continue each other.
    let fake = FakeUpstream::new(move |request, _| {
        let mut request = request.clone();
        if !*is_fixed_now.lock().unwrap() && offset(&request) == 9 {
            request["offset"] = json!(10);
        }
        history.reply(&request)
    });
    let outcome = pull(&app, &fake, limit_to_one_hour).await;
    assert_snapshot!(outcome.summary(), @"25+0+112 incomplete");
    assert_snapshot!(outcome.events.join("\n"), @"2019-05-01T10:00:00.000Z to 2019-05-01T10:00:59.999Z: its pages do not match");
    let url = fake.url.clone();
    let known = app.store.read_primary(move |connection| pulls::load(connection, TENANT, &url)).await.unwrap().unwrap();
    assert_eq!(known.incomplete.len(), 1);
    // It is still broken and reported again. Then it is fixed, and the rest of the hour is not read again.
    assert!(!pull(&app, &fake, |_| {}).await.result.unwrap());
    *is_fixed.lock().unwrap() = true;
    fake.clear_requests();
    let outcome = pull(&app, &fake, |_| {}).await;
    assert!(outcome.result.unwrap());
    assert!(outcome.stats.requests < 8, "{}", outcome.stats.requests);
    assert_eq!(exported_items(&app).await, items_after_import(messages).await);
}

/// Pulls from an upstream that is always wrong; returns the error and the reported reasons.
async fn errors_of_pull(reply: impl FnMut(&Value, usize) -> Reply + Send + 'static) -> String {
    let (app, fake) = (TestApp::new().await, FakeUpstream::new(reply));
    let outcome = pull(&app, &fake, |_| {}).await;
    assert!(fake.received_requests().len() < 1000, "{}", fake.received_requests().len());
    assert!(!outcome.events.is_empty(), "nothing was reported");
    let reasons = |line: &String| line.split_once("Z: ").unwrap().1.to_owned();
    let reasons: std::collections::BTreeSet<String> = outcome.events.iter().map(reasons).collect();
    let error = outcome.result.unwrap_err();
    format!("{error}\n{}", reasons.into_iter().collect::<Vec<_>>().join("\n"))
}

/// A page of ten messages at the beginning of the requested window.
fn page_of_ten(request: &Value, first: i64) -> Vec<Value> {
    (first..first + 10).map(|id| message(id, json!({"sentOrReceivedAt": request["dateFrom"]}))).collect()
}

#[actix_web::test]
async fn endless_pages_are_abandoned() {
    let errors = errors_of_pull(|request, _| {
        let first = i64::try_from(offset(request)).unwrap() + 1;
        Reply::page(&page_of_ten(request, first), true)
    });
    assert_snapshot!(errors.await, @"
    the upstream's pages do not match: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    its pages do not come to an end
    ");
}

#[actix_web::test]
async fn repeated_page_is_abandoned() {
    assert_snapshot!(errors_of_pull(|request, _| Reply::page(&page_of_ten(request, 1), true)).await, @"
    the upstream's pages do not match: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    its pages do not match
    ");
}

#[actix_web::test]
async fn empty_page_with_has_next_is_abandoned() {
    assert_snapshot!(errors_of_pull(|_, _| Reply::page(&[], true)).await, @"
    the upstream's pages do not match: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    an empty page said that more follows
    ");
}

#[actix_web::test]
async fn single_message_page_with_has_next_is_abandoned() {
    assert_snapshot!(errors_of_pull(|request, _| Reply::page(&page_of_ten(request, 1)[..1], true)).await, @"
    the upstream's pages do not match: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    a page said that more follows, and brought nothing to go on from
    ");
}

#[actix_web::test]
async fn pages_out_of_order_are_abandoned() {
    let errors = errors_of_pull(|request, _| {
        let first = 1_000_000 - i64::try_from(offset(request)).unwrap();
        let mut page = page_of_ten(request, first);
        page.reverse();
        Reply::page(&page, true)
    });
    assert_snapshot!(errors.await, @"
    the upstream's pages do not match: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    its messages are not in the order of their ids
    ");
}

#[actix_web::test]
async fn page_longer_than_the_limit_is_abandoned() {
    let errors =
        errors_of_pull(|request, _| Reply::page(&[page_of_ten(request, 1), page_of_ten(request, 11)].concat(), false));
    assert_snapshot!(errors.await, @"
    the upstream's pages do not match: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    a page was longer than what was asked for
    ");
}

#[actix_web::test]
async fn upstream_ignoring_the_dates_is_abandoned() {
    let history = messages_each_minute("2005-05-01T10:00:00Z", 5);
    assert_snapshot!(errors_of_pull(move |_, _| Reply::page(&history, false)).await, @"
    the upstream's pages do not match: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    it holds messages of other dates than were asked for
    ");
}

#[actix_web::test]
async fn upstream_ignoring_the_offset_is_copied_completely() {
    let (app, history) = (TestApp::new().await, History::of(messages_each_minute("2019-05-01T10:00:00Z", 45)));
    let fake = FakeUpstream::new(move |request, _| {
        let mut request = request.clone();
        request["offset"] = json!(0);
        history.reply(&request)
    });
    assert!(pull(&app, &fake, |_| {}).await.result.unwrap());
    assert_eq!(exported_items(&app).await, items_after_import(messages_each_minute("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn inconsistent_windows_do_not_block_newer_messages() {
    let history = History::of(messages_each_minute("2026-03-01T11:00:00Z", 5));
    let fake = FakeUpstream::new(move |request, _| match request["dateFrom"].as_str().unwrap() {
        broken if broken < "2010-01-01T00:10" => Reply::page(&[], true),
        _ => history.reply(request),
    });
    let app = TestApp::new().await;
    let few = |options: &mut PullOptions| options.limits.max_incomplete_windows = 4;
    let mut pulls = 0;
    while pull(&app, &fake, few).await.result.is_err() {
        pulls += 1;
        assert!(pulls < 10, "each pull comes further");
    }
    assert!(pulls > 0);
    assert_eq!(exported_items(&app).await, items_after_import(messages_each_minute("2026-03-01T11:00:00Z", 5)).await);
}

#[actix_web::test]
async fn unreadable_messages_are_rejected_once_by_position() {
    let mut messages = messages_each_minute("2019-05-01T10:00:00Z", 35);
    let wrong = [
        (3, json!({"direction": "my secret text"})),
        (9, json!({"tenantId": 9})),
        (10, json!({"messageId": "my secret text"})),
        (11, json!({"address": null})),
        (12, json!({"content": 5})),
        (34, json!({"sentOrReceivedAt": 5})),
    ];
    for (index, fields) in &wrong {
        messages[*index].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    }
    let good: Vec<Value> = (0..35)
        .filter(|index| wrong.iter().all(|(other, _)| other != index))
        .map(|index| messages[index].clone())
        .collect();
    let fake = FakeUpstream::new(move |request, _| {
        let page: Vec<Value> = messages.iter().skip(offset(request)).take(10).cloned().collect();
        Reply::page(&page, offset(request) + 10 < 35)
    });
    let app = TestApp::new().await;
    let outcome = pull(&app, &fake, limit_to_one_hour).await;
    assert_eq!(outcome.summary(), "29+0+0");
    assert_snapshot!(outcome.events.join("\n"), @"
    message 4 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'direction' must be IN or OUT
    message 10 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'tenantId' names another tenant
    message 11 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'messageId' must be an integer
    message 12 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'address' is missing
    message 13 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'content' must be a string or an object
    message 35 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'sentOrReceivedAt' must be a date in a string
    ");
    assert_eq!(exported_items(&app).await, items_after_import(good).await);
}
