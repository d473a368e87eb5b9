//! A server with a tenant that attacks and one that works, and what it takes of its machine.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, get, post};
use crate::support::{Binary, Server};

pub const MIB: u64 = 1024 * 1024;

pub struct Victim {
    pub server: Server,
    /// A key of the tenant whose many messages are asked for.
    pub key: String,
    /// A key and a webhook key of another tenant.
    pub other: String,
    pub webhook: String,
    _binary: Binary,
}

impl Victim {
    /// With so many messages of one tenant over a year, and a few of another one.
    pub fn with(messages: usize, settings: &[(&str, &str)]) -> Self {
        let binary = Binary::new();
        for (id, messages) in [("3193", messages), ("4000", 400)] {
            binary.run(&["tenant", "create", "--id", id, "--name", "Shop"]);
            let messages = messages.to_string();
            binary.run(&[
                "generate",
                "--tenant",
                id,
                "--messages",
                &messages,
                "--days",
                "360",
                "--until",
                "2026-03-01",
            ]);
        }
        let issue = |tenant, kind| binary.run(&["key", "issue", "--tenant", tenant, "--kind", kind]).trim().to_owned();
        let (key, other, webhook) = (issue("3193", "master"), issue("4000", "master"), issue("4000", "webhook"));
        let server = binary.serve(&["serve", "--bind", "127.0.0.1:0"], settings);
        Self { server, key, other, webhook, _binary: binary }
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.server.address).unwrap()
    }

    /// A question of the other tenant's about one recipient.
    pub fn cheap(&self) -> Vec<u8> {
        let newest = post("/api/messages/history", "x-api-key", &self.other, r#"{"dateFrom":"2025-01-01","limit":1}"#);
        let answer = self.client().ask(&newest).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let address = &answer["content"][0]["address"];
        let body = json!({"subscriberFilter": {"address": address}, "dateFrom": "2025-01-01"}).to_string();
        post("/api/messages/history", "x-api-key", &self.other, &body)
    }

    /// The dearest questions of the first tenant, by a number.
    pub fn dear(&self, number: usize) -> Vec<u8> {
        let search = format!("{}b", "_".repeat(4990));
        match number % 3 {
            0 => {
                let sort = json!([{"property": "content", "direction": "ASC"}]);
                let body = json!({"dateFrom": "2025-03-01", "dateTo": "2026-03-01", "sort": sort, "limit": 1000});
                post("/api/messages/history", "x-api-key", &self.key, &body.to_string())
            }
            1 => {
                let body = json!({"query": {"messageText": {"_type": "Search", "value": search}}}).to_string();
                post("/api/whatsapp-log/get-list", "ApiKey", &self.key, &body)
            }
            _ => {
                let body = json!({"dateFrom": "2025-03-01", "dateTo": "2026-03-01", "offset": 1_000_000, "limit": 1000,
                    "subscriberFilter": {"address": "1", "type": "EDNA_ID"}, "sort": {"property": "comment"}});
                post("/api/messages/history", "x-api-key", &self.key, &body.to_string())
            }
        }
    }

    /// A large page.
    pub fn page(&self) -> Vec<u8> {
        let body = r#"{"dateFrom":"2025-03-01","dateTo":"2026-03-01","limit":1000}"#;
        post("/api/messages/history", "x-api-key", &self.key, body)
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The most bytes of memory it has had so far.
    pub fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// How many connections it has.
    pub fn connections(&self) -> usize {
        let port: u16 = self.server.address.rsplit(':').next().unwrap().parse().unwrap();
        let (of_server, listens) = (format!(":{port:04X}"), "0A");
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let is_open = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // One that its process has closed has no number of a file any more.
            fields[1].ends_with(&of_server) && fields[3] != listens && fields[9] != "0"
        };
        sockets.lines().skip(1).filter(is_open).count()
    }

    /// Processor time it has taken so far.
    pub fn worked(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.server.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // User and system time, in the hundredths of seconds that Linux tells them in.
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// Fails unless it soon does nothing any more: it works on for nobody.
    pub fn comes_to_rest(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let before = self.worked();
            std::thread::sleep(Duration::from_millis(500));
            if self.worked().saturating_sub(before) < Duration::from_millis(100) {
                return;
            }
            assert!(Instant::now() < deadline, "it works on although everybody has gone");
        }
    }

    pub fn is_alive(&self) {
        assert_eq!(self.client().ask(&get("/healthz")).unwrap().status, 200);
    }
}

/// The time within which 99 of 100 answers come.
pub fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}
