//! The server under attack, with a tenant that attacks and one that works normally, and the resources that it uses.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, get, post};
use crate::support::{Binary, Server};

pub const MIB: u64 = 1024 * 1024;

pub struct TargetServer {
    pub server: Server,
    /// A key of the attacking tenant, which has many messages.
    pub key: String,
    /// A key of the other tenant, which has few messages.
    pub other_key: String,
    /// A webhook key of the other tenant.
    pub webhook_key: String,
    _binary: Binary,
}

impl TargetServer {
    /// Starts a server with `messages` of the attacking tenant over a year, and a few of the other one.
    pub fn start(messages: usize, settings: &[(&str, &str)]) -> Self {
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
        let (key, other_key, webhook_key) =
            (issue("3193", "master"), issue("4000", "master"), issue("4000", "webhook"));
        let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], settings);
        Self { server, key, other_key, webhook_key, _binary: binary }
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.server.address).unwrap()
    }

    /// A request of the other tenant for the messages of one recipient.
    pub fn cheap_query(&self) -> Vec<u8> {
        let newest =
            post("/api/messages/history", "x-api-key", &self.other_key, r#"{"dateFrom":"2025-01-01","limit":1}"#);
        let response = self.client().round_trip(&newest).unwrap();
        let response: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        let address = &response["content"][0]["address"];
        let body = json!({"subscriberFilter": {"address": address}, "dateFrom": "2025-01-01"}).to_string();
        post("/api/messages/history", "x-api-key", &self.other_key, &body)
    }

    /// One of the three most expensive requests of the attacking tenant, by a number.
    pub fn expensive_query(&self, number: usize) -> Vec<u8> {
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

    /// A request for a page of 1000 messages.
    pub fn large_page_query(&self) -> Vec<u8> {
        let body = r#"{"dateFrom":"2025-03-01","dateTo":"2026-03-01","limit":1000}"#;
        post("/api/messages/history", "x-api-key", &self.key, body)
    }

    /// A field of `/proc/PID/status`, in bytes.
    fn proc_status_bytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The peak of its resident memory so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.proc_status_bytes("VmHWM:")
    }

    /// How many connections it has open.
    pub fn open_connections(&self) -> usize {
        let port: u16 = self.server.address.rsplit(':').next().unwrap().parse().unwrap();
        let (of_server, listens) = (format!(":{port:04X}"), "0A");
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let is_open = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // A socket that the server has closed has no inode any more.
            fields[1].ends_with(&of_server) && fields[3] != listens && fields[9] != "0"
        };
        sockets.lines().skip(1).filter(is_open).count()
    }

    /// The CPU time that it has used so far.
    pub fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.server.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // User and system time, in hundredths of a second.
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// Fails unless it soon becomes idle: it must not work for clients that have disconnected.
    pub fn assert_becomes_idle(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let before = self.cpu_time();
            std::thread::sleep(Duration::from_millis(500));
            if self.cpu_time().saturating_sub(before) < Duration::from_millis(100) {
                return;
            }
            assert!(Instant::now() < deadline, "it still works although all clients have disconnected");
        }
    }

    pub fn assert_responds(&self) {
        assert_eq!(self.client().round_trip(&get("/healthz")).unwrap().status, 200);
    }
}

/// The 99th percentile.
pub fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}
