//! Counts are exact, whatever is written at the same time.

use serde_json::json;

use super::{COUNT, LIST, log_row, whatsapp};
use crate::support::{TENANT, TestApp};
use history_gateway::ingest;
use history_gateway::model::Item;
use history_gateway::oneuptime::row;

/// The count that the endpoint returns, and the number of rows on all pages.
async fn counted_and_paged(app: &TestApp, query: serde_json::Value) -> (usize, usize) {
    let response = app.post_log(COUNT, json!({"query": query})).await;
    let counted = response.strip_prefix(r#"200 {"count":"#).unwrap().trim_end_matches('}').parse().unwrap();
    let mut paged = 0;
    loop {
        let page = app.post_log(&format!("{LIST}?limit=100&skip={paged}"), json!({"query": query})).await;
        let rows = page.matches("_id").count();
        paged += rows;
        if rows < 100 {
            return (counted, paged);
        }
    }
}

#[actix_web::test]
async fn counts_are_exact_under_concurrent_imports() {
    let app = TestApp::new().await;
    let stores = [app.store.clone(), app.open_second_store(), app.open_second_store()];
    let project_id = TENANT.derived_project_id().to_string();
    let words = ["SENT", "DELIVERED", "READ", "FAILED"];
    let statuses = ["Sent", "Read", "Failed"];
    let writers = stores.iter().enumerate().map(|(writer, store)| {
        let project_id = project_id.clone();
        async move {
            for round in 0..12 {
                // Each writer sends overlapping messages, each time with a different status, and overlapping rows.
                let item = |id: i64| {
                    let word = words[(round + writer + usize::try_from(id).unwrap()) % words.len()];
                    let day = 1 + id % 9;
                    let item = whatsapp(
                        id,
                        json!({"deliveryStatus": word, "subjectId": 500 + id % 3,
                        "sentOrReceivedAt": format!("2026-02-0{day}T10:00:00Z"),
                        "deliveryStatusAt": format!("2026-02-20T10:{round:02}:0{writer}Z")}),
                    );
                    Item::parse(&item.to_string(), TENANT).unwrap()
                };
                let first = 1 + i64::try_from(round).unwrap() * 10;
                ingest::record(store, TENANT, (first..first + 60).map(item).collect()).await.unwrap();
                let rows = (0..50_u32).map(|number| {
                    let status = statuses[(round + writer + number as usize) % statuses.len()];
                    let row = log_row(
                        number,
                        json!({"status": status, "updatedAt": format!("2026-03-02T10:{round:02}:0{writer}Z")}),
                    );
                    row::parse(&row.to_string(), &project_id).unwrap().log
                });
                ingest::logs::record(store, TENANT, rows.collect()).await.unwrap();
            }
        }
    });
    let reader = async {
        for _ in 0..20 {
            let response = app.post_log(&format!("{LIST}?limit=100"), r#"{"query":{"toNumber":"+15551234567"}}"#).await;
            assert!(response.starts_with("200 "), "{response}");
        }
    };
    futures_util::future::join(futures_util::future::join_all(writers), reader).await;
    for query in [
        json!({}),
        json!({"status": "Sent"}),
        json!({"status": ["Read", "Failed"]}),
        json!({"status": {"_type": "NotEqual", "value": "Read"}}),
        json!({"createdAt": {"_type": "InBetween", "startValue": "2026-02-02T10:00:00Z", "endValue": "2026-02-08T09:00:00Z"}}),
        json!({"createdAt": {"_type": "LessThan", "value": "2026-02-05"}, "status": "Failed"}),
    ] {
        let (counted, paged) = counted_and_paged(&app, query.clone()).await;
        assert_eq!(counted, paged, "{query}");
    }
    assert_eq!(counted_and_paged(&app, json!({})).await.0, 170 + 50);
}

#[actix_web::test]
async fn counts_are_exact_at_day_boundaries() {
    let app = TestApp::new().await;
    let at = |number: u32, at: &str| log_row(number, json!({"createdAt": at}));
    app.import_logs([
        at(1, "1969-12-30T23:59:59.999Z"),
        at(2, "1969-12-31T00:00:00.000Z"),
        at(3, "1969-12-31T23:59:59.999Z"),
        at(4, "1970-01-01T00:00:00.000Z"),
        at(5, "1970-01-02T12:00:00.000Z"),
        at(6, "0000-01-01T00:00:00.000Z"),
        at(7, "9999-12-31T23:59:59.999Z"),
    ])
    .await;
    let between =
        |start: &str, end: &str| json!({"createdAt": {"_type": "InBetween", "startValue": start, "endValue": end}});
    assert_eq!(app.query(between("1969-12-31", "1969-12-31T23:59:59.999Z")).await, "[2, 3]");
    assert_eq!(app.query(between("1969-12-30T23:59:59.999Z", "1970-01-01")).await, "[1, 2, 3, 4]");
    assert_eq!(app.query(between("1969-12-31T00:00:00.001Z", "1970-01-02T11:59:59.999Z")).await, "[3, 4]");
    assert_eq!(app.query(between("0000-01-01", "9999-12-31T23:59:59.999Z")).await, "[6, 1, 2, 3, 4, 5, 7]");
    assert_eq!(app.query(between("1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.002Z")).await, "[]");
    for operator in ["LessThan", "LessThanOrEqual", "GreaterThan", "GreaterThanOrEqual"] {
        let all = app.query(json!({"createdAt": {"_type": operator, "value": "1970-01-01T00:00:00Z"}})).await;
        let expected = match operator {
            "LessThan" => "[6, 1, 2, 3]",
            "LessThanOrEqual" => "[6, 1, 2, 3, 4]",
            "GreaterThan" => "[5, 7]",
            _ => "[4, 5, 7]",
        };
        assert_eq!(all, expected, "{operator}");
    }
}

#[actix_web::test]
async fn large_skip_returns_the_right_rows() {
    let app = TestApp::new().await;
    let row = |number: u32| {
        let (day, second) = (1 + number / 300, number % 60);
        log_row(
            number,
            json!({"createdAt": format!("2026-02-{day:02}T{:02}:10:{second:02}Z", number % 24),
            "status": if number.is_multiple_of(5) { "Read" } else { "Sent" }}),
        )
    };
    app.import_logs((0..3000).map(row)).await;
    for query in [
        json!({}),
        json!({"status": "Sent"}),
        json!({"status": ["Sent", "Read"]}),
        json!({"createdAt": {"_type": "GreaterThan", "value": "2026-02-02T05:00:00Z"}}),
    ] {
        for sort in [json!({}), json!({"createdAt": 1})] {
            let mut whole = Vec::new();
            for skip in (0..3000).step_by(100) {
                let page = app.list_numbers(json!({"query": query, "sort": sort, "limit": 100, "skip": skip})).await;
                let page = page.split(']').next().unwrap().trim_start_matches('[').to_owned();
                whole.extend(page.split(", ").filter(|id| !id.is_empty()).map(str::to_owned));
            }
            let count = app.post_log(COUNT, json!({"query": query})).await;
            assert_eq!(count, format!("200 {{\"count\":{}}}", whole.len()));
            let single: std::collections::BTreeSet<&String> = whole.iter().collect();
            assert_eq!(single.len(), whole.len(), "{query} {sort}");
            for skip in [999, 1001, 1234, 2001, 2345] {
                let page = app.list_numbers(json!({"query": query, "sort": sort, "limit": 7, "skip": skip})).await;
                let expected: Vec<String> = whole.iter().skip(skip).take(7).cloned().collect();
                assert_eq!(page, format!("[{}] of {}", expected.join(", "), whole.len()), "{query} {sort} {skip}");
            }
        }
    }
}
