//! Feeds a running server over sockets, and remembers what it acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Binary, Server, message};

/// A shop with a subject, and its keys.
pub struct Shop {
    pub binary: Binary,
    pub master: String,
    pub webhook: String,
}

impl Shop {
    pub fn new(binary: Binary) -> Self {
        Self::on(binary, &[])
    }

    /// On the database that more arguments name.
    pub fn on(binary: Binary, more: &[&str]) -> Self {
        let run = |arguments: &[&str]| binary.run(&[arguments, more].concat()).trim().to_owned();
        run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
        let master = run(&["key", "issue", "--tenant", "3193"]);
        let webhook = run(&["key", "issue", "--tenant", "3193", "--kind", "webhook"]);
        run(&["subject", "add", "--tenant", "3193", "--id", "501", "--name", "shop_WA", "--channel", "WHATSAPP"]);
        Self { binary, master, webhook }
    }
}

/// A connection that is kept; whatever goes wrong with it is an error, as when the server was killed.
pub struct Line(BufReader<TcpStream>);

impl Line {
    pub fn to(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Posts a body; gives the status of an answer that came whole.
    pub fn post(&mut self, path: &str, key: (&str, &str), body: &str) -> std::io::Result<u16> {
        let (name, value) = key;
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\n{name}: {value}\r\nContent-Length: {length}\r\n\r\n");
        self.0.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        let broken = || std::io::Error::other("the answer breaks off");
        let (mut status, mut left) = (None, 0);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(broken());
            }
            if status.is_none() {
                status = Some(line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(broken)?);
            }
            if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                left = length.trim().parse().map_err(|_| broken())?;
            }
            if line == "\r\n" {
                break;
            }
        }
        self.0.read_exact(&mut vec![0; left])?;
        status.ok_or_else(broken)
    }
}

/// Status words, a rank apart.
pub const WORDS: [&str; 6] = ["ACCEPTED", "ENQUEUED", "SENT", "FAILED", "DELIVERED", "READ"];

/// The rank of a word; all failures have one.
pub fn rank(word: &str) -> usize {
    let word = if matches!(word, "UNDELIVERED" | "INVALID" | "CANCELLED" | "EXPIRED") { "FAILED" } else { word };
    WORDS.iter().position(|known| *known == word).unwrap()
}

fn word(number: i64) -> &'static str {
    WORDS[usize::try_from(number).unwrap() % WORDS.len()]
}

/// What was acknowledged: it has to be there for good.
#[derive(Default)]
pub struct Acknowledged {
    pub messages: BTreeSet<i64>,
    /// By message: the words, each with its source.
    pub statuses: BTreeMap<i64, BTreeSet<(&'static str, &'static str)>>,
}

/// Several feeds at once, from a first number on.
pub struct Feeder {
    pub acknowledged: Mutex<Acknowledged>,
    next: AtomicI64,
    /// How many requests were acknowledged.
    pub count: AtomicI64,
    /// How many were not: the store was busy, the disk full.
    pub refused: AtomicI64,
}

/// The feeds, each of which a thread of its own brings.
#[derive(Clone, Copy, Debug)]
pub enum Feed {
    /// edna's webhook of incoming messages.
    Incoming,
    /// Lines of items from an own system.
    Items,
    /// edna's webhook of statuses.
    Statuses,
    /// A list of statuses from an own system.
    OwnStatuses,
}

pub const FEEDS: [Feed; 4] = [Feed::Incoming, Feed::Items, Feed::Statuses, Feed::OwnStatuses];

impl Feeder {
    pub fn new() -> Self {
        Self {
            acknowledged: Mutex::default(),
            next: AtomicI64::new(1_000_000),
            count: AtomicI64::new(0),
            refused: AtomicI64::new(0),
        }
    }

    /// Brings a feed until the connection breaks, or it is over.
    pub fn feed(&self, address: &str, shop: &Shop, feed: Feed, is_over: impl Fn() -> bool) {
        let Ok(mut line) = Line::to(address) else { return };
        while !is_over() {
            match self.one(&mut line, shop, feed) {
                Ok(true) => _ = self.count.fetch_add(1, Ordering::SeqCst),
                Ok(false) => _ = self.refused.fetch_add(1, Ordering::SeqCst),
                Err(_) => return,
            }
        }
    }

    /// Sends one request of a feed; `true` where it was acknowledged.
    pub fn one(&self, line: &mut Line, shop: &Shop, feed: Feed) -> std::io::Result<bool> {
        let token = format!("Token {}", shop.webhook);
        let (webhook, master) = (("Authorization", token.as_str()), ("x-api-key", shop.master.as_str()));
        let number = self.next.fetch_add(20, Ordering::SeqCst);
        let (status, messages, statuses) = match feed {
            Feed::Incoming => {
                (line.post("/webhooks/edna", webhook, &incoming(number).to_string())?, vec![number], Vec::new())
            }
            Feed::Items => {
                let ids: Vec<i64> = (number..number + 20).collect();
                let lines = ids.iter().map(|id| format!("{}\n", item(*id))).collect::<Vec<_>>().concat();
                (line.post("/v1/messages", master, &lines)?, ids, Vec::new())
            }
            Feed::Statuses => {
                let told = (self.some(number), word(number / 20));
                (line.post("/webhooks/edna/statuses", webhook, &status(told).to_string())?, Vec::new(), vec![told])
            }
            Feed::OwnStatuses => {
                let told: Vec<_> = (0..4).map(|place| (self.some(number + place), word(number + place))).collect();
                let list: Vec<Value> = told.iter().map(|told| status(*told)).collect();
                (line.post("/v1/statuses", master, &json!(list).to_string())?, Vec::new(), told)
            }
        };
        if status != 200 {
            assert_eq!(status, 503, "{feed:?}");
            return Ok(false);
        }
        let source = if matches!(feed, Feed::Statuses) { "webhook" } else { "api" };
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.messages.extend(messages);
        for (id, word) in statuses {
            acknowledged.statuses.entry(id).or_default().insert((word, source));
        }
        Ok(true)
    }

    /// A message that is acknowledged, or that comes later: a status may come before it.
    fn some(&self, number: i64) -> i64 {
        let acknowledged = self.acknowledged.lock().unwrap();
        let from = number.wrapping_mul(7919).rem_euclid(1_000_000) + 1_000_000;
        acknowledged.messages.range(from.min(number)..).next().copied().unwrap_or(number)
    }
}

fn incoming(id: i64) -> Value {
    json!({"id": id, "subject": "shop_WA", "subjectId": 501, "subscriber": {"id": id % 97, "identifier": "79001112233"},
        "messageContent": {"type": "TEXT", "text": "Hi", "caption": null}, "receivedAt": "2026-03-01T10:00:00Z"})
}

fn item(id: i64) -> Value {
    message(
        id,
        json!({"deliveryStatus": "ACCEPTED", "deliveryStatusAt": "2026-03-01T10:00:00Z", "subjectId": 501,
        "channelType": "WHATSAPP"}),
    )
}

fn status((id, word): (i64, &str)) -> Value {
    json!({"requestId": format!("request-{id}"), "messageId": id, "subjectId": 501, "status": word,
        "statusAt": format!("2026-03-01T10:00:{:02}Z", rank(word))})
}

/// A running server is killed as the kernel does when memory is short.
pub fn kill(mut server: Server) {
    server.signal("-KILL");
    server.wait();
}

/// What a store has: the status of every message.
pub fn exported(shop: &Shop, more: &[&str]) -> BTreeMap<i64, Option<String>> {
    let export = shop.binary.run(&[&["export", "--tenant", "3193"][..], more].concat());
    let mut found = BTreeMap::new();
    for line in export.lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        let status = item["deliveryStatus"].as_str().map(str::to_owned);
        let before = found.insert(item["messageId"].as_i64().unwrap(), status);
        assert!(before.is_none(), "a message is there twice");
    }
    found
}

/// Fails where something acknowledged is not there, or a status is less than what was acknowledged, or than before.
pub fn check(
    found: &BTreeMap<i64, Option<String>>,
    acknowledged: &Acknowledged,
    before: &BTreeMap<i64, Option<String>>,
) {
    let lost: Vec<&i64> = acknowledged.messages.iter().filter(|id| !found.contains_key(id)).collect();
    assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    let rank_of = |status: &Option<String>| status.as_deref().map(rank);
    for (id, words) in &acknowledged.statuses {
        let Some(status) = found.get(id) else { continue };
        let least = words.iter().map(|(word, _)| rank(word)).max();
        assert!(rank_of(status) >= least, "message {id} is {status:?}, and {words:?} was acknowledged");
    }
    for (id, status) in before {
        assert!(rank_of(&found[id]) >= rank_of(status), "message {id} went back from {status:?} to {:?}", found[id]);
    }
}

/// Says that it is over, also where a test fails in between: others wait for that.
pub struct Over<'a>(pub &'a std::sync::atomic::AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
