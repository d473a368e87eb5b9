//! One caller never holds up another: expensive questions have few places, and end with whoever asked.

use std::time::Duration;

use history_gateway::config::Config;
use history_gateway::ingest;
use history_gateway::model::{CallerId, Item, TenantId};
use history_gateway::store::{CancelReason, Class, StoreError};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, message, on_server};

/// With a bound of rows so low that a handful of messages makes a question expensive.
pub async fn app(change: impl FnOnce(&mut Config)) -> TestApp {
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

fn asked(app: &TestApp) -> [u64; 2] {
    [Class::Cheap, Class::Expensive].map(|class| app.store.counters().started(class))
}

#[actix_web::test]
async fn history_query_cost_decides_its_class() {
    let app = app(|_| {}).await;
    let by_content = json!([{"property": "content", "direction": "ASC"}]);
    let questions = [
        (json!({"subscriberFilter": {"address": "79005556677"}}), [1, 0]),
        (json!({"messageId": 17}), [1, 0]),
        (json!({"limit": 40}), [1, 0]),
        (json!({"limit": 40, "offset": 5}), [1, 0]),
        (json!({"limit": 10, "offset": 100}), [0, 1]),
        (json!({"sort": by_content}), [0, 1]),
        (json!({"subscriberFilter": {"address": "79005556677"}, "sort": by_content}), [1, 0]),
        // Nothing has all of it, which the kept counts tell.
        (json!({"channelTypes": ["SMS"], "direction": "IN", "sort": by_content}), [1, 0]),
    ];
    let mut before = asked(&app);
    for (question, classes) in questions {
        let answer = app.ask(&question).await;
        assert!(answer.starts_with("200 "), "{answer}");
        let after = asked(&app);
        assert_eq!([after[0] - before[0], after[1] - before[1]], classes, "{question}");
        before = after;
    }
}

#[actix_web::test]
async fn log_list_cost_decides_its_class() {
    let app = app(|_| {}).await;
    let search = json!({"_type": "Search", "value": "3"});
    let lists = [
        (json!({}), [1, 0]),
        (json!({"query": {"status": "Sent"}}), [1, 0]),
        (json!({"query": {"toNumber": "+79005556677", "messageText": search}}), [1, 0]),
        (json!({"query": {"messageText": search}}), [0, 1]),
        (json!({"sort": {"messageText": "ASC"}}), [0, 1]),
    ];
    let mut before = asked(&app);
    for (list, classes) in lists {
        let response = app.post("/api/whatsapp-log/get-list", &[("ApiKey", &app.key)], list.to_string()).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let after = asked(&app);
        assert_eq!([after[0] - before[0], after[1] - before[1]], classes, "{list}");
        before = after;
    }
}

#[actix_web::test]
async fn expensive_queries_give_the_same_result_as_cheap_ones() {
    let (bounded, free) = (app(|_| {}).await, app(|config| config.database.cheap_rows = 1_000_000).await);
    for sort in ["content", "address", "messageId", "sentOrReceivedAt"] {
        for (offset, limit) in [(0, 7), (3, 100), (150, 100), (199, 1)] {
            let question = json!({"sort": [{"property": sort, "direction": "ASC"}], "offset": offset, "limit": limit});
            assert_eq!(bounded.ask(&question).await, free.ask(&question).await, "{question}");
        }
    }
    assert_eq!(asked(&free)[1], 0);
}

/// Holds the one place for expensive questions until the other end is dropped.
pub async fn occupy(app: &TestApp) -> (std::sync::mpsc::Sender<()>, actix_web::rt::task::JoinHandle<()>) {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (taken, is_taken) = tokio::sync::oneshot::channel();
    let parts = std::sync::Mutex::new(Some((released, taken)));
    let parts = std::sync::Arc::new(parts);
    let store = app.store.clone();
    let holder = actix_web::rt::spawn(async move {
        let caller = CallerId { tenant: TENANT, key: 0 };
        let work = move |_: &mut _, budget: &history_gateway::store::Budget| {
            budget.expect_rows(1000)?;
            if let Some((released, taken)) = parts.lock().unwrap().take() {
                taken.send(()).unwrap();
                // An error tells that the other end was dropped.
                let _ = released.recv();
            }
            Ok(())
        };
        store.query(caller, work).await.unwrap();
    });
    is_taken.await.unwrap();
    (release, holder)
}

#[actix_web::test]
async fn expensive_queue_is_bounded_and_cheap_queries_bypass_it() {
    let app = app(|config| config.database.expensive_queue = 1).await;
    let (release, holder) = occupy(&app).await;
    let expensive = json!({"sort": [{"property": "content"}], "limit": 1});
    // Cheap ones are answered while the place is taken.
    assert_eq!(app.ids(json!({"subscriberFilter": {"address": "79005556677"}})).await, "[200, 150, 100, 50]");
    assert_eq!(app.send("GET", "/readyz", &[], "").await.status, 200);
    assert_eq!(app.send("GET", "/metrics", &[], "").await.status, 200);
    // One waits; the next is refused at once.
    let waiting = app.ask(&expensive);
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
    app.tenant(other).await;
    let key = app.issue(other, |_| {}).await;
    // Both of its places are taken by what takes long although little is counted.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let work = move |_: &mut _, _: &history_gateway::store::Budget| {
        begun.send(()).unwrap();
        // An error tells that the other end was dropped.
        let _ = released.lock().unwrap().recv();
        Ok(())
    };
    let hold = || {
        actix_web::rt::spawn({
            let (store, work) = (app.store.clone(), work.clone());
            async move { store.query(CallerId { tenant: TENANT, key: 7 }, work).await }
        })
    };
    let held = [hold(), hold()];
    has_begun.recv().await.unwrap();
    has_begun.recv().await.unwrap();
    assert_eq!(app.ids_with(&key, json!({})).await, "[]");
    assert_eq!(app.store.abandoned_threads(), 0, "it waited until the others' places were taken from them");
    drop(release);
    for held in held {
        held.await.unwrap().unwrap();
    }
}

#[actix_web::test]
async fn query_ends_when_its_client_is_gone() {
    let app = app(|_| {}).await;
    let (ended, has_ended) = std::sync::mpsc::channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Arc::new(std::sync::Mutex::new(Some(begun)));
    let work = move |_: &mut _, budget: &history_gateway::store::Budget| {
        budget.expect_rows(1000)?;
        begun.lock().unwrap().take().unwrap().send(()).unwrap();
        // As a statement's rows do.
        while budget.count_row().is_ok() {}
        ended.send(budget.cancelled()).unwrap();
        Err::<(), _>(StoreError::Cancelled(CancelReason::ClientGone))
    };
    let asking = app.store.query(CallerId { tenant: TENANT, key: 7 }, work);
    tokio::select! {
        _ = asking => panic!("it does not end by itself"),
        _ = has_begun => {}
    }
    assert_eq!(has_ended.recv_timeout(Duration::from_secs(20)).unwrap(), Some(CancelReason::ClientGone));
    assert_eq!(app.store.counters().cancelled(Class::Expensive, CancelReason::ClientGone), 1);
    let metrics = app.send("GET", "/metrics", &[], "").await.body;
    let line = r#"history_gateway_queries_cancelled_total{class="expensive",reason="client_gone"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[actix_web::test]
async fn slow_pattern_search_ends_at_its_deadline() {
    // A pattern that takes a while for each text.
    let app = TestApp::with(|config| {
        config.database.cheap_rows = 10;
        config.database.deadline_seconds = 1;
    })
    .await;
    let text = "a".repeat(20_000);
    // Through a store with more patience than the questions have.
    let items = (1..=300)
        .map(|id| message(id, json!({"content": json!({"text": text}).to_string(), "channelType": "WHATSAPP"})));
    let items = items.map(|item| Item::parse(&item.to_string(), TENANT).unwrap()).collect();
    ingest::record(&app.open_again(), TENANT, items).await.unwrap();
    let pattern = format!("{}b", "a_".repeat(2000));
    let list = json!({"query": {"messageText": {"_type": "Search", "value": pattern}}});
    let response = app.post("/api/whatsapp-log/count", &[("ApiKey", &app.key)], list.to_string()).await;
    assert_eq!((response.status.as_u16(), response.header("retry-after")), (503, "1"), "{}", response.body);
    assert_eq!(app.store.counters().cancelled(Class::Expensive, CancelReason::Deadline), 1);
    // Its place is free again: the thread has ended, or its server's work was cancelled.
    let list = json!({"query": {"messageText": {"_type": "Search", "value": "b"}}});
    let response = app.post("/api/whatsapp-log/count", &[("ApiKey", &app.key)], list.to_string()).await;
    assert_snapshot!(response.body, @r#"{"count":0}"#);
    assert_eq!(app.store.abandoned_threads(), 0);
}

#[actix_web::test]
async fn shutdown_ends_expensive_queries_and_answers_cheap_ones() {
    let app = app(|_| {}).await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Arc::new(std::sync::Mutex::new(Some(begun)));
    let work = move |_: &mut _, budget: &history_gateway::store::Budget| {
        budget.expect_rows(1000)?;
        begun.lock().unwrap().take().unwrap().send(()).unwrap();
        loop {
            budget.count_row()?;
        }
        #[expect(unreachable_code, reason = "gives the closure its type")]
        Ok(())
    };
    let asking = app.store.query(CallerId { tenant: TENANT, key: 7 }, work);
    let stopping = async {
        has_begun.await.unwrap();
        app.store.stop();
    };
    let (ended, ()) = tokio::join!(asking, stopping);
    assert!(matches!(ended, Err(StoreError::Cancelled(CancelReason::Stopping))));
    assert_eq!(app.ids(json!({"messageId": 17})).await, "[17]");
    let refused = app.ask(json!({"sort": [{"property": "content"}]})).await;
    assert!(refused.starts_with("503 "), "{refused}");
}

#[actix_web::test]
async fn corrupt_row_is_a_500_that_hides_the_cause() {
    if on_server() {
        return;
    }
    let app = app(|_| {}).await;
    app.store
        .write(|connection| {
            use diesel::connection::SimpleConnection;
            Ok(connection
                .batch_execute("UPDATE whatsapp_logs SET incident_id = 'no uuid' WHERE to_number = '+79005556677'")?)
        })
        .await
        .unwrap();
    let list = json!({"query": {"toNumber": "+79005556677"}, "select": {"incidentId": true}});
    let response = app.post("/api/whatsapp-log/get-list", &[("ApiKey", &app.key)], list.to_string()).await;
    assert_eq!(response.status, 500);
    assert_snapshot!(response.body, @r#"{"error":"The message store cannot give this answer; its operator's log tells why.","message":"The message store cannot give this answer; its operator's log tells why."}"#);
    let _: Value = serde_json::from_str(&response.body).unwrap();
}
