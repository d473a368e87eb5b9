//! Which index each walk reads, and how many rows a page examines at any depth (docs/api.md 1.4).

use insta::assert_snapshot;

use crate::support::{Database, NOW, TENANT, TestApp, message, runs_on_postgres};
use history_gateway::model::message_query::WalkPosition;
use history_gateway::model::{Grants, MessageFilters, MessageQuery, Policy};
use history_gateway::store::messages::walk::{self, WalkLimits};
use serde_json::json;

const LIMITS: WalkLimits = WalkLimits { rows: 100_000, time: std::time::Duration::from_mins(1) };

/// Three thousand messages: every tenth has the wanted values.
async fn filled(app: TestApp) -> TestApp {
    let fields = |id: i64| {
        let wanted = i64::from(id % 10 == 0);
        json!({"subjectId": 5 + wanted, "comment": format!("order {wanted}"), "cascadeId": 30 + wanted, "broadcastId": 70 + wanted,
            "deliveryStatus": if wanted == 1 { "FAILED" } else { "READ" }, "deliveryStatusAt": "2026-03-01T10:00:05Z",
            "address": format!("7900{wanted}"), "sentOrReceivedAt": format!("2026-02-{:02}T00:00:00Z", 1 + id / 150)})
    };
    app.import((1..=3000).map(|id| message(id, fields(id)))).await;
    crate::plans::collect_statistics(&app).await;
    app
}

fn wanted() -> Vec<(&'static str, MessageFilters)> {
    let none = MessageFilters::default;
    vec![
        ("nothing", none()),
        ("an address", MessageFilters { addresses: vec!["79001".into()], ..none() }),
        ("a comment", MessageFilters { comment: Some("order 1".into()), ..none() }),
        ("a status", MessageFilters { delivery_statuses: vec!["FAILED".into()], ..none() }),
        ("a cascade", MessageFilters { cascade_ids: vec![31], ..none() }),
        ("a broadcast", MessageFilters { broadcast_ids: vec![71], ..none() }),
        ("a subject", MessageFilters { subject_ids: vec![6], ..none() }),
        ("ids", MessageFilters { message_ids: (1..=300).map(|n| n * 10).collect(), ..none() }),
    ]
}

fn query(filters: MessageFilters, descending: bool, after: Option<i64>) -> MessageQuery {
    let mut query = MessageQuery::new(filters, (descending, 20), &Grants::all(TENANT), Policy::default()).unwrap();
    query.position = after.map(|message_id| WalkPosition { message_id, national: vec![false] });
    query
}

#[actix_web::test]
async fn indexed_walk_examines_a_row_more_than_its_page() {
    let app = filled(TestApp::new().await).await;
    for (name, filters) in wanted() {
        for (descending, after) in
            [(true, None), (true, Some(1500)), (true, Some(400)), (false, None), (false, Some(2500))]
        {
            let query = query(filters.clone(), descending, after);
            let (page, rows) =
                app.store.read_primary(move |connection| walk::page_counted(connection, &query, LIMITS)).await.unwrap();
            assert_eq!((page.items.len(), page.complete, page.next.is_some()), (20, true, true), "{name} {after:?}");
            // PostgreSQL also counts what it reads of other tables to plan, and of statistics.
            assert!(rows <= 21 || runs_on_postgres() && rows <= 60, "{name} after {after:?}: {rows} rows");
        }
    }
}

#[actix_web::test]
async fn window_bounds_a_walk_through_all_messages() {
    let app = filled(TestApp::new().await).await;
    let window = |from: &str, to: &str| MessageFilters {
        from: Some(crate::support::instant(from)),
        to: Some(crate::support::instant(to)),
        matcher_ids: vec![1],
        ..MessageFilters::default()
    };
    for (filters, most) in [
        (window("2026-02-10", "2026-02-10"), 150),
        (window("2026-02-01", "2026-02-03"), 449),
        (window("2025-01-01", "2025-12-31"), 0),
    ] {
        let query = query(filters, true, None);
        let (page, rows) =
            app.store.read_primary(move |connection| walk::page_counted(connection, &query, LIMITS)).await.unwrap();
        assert_eq!((page.items.len(), page.complete, page.next), (0, true, None));
        assert!(rows <= most || runs_on_postgres() && rows <= most + 60, "{rows} rows instead of {most}");
    }
}

#[actix_web::test]
async fn each_walk_reads_the_intended_index() {
    let app = filled(TestApp::on(Database::sqlite(), NOW, |_| {}).await).await;
    let mut plans = String::new();
    for (name, filters) in wanted() {
        let query = query(filters, true, None);
        let plan = app.store.read_primary(move |connection| walk::database_plan(connection, &query)).await.unwrap();
        plans += &format!("{name}: {}\n", plan.join(" · "));
    }
    assert_snapshot!(plans, @r"
    nothing: SEARCH messages USING INDEX sqlite_autoindex_messages_1 (tenant_id=? AND message_id>? AND message_id<?)
    an address: SEARCH messages USING INDEX messages_by_recipient (tenant_id=? AND recipient_id=? AND message_id>? AND message_id<?)
    a comment: SEARCH messages USING INDEX messages_by_comment (tenant_id=? AND comment_key=? AND message_id>? AND message_id<?)
    a status: SEARCH messages USING INDEX messages_by_status (tenant_id=? AND undelivered_status=? AND message_id>? AND message_id<?)
    a cascade: SEARCH messages USING INDEX messages_by_cascade (tenant_id=? AND cascade_id=? AND message_id>? AND message_id<?)
    a broadcast: SEARCH messages USING INDEX messages_by_broadcast (tenant_id=? AND broadcast_id=? AND message_id>? AND message_id<?)
    a subject: SEARCH messages USING INDEX messages_by_subject (tenant_id=? AND subject_id=? AND message_id>? AND message_id<?)
    ids: SEARCH messages USING INDEX sqlite_autoindex_messages_1 (tenant_id=? AND message_id=?) · LIST SUBQUERY 1 · SCAN json_each VIRTUAL TABLE INDEX 1:
    ");
}
