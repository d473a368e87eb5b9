//! Feeds: durable messages per second by batch size and by callers, and how a feed of 5,000 per second affects readers.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

mod connection;
#[expect(dead_code, reason = "most of it is the other benchmarks' data")]
mod data;
mod key;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment};

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use history_gateway::generate::{Messages, Plan};
use history_gateway::ingest::{self, Event, IngestQueue, QueueLimits, TenantLimits};
use history_gateway::model::whatsapp_log::id_of_message;
use history_gateway::model::{Item, Property, Value};
use history_gateway::store::Purpose;
use history_gateway::store::{Connection, DatabaseUrl, Options, Store};

use connection::HttpConnection;

const ROUNDS: usize = 5;
/// How long one kind of feed is measured in each round.
const MEASURED_TIME: Duration = Duration::from_secs(2);
/// How many callers send one message each at the same time.
const CALLERS: usize = 64;
/// As many messages as one request may contain.
const MAX_BATCH: usize = 10_000;

/// Queries per second, and for how long in each round.
const QUERIES_PER_SECOND: u32 = 200;
const QUERY_TIME: Duration = Duration::from_secs(5);
/// Messages per second, and how many in a request.
const MESSAGES_PER_SECOND: u32 = 5000;
const MESSAGES_PER_REQUEST: u32 = 100;

fn main() {
    actix_web::rt::System::new().block_on(run());
}

async fn run() {
    drop(data::store().await);
    let file = data::file().with_extension("feeds.db");
    copy_to(&file);
    let url = format!("sqlite://{}", file.display());
    let store = Store::open(&DatabaseUrl::parse(&url).expect("a URL"), Options::default()).expect("a store");
    let mut new_messages = NewMessages::new();
    println!(
        "durable messages per second, onto {} messages; medians of {ROUNDS} interleaved rounds\n",
        data::messages()
    );
    if is_wanted("throughput") {
        throughput(&store, &mut new_messages).await;
    }
    key::issue(&store).await;
    drop(store);
    if is_wanted("readers") {
        readers(&url, &mut new_messages);
    }
}

fn copy_to(file: &Path) {
    for ending in ["", "-wal", "-shm"] {
        // Left over from an earlier run, if it exists.
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    std::fs::copy(data::file(), file).expect("a copy of the store");
}

/// Whether a part is to be measured: the named ones (`cargo bench --bench feeds -- readers`), or all if none is named.
fn is_wanted(part: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|word| !word.starts_with("--")).peekable();
    named.peek().is_none() || named.any(|word| word == part)
}

/// Messages that the store does not have, later than those that it has.
struct NewMessages {
    generated: Messages,
    next: i64,
}

impl NewMessages {
    fn new() -> Self {
        let until = data::until().plus_days(1);
        let plan = Plan { seed: 2, days: 1, until, messages: 20_000_000, ..data::plan() };
        Self { generated: Messages::new(plan), next: 90_000_000_000 }
    }

    fn take(&mut self, count: usize) -> Vec<Item> {
        let mut items: Vec<Item> = self.generated.by_ref().take(count).collect();
        for item in &mut items {
            self.next += 1;
            item.set(Property::MessageId, Some(Value::Integer(self.next)));
        }
        items
    }
}

async fn throughput(store: &Store, new_messages: &mut NewMessages) {
    let kinds =
        [1, 10, 100, 1000, MAX_BATCH].map(FeedKind::Batches).into_iter().chain([FeedKind::Callers]).collect::<Vec<_>>();
    let mut rates: Vec<Vec<f64>> = kinds.iter().map(|_| Vec::new()).collect();
    let (mut plain_copy, mut plain_copy_rates) = (PlainCopy::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (kind, rates) in kinds.iter().zip(&mut rates) {
            let first = new_messages.next + 1;
            rates.push(kind.rate(store, new_messages).await);
            if matches!(kind, FeedKind::Batches(MAX_BATCH)) {
                plain_copy_rates.push(plain_copy.rate(first, new_messages.next));
            }
        }
    }
    let ratios = |rates: &[f64], to: &[f64]| data::summary(rates.iter().zip(to).map(|(rate, to)| rate / to).collect());
    println!(
        "| feed | messages per second | relative to single messages | relative to SQLite alone |\n|---|---|---|---|"
    );
    for (kind, kind_rates) in kinds.iter().zip(&rates) {
        let (to_single, to_plain_copy) = (ratios(kind_rates, &rates[0]), ratios(kind_rates, &plain_copy_rates));
        println!("| {} | {:.0} | {to_single} | {to_plain_copy} |", kind.name(), median(kind_rates.clone()));
    }
    println!("| the same rows, {MAX_BATCH} at once, by SQLite alone | {:.0} | | |", median(plain_copy_rates));
}

/// Copies the same rows from file to file, which shows what the tables and indexes alone cost.
struct PlainCopy(Connection);

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl PlainCopy {
    fn new() -> Self {
        let file = data::file().with_extension("bare.db");
        copy_to(&file);
        let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).expect("a URL");
        let mut connection = url.connect_for(Purpose::Write, &Options::default()).expect("a connection");
        let source = data::file().with_extension("feeds.db");
        connection.batch_execute(&format!("ATTACH '{}' AS source", source.display())).expect("both files");
        Self(connection)
    }

    /// Copies the messages with ids in a range, and their rows of the WhatsApp log; returns messages per second.
    fn rate(&mut self, from: i64, to: i64) -> f64 {
        let (mut copied, mut took) = (0, Duration::ZERO);
        for first in (from..=to).step_by(MAX_BATCH) {
            let last = first + i64::try_from(MAX_BATCH).expect("a small number") - 1;
            let messages = format!("tenant_id = {} AND message_id BETWEEN {first} AND {last}", data::TENANT.0);
            let count = format!("SELECT count(*) AS count FROM source.messages WHERE {messages}");
            let count: Count = diesel::sql_query(count).get_result(&mut self.0).expect("a count");
            if count.count == 0 {
                continue;
            }
            let log = |id| id_of_message(data::TENANT, id);
            let logs = format!("tenant_id = {} AND id BETWEEN '{}' AND '{}'", data::TENANT.0, log(first), log(last));
            let started = Moment::now();
            self.0
                .batch_execute(&format!(
                    "BEGIN IMMEDIATE;
                     INSERT INTO messages SELECT * FROM source.messages WHERE {messages} ORDER BY message_id;
                     INSERT INTO whatsapp_logs SELECT * FROM source.whatsapp_logs WHERE {logs} ORDER BY id;
                     COMMIT"
                ))
                .expect("copied rows");
            took += started.elapsed();
            copied += count.count;
        }
        f64::from(i32::try_from(copied).expect("some thousands")) / took.as_secs_f64()
    }
}

/// A kind of feed.
enum FeedKind {
    /// One batch after another, each durable before the next.
    Batches(usize),
    /// Many callers with one message each, through the ingest queue.
    Callers,
}

impl FeedKind {
    fn name(&self) -> String {
        match self {
            Self::Batches(size) => format!("batches of {size}, one after another"),
            Self::Callers => format!("{CALLERS} callers at once, a message each, through the ingest queue"),
        }
    }

    async fn rate(&self, store: &Store, new_messages: &mut NewMessages) -> f64 {
        let batch = match self {
            Self::Batches(size) => *size,
            Self::Callers => CALLERS,
        };
        // Generated before the measurement starts.
        let mut batches: Vec<Vec<Item>> =
            (0..60_000_usize.div_ceil(batch).min(6000)).map(|_| new_messages.take(batch)).collect();
        let queue = IngestQueue::new(
            store.clone(),
            QueueLimits { queue_bytes: 64 << 20, wait: Duration::from_secs(5), tenant_limits: TenantLimits::default() },
        );
        let (started, mut recorded) = (Moment::now(), 0_u32);
        while started.elapsed() < MEASURED_TIME {
            let Some(items) = batches.pop() else { break };
            recorded += u32::try_from(items.len()).expect("a small number");
            match self {
                Self::Batches(_) => {
                    ingest::record(store, data::TENANT, items).await.expect("a write");
                }
                Self::Callers => {
                    let calls = items.into_iter().map(|item| queue.record(data::TENANT, vec![Event::from(item)]));
                    for outcomes in futures_util::future::join_all(calls).await {
                        outcomes.expect("a write");
                    }
                }
            }
        }
        f64::from(recorded) / started.elapsed().as_secs_f64()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The server and its address; killed when it is dropped.
struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(url: &str) -> Server {
    let log = data::file().with_extension("feeds.log");
    let output = std::fs::File::create(&log).expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_history-gateway"));
    command.args(["serve", "--bind", "127.0.0.1:0", "--database", url]).stderr(output).stdout(Stdio::null());
    let mut server = Server(command.spawn().expect("a server"), String::new());
    while server.1.is_empty() {
        let log = std::fs::read_to_string(&log).expect("a log");
        if let Some(line) = log.lines().find(|line| line.contains("listening")) {
            line.rsplit('=').next().expect("an address").clone_into(&mut server.1);
        }
    }
    server
}

/// Sends queries at a steady rate; returns how long each took from when it was due until its response, in seconds.
fn send_queries(address: &str, queries: &[String]) -> Vec<f64> {
    let mut connection = HttpConnection::open(address);
    let (started, pause) = (Moment::now(), Duration::from_secs(1) / QUERIES_PER_SECOND);
    let count = QUERIES_PER_SECOND * u32::try_from(QUERY_TIME.as_secs()).expect("some seconds");
    let took = (0..count).map(|number| {
        let due = started + pause * number;
        std::thread::sleep(due.saturating_duration_since(Moment::now()));
        connection.post("/api/messages/history", "application/json", &queries[number as usize % queries.len()]);
        due.elapsed().as_secs_f64()
    });
    took.collect()
}

/// Sends messages at a steady rate until it is stopped; returns how many per second there were.
fn send_feed(address: &str, bodies: &mut impl Iterator<Item = String>, is_stopped: &AtomicBool) -> f64 {
    let mut connection = HttpConnection::open(address);
    let (started, pause, mut number) =
        (Moment::now(), Duration::from_secs(1) * MESSAGES_PER_REQUEST / MESSAGES_PER_SECOND, 0);
    while !is_stopped.load(Ordering::Relaxed) {
        std::thread::sleep((started + pause * number).saturating_duration_since(Moment::now()));
        let Some(body) = bodies.next() else { break };
        connection.post("/v1/messages", "application/x-ndjson", &body);
        number += 1;
    }
    f64::from(number * MESSAGES_PER_REQUEST) / started.elapsed().as_secs_f64()
}

fn readers(url: &str, new_messages: &mut NewMessages) {
    let server = serve(url);
    let mut phones: Vec<String> = Messages::new(data::plan())
        .filter(|item| item.text(Property::ChannelType) == Some("SMS"))
        .step_by(997)
        .filter_map(|item| item.text(Property::Address).map(str::to_owned))
        .take(200)
        .collect();
    phones.dedup();
    let query = |phone: &String| {
        format!(
            r#"{{"subscriberFilter":{{"address":"{phone}","type":"PHONE"}},"dateFrom":"2025-06-01","dateTo":"2026-03-01"}}"#
        )
    };
    let queries: Vec<String> = phones.iter().map(query).collect();
    let rounds = u32::try_from(ROUNDS).expect("a few");
    let wanted = MESSAGES_PER_SECOND / MESSAGES_PER_REQUEST
        * u32::try_from(QUERY_TIME.as_secs() * 2).expect("some seconds")
        * rounds;
    let bodies: Vec<String> = (0..wanted)
        .map(|_| new_messages.take(MESSAGES_PER_REQUEST as usize).iter().map(|item| item.render() + "\n").collect())
        .collect();
    let mut bodies = bodies.into_iter();
    send_queries(&server.1, &queries);
    let p99 = |mut took: Vec<f64>| {
        took.sort_by(f64::total_cmp);
        took[took.len() * 99 / 100]
    };
    let (mut ratios, mut rates, mut idle_p99s, mut busy_p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let idle = p99(send_queries(&server.1, &queries));
        let is_stopped = AtomicBool::new(false);
        let busy = std::thread::scope(|scope| {
            let feeding = scope.spawn(|| send_feed(&server.1, &mut bodies, &is_stopped));
            let busy = p99(send_queries(&server.1, &queries));
            is_stopped.store(true, Ordering::Relaxed);
            rates.push(feeding.join().expect("a feed"));
            busy
        });
        ratios.push(busy / idle);
        idle_p99s.push(idle * 1000.0);
        busy_p99s.push(busy * 1000.0);
    }
    println!(
        "\nreaders: {QUERIES_PER_SECOND} queries per second for 15 messages, with {:.0} messages per second",
        median(rates)
    );
    println!(
        "p99 idle {:.2} ms, with the feed {:.2} ms, ratio {}",
        median(idle_p99s),
        median(busy_p99s),
        data::summary(ratios)
    );
}
