//! Compares the store on PostgreSQL with the same prepared statements under pgbench, and two gateways with one.
//!
//! `BENCH_DATABASE_URL=postgres://… cargo bench --bench postgres`; pgbench comes with PostgreSQL.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

#[expect(dead_code, reason = "the published example takes several statements, which pgbench cannot be given")]
mod data;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use history_gateway::edna::response;
use history_gateway::generate::{Messages, Plan};
use history_gateway::ingest;
use history_gateway::model::tenant::Tenant;
use history_gateway::model::{CallerId, HistoryQuery, Item, TenantId};
use history_gateway::store::messages::history;
use history_gateway::store::{Budget, Store, tenants};

use data::query;

const ROUNDS: usize = 7;
const SECONDS: u64 = 2;
const MESSAGES: u64 = 20_000;

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    statement: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A page for pgbench: the statement that the gateway prepared, and its values in their order.
struct PgbenchQuery {
    script: String,
    values: Vec<String>,
}

/// Takes the statement for a page from a connection that has just run it.
async fn pgbench_query(store: &Store, query: &HistoryQuery, values: Vec<String>) -> PgbenchQuery {
    let page_query = query.clone();
    let work = move |connection: &mut _| {
        history::page(connection, &page_query, &Budget::default())?;
        let statements: Vec<Prepared> = diesel::sql_query(
            "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%FROM messages WHERE%ORDER BY%LIMIT%' \
             ORDER BY prepare_time DESC LIMIT 1",
        )
        .load(connection)?;
        Ok(statements)
    };
    let mut script = store.read_primary(work).await.expect("a page").remove(0).statement;
    for number in (1..=values.len()).rev() {
        script = script.replace(&format!("${number}"), &format!(":v{number}"));
    }
    assert!(!script.contains('$'), "as many values as the statement takes: {script}");
    PgbenchQuery { script: script + ";\n", values }
}

/// The mean latency of pgbench in milliseconds, with one client and the plans that the gateway pins.
fn pgbench(pgbench_query: &PgbenchQuery, file: &std::path::Path) -> f64 {
    std::fs::write(file, &pgbench_query.script).expect("a file");
    let mut command = Command::new("pgbench");
    command.args(["-n", "-M", "prepared", "-T", &SECONDS.to_string(), "-f"]).arg(file);
    for (number, value) in (1..).zip(&pgbench_query.values) {
        command.args(["-D", &format!("v{number}={value}")]);
    }
    let pins = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off -c jit=off";
    let output = command.arg(data::url()).env("PGOPTIONS", pins).output().expect("pgbench");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let latency = text.lines().find_map(|line| line.strip_prefix("latency average = ")?.strip_suffix(" ms"));
    latency.and_then(|latency| latency.parse().ok()).unwrap_or_else(|| {
        eprintln!("{text}{}", String::from_utf8_lossy(&output.stderr));
        f64::NAN
    })
}

/// The mean latency of a page in milliseconds, from the query to the response body; and that of the body alone.
async fn page(store: &Store, query: &HistoryQuery) -> (f64, f64) {
    let (started, mut pages, mut body) = (Instant::now(), 0.0, Duration::ZERO);
    while started.elapsed() < Duration::from_secs(SECONDS) {
        let page_query = query.clone();
        let page = store.page(&CallerId::default().into(), page_query.into()).await.expect("a page");
        let before = Instant::now();
        black_box(response::whole(page.items.into_bytes().expect("text"), page.has_next));
        body += before.elapsed();
        pages += 1.0;
    }
    (started.elapsed().as_secs_f64() * 1000.0 / pages, body.as_secs_f64() * 1000.0 / pages)
}

async fn compare(store: &Store, name: &str, body: &str, values: Vec<String>) {
    let query = query(body);
    let pgbench_query = pgbench_query(store, &query, values).await;
    let file = std::env::temp_dir().join(format!("history-gateway-bench-{}.sql", std::process::id()));
    let mut ratios = Vec::new();
    let mut last = (0.0, 0.0, 0.0);
    for _ in 0..=ROUNDS {
        let bare = pgbench(&pgbench_query, &file);
        let (whole, body) = page(store, &query).await;
        ratios.push(whole / (bare + body));
        last = (whole, bare, body);
    }
    // A failure leaves a small file in the temporary directory.
    let _ = std::fs::remove_file(&file);
    // The first round warms the caches.
    ratios.remove(0);
    println!("{name}\n  page relative to pgbench and the body: {}", data::summary(ratios));
    println!("  (page {:.3} ms, pgbench {:.3} ms, body {:.3} ms)", last.0, last.1, last.2);
}

/// Batches for a tenant, generated before anything is timed.
fn batches(tenant: TenantId) -> Vec<Vec<Item>> {
    let plan = Plan { tenant, messages: MESSAGES, seed: 1, days: 2, until: data::until(), recipients: 2000 };
    let mut items = Messages::new(plan);
    std::iter::from_fn(|| Some(items.by_ref().take(1000).collect::<Vec<_>>()).filter(|batch| !batch.is_empty()))
        .collect()
}

/// How many messages per second gateways record together; each has its own part of the work.
async fn record_rate(gateways: Vec<(&Store, TenantId, Vec<Vec<Item>>)>) -> f64 {
    let messages: usize = gateways.iter().map(|(_, _, batches)| batches.iter().map(Vec::len).sum::<usize>()).sum();
    let started = Instant::now();
    let writers = gateways.into_iter().map(|(store, tenant, batches)| {
        let store = store.clone();
        tokio::task::spawn_local(async move {
            for batch in batches {
                ingest::record(&store, tenant, batch).await.expect("a write");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
    f64::from(u32::try_from(messages).expect("few")) / started.elapsed().as_secs_f64()
}

/// How many pages per second gateways return together, four at a time each.
async fn page_rate(gateways: &[&Store], query: &HistoryQuery) -> f64 {
    let started = Instant::now();
    let readers = gateways.iter().flat_map(|store| std::iter::repeat_n(*store, 4)).map(|store| {
        let (store, query) = (store.clone(), query.clone());
        tokio::task::spawn_local(async move {
            let mut pages = 0_u32;
            while started.elapsed() < Duration::from_secs(SECONDS) {
                let query = query.clone();
                store.page(&CallerId::default().into(), query.into()).await.expect("a page");
                pages += 1;
            }
            pages
        })
    });
    let mut pages = 0;
    for reader in readers.collect::<Vec<_>>() {
        pages += reader.await.expect("a reader");
    }
    f64::from(pages) / started.elapsed().as_secs_f64()
}

async fn side_by_side(query: &HistoryQuery) {
    let (one, other) = (data::store().await, data::store().await);
    let (mut own_tenants, mut same_tenant, mut reads, mut rate) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for _ in 0..=ROUNDS {
        let tenants = [9001, 9002, 9003, 9004].map(TenantId);
        for id in tenants {
            let tenant = Tenant { id, name: "Bench".into(), project_id: format!("bench-{id}") };
            one.write(move |connection| tenants::create(connection, &tenant, data::until())).await.expect("a tenant");
        }
        let [alone, first, second, shared] = tenants;
        let by_one = record_rate(vec![(&one, alone, batches(alone))]).await;
        let by_two = record_rate(vec![(&one, first, batches(first)), (&other, second, batches(second))]).await;
        let mut half = batches(shared);
        let rest = half.split_off(half.len() / 2);
        let of_same = record_rate(vec![(&one, shared, half), (&other, shared, rest)]).await;
        own_tenants.push(by_two / by_one);
        same_tenant.push(of_same / by_one);
        rate = by_one;
        for id in tenants {
            one.write(move |connection| tenants::delete(connection, id)).await.expect("a tenant");
        }
        one.purge_deleted().await.expect("a vacuum");
        let pages = page_rate(&[&one], query).await;
        reads.push(page_rate(&[&one, &other], query).await / pages);
    }
    for ratios in [&mut own_tenants, &mut same_tenant, &mut reads] {
        ratios.remove(0);
    }
    println!("two gateways relative to one, batches of 1000 (one: {rate:.0} messages per second)");
    println!("  recording, a tenant each: {}", data::summary(own_tenants));
    println!("  recording for one tenant: {}", data::summary(same_tenant));
    println!("  returning the 15 messages: {}", data::summary(reads));
}

async fn run() {
    let store = data::store().await;
    let (tenant, window) =
        (data::TENANT.0.to_string(), r#""dateFrom":"2025-03-01T00:00:00Z","dateTo":"2026-03-01T00:00:00Z""#);
    let phone = data::phone();
    let number = |sql: String| {
        store.read_primary(move |connection| {
            Ok(diesel::sql_query(sql).get_result::<Number>(connection)?.number.to_string())
        })
    };
    let bound = |which: &str, from: i64| {
        number(format!(
            "SELECT {which} AS number FROM message_days WHERE tenant_id = {tenant} AND channel_type = '' AND day BETWEEN {} AND {}",
            data::until().plus_days(from).day(),
            data::until().day()
        ))
    };
    let year = data::until().plus_days(-365).0.to_string();
    let until = data::until().0.to_string();
    println!("{} messages on PostgreSQL; medians of {ROUNDS} interleaved rounds\n", data::messages());
    let body = format!(r#"{{"subscriberFilter":{{"address":"{phone}"}},{window}}}"#);
    // The person is resolved (src/store/recipients/resolve.rs), then the first messages of each recipient and of all.
    let t = tenant.as_str();
    let values = [t, &phone, "1", t, t, t, t, &year, &until, "16", "0", "16"];
    compare(&store, "15 messages of a recipient, a year", &body, values.map(str::to_owned).to_vec()).await;
    let (least, greatest) = (bound("min(least_message_id)", -365).await, bound("max(greatest_message_id)", -365).await);
    let (least, greatest) = (least.expect("an id"), greatest.expect("an id"));
    let newest = format!(r#"{{"limit":1000,{window}}}"#);
    let values = [&tenant, &least, &greatest, &year, &until, "1001", "0"];
    compare(&store, "the newest 1000 messages, a year", &newest, values.map(str::to_owned).to_vec()).await;
    drop(store);
    side_by_side(&query(&body)).await;
}

fn main() {
    if data::postgres_url().is_none() {
        eprintln!("name a PostgreSQL database that may be filled: BENCH_DATABASE_URL=postgres://… (it keeps its data)");
        std::process::exit(1);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tokio::task::LocalSet::new().run_until(run()));
}
