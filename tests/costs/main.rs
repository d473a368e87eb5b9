//! What a request costs, as counters that do not depend on the machine: statements, statements that had to be prepared,
//! and allocations. Rows examined are in `tests/it/plans.rs`, instructions in `.ci/instructions`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(
    dead_code,
    unused_imports,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "the other tests use the rest of it"
)]
#[path = "../it/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use actix_web::test;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use serde_json::json;

use history_gateway::http::app;
use support::{TestApp, message, runs_on_postgres};

/// Whether statements are counted, which allocates.
static IS_COUNTING: AtomicBool = AtomicBool::new(false);

static STATEMENTS: AtomicU64 = AtomicU64::new(0);

/// Those of them that were not kept prepared before.
static UNPREPARED: AtomicU64 = AtomicU64::new(0);

/// The texts of the statements that a connection keeps prepared.
static KEPT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

#[expect(clippy::unnecessary_wraps, reason = "diesel takes a function that may return none")]
fn counting() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| match event {
        InstrumentationEvent::StartQuery { query, .. } if IS_COUNTING.load(Ordering::Relaxed) => {
            let query = query.to_string();
            let text = query.split(" -- binds").next().unwrap();
            // On PostgreSQL, beginning and ending a transaction is no statement to prepare.
            let needs_none = runs_on_postgres() && !text.starts_with("SELECT") && !text.starts_with("WITH");
            STATEMENTS.fetch_add(1, Ordering::Relaxed);
            UNPREPARED.fetch_add(u64::from(!needs_none && !KEPT.lock().unwrap().contains(text)), Ordering::Relaxed);
        }
        InstrumentationEvent::CacheQuery { sql, .. } => {
            KEPT.lock().unwrap().insert(sql.to_owned());
        }
        _ => {}
    }))
}

/// What one request costs once its statements are prepared: statements, those among them that are not kept prepared, and
/// allocations of its thread.
struct Cost {
    statements: u64,
    unprepared: u64,
    allocations: u64,
}

/// How often a request is repeated: now and then one looks up its key, too, which the average leaves out.
const REPEATED: u64 = 20;

/// Runs a request until its statements are prepared, then counts.
fn cost(runtime: &actix_web::rt::SystemRunner, app_under_test: &TestApp, body: &serde_json::Value) -> Cost {
    let service = runtime.block_on(test::init_service(app(app_under_test.gateway.clone())));
    let ask = || {
        let request = test::TestRequest::post().uri("/api/messages/history");
        let request = request.insert_header(("x-api-key", app_under_test.key.as_str())).set_payload(body.to_string());
        let response = runtime.block_on(test::call_service(&service, request.to_request()));
        assert_eq!(response.status(), 200);
        runtime.block_on(test::read_body(response))
    };
    for _ in 0..5 {
        ask();
    }
    let (statements, unprepared) = (STATEMENTS.load(Ordering::Relaxed), UNPREPARED.load(Ordering::Relaxed));
    let repeat = || (0..REPEATED).for_each(|_| drop(ask()));
    let allocated = allocation_counter::measure(repeat);
    IS_COUNTING.store(true, Ordering::Relaxed);
    repeat();
    IS_COUNTING.store(false, Ordering::Relaxed);
    Cost {
        statements: (STATEMENTS.load(Ordering::Relaxed) - statements) / REPEATED,
        unprepared: UNPREPARED.load(Ordering::Relaxed) - unprepared,
        allocations: allocated.count_total / REPEATED,
    }
}

// One test: the counters of statements are the process's.
#[core::prelude::v1::test]
fn pages_cost_few_statements_and_allocations() {
    set_default_instrumentation(counting).unwrap();
    let runtime = actix_web::rt::System::new();
    let app = runtime.block_on(async {
        let app = TestApp::with(|config| config.database.small_query_milliseconds = 1000).await;
        let own =
            |id: i64| message(id, json!({"address": "79001112233", "subscriberId": 10, "subjectId": 500 + id % 20}));
        app.import((1..=60).map(own)).await;
        app.import([message(61, json!({"address": "a-token", "channelType": "PUSH", "subscriberId": 10}))]).await;
        app
    });
    let person = json!({"address": "79001112233"});
    // The query, its statements on a file and on a server, and the most allocations on a file.
    let cases = [
        // BEGIN, the address, the subscriber, the other address, a scan for each of two recipients, COMMIT.
        ("a person", json!({"subscriberFilter": person}), 7, 1, 120),
        (
            "a person and lists",
            json!({"subscriberFilter": person, "channelTypes": ["SMS", "PUSH"], "trafficTypes": ["HSM", "AD"]}),
            7,
            1,
            175,
        ),
        // BEGIN, the counts, the scan, COMMIT.
        ("the newest", json!({}), 4, 4, 150),
        ("the newest 50", json!({"limit": 50}), 4, 4, 150),
    ];
    for (name, body, on_file, on_server, allocations) in cases {
        let cost = cost(&runtime, &app, &body);
        println!(
            "{name}: {} statements, {} unprepared, {} allocations",
            cost.statements, cost.unprepared, cost.allocations
        );
        assert_eq!(cost.unprepared, 0, "{name}: statements that are not kept prepared");
        assert_eq!(cost.statements, if runs_on_postgres() { on_server } else { on_file }, "{name}: statements");
        // On PostgreSQL, another thread does the work.
        assert!(runs_on_postgres() || cost.allocations <= allocations, "{name}: {} allocations", cost.allocations);
    }
}
