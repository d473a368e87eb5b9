//! Callers do not delay each other: expensive queries have few slots and are cancelled when their client is gone.

use std::time::Duration;

use history_gateway::config::Config;
use history_gateway::ingest;
use history_gateway::model::{CallerId, Item, TenantId};
use history_gateway::store::{Budget, CancelReason, Class, StoreError};
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{TENANT, TestApp, message, runs_on_postgres};

/// An app with a row limit so low that a handful of messages makes a query expensive.
pub async fn app_with_low_row_limit(change: impl FnOnce(&mut Config)) -> TestApp {
    let app = TestApp::with(|config| {
        config.database.cheap_rows = 50;
        config.database.expensive_queries = 1;
        change(config);
    })
    .await;
    app.import((1..=200).map(|id| {
        let address = if id % 50 == 0 { "79005556677" } else { "79001112233" };
        message(
            id,
            json!({"address": address, "content": format!("{{\"text\":\"{}\"}}", id % 7), "channelType": "WHATSAPP"}),
        )
    }))
    .await;
    app
}

/// How many cheap and how many expensive queries have ended.
fn query_counts(app: &TestApp) -> [u64; 2] {
    [Class::Cheap, Class::Expensive].map(|class| app.store.counters().finished(class))
}

#[actix_web::test]
async fn history_query_cost_decides_its_class() {
    let app = app_with_low_row_limit(|_| {}).await;
    let by_content = json!([{"property": "content", "direction": "ASC"}]);
    // Expected [cheap, expensive] queries.
    let queries = [
        (json!({"subscriberFilter": {"address": "79005556677"}}), [1, 0]),
        (json!({"messageId": 17}), [1, 0]),
        (json!({"limit": 40}), [1, 0]),
        (json!({"limit": 40, "offset": 5}), [1, 0]),
        (json!({"limit": 10, "offset": 100}), [0, 1]),
        (json!({"sort": by_content}), [0, 1]),
        (json!({"subscriberFilter": {"address": "79005556677"}, "sort": by_content}), [1, 0]),
        // The daily counts show that no message matches.
        (json!({"channelTypes": ["SMS"], "direction": "IN", "sort": by_content}), [1, 0]),
    ];
    let mut before = query_counts(&app);
    for (query, classes) in queries {
        let response = app.history(&query).await;
        assert!(response.starts_with("200 "), "{response}");
        let after = query_counts(&app);
        assert_eq!([after[0] - before[0], after[1] - before[1]], classes, "{query}");
        before = after;
    }
}

#[actix_web::test]
async fn log_list_cost_decides_its_class() {
    let app = app_with_low_row_limit(|_| {}).await;
    let search = json!({"_type": "Search", "value": "3"});
    // Expected [cheap, expensive] queries.
    let lists = [
        (json!({}), [1, 0]),
        (json!({"query": {"status": "Sent"}}), [1, 0]),
        (json!({"query": {"toNumber": "+79005556677", "messageText": search}}), [1, 0]),
        (json!({"query": {"messageText": search}}), [0, 1]),
        (json!({"sort": {"messageText": "ASC"}}), [0, 1]),
    ];
    let mut before = query_counts(&app);
    for (list, classes) in lists {
        let response = app.post("/api/whatsapp-log/get-list", &[("ApiKey", &app.key)], list.to_string()).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let after = query_counts(&app);
        assert_eq!([after[0] - before[0], after[1] - before[1]], classes, "{list}");
        before = after;
    }
}

#[actix_web::test]
async fn expensive_queries_give_the_same_result_as_cheap_ones() {
    let (limited, unlimited) = (
        app_with_low_row_limit(|_| {}).await,
        app_with_low_row_limit(|config| config.database.cheap_rows = 1_000_000).await,
    );
    for sort in ["content", "address", "messageId", "sentOrReceivedAt"] {
        for (offset, limit) in [(0, 7), (3, 100), (150, 100), (199, 1)] {
            let query = json!({"sort": [{"property": sort, "direction": "ASC"}], "offset": offset, "limit": limit});
            assert_eq!(limited.history(&query).await, unlimited.history(&query).await, "{query}");
        }
    }
    assert_eq!(query_counts(&unlimited)[1], 0);
}

/// Occupies the only slot for expensive queries until the sender is dropped.
pub async fn occupy_expensive_slot(
    app: &TestApp,
) -> (std::sync::mpsc::Sender<()>, actix_web::rt::task::JoinHandle<()>) {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (taken, is_taken) = tokio::sync::oneshot::channel();
    let parts = std::sync::Mutex::new(Some((released, taken)));
    let parts = std::sync::Arc::new(parts);
    let store = app.store.clone();
    let holder = actix_web::rt::spawn(async move {
        let caller = CallerId { tenant: TENANT, key: 0 };
        let work = move |_: &mut _, budget: &Budget| {
            budget.expect_rows(1000)?;
            if let Some((released, taken)) = parts.lock().unwrap().take() {
                taken.send(()).unwrap();
                // An error means that the sender was dropped.
                let _ = released.recv();
            }
            Ok(())
        };
        store.query(&caller.into(), work).await.unwrap();
    });
    is_taken.await.unwrap();
    (release, holder)
}

#[actix_web::test]
async fn expensive_queue_is_bounded_and_cheap_queries_bypass_it() {
    let app = app_with_low_row_limit(|config| config.database.expensive_queue = 1).await;
    let (release, holder) = occupy_expensive_slot(&app).await;
    let expensive = json!({"sort": [{"property": "content"}], "limit": 1});
    // Cheap queries are answered while the slot is taken.
    assert_eq!(app.ids(json!({"subscriberFilter": {"address": "79005556677"}})).await, "[200, 150, 100, 50]");
    assert_eq!(app.send("GET", "/readyz", &[], "").await.status, 200);
    assert_eq!(app.send("GET", "/metrics", &[], "").await.status, 200);
    // One query waits; the next is rejected at once.
    let waiting = app.history(&expensive);
    let refused = async {
        while app.store.expensive_waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let headers = [("x-api-key", app.key.as_str())];
        let refused = app.post("/api/messages/history", &headers, expensive.to_string()).await;
        drop(release);
        refused
    };
    let (waited, refused) = tokio::join!(waiting, refused);
    assert!(waited.starts_with("200 "), "{waited}");
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
    assert_snapshot!(refused.body, @r#"{"title":"service-unavailable","status":503,"detail":"The message store is busy or away; try again."}"#);
    assert_eq!(app.store.counters().rejected(Class::Expensive, "queue_full"), 1);
    holder.await.unwrap();
}

#[actix_web::test]
async fn no_tenant_can_occupy_all_cheap_query_slots() {
    let app = TestApp::with(|config| config.database.read_connections = 2).await;
    let other = TenantId(TENANT.0 + 1);
    app.create_tenant(other).await;
    let key = app.issue_key(other, |_| {}).await;
    // Both slots of the tenant are taken by queries that take long although they examine few rows.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let work = move |_: &mut _, _: &Budget| {
        begun.send(()).unwrap();
        // An error means that the sender was dropped.
        let _ = released.lock().unwrap().recv();
        Ok(())
    };
    let hold = || {
        actix_web::rt::spawn({
            let (store, work) = (app.store.clone(), work.clone());
            async move { store.query(&CallerId { tenant: TENANT, key: 7 }.into(), work).await }
        })
    };
    let held = [hold(), hold()];
    has_begun.recv().await.unwrap();
    has_begun.recv().await.unwrap();
    assert_eq!(app.ids_with(&key, json!({})).await, "[]");
    assert_eq!(app.store.abandoned_threads(), 0, "the query waited until slots were taken from stuck threads");
    drop(release);
    for held in held {
        held.await.unwrap().unwrap();
    }
}

#[actix_web::test]
async fn query_is_cancelled_when_its_client_disconnects() {
    let app = app_with_low_row_limit(|_| {}).await;
    let (cancelled, is_cancelled) = std::sync::mpsc::channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Arc::new(std::sync::Mutex::new(Some(begun)));
    let work = move |_: &mut _, budget: &Budget| {
        budget.expect_rows(1000)?;
        begun.lock().unwrap().take().unwrap().send(()).unwrap();
        // Counts rows as a statement does.
        while budget.count_row().is_ok() {}
        cancelled.send(budget.cancelled()).unwrap();
        Err::<(), _>(StoreError::Cancelled(CancelReason::ClientGone))
    };
    let reader = CallerId { tenant: TENANT, key: 7 }.into();
    let query = app.store.query(&reader, work);
    tokio::select! {
        _ = query => panic!("it does not end by itself"),
        _ = has_begun => {}
    }
    assert_eq!(is_cancelled.recv_timeout(Duration::from_secs(20)).unwrap(), Some(CancelReason::ClientGone));
    assert_eq!(app.store.counters().cancelled(Class::Expensive, CancelReason::ClientGone), 1);
    let metrics = app.send("GET", "/metrics", &[], "").await.body;
    let line = r#"history_gateway_queries_cancelled_total{class="expensive",reason="client_gone"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[actix_web::test]
async fn slow_pattern_search_is_cancelled_at_its_deadline() {
    // The pattern below takes long for each text.
    let app = TestApp::with(|config| {
        config.database.cheap_rows = 10;
        config.database.deadline_seconds = 1;
    })
    .await;
    let text = "a".repeat(20_000);
    // Through a store with a longer deadline than that of the queries.
    let items = (1..=300)
        .map(|id| message(id, json!({"content": json!({"text": text}).to_string(), "channelType": "WHATSAPP"})));
    let items = items.map(|item| Item::parse(&item.to_string(), TENANT).unwrap()).collect();
    ingest::record(&app.open_second_store(), TENANT, items).await.unwrap();
    let pattern = format!("{}b", "a_".repeat(2000));
    let list = json!({"query": {"messageText": {"_type": "Search", "value": pattern}}});
    let response = app.post("/api/whatsapp-log/count", &[("ApiKey", &app.key)], list.to_string()).await;
    assert_eq!((response.status.as_u16(), response.header("retry-after")), (503, "1"), "{}", response.body);
    assert_eq!(app.store.counters().cancelled(Class::Expensive, CancelReason::Deadline), 1);
    // Its slot is free again: its thread has ended, or PostgreSQL has cancelled its statement.
    let list = json!({"query": {"messageText": {"_type": "Search", "value": "b"}}});
    let response = app.post("/api/whatsapp-log/count", &[("ApiKey", &app.key)], list.to_string()).await;
    assert_snapshot!(response.body, @r#"{"count":0}"#);
    assert_eq!(app.store.abandoned_threads(), 0);
}

#[actix_web::test]
async fn shutdown_cancels_expensive_queries_and_answers_cheap_ones() {
    let app = app_with_low_row_limit(|_| {}).await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Arc::new(std::sync::Mutex::new(Some(begun)));
    let work = move |_: &mut _, budget: &Budget| {
        budget.expect_rows(1000)?;
        begun.lock().unwrap().take().unwrap().send(()).unwrap();
        loop {
            budget.count_row()?;
        }
        #[expect(unreachable_code, reason = "gives the closure its type")]
        Ok(())
    };
    let reader = CallerId { tenant: TENANT, key: 7 }.into();
    let query = app.store.query(&reader, work);
    let stopping = async {
        has_begun.await.unwrap();
        app.store.stop();
    };
    let (cancelled, ()) = tokio::join!(query, stopping);
    assert!(matches!(cancelled, Err(StoreError::Cancelled(CancelReason::Stopping))));
    assert_eq!(app.ids(json!({"messageId": 17})).await, "[17]");
    let refused = app.history(json!({"sort": [{"property": "content"}]})).await;
    assert!(refused.starts_with("503 "), "{refused}");
}

/// Whether a query with such a plan ran on the thread of its caller.
async fn ran_here(app: &TestApp, work: impl Fn(&Budget) -> Result<(), StoreError> + Clone + Send + 'static) -> bool {
    let (here, caller) = (std::thread::current().id(), CallerId { tenant: TENANT, key: 1 });
    let query = move |_: &mut _, budget: &Budget| work(budget).map(|()| std::thread::current().id() == here);
    app.store.planned_query(&caller.into(), query).await.unwrap()
}

#[actix_web::test]
async fn small_query_on_a_file_runs_on_its_callers_thread() {
    // A slow machine must not fail the test.
    let app = TestApp::with(|config| config.database.small_query_milliseconds = 1000).await;
    assert_eq!(ran_here(&app, |budget| budget.expect_small(Some(1001))).await, !runs_on_postgres());
    // The plan does not say how many rows it examines, or says that these are many.
    assert!(!ran_here(&app, |budget| budget.expect_small(None)).await);
    assert!(!ran_here(&app, |budget| budget.expect_small(Some(1601))).await);
    // It examines more rows than expected.
    assert!(!ran_here(&app, |budget| (0..1601).try_for_each(|_| budget.count_row())).await);
    assert_eq!(query_counts(&app), [4, 0], "each counts once");
    let app = TestApp::with(|config| config.database.small_query_milliseconds = 0).await;
    assert!(!ran_here(&app, |budget| budget.expect_small(Some(1))).await);
}

#[actix_web::test]
async fn small_query_that_takes_too_long_goes_to_another_thread() {
    let app = TestApp::with(|config| config.database.small_query_milliseconds = 1).await;
    let spin = |budget: &Budget| {
        let started = std::time::Instant::now();
        while started.elapsed() < Duration::from_millis(20) {
            budget.check()?;
        }
        Ok(())
    };
    assert!(!ran_here(&app, spin).await);
}

#[actix_web::test]
async fn database_that_holds_a_callers_thread_is_reported() {
    if runs_on_postgres() {
        return;
    }
    let app = TestApp::with(|config| config.database.deadline_seconds = 1).await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (store, released) = (app.store.clone(), std::sync::Arc::new(std::sync::Mutex::new(released)));
    let stuck = std::thread::spawn(move || {
        let hold = move |_: &mut _, _: &Budget| {
            // An error means that the sender was dropped.
            let _ = released.lock().unwrap().recv();
            Ok(())
        };
        let reader = CallerId { tenant: TENANT, key: 1 }.into();
        let query = store.planned_query(&reader, hold);
        actix_web::rt::System::new().block_on(query).unwrap();
    });
    let which = tokio::time::timeout(Duration::from_secs(20), app.store.too_many_abandoned()).await.unwrap();
    assert_eq!((which, app.store.abandoned_threads()), ("blocks threads that serve connections", 1));
    drop(release);
    stuck.join().unwrap();
    assert_eq!(app.store.abandoned_threads(), 0);
}
