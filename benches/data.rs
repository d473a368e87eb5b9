//! The data that benchmarks share: generated once, the same each time.

use std::path::PathBuf;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use history_gateway::edna::request;
use history_gateway::generate::{Messages, Plan};
use history_gateway::ingest::Pipeline;
use history_gateway::model::instant::Rounding;
use history_gateway::model::tenant::Tenant;
use history_gateway::model::{Grants, HistoryQuery, Instant, Item, Policy, Property, TenantId};
use history_gateway::store::messages::blocks::build;
use history_gateway::store::{DatabaseUrl, Options, Store, tenants};

pub const TENANT: TenantId = TenantId(3193);
pub const UNTIL: &str = "2026-03-01T00:00:00Z";

/// The published example without a recipient, its window the newest 30 days.
pub const EXAMPLE: &str = r#"{"offset":0,"limit":1000,"channelTypes":["SMS"],"direction":"OUT","dateFrom":"2026-01-30T00:00:00Z","dateTo":"2026-03-01T00:00:00Z","sort":[{"property":"messageId","direction":"DESC"}],"trafficTypes":["AD"],"subjectId":50192}"#;

/// How many messages; 500,000 unless BENCH_MESSAGES says otherwise.
pub fn messages() -> u64 {
    std::env::var("BENCH_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(500_000)
}

pub fn until() -> Instant {
    Instant::parse(UNTIL, Rounding::Down).expect("a date")
}

pub fn plan() -> Plan {
    Plan { tenant: TENANT, messages: messages(), seed: 1, days: 400, until: until(), recipients: messages() / 25 }
}

pub fn file() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("bench-{}.db", messages()))
}

/// The PostgreSQL database to measure, if BENCH_DATABASE_URL names one; otherwise a SQLite file is measured.
pub fn postgres_url() -> Option<String> {
    std::env::var("BENCH_DATABASE_URL").ok()
}

pub fn url() -> String {
    postgres_url().unwrap_or_else(|| format!("sqlite://{}", file().display()))
}

/// Opens the store, and fills it the first time.
pub async fn store() -> Store {
    if let Some(url) = postgres_url() {
        let store = open(&url);
        let is_known =
            store.read_primary(|connection| Ok(tenants::require(connection, TENANT).is_ok())).await.expect("a store");
        if !is_known {
            fill(&store).await;
            let mut connection =
                DatabaseUrl::parse(&url).expect("a URL").connect(Duration::from_secs(5)).expect("a server");
            connection.batch_execute("VACUUM (ANALYZE)").expect("statistics");
        }
        return store;
    }
    let file = file();
    let filled = file.with_extension("filled");
    if !filled.exists() {
        for old in ["db", "db-wal", "db-shm"] {
            // Left over from an interrupted run, if it exists.
            let _ = std::fs::remove_file(file.with_extension(old));
        }
    }
    let store = open(&url());
    if !filled.exists() {
        fill(&store).await;
        std::fs::write(&filled, "").expect("a mark");
    }
    store
}

fn open(url: &str) -> Store {
    let options = Options { deadline: Duration::from_hours(1), ..Options::default() };
    Store::open(&DatabaseUrl::parse(url).expect("a URL"), options).expect("a store")
}

async fn fill(store: &Store) {
    eprintln!("generating {} messages …", messages());
    let tenant = Tenant { id: TENANT, name: "Bench".into(), project_id: "bench".into() };
    store.write(move |connection| tenants::create(connection, &tenant, until())).await.expect("a tenant");
    let mut pipeline = Pipeline::new(store, TENANT);
    for item in Messages::new(plan()) {
        pipeline.push(item).await.expect("a write");
    }
    pipeline.finish().await.expect("a write");
    build::build_all(store, TENANT, build::MESSAGES, || std::future::ready(())).await.expect("blocks");
}

/// The query of a master key's request.
pub fn query(body: &str) -> HistoryQuery {
    let grants = Grants::all(TENANT);
    let request = request::parse(body).map(|parsed| parsed.request).expect("a request");
    HistoryQuery::new(request, &grants, until(), Policy::default()).expect("a query")
}

/// A phone with at least 40 messages, which is more than a page, and as few more as possible.
pub fn phone() -> String {
    let mut counts = std::collections::HashMap::<String, usize>::new();
    let text = |item: &Item, property| item.text(property).map(str::to_owned);
    for item in Messages::new(plan()).filter(|item| item.text(Property::ChannelType) == Some("SMS")) {
        *counts.entry(text(&item, Property::Address).expect("an address")).or_default() += 1;
    }
    let mut counts: Vec<(usize, String)> = counts.into_iter().map(|(phone, count)| (count, phone)).collect();
    counts.sort();
    counts.into_iter().find(|(count, _)| *count >= 40).expect("a busy phone").1
}

/// The median of some ratios and their range.
pub fn summary(mut ratios: Vec<f64>) -> String {
    ratios.sort_by(f64::total_cmp);
    match (ratios.first(), ratios.last()) {
        (Some(least), Some(most)) => format!("{:.2} ({least:.2} to {most:.2})", ratios[ratios.len() / 2]),
        _ => "no round counted".into(),
    }
}
