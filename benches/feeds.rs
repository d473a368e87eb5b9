//! Feeds: durable messages a second by batch and by callers, and what readers notice of 5,000 messages a second.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

#[expect(dead_code, reason = "most of it is the other benchmarks' data")]
mod data;
mod key;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
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

use key::KEY;

const ROUNDS: usize = 5;
/// How long one way of bringing messages is measured in each round.
const SPELL: Duration = Duration::from_secs(2);
/// How many callers bring one message each at the same time.
const CALLERS: usize = 64;
/// As many as one request may bring.
const LARGEST: usize = 10_000;

/// Questions a second, and for how long in each round.
const ASKED: u32 = 200;
const ASKING: Duration = Duration::from_secs(5);
/// Messages a second, and how many in a request.
const BROUGHT: u32 = 5000;
const AT_ONCE: u32 = 100;

fn main() {
    actix_web::rt::System::new().block_on(drive());
}

async fn drive() {
    drop(data::store().await);
    let file = data::file().with_extension("feeds.db");
    copy_to(&file);
    let url = format!("sqlite://{}", file.display());
    let store = Store::open(&DatabaseUrl::parse(&url).expect("a URL"), Options::default()).expect("a store");
    let mut news = News::new();
    println!("durable messages a second, onto {} messages; medians of {ROUNDS} interleaved rounds\n", data::messages());
    if is_wanted("throughput") {
        throughput(&store, &mut news).await;
    }
    key::issue(&store).await;
    drop(store);
    if is_wanted("readers") {
        readers(&url, &mut news);
    }
}

fn copy_to(file: &Path) {
    for ending in ["", "-wal", "-shm"] {
        // Left over from an earlier run, if it is there at all.
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    std::fs::copy(data::file(), file).expect("a copy of the store");
}

/// Whether a part is to be measured: those that are named (`cargo bench --bench feeds -- readers`), else all.
fn is_wanted(part: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|word| !word.starts_with("--")).peekable();
    named.peek().is_none() || named.any(|word| word == part)
}

/// Messages that the store does not have, as they would come after those it has.
struct News {
    made: Messages,
    next: i64,
}

impl News {
    fn new() -> Self {
        let until = data::until().plus_days(1);
        let plan = Plan { seed: 2, days: 1, until, messages: 20_000_000, ..data::plan() };
        Self { made: Messages::new(plan), next: 90_000_000_000 }
    }

    fn take(&mut self, count: usize) -> Vec<Item> {
        let mut items: Vec<Item> = self.made.by_ref().take(count).collect();
        for item in &mut items {
            self.next += 1;
            item.set(Property::MessageId, Some(Value::Integer(self.next)));
        }
        items
    }
}

async fn throughput(store: &Store, news: &mut News) {
    let ways = [1, 10, 100, 1000, LARGEST].map(Way::Batches).into_iter().chain([Way::Callers]).collect::<Vec<_>>();
    let mut rates: Vec<Vec<f64>> = ways.iter().map(|_| Vec::new()).collect();
    let (mut bare, mut bare_rates) = (Bare::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (way, rates) in ways.iter().zip(&mut rates) {
            let first = news.next + 1;
            rates.push(way.rate(store, news).await);
            if matches!(way, Way::Batches(LARGEST)) {
                bare_rates.push(bare.rate(first, news.next));
            }
        }
    }
    let ratios = |rates: &[f64], to: &[f64]| data::summary(rates.iter().zip(to).map(|(rate, to)| rate / to).collect());
    println!("| way | messages a second | to single messages | to SQLite alone |\n|---|---|---|---|");
    for (way, those) in ways.iter().zip(&rates) {
        let (to_single, to_bare) = (ratios(those, &rates[0]), ratios(those, &bare_rates));
        println!("| {} | {:.0} | {to_single} | {to_bare} |", way.name(), median(those.clone()));
    }
    println!("| the same rows, {LARGEST} at once, by SQLite alone | {:.0} | | |", median(bare_rates));
}

/// The same rows copied from file to file, which is all that their tables and indexes take.
struct Bare(Connection);

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl Bare {
    fn new() -> Self {
        let file = data::file().with_extension("bare.db");
        copy_to(&file);
        let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).expect("a URL");
        let mut connection = url.connect_for(Purpose::Write, &Options::default()).expect("a connection");
        let source = data::file().with_extension("feeds.db");
        connection.batch_execute(&format!("ATTACH '{}' AS source", source.display())).expect("both files");
        Self(connection)
    }

    /// Copies the messages with ids from one to another, and their rows of the WhatsApp log.
    fn rate(&mut self, from: i64, to: i64) -> f64 {
        let (mut copied, mut took) = (0, Duration::ZERO);
        for first in (from..=to).step_by(LARGEST) {
            let last = first + i64::try_from(LARGEST).expect("a small number") - 1;
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

/// A way of bringing messages.
enum Way {
    /// One batch after another, each durable before the next.
    Batches(usize),
    /// Many callers with one message each, through the door.
    Callers,
}

impl Way {
    fn name(&self) -> String {
        match self {
            Self::Batches(size) => format!("batches of {size}, one after another"),
            Self::Callers => format!("{CALLERS} callers at once, a message each"),
        }
    }

    async fn rate(&self, store: &Store, news: &mut News) -> f64 {
        let batch = match self {
            Self::Batches(size) => *size,
            Self::Callers => CALLERS,
        };
        // Made before the clock starts.
        let mut batches: Vec<Vec<Item>> =
            (0..60_000_usize.div_ceil(batch).min(6000)).map(|_| news.take(batch)).collect();
        let door = IngestQueue::new(
            store.clone(),
            QueueLimits { queue_bytes: 64 << 20, wait: Duration::from_secs(5), tenant_limits: TenantLimits::default() },
        );
        let (started, mut recorded) = (Moment::now(), 0_u32);
        while started.elapsed() < SPELL {
            let Some(items) = batches.pop() else { break };
            recorded += u32::try_from(items.len()).expect("a small number");
            match self {
                Self::Batches(_) => {
                    ingest::record(store, data::TENANT, items).await.expect("a write");
                }
                Self::Callers => {
                    let calls = items.into_iter().map(|item| door.record(data::TENANT, vec![Event::from(item)]));
                    for answer in futures_util::future::join_all(calls).await {
                        answer.expect("a write");
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

/// The server, ended with the benchmark.
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

struct Line(BufReader<TcpStream>);

impl Line {
    fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: b\r\nx-api-key: {KEY}\r\nContent-Length: {length}\r\n\r\n");
        self.0.get_mut().write_all(format!("{head}{body}").as_bytes()).expect("a request");
        let (mut line, mut left) = (String::new(), 0);
        self.0.read_line(&mut line).expect("an answer");
        assert!(line.contains(" 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            if let Some(length) = line.strip_prefix("content-length: ") {
                left = length.trim().parse().expect("a length");
            }
        }
        self.0.read_exact(&mut vec![0; left]).expect("a body");
    }
}

fn line(address: &str) -> Line {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    Line(BufReader::new(stream))
}

/// Asks at a steady pace; gives how long each answer took from when its question was due, in seconds.
fn ask(address: &str, questions: &[String]) -> Vec<f64> {
    let mut line = line(address);
    let (started, pause) = (Moment::now(), Duration::from_secs(1) / ASKED);
    let count = ASKED * u32::try_from(ASKING.as_secs()).expect("some seconds");
    let took = (0..count).map(|number| {
        let due = started + pause * number;
        std::thread::sleep(due.saturating_duration_since(Moment::now()));
        line.post("/api/messages/history", &questions[number as usize % questions.len()]);
        due.elapsed().as_secs_f64()
    });
    took.collect()
}

/// Brings messages at a steady pace until it is over; gives how many a second there were.
fn bring(address: &str, bodies: &mut impl Iterator<Item = String>, is_over: &AtomicBool) -> f64 {
    let mut line = line(address);
    let (started, pause, mut number) = (Moment::now(), Duration::from_secs(1) * AT_ONCE / BROUGHT, 0);
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep((started + pause * number).saturating_duration_since(Moment::now()));
        let Some(body) = bodies.next() else { break };
        line.post("/v1/messages", &body);
        number += 1;
    }
    f64::from(number * AT_ONCE) / started.elapsed().as_secs_f64()
}

fn readers(url: &str, news: &mut News) {
    let server = serve(url);
    let mut phones: Vec<String> = Messages::new(data::plan())
        .filter(|item| item.text(Property::ChannelType) == Some("SMS"))
        .step_by(997)
        .filter_map(|item| item.text(Property::Address).map(str::to_owned))
        .take(200)
        .collect();
    phones.dedup();
    let question = |phone: &String| {
        format!(
            r#"{{"subscriberFilter":{{"address":"{phone}","type":"PHONE"}},"dateFrom":"2025-06-01","dateTo":"2026-03-01"}}"#
        )
    };
    let questions: Vec<String> = phones.iter().map(question).collect();
    let rounds = u32::try_from(ROUNDS).expect("a few");
    let wanted = BROUGHT / AT_ONCE * u32::try_from(ASKING.as_secs() * 2).expect("some seconds") * rounds;
    let bodies: Vec<String> =
        (0..wanted).map(|_| news.take(AT_ONCE as usize).iter().map(|item| item.render() + "\n").collect()).collect();
    let mut bodies = bodies.into_iter();
    ask(&server.1, &questions);
    let p99 = |mut took: Vec<f64>| {
        took.sort_by(f64::total_cmp);
        took[took.len() * 99 / 100]
    };
    let (mut ratios, mut rates, mut idle_p99s, mut busy_p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let idle = p99(ask(&server.1, &questions));
        let is_over = AtomicBool::new(false);
        let busy = std::thread::scope(|scope| {
            let bringing = scope.spawn(|| bring(&server.1, &mut bodies, &is_over));
            let busy = p99(ask(&server.1, &questions));
            is_over.store(true, Ordering::Relaxed);
            rates.push(bringing.join().expect("a feed"));
            busy
        });
        ratios.push(busy / idle);
        idle_p99s.push(idle * 1000.0);
        busy_p99s.push(busy * 1000.0);
    }
    println!("\nreaders: {ASKED} questions a second of 15 messages, beside {:.0} messages a second", median(rates));
    println!(
        "p99 idle {:.2} ms, beside {:.2} ms, ratio {}",
        median(idle_p99s),
        median(busy_p99s),
        data::summary(ratios)
    );
}
