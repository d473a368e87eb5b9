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

fn control(server: &Server, method: &str, path: &str, body: &str) -> Value {
    let path = format!("/_sandbox/tenants/3193{path}");
    let response = server.send(request(method, &path, "Connection: close\r\n", body).as_bytes());
    serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap_or(Value::Null)
}

#[test]
fn answers_by_rule_arrive_as_they_were_written() {
    let (_binary, server) = start();
    let rule = json!({"status": 418, "headers": {"X-Test": "yes"}, "retryAfter": 3, "contentType": "text/html", "body": "<p>"});
    let added = json!({"times": 1, "match": {"route": "/api/messages/history"}, "then": rule});
    control(&server, "POST", "/faults", &added.to_string());
    let asked = request("POST", "/api/messages/history", &format!("Connection: close\r\nx-api-key: {KEY}\r\n"), "{}");
    let answer = server.send(asked.as_bytes());
    let lower = answer.to_lowercase();
    for wanted in ["http/1.1 418", "x-test: yes", "retry-after: 3", "content-type: text/html", "content-length: 3"] {
        assert!(lower.contains(wanted), "{wanted}: {answer}");
    }
    assert!(answer.ends_with("\r\n\r\n<p>"), "{answer}");
    for (then, status, body) in [
        (json!({"status": 204}), 204, ""),
        (json!({"status": 304}), 304, ""),
        (json!({"error": "limit-not-valid"}), 400, r#""title":"limit-not-valid""#),
        (
            json!({"status": 500, "title": "own", "detail": "Own."}),
            500,
            r#"{"title":"own","status":500,"detail":"Own."}"#,
        ),
        (json!({"pass": true}), 200, r#""hasNext":true"#),
        (json!({"status": 200, "body": {"content": 5}}), 200, r#"{"content":5}"#),
    ] {
        let added = json!({"times": 1, "match": {"route": "/api/messages/history"}, "then": then});
        control(&server, "POST", "/faults", &added.to_string());
        let answer = server.send(asked.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(body), "{then}: {answer}");
    }
}

#[test]
fn a_client_that_does_not_wait_is_in_the_journal() {
    let (_binary, server) = start();
    control(&server, "POST", "/faults", &json!({"then": {"delayMs": 20_000}}).to_string());
    let mut stream = server.connect();
    let headers = format!("x-api-key: {KEY}\r\n");
    stream.write_all(request("POST", "/api/messages/history", &headers, r#"{"limit":7}"#).as_bytes()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while control(&server, "GET", "/faults", "")["faults"][0]["applied"] != 1 {
        assert!(Instant::now() < deadline);
    }
    drop(stream);
    let entry = loop {
        let list = control(&server, "GET", "/requests", "");
        if let Some(entry) = list["requests"].get(0) {
            break entry.clone();
        }
        assert!(Instant::now() < deadline, "the request is not in the journal");
    };
    assert_eq!(
        (&entry["status"], &entry["fault"], &entry["route"]),
        (&Value::Null, &json!(1), &json!("/api/messages/history"))
    );
}

/// A receiver that moves the tenant's clock and asks for the journal before it answers.
#[test]
fn a_callback_may_call_control_routes() {
    let (_binary, server) = start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut answered = Vec::new();
            // A check of the URL, and a callback.
            for stream in listener.incoming().take(2) {
                let mut stream = stream.unwrap();
                let mut head = [0; 8192];
                let read = stream.read(&mut head).unwrap();
                if head[..read].starts_with(b"POST") {
                    answered.push(control(&server, "PUT", "/clock", r#"{"advance":"PT1H"}"#)["now"].clone());
                    assert!(control(&server, "GET", "/requests", "")["requests"].is_array());
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            }
            answered
        });
        control(&server, "PUT", "/clock", r#"{"now":"2026-03-01T12:00:00Z"}"#);
        control(&server, "PUT", "/callbacks", &json!({"inMessageCallbackUrl": url}).to_string());
        let began = Instant::now();
        let incoming = json!({"address": "79001112233", "subjectId": 501, "text": "Hi"});
        assert_eq!(control(&server, "POST", "/incoming", &incoming.to_string())["direction"], "IN");
        assert_eq!(receiver.join().unwrap(), ["2026-03-01T13:00:00.000Z"]);
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        assert_eq!(control(&server, "GET", "/callbacks", "")["callbacks"][0]["status"], 200);
    });
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
