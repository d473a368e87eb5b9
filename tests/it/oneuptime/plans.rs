//! Which index each list request scans, and how many rows it examines.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Database, NOW, TENANT, TestApp, instant};
use history_gateway::generate::logs::{LogPlan, Logs};
use history_gateway::ingest::Pipeline;
use history_gateway::model::{Grants, LogFilter, LogQuery, WhatsAppLog};
use history_gateway::oneuptime::query;
use history_gateway::oneuptime::request::{Paging, RawRequest};
use history_gateway::store::whatsapp_logs::page;
use history_gateway::web::Body;

/// Rows of a hundred days, twenty a day.
fn rows() -> Logs {
    Logs::new(LogPlan { logs: 2000, seed: 1, days: 100, until: instant(NOW) })
}

async fn filled(app: TestApp) -> TestApp {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let mut pipeline: Pipeline<WhatsAppLog> = Pipeline::new(&app.store, TENANT);
            for log in rows() {
                pipeline.push(log).await.unwrap();
            }
            pipeline.finish().await.unwrap();
        })
        .await;
    app
}

fn query(body: &Value, senders: Option<Vec<i64>>) -> LogQuery {
    let parts = RawRequest::read(&Body::Whole(body.to_string().into_bytes())).unwrap();
    let paging = Paging::new(&[], &parts).unwrap();
    let conditions = query::parse(parts.query(), "").unwrap();
    let grants = Grants { senders: senders.map(|senders| senders.into_iter().collect()), ..Grants::all(TENANT) };
    LogQuery {
        filter: LogFilter::new(&grants, conditions),
        sort: parts.sort().unwrap(),
        skip: paging.skip,
        limit: paging.limit,
        wanted: parts.select().unwrap().wanted(),
    }
}

/// How many rows the page has, the count, and how many rows were examined.
async fn rows_read(app: &TestApp, body: Value) -> String {
    let query = query(&body, None);
    let (page, rows) = app.store.read_primary(move |connection| page::page_counted(connection, &query)).await.unwrap();
    let page::PageRows::Ids(ids) = page.rows else { panic!("ids were asked for") };
    format!("{} of {}: {rows}", ids.len(), page.count)
}

fn cases() -> Vec<(&'static str, Value)> {
    let incident = rows().find_map(|log| log.related[0]).unwrap().to_string();
    let row = rows().last().unwrap();
    let search = json!({"_type": "Search", "value": "database"});
    vec![
        ("the default list", json!({})),
        ("a page far away", json!({"skip": 1500})),
        ("the oldest", json!({"sort": {"createdAt": 1}})),
        ("a status", json!({"query": {"status": "Read"}})),
        ("a rare status", json!({"query": {"status": "Low Balance"}})),
        ("frequent statuses", json!({"query": {"status": ["Read", "Delivered"]}})),
        ("rare statuses", json!({"query": {"status": ["Low Balance", "Error"]}})),
        ("a status that is not there", json!({"query": {"status": "Deleted"}})),
        (
            "days",
            json!({"query": {"createdAt": {"_type": "InBetween", "startValue": "2026-02-01", "endValue": "2026-02-03T12:00:00Z"}}}),
        ),
        ("a phone", json!({"query": {"toNumber": row.to_number}})),
        ("two phones", json!({"query": {"toNumber": [row.to_number, "+1"]}})),
        ("a sender's number", json!({"query": {"fromNumber": "+1"}})),
        ("a WhatsApp message", json!({"query": {"whatsAppMessageId": "wamid.HBgL"}})),
        ("an incident", json!({"query": {"incidentId": incident}})),
        ("a team", json!({"query": {"teamId": incident}})),
        ("an id", json!({"query": {"_id": row.id.to_string()}})),
        ("several ids", json!({"query": {"_id": [row.id.to_string(), incident]}})),
        (
            "several incidents with a text",
            json!({"query": {"incidentId": [incident, row.id.to_string()], "messageText": search}}),
        ),
        ("a text", json!({"query": {"messageText": search}})),
        (
            "a text of some days",
            json!({"query": {"messageText": search, "createdAt": {"_type": "GreaterThan", "value": "2026-02-20"}}}),
        ),
        (
            "the poll",
            json!({"query": {"updatedAt": {"_type": "GreaterThan", "value": "2026-02-28"}, "status": ["Failed", "Error"]}, "sort": {"updatedAt": "ASC"}}),
        ),
        ("by status and time", json!({"sort": {"createdAt": -1, "status": 1}})),
        ("by another column", json!({"sort": {"toNumber": 1}})),
        (
            "all but some ids",
            json!({"query": {"_id": {"_type": "IncludesNone", "value": [row.id.to_string(), incident]}}}),
        ),
        ("nothing at all", json!({"query": {"status": []}})),
    ]
}

#[actix_web::test]
async fn each_request_uses_the_intended_index() {
    let app = filled(TestApp::on(Database::sqlite(), NOW, |_| {}).await).await;
    let mut plans = String::new();
    for (name, body) in cases() {
        let query = query(&body, None);
        let plan = app.store.read_primary(move |connection| page::database_plan(connection, &query)).await.unwrap();
        let scans = plan
            .iter()
            .filter(|line| line.contains("whatsapp_logs") || line.contains("TEMP"))
            .map(|line| format!("  {line}\n"));
        plans += &format!("{name}\n{}", scans.collect::<String>());
    }
    for (name, senders) in [("a key of one sender", vec![501]), ("a key of two", vec![501, 502])] {
        let query = query(&json!({}), Some(senders));
        let plan = app.store.read_primary(move |connection| page::database_plan(connection, &query)).await.unwrap();
        plans += &format!("{name}\n  {}\n", plan.join("\n  "));
    }
    assert_snapshot!(plans, @"
    the default list
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
    a page far away
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
    the oldest
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
      USE TEMP B-TREE FOR LAST TERM OF ORDER BY
    a status
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_status (tenant_id=? AND status=?)
    a rare status
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_status (tenant_id=? AND status=?)
    frequent statuses
      SEARCH whatsapp_logs USING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
    rare statuses
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_status (tenant_id=? AND status=?)
      USE TEMP B-TREE FOR ORDER BY
    a status that is not there
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_status (tenant_id=? AND status=?)
    days
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>? AND created_at<?)
    a phone
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_to_number (tenant_id=? AND to_number=?)
    two phones
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_to_number (tenant_id=? AND to_number=?)
      USE TEMP B-TREE FOR ORDER BY
    a sender's number
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_from_number (tenant_id=? AND from_number=?)
    a WhatsApp message
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_whatsapp_message (tenant_id=? AND whatsapp_message_id=?)
    an incident
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_incident (tenant_id=? AND incident_id=?)
    a team
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_team (tenant_id=? AND team_id=?)
    an id
      SEARCH whatsapp_logs USING INDEX sqlite_autoindex_whatsapp_logs_1 (tenant_id=? AND id=?)
    several ids
      SEARCH whatsapp_logs USING INDEX sqlite_autoindex_whatsapp_logs_1 (tenant_id=? AND id=?)
      USE TEMP B-TREE FOR ORDER BY
    several incidents with a text
      SEARCH whatsapp_logs USING INDEX whatsapp_logs_by_incident (tenant_id=? AND incident_id=?)
      USE TEMP B-TREE FOR ORDER BY
    a text
      SEARCH whatsapp_logs USING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
    a text of some days
      SEARCH whatsapp_logs USING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
    the poll
      SEARCH whatsapp_logs USING INDEX whatsapp_logs_by_update (tenant_id=? AND updated_at>?)
      USE TEMP B-TREE FOR LAST TERM OF ORDER BY
    by status and time
      SEARCH whatsapp_logs USING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
      USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY
    by another column
      SEARCH whatsapp_logs USING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
      USE TEMP B-TREE FOR ORDER BY
    all but some ids
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_time (tenant_id=? AND created_at>?)
    nothing at all
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_status (tenant_id=? AND status=?)
      USE TEMP B-TREE FOR ORDER BY
    a key of one sender
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_subject (tenant_id=? AND subject_id=?)
    a key of two
      SEARCH whatsapp_logs USING COVERING INDEX whatsapp_logs_by_subject (tenant_id=? AND subject_id=?)
      LIST SUBQUERY 1
      SCAN json_each VIRTUAL TABLE INDEX 1:
      USE TEMP B-TREE FOR ORDER BY
    ");
}

#[actix_web::test]
async fn lists_and_counts_read_the_expected_number_of_rows() {
    let app = filled(TestApp::on(Database::sqlite(), NOW, |_| {}).await).await;
    let mut table = String::new();
    for (name, body) in cases() {
        table += &format!("{name}: {}\n", rows_read(&app, body).await);
    }
    assert_snapshot!(table, @"
    the default list: 10 of 2000: 10
    a page far away: 10 of 2000: 20
    the oldest: 10 of 2000: 11
    a status: 10 of 472: 10
    a rare status: 10 of 21: 10
    frequent statuses: 10 of 1083: 17
    rare statuses: 10 of 74: 74
    a status that is not there: 0 of 0: 0
    days: 10 of 51: 21
    a phone: 9 of 9: 9
    two phones: 9 of 9: 9
    a sender's number: 0 of 0: 0
    a WhatsApp message: 0 of 0: 0
    an incident: 10 of 12: 22
    a team: 0 of 0: 0
    an id: 1 of 1: 1
    several ids: 1 of 1: 1
    several incidents with a text: 5 of 5: 12
    a text: 10 of 423: 2040
    a text of some days: 10 of 38: 229
    the poll: 0 of 0: 30
    by status and time: 10 of 2000: 11
    by another column: 10 of 2000: 2000
    all but some ids: 10 of 1999: 2011
    nothing at all: 0 of 0: 0
    ");
}

#[cfg(feature = "postgres")]
#[actix_web::test]
async fn postgres_uses_the_same_indexes() {
    let Some(cluster) = crate::support::postgres_cluster() else { return };
    let app = filled(TestApp::on(Database::on(cluster, "template1"), NOW, |_| {}).await).await;
    app.store
        .write(|connection| {
            diesel::connection::SimpleConnection::batch_execute(connection, "ANALYZE whatsapp_logs")?;
            Ok(())
        })
        .await
        .unwrap();
    let mut plans = String::new();
    for (name, body) in cases() {
        let query = query(&body, None);
        let plan = app.store.read_primary(move |connection| page::database_plan(connection, &query)).await.unwrap();
        let scans = plan
            .iter()
            .filter(|line| line.contains("Scan") || line.contains("Sort") || line.contains("hashed"))
            .map(|line| format!("  {}\n", line.trim()));
        plans += &format!("{name}\n{}", scans.collect::<String>());
    }
    assert_snapshot!(plans, @r#"
    the default list
      ->  Index Only Scan Backward using whatsapp_logs_by_time on whatsapp_logs
    a page far away
      ->  Index Only Scan Backward using whatsapp_logs_by_time on whatsapp_logs
    the oldest
      ->  Incremental Sort
      Sort Key: created_at, id COLLATE "C" DESC
      ->  Index Only Scan using whatsapp_logs_by_time on whatsapp_logs
    a status
      ->  Index Only Scan Backward using whatsapp_logs_by_status on whatsapp_logs
    a rare status
      ->  Index Only Scan Backward using whatsapp_logs_by_status on whatsapp_logs
    frequent statuses
      ->  Index Scan Backward using whatsapp_logs_by_time on whatsapp_logs
      Filter: (hashed SubPlan 1)
    rare statuses
      ->  Sort
      Sort Key: ((created_at + 0)) DESC, ((id || ''::text)) COLLATE "C" DESC
      ->  Index Only Scan using whatsapp_logs_by_status on whatsapp_logs
    a status that is not there
      ->  Index Only Scan Backward using whatsapp_logs_by_status on whatsapp_logs
    days
      ->  Index Only Scan Backward using whatsapp_logs_by_time on whatsapp_logs
    a phone
      ->  Index Only Scan Backward using whatsapp_logs_by_to_number on whatsapp_logs
    two phones
      ->  Sort
      Sort Key: ((created_at + 0)) DESC, ((id || ''::text)) COLLATE "C" DESC
      ->  Index Only Scan using whatsapp_logs_by_to_number on whatsapp_logs
    a sender's number
      ->  Index Only Scan Backward using whatsapp_logs_by_from_number on whatsapp_logs
    a WhatsApp message
      ->  Index Only Scan Backward using whatsapp_logs_by_whatsapp_message on whatsapp_logs
    an incident
      ->  Index Only Scan Backward using whatsapp_logs_by_incident on whatsapp_logs
    a team
      ->  Index Only Scan Backward using whatsapp_logs_by_team on whatsapp_logs
    an id
      ->  Sort
      Sort Key: ((created_at + 0)) DESC, ((id || ''::text)) COLLATE "C" DESC
      ->  Index Scan using whatsapp_logs_pkey on whatsapp_logs
    several ids
      ->  Sort
      Sort Key: ((created_at + 0)) DESC, ((id || ''::text)) COLLATE "C" DESC
      ->  Index Scan using whatsapp_logs_pkey on whatsapp_logs
    several incidents with a text
      ->  Sort
      Sort Key: ((created_at + 0)) DESC, ((id || ''::text)) COLLATE "C" DESC
      ->  Index Scan using whatsapp_logs_by_incident on whatsapp_logs
    a text
      ->  Index Scan Backward using whatsapp_logs_by_time on whatsapp_logs
    a text of some days
      ->  Index Scan Backward using whatsapp_logs_by_time on whatsapp_logs
    the poll
      ->  Incremental Sort
      Sort Key: whatsapp_logs.updated_at, whatsapp_logs.id COLLATE "C" DESC
      ->  Index Scan using whatsapp_logs_by_update on whatsapp_logs
      Filter: (hashed SubPlan 1)
    by status and time
      ->  Incremental Sort
      Sort Key: created_at DESC, ((status || ''::text)) COLLATE "C", id COLLATE "C" DESC
      ->  Index Scan Backward using whatsapp_logs_by_time on whatsapp_logs
    by another column
      ->  Sort
      Sort Key: ((to_number || ''::text)) COLLATE "C", ((id || ''::text)) COLLATE "C" DESC
      ->  Index Scan using whatsapp_logs_pkey on whatsapp_logs
    all but some ids
      ->  Index Only Scan Backward using whatsapp_logs_by_time on whatsapp_logs
      Filter: (NOT (hashed SubPlan 1))
    nothing at all
      ->  Sort
      Sort Key: ((created_at + 0)) DESC, ((id || ''::text)) COLLATE "C" DESC
      ->  Index Scan using whatsapp_logs_by_on_call_duty_policy_schedule on whatsapp_logs
    "#);
}
