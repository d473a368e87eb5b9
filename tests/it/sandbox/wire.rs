//! Faults over a real socket: what a client sees of them.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Binary, Server};

const KEY: &str = "00000000-0000-4000-8000-000000003193";

fn start() -> (Binary, Server) {
    let binary = Binary::new();
    let server = binary.start_server(&["sandbox", "--port", "0"], &[]);
    (binary, server)
}

fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Adds a rule, and returns all that a history request receives until its connection is closed.
fn under(server: &Server, then: Value) -> Vec<u8> {
    let rule = json!({"match": {"route": "/api/messages/history"}, "times": 1, "then": then}).to_string();
    let added =
        server.send(request("POST", "/_sandbox/tenants/3193/faults", "Connection: close\r\n", &rule).as_bytes());
    assert!(added.starts_with("HTTP/1.1 201 "), "{added}");
    ask(server, KEY)
}

fn ask(server: &Server, key: &str) -> Vec<u8> {
    let mut stream = server.connect();
    let headers = format!("x-api-key: {key}\r\nAccept-Encoding: gzip\r\n");
    let body = r#"{"limit":100,"dateFrom":"2020-01-01"}"#;
    stream.write_all(request("POST", "/api/messages/history", &headers, body).as_bytes()).unwrap();
    let mut received = Vec::new();
    // A connection that is reset has ended too.
    let _ = stream.read_to_end(&mut received);
    received
}

/// The announced length of a body, and the length of what arrived of it.
fn lengths(response: &[u8]) -> (usize, usize) {
    let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let (head, body) = (std::str::from_utf8(&response[..end]).unwrap(), &response[end + 4..]);
    let announced = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    (announced.unwrap(), body.len())
}

#[test]
fn connections_are_closed_before_and_in_the_middle() {
    let (_binary, server) = start();
    assert_eq!(under(&server, json!({"close": "before"})), b"");
    let middle = under(&server, json!({"close": "middle"}));
    let (announced, arrived) = lengths(&middle);
    assert!(
        middle.starts_with(b"HTTP/1.1 200 ") && announced > 20_000 && arrived == announced / 2,
        "{announced} {arrived}"
    );
    let cut = under(&server, json!({"truncate": 10}));
    let (announced, arrived) = lengths(&cut);
    assert!(announced > 20_000 && arrived == 10, "{announced} {arrived}");
    let cut = under(&server, json!({"truncate": 0, "error": "internal-error"}));
    assert!(cut.starts_with(b"HTTP/1.1 500 ") && lengths(&cut).1 == 0, "{cut:?}");
    let cut = under(&server, json!({"close": "middle", "status": 200, "body": "abcdef"}));
    assert!(cut.ends_with(b"\r\n\r\nabc"), "{cut:?}");
    assert_eq!(under(&server, json!({"close": "before", "status": 503})), b"");
    // The journal tells what was sent.
    let list = server.send(request("GET", "/_sandbox/tenants/3193/requests", "Connection: close\r\n", "").as_bytes());
    let list: Value = serde_json::from_str(list.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let statuses: Vec<&Value> = list["requests"].as_array().unwrap().iter().map(|entry| &entry["status"]).collect();
    assert_eq!(json!(statuses), json!([null, 200, 200, 500, 200, null]));
}

#[test]
fn a_key_closes_the_connection_and_another_answers_late() {
    let (_binary, server) = start();
    assert_eq!(ask(&server, "00000000-0000-4000-8000-000000000444"), b"");
    let mut stream = server.connect();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let headers = "x-api-key: 00000000-0000-4000-8000-000000000408\r\n";
    stream.write_all(request("POST", "/api/messages/history", headers, "{}").as_bytes()).unwrap();
    let early = stream.read(&mut [0; 100]).map_err(|error| error.kind());
    assert_eq!(early, Err(std::io::ErrorKind::WouldBlock));
}

#[test]
fn a_delayed_answer_holds_up_no_other_request() {
    let (_binary, server) = start();
    let rule = json!({"match": {"body": {"limit": 100}}, "times": 1, "then": {"delayMs": 700}}).to_string();
    server.send(request("POST", "/_sandbox/tenants/3193/faults", "Connection: close\r\n", &rule).as_bytes());
    std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            let started = Instant::now();
            let answer = server.history(KEY, r#"{"limit":100}"#);
            (answer, started.elapsed())
        });
        let mut other = Duration::ZERO;
        while !late.is_finished() && other < Duration::from_millis(600) {
            let started = Instant::now();
            assert!(server.history(KEY, r#"{"limit":1}"#).starts_with("200 "));
            other = other.max(started.elapsed());
        }
        let (answer, took) = late.join().unwrap();
        assert!(answer.starts_with("200 ") && took >= Duration::from_millis(700), "{took:?}");
        assert!(other < Duration::from_millis(600), "{other:?}");
    });
}
