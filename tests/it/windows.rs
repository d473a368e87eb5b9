//! docs/edna.md §2: which messages a window contains.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{NOW, TestApp, message};
use history_gateway::config::RangeCheck;

/// Messages around now, 2026-03-01T12:00:00Z, named by their ids.
async fn app() -> TestApp {
    filled(TestApp::new().await).await
}

async fn filled(app: TestApp) -> TestApp {
    let at = |id, at: &str| message(id, json!({"sentOrReceivedAt": at}));
    app.import([
        at(1, "2024-02-29T12:00:00.000Z"),
        at(2, "2025-06-01T00:00:00.000Z"),
        at(3, "2026-01-30T11:59:59.999Z"),
        at(4, "2026-01-30T12:00:00.000Z"),
        at(5, "2026-03-01T12:00:00.000Z"),
        at(6, "2026-03-01T12:00:00.001Z"),
        at(7, "2026-06-01T00:00:00.000Z"),
    ])
    .await;
    app
}

#[actix_web::test]
async fn default_window_is_the_last_30_days_inclusive() {
    assert_eq!(NOW, "2026-03-01T12:00:00Z");
    assert_snapshot!(app().await.ids("{}").await, @"[5, 4]");
}

#[actix_web::test]
async fn date_from_alone_reaches_until_now() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"2025-06-01T00:00:00Z"}"#).await, @"[5, 4, 3, 2]");
    assert_snapshot!(app.ids(r#"{"dateFrom":"2000-01-01"}"#).await, @"[5, 4, 3, 2, 1]");
    assert_snapshot!(app.ids(r#"{"dateFrom":"2026-03-02"}"#).await, @"[]");
}

#[actix_web::test]
async fn date_to_alone_starts_30_days_before_now() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateTo":"2026-02-01"}"#).await, @"[4]");
    assert_snapshot!(app.ids(r#"{"dateTo":"2026-12-31"}"#).await, @"[7, 6, 5, 4]");
    assert_snapshot!(app.ids(r#"{"dateTo":"2025-12-31"}"#).await, @"[]");
}

#[actix_web::test]
async fn both_dates_are_used_as_given_even_in_the_future() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"2026-03-01T12:00:00.001Z","dateTo":"2026-06-01T00:00:00Z"}"#).await, @"[7, 6]");
    assert_snapshot!(app.ids(r#"{"dateFrom":"2024-02-29T12:00:00Z","dateTo":"2024-02-29T12:00:00Z"}"#).await, @"[1]");
}

#[actix_web::test]
async fn a_start_after_the_end_gives_an_empty_list_however_far_apart() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"2026-03-01","dateTo":"2026-02-01"}"#).await, @"[]");
    assert_snapshot!(app.ids(r#"{"dateFrom":"2026-03-01","dateTo":"2000-02-01"}"#).await, @"[]");
}

#[actix_web::test]
async fn ends_more_than_366_days_apart_are_not_valid() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"2024-02-29T12:00:00Z","dateTo":"2025-03-01T12:00:00Z"}"#).await, @"[1]");
    assert_snapshot!(app.history(r#"{"dateFrom":"2024-02-29T12:00:00Z","dateTo":"2025-03-01T12:00:00.001Z"}"#).await, @r#"400 {"title":"date-range-not-valid","status":400,"detail":"The fields 'dateFrom' and 'dateTo' must be at most 366 days apart."}"#);
    assert_snapshot!(app.history(r#"{"dateFrom":"0001-01-01","dateTo":"9999-12-31"}"#).await, @r#"400 {"title":"date-range-not-valid","status":400,"detail":"The fields 'dateFrom' and 'dateTo' must be at most 366 days apart."}"#);
}

#[actix_web::test]
async fn range_check_can_apply_to_the_effective_window() {
    let app = filled(TestApp::with(|config| config.edna.range_check = RangeCheck::Effective).await).await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"2025-02-28T12:00:00Z"}"#).await, @"[5, 4, 3, 2]");
    assert_snapshot!(app.history(r#"{"dateFrom":"2025-02-28T11:59:59Z"}"#).await, @r#"400 {"title":"date-range-not-valid","status":400,"detail":"The fields 'dateFrom' and 'dateTo' must be at most 366 days apart."}"#);
    assert_snapshot!(app.history(r#"{"dateTo":"2028-01-01"}"#).await, @r#"400 {"title":"date-range-not-valid","status":400,"detail":"The fields 'dateFrom' and 'dateTo' must be at most 366 days apart."}"#);
}

#[actix_web::test]
async fn dates_are_read_in_every_form_clients_send() {
    let app = app().await;
    // All the same instant, that of message 4 alone.
    for date in [
        "2026-01-30T12:00:00Z",
        "2026-01-30T12:00:00.000Z",
        "2026-01-30T12:00:00.000000000Z",
        "2026-01-30T12:00:00",
        "2026-01-30T12:00:00.0",
        "2026-01-30T12:00",
        "2026-01-30T12:00:00.000+0000",
        "2026-01-30T12:00:00+00:00",
        "2026-01-30T15:00:00+03:00",
        "2026-01-30T15:00:00.000+0300",
        "2026-01-30T15:00:00+03",
        "2026-01-30T06:30:00-05:30",
        "2026-01-31T02:00:00+14:00",
    ] {
        let body = json!({"dateFrom": date, "dateTo": date});
        assert_eq!(app.ids(body).await, "[4]", "{date}");
    }
}

#[actix_web::test]
async fn date_without_time_is_midnight_utc() {
    let app = app().await;
    assert_snapshot!(app.ids(r#"{"dateFrom":"2025-06-01","dateTo":"2025-06-01"}"#).await, @"[2]");
    assert_snapshot!(app.ids(r#"{"dateFrom":"2025-05-31","dateTo":"2025-05-31"}"#).await, @"[]");
}

#[actix_web::test]
async fn digits_beyond_the_millisecond_keep_both_ends_inclusive() {
    let app = app().await;
    let body = |from, to| json!({"dateFrom": from, "dateTo": to});
    assert_snapshot!(app.ids(body("2026-01-30T12:00:00.0001Z", "2026-01-30T12:00:01Z")).await, @"[]");
    assert_snapshot!(app.ids(body("2026-01-30T12:00:00.0000000000000000001Z", "2026-01-30T12:00:01Z")).await, @"[]");
    assert_snapshot!(app.ids(body("2026-01-30T11:59:59.9981Z", "2026-01-30T12:00:00.0009Z")).await, @"[4, 3]");
}

#[actix_web::test]
async fn invalid_dates_are_400() {
    let app = app().await;
    for date in [
        "2026-31-01T00:00:00Z",
        "2026-02-29",
        "2026-1-1",
        "20260101",
        "2026-01-01T",
        "2026-01-01T25:00:00Z",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+",
        "2026-01-01T00:00:00+99:00",
        "2026-01-01T00:00:00 Z",
        "+12026-01-01",
        "2026-01-01T00",
        "2026-01-01T00:00:00ZZ",
        "0000-00-00",
        "2026-01-0ä",
        "2026-01-01T00:00:00+0:30",
        "2026-01-01T00:00:00+:1234",
        "2026-01-01T00:00:00+1:230",
        "2026-01-01T00:00:00+1234:",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00+00:01",
        "2026-01-01T00:0é:00Z",
    ] {
        let response = app.history(json!({"dateTo": date})).await;
        assert!(response.starts_with(r#"400 {"title":"not-valid-request""#), "{date}: {response}");
    }
}
