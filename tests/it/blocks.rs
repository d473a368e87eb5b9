//! Whatever blocks have been built, and whatever was written since, responses stay the same.

use std::cell::Cell;
use std::future::ready;
use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use proptest::prelude::*;
use serde_json::json;

use crate::oracle::Oracle;
use crate::plans;
use crate::property::{TENANTS, copy, empty, import, query, response};
use crate::support::{Binary, TENANT, TestApp, instant, message, runs_on_postgres};
use history_gateway::model::{Property, TenantId};
use history_gateway::store::messages::blocks;
use history_gateway::store::messages::blocks::build;
use history_gateway::store::{DatabaseUrl, Options};

/// Builds the blocks of all tenants; returns how many.
async fn build_blocks(app: &TestApp, size: i64) -> u64 {
    let mut blocks = 0;
    for tenant in TENANTS {
        blocks += build::build_all(&app.store, TenantId(tenant), size, || ready(())).await.unwrap();
    }
    blocks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_match_the_oracle_whatever_blocks_are_built(
        steps in prop::collection::vec((prop::collection::vec(copy(60), 1..60), prop::option::of(1_i64..12)), 1..6),
        queries in prop::collection::vec(query(40), 40),
    ) {
        actix_web::rt::System::new().block_on(async {
            let mut oracle = Oracle::default();
            let app = empty(false).await;
            for (batch, size) in &steps {
                import(&app, std::slice::from_ref(batch)).await;
                for (_, copy) in batch {
                    oracle.import(copy.clone());
                }
                if let Some(size) = size {
                    build_blocks(&app, *size).await;
                }
            }
            for query in queries.iter().filter(|query| !query.address_only) {
                assert_eq!(response(&app, query).await, oracle.answer(query), "{query:?}");
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn builders_and_writers_at_once_lose_no_change(
        batches in prop::collection::vec(prop::collection::vec(copy(40), 1..8), 30),
        queries in prop::collection::vec(query(20), 20),
    ) {
        actix_web::rt::System::new().block_on(async {
            let mut oracle = Oracle::default();
            for (_, copy) in batches.iter().flatten() {
                oracle.import(copy.clone());
            }
            let app = empty(false).await;
            let is_written = Cell::new(false);
            let writer = async {
                import(&app, &batches).await;
                is_written.set(true);
            };
            // Two builders, as of two gateways.
            let builders = async {
                let mut built = 0;
                while !is_written.get() {
                    let (a, b) = tokio::join!(build_blocks(&app, 4), build_blocks(&app, 3));
                    built += a + b;
                }
                built
            };
            let ((), built) = tokio::join!(writer, builders);
            assert!(built > 0);
            for query in queries.iter().filter(|query| !query.address_only) {
                assert_eq!(response(&app, query).await, oracle.answer(query), "{query:?}");
            }
            build_blocks(&app, 4).await;
            assert_eq!(check(&app).await, Vec::<(i64, i64)>::new());
        });
    }
}

/// The blocks that differ from their messages.
async fn check(app: &TestApp) -> Vec<(i64, i64)> {
    let mut wrong = Vec::new();
    for tenant in TENANTS {
        let of_tenant = move |connection: &mut _| blocks::check::wrong_blocks(connection, TenantId(tenant));
        wrong.extend(app.store.read_primary(of_tenant).await.unwrap());
    }
    wrong
}

#[actix_web::test]
async fn sorts_filters_and_offsets_examine_the_newest_messages_only() {
    let app = plans::app().await;
    let before = plans::rows_read(&app, json!({"sort": [{"property": "content"}], "dateFrom": "2026-01-01"})).await;
    assert!(before.1 > 1000, "{before:?}");
    assert_eq!(build::build_all(&app.store, TENANT, 64, || ready(())).await.unwrap(), 32);
    // Of the 2000: those that no block contains, or those up to the page in an index that has its order. PostgreSQL counts
    // those of the page, too, and those that are read for their values.
    let (most, offsets) = if runs_on_postgres() { (250, vec![0]) } else { (40, vec![0, 500]) };
    for property in Property::ALL.iter().filter(|property| **property != Property::MessageId) {
        for offset in &offsets {
            let sort = json!([{"property": property.name(), "direction": "ASC"}]);
            let body = json!({"sort": sort, "dateFrom": "2026-01-01", "channelTypes": ["SMS"], "offset": offset});
            let (found, examined) = plans::rows_read(&app, body).await;
            assert_eq!(found, 15, "{}", property.name());
            assert!(examined <= most, "{}: {examined}", property.name());
        }
    }
    // Those without a block are skipped one by one. PostgreSQL examines one more for each further month.
    let far = json!({"dateFrom": "2025-11-01", "offset": 1500});
    let old = json!({"dateFrom": "2025-12-10T10:00:00Z", "dateTo": "2025-12-20T10:00:00Z"});
    for (body, expected) in [(far, 8 + 16), (old, 16)] {
        let (found, examined) = plans::rows_read(&app, body).await;
        assert_eq!(found, 15);
        let further = if runs_on_postgres() { 4 } else { 0 };
        assert!((expected..=expected + further).contains(&examined), "{examined} for {expected}");
    }
}

#[actix_web::test]
async fn message_that_arrived_late_makes_no_page_pass_over_others() {
    let app = TestApp::new().await;
    let start = instant("2026-02-01T00:00:00Z");
    // One message a minute, but one of them arrived a day later than it was sent.
    let minute =
        |id: i64| history_gateway::model::Instant(start.0 + 60_000 * if id == 2500 { 500 } else { id }).to_string();
    app.import((1..=3000).map(|id| message(id, json!({"sentOrReceivedAt": minute(id)})))).await;
    plans::collect_statistics(&app).await;
    build::build_all(&app.store, TENANT, 256, || ready(())).await.unwrap();
    for (direction, from, to, first) in [("DESC", 1, 510, 2500), ("ASC", 500, 510, 500), ("DESC", 490, 600, 2500)] {
        let body = json!({"dateFrom": minute(from), "dateTo": minute(to), "limit": 10,
            "sort": [{"property": "messageId", "direction": direction}]});
        assert!(app.ids(&body).await.starts_with(&format!("[{first}, ")), "{direction} {from}");
        let (found, examined) = plans::rows_read(&app, body).await;
        assert_eq!(found, 10);
        assert!(examined <= 40, "{direction} {from}: {examined}");
    }
}

#[actix_web::test]
async fn check_finds_a_block_that_differs_from_its_messages() {
    let app = plans::app().await;
    build::build_all(&app.store, TENANT, 64, || ready(())).await.unwrap();
    assert_eq!(check(&app).await, []);
    let change = "UPDATE messages SET item = replace(item, '\"direction\":\"OUT\"', '\"direction\":\"IN\"') \
                  WHERE message_id = (SELECT min(message_id) FROM messages)";
    app.store.write(|connection| Ok(connection.batch_execute(change)?)).await.unwrap();
    let wrong = check(&app).await;
    assert_eq!(wrong.len(), 1);
    let faults = history_gateway::store::check::run(&app.database_url(), &Options::default()).unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let (_, statement) = faults[0].split_once("; ").unwrap();
    let statement = statement.strip_suffix(" has it built again").unwrap().to_owned();
    app.store.write(move |connection| Ok(connection.batch_execute(&statement)?)).await.unwrap();
    assert_eq!(build::build_all(&app.store, TENANT, 64, || ready(())).await.unwrap(), 1);
    assert_eq!(check(&app).await, []);
}

#[actix_web::test]
async fn extreme_requests_get_the_same_responses_with_blocks() {
    let app = plans::app().await;
    let words: Vec<&str> = ["SMS", "PUSH"].into_iter().cycle().take(10_000).collect();
    let sort = json!([{"property": "content"}, {"property": "segments"}, {"property": "comment"}]);
    let bodies = [
        json!({"channelTypes": words, "dateFrom": "0000-01-01", "limit": 1000}),
        json!({"channelTypes": words, "dateFrom": "0000-01-01", "sort": sort, "limit": 1000, "offset": 300}),
        json!({"dateTo": "9999-12-31", "sort": sort, "limit": 1000}),
        json!({"dateFrom": "0000-01-01", "sort": sort, "offset": 1_i64 << 62}),
        json!({"dateFrom": "0000-01-01", "direction": "OUT", "offset": 1_i64 << 62}),
        json!({"dateFrom": "0000-01-01", "offset": i64::MAX, "limit": 1000}),
        json!({"dateFrom": "9999-01-01", "dateTo": "0000-01-01", "sort": sort}),
    ];
    let responses = async || {
        let mut responses = Vec::new();
        for body in &bodies {
            responses.push(app.history(body).await);
        }
        responses
    };
    let before = responses().await;
    build::build_all(&app.store, TENANT, 64, || ready(())).await.unwrap();
    assert_eq!(responses().await, before);
    assert!(before.iter().all(|response| response.starts_with("200 ")), "{before:?}");
}

#[actix_web::test]
async fn long_messages_become_several_blocks() {
    let app = TestApp::new().await;
    // 45 MB, more than the 32 MiB that a builder reads at once.
    let content = "x".repeat(1_000_000);
    app.import((1..=45).map(|id| message(id, json!({"content": format!("{content}{id}")})))).await;
    app.import((46..=60).map(|id| message(id, json!({})))).await;
    assert_eq!(build::build_all(&app.store, TENANT, 50, || ready(())).await.unwrap(), 3);
    assert_eq!(app.store.read_primary(|c| blocks::check::wrong_blocks(c, TENANT)).await.unwrap(), []);
    let by_content = json!({"dateFrom": "2026-01-01", "offset": 15, "sort": [{"property": "content"}]});
    let ids = app.ids(&by_content).await;
    assert_eq!(ids, "[9, 8, 7, 6, 5, 45, 44, 43, 42, 41, 40, 4, 39, 38, 37, …]");
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    value: i64,
}

#[test]
fn running_server_builds_blocks_and_check_agrees() {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Example"]);
    binary.run(&["generate", "--tenant", "3193", "--messages", "10000"]);
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    let mut store = DatabaseUrl::parse(&binary.url()).unwrap().connect(Duration::from_secs(5)).unwrap();
    let built = "SELECT CAST(coalesce(sum(messages), 0) AS BIGINT) AS value FROM message_blocks WHERE state = 2";
    let deadline = Instant::now() + Duration::from_mins(1);
    while diesel::sql_query(built).get_result::<Number>(&mut store).unwrap().value < 9000 {
        assert!(Instant::now() < deadline, "{}", server.log());
    }
    drop((server, store));
    assert_eq!(binary.run(&["check"]), "");
}
