//! Lists of the WhatsApp log with their counts: rows examined, growth from a small project to a large one, and ratios
//! to OneUptime's own two statements on the same rows.
#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![expect(clippy::format_push_string, clippy::format_collect, reason = "its statements are put together once")]

#[expect(dead_code, reason = "most of it is the other benchmarks' data")]
mod data;

use std::hint::black_box;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use history_gateway::generate::logs::{LogPlan, Logs};
use history_gateway::ingest::Pipeline;
use history_gateway::model::tenant::Tenant;
use history_gateway::model::{Grants, LogFilter, LogQuery, TenantId};
use history_gateway::oneuptime::query;
use history_gateway::oneuptime::request::{Paging, RawRequest};
use history_gateway::store::whatsapp_logs::page;
use history_gateway::store::{Budget, Connection, DatabaseUrl, Options, Store, StoreError, tenants};
use history_gateway::web::Body;

const ROUNDS: usize = 5;
/// Queries that take longer than this, in seconds, are measured in fewer rounds.
const SLOW: f64 = 0.5;

/// How many rows each project has: 100,000 and 1,000,000 unless BENCH_LOGS says otherwise, such as 100000,5000000.
fn sizes() -> Vec<u64> {
    let sizes = std::env::var("BENCH_LOGS").unwrap_or_else(|_| "100000,1000000".into());
    sizes.split(',').map(|size| size.parse().expect("numbers with commas between them")).collect()
}

fn tenant(size: u64) -> TenantId {
    TenantId(i64::try_from(size).expect("a size"))
}

fn plan(size: u64) -> LogPlan {
    LogPlan { logs: size, seed: size, days: 400, until: data::until() }
}

/// A query in both languages.
struct Case {
    name: &'static str,
    body: String,
    /// The conditions of OneUptime's statements, besides the project.
    condition: String,
    skip: u64,
}

fn cases(size: u64) -> Vec<Case> {
    let phone = Logs::new(LogPlan { logs: 1000, ..plan(size) }).last().expect("a row").to_number;
    let case = |name, body: &str, condition: &str, skip| Case {
        name,
        body: format!(r#"{{"select":{{"status":true,"toNumber":true}},"skip":{skip},"query":{body}}}"#),
        condition: condition.to_owned(),
        skip,
    };
    vec![
        case("the default list", "{}", "", 0),
        case("a status", r#"{"status":"Read"}"#, r#" AND "status" = 'Read'"#, 0),
        case("a rare status", r#"{"status":"Low Balance"}"#, r#" AND "status" = 'Low Balance'"#, 0),
        case("a phone", &format!(r#"{{"toNumber":"{phone}"}}"#), &format!(r#" AND "toNumber" = '{phone}'"#), 0),
        case(
            "a text",
            r#"{"messageText":{"_type":"Search","value":"database down"}}"#,
            r#" AND lower("messageText") LIKE '%database down%'"#,
            0,
        ),
        case("a skip to the middle", "{}", "", size / 2),
    ]
}

fn log_query(size: u64, body: &str) -> LogQuery {
    let parts = RawRequest::read(&Body::Whole(body.as_bytes().to_vec())).expect("a body");
    let paging = Paging::new(&[], &parts).expect("a page");
    LogQuery {
        filter: LogFilter::new(&Grants::all(tenant(size)), query::parse(parts.query(), "").expect("a query")),
        sort: parts.sort().expect("a sort"),
        skip: paging.skip,
        limit: paging.limit,
        wanted: parts.select().expect("a select").wanted(),
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// OneUptime's two statements for a list.
fn plain(connection: &mut Connection, size: u64, case: &Case) -> (Vec<String>, i64) {
    let rows = format!(r#"FROM "WhatsAppLog" WHERE "projectId" = '{size}' AND "deletedAt" IS NULL{}"#, case.condition);
    let list = format!(
        r#"SELECT "_id" AS id, "status", "toNumber" {rows} ORDER BY "createdAt" DESC LIMIT 10 OFFSET {}"#,
        case.skip
    );
    let found: Vec<Row> = diesel::sql_query(list).load(connection).expect("rows");
    let count: Count =
        diesel::sql_query(format!("SELECT count(1) AS count {rows}")).get_result(connection).expect("a count");
    (found.into_iter().map(|row| row.id).collect(), count.count)
}

/// Creates OneUptime's table with its indexes, filled with the same rows.
fn create_plain_table(connection: &mut Connection) {
    let columns = [
        ("_id", "id"),
        ("createdAt", "created_at"),
        ("updatedAt", "updated_at"),
        ("toNumber", "to_number"),
        ("fromNumber", "from_number"),
        ("messageText", "message_text"),
        ("statusMessage", "status_message"),
        ("whatsAppMessageId", "whatsapp_message_id"),
        ("status", "status"),
        ("whatsAppCostInUSDCents", "whatsapp_cost_in_usd_cents"),
        ("incidentId", "incident_id"),
        ("userId", "user_id"),
        ("alertId", "alert_id"),
        ("onCallDutyPolicyId", "on_call_duty_policy_id"),
    ];
    let selected: String = columns.iter().map(|(plain, column)| format!(r#", {column} AS "{plain}""#)).collect();
    let mut statements = format!(
        r#"CREATE TABLE "WhatsAppLog" AS SELECT CAST(tenant_id AS TEXT) AS "projectId", CAST(NULL AS BIGINT) AS "deletedAt"{selected} FROM whatsapp_logs;"#
    );
    statements += r#"CREATE UNIQUE INDEX plain_id ON "WhatsAppLog" ("_id");"#;
    for column in [
        "projectId",
        "toNumber",
        "fromNumber",
        "whatsAppMessageId",
        "whatsAppCostInUSDCents",
        "incidentId",
        "userId",
        "alertId",
        "onCallDutyPolicyId",
    ] {
        statements += &format!(r#"CREATE INDEX "plain_{column}" ON "WhatsAppLog" ("{column}");"#);
    }
    connection.batch_execute(&statements).expect("OneUptime's table");
    connection.batch_execute(r#"ANALYZE "WhatsAppLog""#).expect("statistics");
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let started = std::time::Instant::now();
    black_box(work());
    started.elapsed().as_secs_f64()
}

fn measure(gateway_connection: &mut Connection, plain_connection: &mut Connection) -> Result<(), StoreError> {
    let sizes = sizes();
    let names: Vec<&str> = cases(sizes[0]).iter().map(|case| case.name).collect();
    for (index, name) in names.iter().enumerate() {
        let queries: Vec<(u64, Case, LogQuery)> = sizes
            .iter()
            .map(|size| {
                let case = cases(*size).swap_remove(index);
                let query = log_query(*size, &case.body);
                (*size, case, query)
            })
            .collect();
        // Both find the same, and both caches are warm.
        let mut is_slow = Vec::new();
        for (size, case, query) in &queries {
            let (page, examined) = page::page_counted(gateway_connection, query)?;
            let page::PageRows::Whole(rows, _) = &page.rows else { panic!("rows were requested") };
            let mut found = (Vec::new(), 0);
            is_slow.push(seconds(|| found = plain(plain_connection, *size, case)) > SLOW);
            assert_eq!((rows.len(), page.count), (found.0.len(), found.1), "{name}");
            println!("{name}, {size} rows: {} of {} found, {examined} rows examined", rows.len(), page.count);
            black_box(page::page(gateway_connection, query, &Budget::default())?);
        }
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); queries.len()];
        let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); queries.len()];
        for round in 0..ROUNDS {
            for (index, (size, case, query)) in queries.iter().enumerate() {
                let planned = seconds(|| page::page(gateway_connection, query, &Budget::default()));
                times[index].push(planned);
                if !is_slow[index] || round < 2 {
                    ratios[index].push(seconds(|| plain(plain_connection, *size, case)) / planned);
                }
            }
        }
        for (index, (size, ..)) in queries.iter().enumerate() {
            let growth: Vec<f64> = times[index].iter().zip(&times[0]).map(|(time, least)| time / least).collect();
            println!(
                "  {size}: time relative to the smallest {}; OneUptime's statements relative to the gateway {}",
                data::summary(growth),
                data::summary(ratios[index].clone())
            );
        }
    }
    Ok(())
}

async fn fill(store: &Store) -> bool {
    let mut is_new = false;
    if data::postgres_url().is_none() {
        // Filled in minutes instead of an hour; the queries are measured on connections of their own.
        let settings = "PRAGMA cache_size = -3000000; PRAGMA wal_autocheckpoint = 1000000";
        store.write(|connection| Ok(connection.batch_execute(settings)?)).await.expect("a setting");
    }
    for size in sizes() {
        let id = tenant(size);
        if store.read_primary(move |connection| Ok(tenants::require(connection, id).is_ok())).await.expect("a store") {
            continue;
        }
        is_new = true;
        eprintln!("generating {size} rows …");
        let tenant = Tenant { id, name: "Bench".into(), project_id: size.to_string() };
        store.write(move |connection| tenants::create(connection, &tenant, data::until())).await.expect("a tenant");
        let mut pipeline = Pipeline::new(store, id);
        for log in Logs::new(plan(size)) {
            pipeline.push(log).await.expect("a write");
        }
        pipeline.finish().await.expect("a write");
    }
    is_new
}

fn main() {
    let name: Vec<String> = sizes().iter().map(u64::to_string).collect();
    let file = format!("sqlite://{}/bench-logs-{}.db", env!("CARGO_TARGET_TMPDIR"), name.join("-"));
    let url = DatabaseUrl::parse(&data::postgres_url().unwrap_or(file)).expect("a URL");
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(
        tokio::task::LocalSet::new().run_until(async {
            let options = Options { deadline: Duration::from_hours(1), ..Options::default() };
            let store = Store::open(&url, options).expect("a store");
            // With the database's default settings, as any program has them.
            let mut plain_connection = url.connect(Duration::from_secs(5)).expect("a connection");
            if fill(&store).await {
                store.purge_deleted().await.expect("a tidy store");
                create_plain_table(&mut plain_connection);
            }
            store
                .read_primary(move |gateway_connection| measure(gateway_connection, &mut plain_connection))
                .await
                .expect("figures");
        }),
    );
}
