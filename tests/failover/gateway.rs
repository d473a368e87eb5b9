//! A running gateway on servers of a test, its tenant, and requests to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::feeder::TestTenant;
use crate::node::{Node, url_of, wait_until};
use crate::support::{Binary, Server};

pub struct Gateway {
    pub tenant: TestTenant,
    pub server: Server,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A tenant with keys in the database of a primary.
pub fn tenant(primary: &Node) -> TestTenant {
    TestTenant::with_arguments(Binary::with_sqlite(), &["--database", &primary.url()])
}

impl Gateway {
    /// Starts a gateway on some hosts, with replicas and other settings.
    pub fn start(tenant: TestTenant, hosts: &[&Node], replicas: &[&Node], settings: &[(&str, &str)]) -> Self {
        let url = url_of(&hosts.iter().map(|node| node.host()).collect::<Vec<_>>());
        let replicas = replicas.iter().map(|node| node.url()).collect::<Vec<_>>().join(",");
        Self::start_at(tenant, &url, &replicas, settings)
    }

    pub fn start_at(tenant: TestTenant, url: &str, replicas: &str, settings: &[(&str, &str)]) -> Self {
        let environment = environment(url, replicas, settings);
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let server = tenant.binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &environment);
        Self { tenant, server }
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<Answer> {
        send(&self.server.address, method, path, headers, body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").unwrap()
    }

    /// Records messages with some ids.
    pub fn record(&self, ids: impl IntoIterator<Item = i64>) -> Answer {
        let lines = ids.into_iter().map(|id| format!("{}\n", crate::feeder::item(id))).collect::<Vec<_>>().concat();
        self.send("POST", "/v1/messages", &[("x-api-key", &self.tenant.master)], &lines).unwrap()
    }

    /// Asks for the history, with more headers.
    pub fn history(&self, headers: &[(&str, &str)]) -> Answer {
        let key = [("x-api-key", self.tenant.master.as_str())];
        let body = r#"{"dateFrom":"2026-03-01","dateTo":"2026-03-02","limit":1000}"#;
        self.send("POST", "/api/messages/history", &[&key, headers].concat(), body).unwrap()
    }

    /// How many messages the history contains.
    pub fn messages(&self, headers: &[(&str, &str)]) -> usize {
        let answer = self.history(headers);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body.matches("\"messageId\"").count()
    }

    /// How many reads a kind of server has served.
    pub fn reads(&self, server: &str) -> u64 {
        let name = format!("history_gateway_reads_total{{server=\"{server}\"}} ");
        let metrics = self.get("/metrics").body;
        metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until a number of replicas serve reads.
    pub fn wait_for_replicas(&self, in_use: usize) {
        wait_until("replicas are in use", || {
            self.get("/readyz?verbose").body.matches("\"inUse\":true").count() == in_use
        });
    }
}

/// The settings of a gateway as its environment.
pub fn environment(url: &str, replicas: &str, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = vec![("DATABASE__URL", url)];
    if !replicas.is_empty() {
        all.push(("DATABASE__REPLICAS", replicas));
    }
    let all = all.iter().chain(settings);
    all.map(|(name, value)| (format!("HISTORY_GATEWAY__{name}"), (*value).to_owned())).collect()
}

/// Sends one request on a connection of its own.
pub fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let broken = || std::io::Error::other("the response is incomplete");
    let (head, body) = response.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(broken)?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
