//! Feeds a running server over sockets, and records what it acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Binary, Server, message};

/// A tenant with a subject, and its keys.
pub struct TestTenant {
    pub binary: Binary,
    pub master: String,
    pub webhook: String,
}

impl TestTenant {
    pub fn new(binary: Binary) -> Self {
        Self::with_arguments(binary, &[])
    }

    /// With more arguments for every command, such as the database.
    pub fn with_arguments(binary: Binary, more: &[&str]) -> Self {
        let run = |arguments: &[&str]| binary.run(&[arguments, more].concat()).trim().to_owned();
        run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
        let master = run(&["key", "issue", "--tenant", "3193"]);
        let webhook = run(&["key", "issue", "--tenant", "3193", "--kind", "webhook"]);
        run(&["subject", "add", "--tenant", "3193", "--id", "501", "--name", "shop_WA", "--channel", "WHATSAPP"]);
        Self { binary, master, webhook }
    }
}

/// A keep-alive connection. Its failures are errors and not panics, because servers are killed.
pub struct HttpConnection(BufReader<TcpStream>);

impl HttpConnection {
    pub fn connect(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Posts a body; returns the status of a complete response.
    pub fn post(&mut self, path: &str, key: (&str, &str), body: &str) -> std::io::Result<u16> {
        let (name, value) = key;
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\n{name}: {value}\r\nContent-Length: {length}\r\n\r\n");
        self.0.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        let broken = || std::io::Error::other("the response is incomplete");
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

/// Delivery statuses, by ascending rank.
pub const STATUSES: [&str; 6] = ["ACCEPTED", "ENQUEUED", "SENT", "FAILED", "DELIVERED", "READ"];

/// The rank of a status; all failures have the same.
pub fn rank(status: &str) -> usize {
    let status = if matches!(status, "UNDELIVERED" | "INVALID" | "CANCELLED" | "EXPIRED") { "FAILED" } else { status };
    STATUSES.iter().position(|known| *known == status).unwrap()
}

fn status_word(number: i64) -> &'static str {
    STATUSES[usize::try_from(number).unwrap() % STATUSES.len()]
}

/// What was acknowledged, and must never be lost.
#[derive(Default)]
pub struct Acknowledged {
    pub messages: BTreeSet<i64>,
    /// By message id: the statuses, each with its source.
    pub statuses: BTreeMap<i64, BTreeSet<(&'static str, &'static str)>>,
}

/// Sends several feeds at once, with ascending ids.
pub struct Feeder {
    pub acknowledged: Mutex<Acknowledged>,
    next: AtomicI64,
    /// How many requests were acknowledged.
    pub count: AtomicI64,
    /// How many were rejected because the store was busy or the disk full.
    pub rejected: AtomicI64,
}

/// The kinds of feeds; each runs on its own thread.
#[derive(Clone, Copy, Debug)]
pub enum Feed {
    /// edna's webhook of incoming messages.
    Incoming,
    /// Items as lines, by `POST /v1/messages`.
    Items,
    /// edna's webhook of statuses.
    Statuses,
    /// A list of statuses, by `POST /v1/statuses`.
    ApiStatuses,
}

pub const FEEDS: [Feed; 4] = [Feed::Incoming, Feed::Items, Feed::Statuses, Feed::ApiStatuses];

impl Feeder {
    pub fn new() -> Self {
        Self {
            acknowledged: Mutex::default(),
            next: AtomicI64::new(1_000_000),
            count: AtomicI64::new(0),
            rejected: AtomicI64::new(0),
        }
    }

    /// Sends a feed until the connection breaks or it is stopped.
    pub fn run_feed(&self, address: &str, tenant: &TestTenant, feed: Feed, is_stopped: impl Fn() -> bool) {
        let Ok(mut connection) = HttpConnection::connect(address) else { return };
        while !is_stopped() {
            match self.send_one(&mut connection, tenant, feed) {
                Ok(true) => _ = self.count.fetch_add(1, Ordering::SeqCst),
                Ok(false) => _ = self.rejected.fetch_add(1, Ordering::SeqCst),
                Err(_) => return,
            }
        }
    }

    /// Sends one request of a feed; returns whether it was acknowledged.
    pub fn send_one(&self, connection: &mut HttpConnection, tenant: &TestTenant, feed: Feed) -> std::io::Result<bool> {
        let token = format!("Token {}", tenant.webhook);
        let (webhook, master) = (("Authorization", token.as_str()), ("x-api-key", tenant.master.as_str()));
        let number = self.next.fetch_add(20, Ordering::SeqCst);
        let (status, messages, statuses) = match feed {
            Feed::Incoming => {
                (connection.post("/webhooks/edna", webhook, &incoming(number).to_string())?, vec![number], Vec::new())
            }
            Feed::Items => {
                let ids: Vec<i64> = (number..number + 20).collect();
                let lines = ids.iter().map(|id| format!("{}\n", item(*id))).collect::<Vec<_>>().concat();
                (connection.post("/v1/messages", master, &lines)?, ids, Vec::new())
            }
            Feed::Statuses => {
                let event = (self.pick_message(number), status_word(number / 20));
                (
                    connection.post("/webhooks/edna/statuses", webhook, &status_event(event).to_string())?,
                    Vec::new(),
                    vec![event],
                )
            }
            Feed::ApiStatuses => {
                let events: Vec<_> =
                    (0..4).map(|offset| (self.pick_message(number + offset), status_word(number + offset))).collect();
                let list: Vec<Value> = events.iter().map(|event| status_event(*event)).collect();
                (connection.post("/v1/statuses", master, &json!(list).to_string())?, Vec::new(), events)
            }
        };
        if status != 200 {
            assert_eq!(status, 503, "{feed:?}");
            return Ok(false);
        }
        let source = if matches!(feed, Feed::Statuses) { "webhook" } else { "api" };
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.messages.extend(messages);
        for (id, status) in statuses {
            acknowledged.statuses.entry(id).or_default().insert((status, source));
        }
        Ok(true)
    }

    /// An acknowledged message, or else an id without a message: a status may come before its message.
    fn pick_message(&self, number: i64) -> i64 {
        let acknowledged = self.acknowledged.lock().unwrap();
        let from = number.wrapping_mul(7919).rem_euclid(1_000_000) + 1_000_000;
        acknowledged.messages.range(from.min(number)..).next().copied().unwrap_or(number)
    }
}

fn incoming(id: i64) -> Value {
    json!({"id": id, "subject": "shop_WA", "subjectId": 501, "subscriber": {"id": id % 97, "identifier": "79001112233"},
        "messageContent": {"type": "TEXT", "text": "Hi", "caption": null}, "receivedAt": "2026-03-01T10:00:00Z"})
}

pub fn item(id: i64) -> Value {
    message(
        id,
        json!({"deliveryStatus": "ACCEPTED", "deliveryStatusAt": "2026-03-01T10:00:00Z", "subjectId": 501,
        "channelType": "WHATSAPP"}),
    )
}

fn status_event((id, status): (i64, &str)) -> Value {
    json!({"requestId": format!("request-{id}"), "messageId": id, "subjectId": 501, "status": status,
        "statusAt": format!("2026-03-01T10:00:{:02}Z", rank(status))})
}

/// Kills a running server, as the kernel does when memory is short.
pub fn kill(mut server: Server) {
    server.signal("-KILL");
    server.wait();
}

/// The status of every message in the store.
pub fn export_statuses(tenant: &TestTenant, more: &[&str]) -> BTreeMap<i64, Option<String>> {
    let export = tenant.binary.run(&[&["export", "--tenant", "3193"][..], more].concat());
    let mut found = BTreeMap::new();
    for line in export.lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        let status = item["deliveryStatus"].as_str().map(str::to_owned);
        let before = found.insert(item["messageId"].as_i64().unwrap(), status);
        assert!(before.is_none(), "a message was exported twice");
    }
    found
}

/// Fails if an acknowledged message is missing, or a status ranks below an acknowledged one or below the one before.
pub fn assert_nothing_lost(
    found: &BTreeMap<i64, Option<String>>,
    acknowledged: &Acknowledged,
    before: &BTreeMap<i64, Option<String>>,
) {
    let lost: Vec<&i64> = acknowledged.messages.iter().filter(|id| !found.contains_key(id)).collect();
    assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    let rank_of = |status: &Option<String>| status.as_deref().map(rank);
    for (id, acknowledged) in &acknowledged.statuses {
        let Some(status) = found.get(id) else { continue };
        let least = acknowledged.iter().map(|(status, _)| rank(status)).max();
        assert!(rank_of(status) >= least, "message {id} is {status:?}, but {acknowledged:?} was acknowledged");
    }
    for (id, status) in before {
        assert!(rank_of(&found[id]) >= rank_of(status), "message {id} went back from {status:?} to {:?}", found[id]);
    }
}

/// Sets a flag when it is dropped, also if the test fails: other threads wait for it.
pub struct SetOnDrop<'a>(pub &'a std::sync::atomic::AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
