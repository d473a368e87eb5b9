//! Upstreams whose pages do not fit together: read as well as can be, to an end, and nothing missing goes unsaid.

use history_gateway::store::pulls;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::fake_upstream::{History, Reply, StandIn};
use super::{PullOptions, at, imported, kept, minutes, pull};
use crate::support::{TENANT, TestApp, instant, message};

/// One hour only.
fn hour(options: &mut PullOptions) {
    options.from = Some(instant("2019-05-01T10:00:00Z"));
    options.to = Some(instant("2019-05-01T10:59:59.999Z"));
}

fn offset(request: &Value) -> usize {
    usize::try_from(request["offset"].as_u64().unwrap()).unwrap()
}

#[actix_web::test]
async fn message_inserted_during_paging_is_not_missed() {
    let history = History::of(minutes("2019-05-01T10:00:00Z", 45).into_iter().skip(1));
    let source = history.clone();
    let stand_in = StandIn::new(move |request, place| {
        if place == 3 {
            source.add(message(1, json!({"sentOrReceivedAt": "2019-05-01T10:00:00Z"})));
        }
        source.answer(request)
    });
    let app = TestApp::new().await;
    let outcome = pull(&app, &stand_in, hour).await;
    assert!(outcome.result.unwrap());
    assert_eq!(outcome.told, Vec::<String>::new());
    assert_eq!(kept(&app).await, imported(minutes("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn deletions_during_paging_skip_no_other_message() {
    let history = History::of(minutes("2019-05-01T10:00:00Z", 45));
    let source = history.clone();
    let stand_in = StandIn::new(move |request, place| {
        if place == 4 {
            source.0.lock().unwrap().drain(..5);
        }
        source.answer(request)
    });
    let app = TestApp::new().await;
    assert!(pull(&app, &stand_in, hour).await.result.unwrap());
    assert_eq!(kept(&app).await, imported(minutes("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn unstable_window_is_still_copied_completely() {
    let history = History::of(minutes("2019-05-01T10:00:00Z", 45));
    let source = history.clone();
    // Long lists are shifted by a message at every request.
    let stand_in = StandIn::new(move |request, place| {
        let mut request = request.clone();
        let offset = offset(&request);
        request["offset"] = json!(if offset > 0 { offset - place % 2 } else { 0 });
        source.answer(&request)
    });
    let app = TestApp::new().await;
    let outcome = pull(&app, &stand_in, hour).await;
    assert!(outcome.result.unwrap());
    assert_eq!(kept(&app).await, imported(minutes("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn incomplete_window_is_reported_stored_and_read_again() {
    let app = TestApp::new().await;
    let messages = at((0..25).map(|_| "2019-05-01T10:00:30Z".to_owned()));
    let (history, mended) = (History::of(messages.clone()), std::sync::Arc::new(std::sync::Mutex::new(false)));
    let is_mended = mended.clone();
    // One message of a minute is in no page; where it should be, the pages do not continue each other.
    let stand_in = StandIn::new(move |request, _| {
        let mut request = request.clone();
        if !*is_mended.lock().unwrap() && offset(&request) == 9 {
            request["offset"] = json!(10);
        }
        history.answer(&request)
    });
    let outcome = pull(&app, &stand_in, hour).await;
    assert_snapshot!(outcome.short(), @"25+0+112 incomplete");
    assert_snapshot!(outcome.told.join("\n"), @"2019-05-01T10:00:00.000Z to 2019-05-01T10:00:59.999Z: its pages do not continue each other");
    let url = stand_in.url.clone();
    let known = app.store.read(move |connection| pulls::load(connection, TENANT, &url)).await.unwrap().unwrap();
    assert_eq!(known.incomplete.len(), 1);
    // Still so: it is said again. Then it is mended, and the rest of the hour is not read again.
    assert!(!pull(&app, &stand_in, |_| {}).await.result.unwrap());
    *mended.lock().unwrap() = true;
    stand_in.forget();
    let outcome = pull(&app, &stand_in, |_| {}).await;
    assert!(outcome.result.unwrap());
    assert!(outcome.stats.requests < 8, "{}", outcome.stats.requests);
    assert_eq!(kept(&app).await, imported(messages).await);
}

/// Pulls from an upstream that is wrong throughout; gives what was said, and how many messages are here.
async fn wrong(reply: impl FnMut(&Value, usize) -> Reply + Send + 'static) -> String {
    let (app, stand_in) = (TestApp::new().await, StandIn::new(reply));
    let outcome = pull(&app, &stand_in, |_| {}).await;
    assert!(stand_in.asked().len() < 1000, "{}", stand_in.asked().len());
    assert!(!outcome.told.is_empty(), "nothing was said");
    let reasons = |line: &String| line.split_once("Z: ").unwrap().1.to_owned();
    let reasons: std::collections::BTreeSet<String> = outcome.told.iter().map(reasons).collect();
    let error = outcome.result.unwrap_err();
    format!("{error}\n{}", reasons.into_iter().collect::<Vec<_>>().join("\n"))
}

/// A page of ten messages in the middle of the window that was asked for.
fn ten(request: &Value, first: i64) -> Vec<Value> {
    (first..first + 10).map(|id| message(id, json!({"sentOrReceivedAt": request["dateFrom"]}))).collect()
}

#[actix_web::test]
async fn endless_pages_are_abandoned() {
    let said = wrong(|request, _| {
        let first = i64::try_from(offset(request)).unwrap() + 1;
        Reply::page(&ten(request, first), true)
    });
    assert_snapshot!(said.await, @"
    the upstream's pages do not fit together: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    its pages do not come to an end
    ");
}

#[actix_web::test]
async fn repeated_page_is_abandoned() {
    assert_snapshot!(wrong(|request, _| Reply::page(&ten(request, 1), true)).await, @"
    the upstream's pages do not fit together: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    its pages do not continue each other
    ");
}

#[actix_web::test]
async fn empty_page_with_has_next_is_abandoned() {
    assert_snapshot!(wrong(|_, _| Reply::page(&[], true)).await, @"
    the upstream's pages do not fit together: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    an empty page said that more follows
    ");
}

#[actix_web::test]
async fn single_message_page_with_has_next_is_abandoned() {
    assert_snapshot!(wrong(|request, _| Reply::page(&ten(request, 1)[..1], true)).await, @"
    the upstream's pages do not fit together: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    a page said that more follows, and brought nothing to go on from
    ");
}

#[actix_web::test]
async fn pages_out_of_order_are_abandoned() {
    let said = wrong(|request, _| {
        let first = 1_000_000 - i64::try_from(offset(request)).unwrap();
        let mut page = ten(request, first);
        page.reverse();
        Reply::page(&page, true)
    });
    assert_snapshot!(said.await, @"
    the upstream's pages do not fit together: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    its messages are not in the order of their ids
    ");
}

#[actix_web::test]
async fn page_longer_than_the_limit_is_abandoned() {
    let said = wrong(|request, _| Reply::page(&[ten(request, 1), ten(request, 11)].concat(), false));
    assert_snapshot!(said.await, @"
    the upstream's pages do not fit together: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    a page was longer than what was asked for
    ");
}

#[actix_web::test]
async fn upstream_ignoring_the_dates_is_abandoned() {
    let history = minutes("2005-05-01T10:00:00Z", 5);
    assert_snapshot!(wrong(move |_, _| Reply::page(&history, false)).await, @"
    the upstream's pages do not fit together: 10 windows up to 2010-01-01T00:09:59.999Z may be incomplete, and what is later was not read
    it holds messages of other dates than were asked for
    ");
}

#[actix_web::test]
async fn upstream_ignoring_the_offset_is_copied_completely() {
    let (app, history) = (TestApp::new().await, History::of(minutes("2019-05-01T10:00:00Z", 45)));
    let stand_in = StandIn::new(move |request, _| {
        let mut request = request.clone();
        request["offset"] = json!(0);
        history.answer(&request)
    });
    assert!(pull(&app, &stand_in, |_| {}).await.result.unwrap());
    assert_eq!(kept(&app).await, imported(minutes("2019-05-01T10:00:00Z", 45)).await);
}

#[actix_web::test]
async fn inconsistent_windows_do_not_block_newer_messages() {
    let history = History::of(minutes("2026-03-01T11:00:00Z", 5));
    let stand_in = StandIn::new(move |request, _| match request["dateFrom"].as_str().unwrap() {
        broken if broken < "2010-01-01T00:10" => Reply::page(&[], true),
        _ => history.answer(request),
    });
    let app = TestApp::new().await;
    let few = |options: &mut PullOptions| options.limits.incomplete = 4;
    let mut pulls = 0;
    while pull(&app, &stand_in, few).await.result.is_err() {
        pulls += 1;
        assert!(pulls < 10, "each pull comes further");
    }
    assert!(pulls > 0);
    assert_eq!(kept(&app).await, imported(minutes("2026-03-01T11:00:00Z", 5)).await);
}

#[actix_web::test]
async fn unreadable_messages_are_rejected_once_by_position() {
    let mut messages = minutes("2019-05-01T10:00:00Z", 35);
    let wrong = [
        (3, json!({"direction": "my secret text"})),
        (9, json!({"tenantId": 9})),
        (10, json!({"messageId": "my secret text"})),
        (11, json!({"address": null})),
        (12, json!({"content": 5})),
        (34, json!({"sentOrReceivedAt": 5})),
    ];
    for (place, fields) in &wrong {
        messages[*place].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    }
    let good: Vec<Value> = (0..35)
        .filter(|place| wrong.iter().all(|(other, _)| other != place))
        .map(|place| messages[place].clone())
        .collect();
    let stand_in = StandIn::new(move |request, _| {
        let page: Vec<Value> = messages.iter().skip(offset(request)).take(10).cloned().collect();
        Reply::page(&page, offset(request) + 10 < 35)
    });
    let app = TestApp::new().await;
    let outcome = pull(&app, &stand_in, hour).await;
    assert_eq!(outcome.short(), "29+0+0");
    assert_snapshot!(outcome.told.join("\n"), @"
    message 4 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'direction' must be IN or OUT
    message 10 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'tenantId' names another tenant
    message 11 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'messageId' must be an integer
    message 12 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'address' is missing
    message 13 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'content' must be a string or an object
    message 35 of 2019-05-01T10:00:00.000Z to 2019-05-01T10:59:59.999Z: the field 'sentOrReceivedAt' must be a date in a string
    ");
    assert_eq!(kept(&app).await, imported(good).await);
}
