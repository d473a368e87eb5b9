//! The planner: which index each query scans, and exactly how many rows it examines.

use diesel::connection::SimpleConnection;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Database, TENANT, TestApp, instant, runs_on_postgres};
use history_gateway::edna::request;
use history_gateway::generate::{Messages, Plan};
use history_gateway::ingest::Pipeline;
use history_gateway::model::history::Recipient;
use history_gateway::model::subscriber::AddressType;
use history_gateway::model::{Grants, HistoryQuery, Policy, Property};
use history_gateway::store::messages::history;
use history_gateway::store::recipients::resolve;

const NOW: &str = "2026-03-01T12:00:00Z";

/// Two thousand messages of a hundred days and fifty people.
pub async fn app() -> TestApp {
    filled(TestApp::new().await).await
}

async fn filled(app: TestApp) -> TestApp {
    let plan = Plan { tenant: TENANT, messages: 2000, seed: 1, days: 100, until: instant(NOW), recipients: 50 };
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let mut pipeline = Pipeline::new(&app.store, TENANT);
            for item in Messages::new(plan) {
                pipeline.push(item).await.unwrap();
            }
            pipeline.finish().await.unwrap();
        })
        .await;
    collect_statistics(&app).await;
    app
}

/// PostgreSQL plans by its statistics, which it only collects by itself after a minute.
pub async fn collect_statistics(app: &TestApp) {
    if runs_on_postgres() {
        app.store.write(|connection| Ok(connection.batch_execute("ANALYZE messages")?)).await.unwrap();
    }
}

pub fn query(body: &Value) -> HistoryQuery {
    let grants = Grants::all(TENANT);
    let request = request::parse(&body.to_string()).unwrap().request;
    HistoryQuery::new(request, &grants, instant(NOW), Policy::default()).unwrap()
}

async fn plan(app: &TestApp, body: Value) -> String {
    let query = query(&body);
    let plan = app.store.read_primary(move |connection| history::database_plan(connection, &query)).await.unwrap();
    plan.join("\n")
}

/// How many messages were found, and how many rows were examined.
pub async fn rows_read(app: &TestApp, body: Value) -> (usize, u64) {
    let query = query(&body);
    let (page, rows) =
        app.store.read_primary(move |connection| history::page_counted(connection, &query)).await.unwrap();
    (page.items.len(), rows)
}

/// An address that has more messages than a page, of one subscriber and on one channel class.
fn phone_with_many_messages() -> String {
    let plan = Plan { tenant: TENANT, messages: 2000, seed: 1, days: 100, until: instant(NOW), recipients: 50 };
    Messages::new(plan)
        .filter(|item| item.text(Property::ChannelType) == Some("SMS"))
        .last()
        .unwrap()
        .text(Property::Address)
        .unwrap()
        .to_owned()
}

#[actix_web::test]
async fn each_query_uses_the_intended_index() {
    let app = filled(TestApp::on(Database::sqlite(), NOW, |_| {}).await).await;
    let phone = phone_with_many_messages();
    let mut plans = String::new();
    for (name, body) in [
        ("the newest", json!({})),
        (
            "the contract's example",
            json!({"limit": 1000, "channelTypes": ["SMS"], "direction": "OUT", "trafficTypes": ["AD"],
            "dateFrom": "2026-02-01", "dateTo": "2026-03-01", "sort": [{"property": "messageId", "direction": "DESC"}]}),
        ),
        ("ascending", json!({"sort": {"property": "messageId", "direction": "ASC"}})),
        ("a recipient", json!({"subscriberFilter": {"address": phone}})),
        ("a recipient and a subject", json!({"subscriberFilter": {"address": phone}, "subjectId": 50192})),
        (
            "a recipient by another property",
            json!({"subscriberFilter": {"address": phone}, "sort": {"property": "comment"}}),
        ),
        ("a subject", json!({"subjectId": 50192})),
        ("a subject by time", json!({"subjectId": 50192, "sort": {"property": "sentOrReceivedAt"}})),
        ("by time", json!({"sort": {"property": "sentOrReceivedAt"}})),
        ("by another property", json!({"sort": {"property": "cascadeName", "direction": "ASC"}})),
        ("one message", json!({"messageId": 11_000_000_000_i64})),
        ("a combination that does not occur", json!({"channelTypes": ["SMS"], "trafficTypes": ["HSM"]})),
        ("an empty window", json!({"dateFrom": "2026-02-02", "dateTo": "2026-02-01"})),
    ] {
        plans += &format!(
            "{name}\n{}\n",
            plan(&app, body).await.lines().map(|line| format!("  {line}\n")).collect::<String>()
        );
    }
    assert_snapshot!(plans, @"
    the newest
      SEARCH messages USING INDEX sqlite_autoindex_messages_1 (tenant_id=? AND message_id>? AND message_id<?)

    the contract's example
      SEARCH messages USING INDEX sqlite_autoindex_messages_1 (tenant_id=? AND message_id>? AND message_id<?)

    ascending
      SEARCH messages USING INDEX sqlite_autoindex_messages_1 (tenant_id=? AND message_id>? AND message_id<?)

    a recipient
      SEARCH messages USING INDEX messages_by_recipient (tenant_id=? AND recipient_id=?)
      SEARCH messages USING INDEX messages_by_recipient (tenant_id=? AND recipient_id=?)

    a recipient and a subject
      SEARCH messages USING INDEX messages_by_recipient (tenant_id=? AND recipient_id=?)
      SEARCH messages USING INDEX messages_by_recipient (tenant_id=? AND recipient_id=?)

    a recipient by another property
      SEARCH messages USING INDEX messages_by_recipient (tenant_id=? AND recipient_id=?)
      LIST SUBQUERY 1
      SCAN json_each VIRTUAL TABLE INDEX 1:
      USE TEMP B-TREE FOR ORDER BY

    a subject
      SEARCH messages USING INDEX messages_by_subject (tenant_id=? AND subject_id=? AND message_id>? AND message_id<?)

    a subject by time
      SEARCH messages USING COVERING INDEX messages_by_subject (tenant_id=? AND subject_id=? AND message_id>? AND message_id<?)
      USE TEMP B-TREE FOR ORDER BY

    by time
      SEARCH messages USING INDEX messages_by_time (tenant_id=? AND sent_or_received_at>? AND sent_or_received_at<?)

    by another property
      SEARCH messages USING INDEX messages_by_time (tenant_id=? AND sent_or_received_at>? AND sent_or_received_at<?)
      USE TEMP B-TREE FOR ORDER BY

    one message
      SEARCH messages USING INDEX sqlite_autoindex_messages_1 (tenant_id=? AND message_id=?)

    a combination that does not occur

    an empty window
    ");
}

#[actix_web::test]
async fn no_sort_changes_the_chosen_index() {
    let app = app().await;
    let one = json!({"subscriberFilter": {"address": phone_with_many_messages()}});
    app.import(
        (1..=20).map(|id| crate::support::message(id, json!({"address": format!("7900{id}"), "subscriberId": 5}))),
    )
    .await;
    let many = json!({"subscriberFilter": {"address": "5", "type": "EDNA_ID"}});
    // What a line of the plan contains: for SQLite's index, and for PostgreSQL's, which is named after its columns.
    for (filter, on_sqlite, on_postgres) in [
        (json!({}), "(tenant_id=? AND ", &["_pkey", "_tenant_id_expr_message_id_idx"][..]),
        (json!({"subjectId": 501}), "messages_by_subject (tenant_id=? AND subject_id=?", &["_tenant_id_subject_id_"]),
        (one, "messages_by_recipient (tenant_id=? AND recipient_id=?", &["_tenant_id_recipient_id_"]),
        (many, "messages_by_recipient (tenant_id=? AND recipient_id=?", &["_tenant_id_recipient_id_"]),
    ] {
        for property in Property::ALL {
            for direction in ["ASC", "DESC"] {
                let mut body = filter.clone();
                body["sort"] = json!({"property": property.name(), "direction": direction});
                let plan = plan(&app, body.clone()).await;
                // On PostgreSQL, small partitions are read whole, which is right.
                let table = if runs_on_postgres() { "on messages_2026_02" } else { "messages" };
                let scans: Vec<&str> = plan.lines().filter(|line| line.contains(table)).collect();
                let on_sqlite = [on_sqlite];
                let indexes = if runs_on_postgres() { on_postgres } else { &on_sqlite };
                let is_intended = |line: &str| indexes.iter().any(|index| line.contains(index));
                assert!(!scans.is_empty() && scans.iter().all(|line| is_intended(line)), "{body}: {plan}");
            }
        }
    }
}

#[actix_web::test]
async fn subscriber_with_many_addresses_reads_only_own_messages() {
    let app = app().await;
    app.import(
        (1..=20).map(|id| crate::support::message(id, json!({"address": format!("7900{id}"), "subscriberId": 5}))),
    )
    .await;
    let person = json!({"address": "5", "type": "EDNA_ID"});
    for property in Property::ALL {
        let body = json!({"subscriberFilter": person, "limit": 5, "sort": {"property": property.name()}});
        let (found, rows) = rows_read(&app, body).await;
        // PostgreSQL counts the page's items too, and reads a partition whole if it is as small as a page.
        assert!(found == 5 && rows <= if runs_on_postgres() { 66 } else { 20 }, "{}: {rows}", property.name());
    }
}

#[actix_web::test]
async fn recipient_lookup_uses_an_index() {
    if runs_on_postgres() {
        // PostgreSQL's planner goes by the size of the tables, which are small here. Its statement collects the
        // values first, so that the index is scanned once for each.
        return;
    }
    let app = TestApp::new().await;
    for address_type in [AddressType::Phone, AddressType::Email, AddressType::Other, AddressType::EdnaId] {
        let recipient = Recipient { address: "79001112233".into(), address_type, address_only: false };
        let plan = app
            .store
            .read_primary(move |connection| resolve::database_plan(connection, TENANT, &recipient))
            .await
            .unwrap();
        let scans = plan.iter().filter(|step| step.contains("recipients")).collect::<Vec<_>>();
        assert!(!scans.is_empty());
        let narrow = |step: &&&String| ["address=?", "subscriber_id=?"].iter().any(|column| step.contains(column));
        assert_eq!(scans.iter().filter(narrow).count(), scans.len(), "{address_type:?}: {scans:#?}");
    }
}

#[actix_web::test]
async fn offset_beyond_the_window_reads_no_rows() {
    let app = app().await;
    assert_eq!(rows_read(&app, json!({"offset": 100_000, "sort": {"property": "content"}})).await, (0, 0));
    assert_eq!(rows_read(&app, json!({"offset": i64::MAX})).await, (0, 0));
}

#[actix_web::test]
async fn newest_page_reads_one_row_more_than_it_returns() {
    let app = app().await;
    // PostgreSQL's scan begins with one row of each of the window's two partitions.
    let more = u64::from(runs_on_postgres());
    assert_eq!(rows_read(&app, json!({})).await, (15, 16 + more));
    assert_eq!(rows_read(&app, json!({"limit": 100})).await, (100, 101 + more));
    assert_eq!(rows_read(&app, json!({"limit": 100, "offset": 50})).await, (100, 151 + more));
}

#[actix_web::test]
async fn recipient_page_reads_limit_plus_one_rows_per_address() {
    let app = app().await;
    let phone = phone_with_many_messages();
    let (found, rows) = rows_read(&app, json!({"subscriberFilter": {"address": phone}, "limit": 5})).await;
    assert_eq!(found, 5);
    // A phone and a device token; on PostgreSQL, one of them is in two partitions.
    assert_eq!(rows, if runs_on_postgres() { 6 + 6 + 1 } else { 6 + 6 });
}

#[actix_web::test]
async fn old_window_is_read_without_scanning_newer_messages() {
    let app = app().await;
    let (found, rows) = rows_read(&app, json!({"dateFrom": "2025-12-20", "dateTo": "2025-12-25"})).await;
    assert_eq!(found, 15);
    // Late messages and the rest of the last day are between the window's ids too.
    assert!(rows < 100, "{rows}");
}

#[actix_web::test]
async fn filters_that_match_nothing_read_no_rows() {
    let app = app().await;
    assert_eq!(rows_read(&app, json!({"channelTypes": ["SMS"], "trafficTypes": ["HSM"]})).await, (0, 0));
    assert_eq!(rows_read(&app, json!({"channelTypes": ["VK_NOTIFY"]})).await, (0, 0));
    assert_eq!(rows_read(&app, json!({"dateFrom": "2020-01-01", "dateTo": "2020-02-01"})).await, (0, 0));
    assert_eq!(rows_read(&app, json!({"subscriberFilter": {"address": "nobody"}})).await, (0, 0));
}

#[actix_web::test]
async fn query_by_message_id_reads_one_row() {
    let app = app().await;
    let plan = Plan { tenant: TENANT, messages: 2000, seed: 1, days: 100, until: instant(NOW), recipients: 50 };
    let newest = Messages::new(plan).last().unwrap().message_id();
    assert_eq!(rows_read(&app, json!({"messageId": newest})).await, (1, 1));
}

#[actix_web::test]
async fn other_sorts_read_each_row_of_the_window_once() {
    let app = app().await;
    let (_, of_window) = rows_read(&app, json!({"sort": {"property": "comment"}})).await;
    let (found, by_time) = rows_read(&app, json!({"sort": {"property": "sentOrReceivedAt"}, "limit": 1000})).await;
    // PostgreSQL counts the page's items too, and reads a partition whole if it is as small as a page.
    let (least, most) = (found, found + if runs_on_postgres() { 2 * 16 } else { 0 });
    assert!((least..=most).contains(&usize::try_from(of_window).unwrap()), "{of_window}");
    assert!(by_time <= u64::try_from(found).unwrap() + 1);
}

#[actix_web::test]
async fn counting_rows_does_not_change_the_page() {
    let app = app().await;
    for body in [json!({}), json!({"sort": {"property": "comment"}}), json!({"subjectId": 501, "limit": 100})] {
        let query = query(&body);
        let (page, (counted, _)) = app
            .store
            .read_primary(move |connection| {
                Ok((
                    history::page(connection, &query, &history_gateway::store::Budget::default())?,
                    history::page_counted(connection, &query)?,
                ))
            })
            .await
            .unwrap();
        assert_eq!(page, counted, "{body}");
    }
}
