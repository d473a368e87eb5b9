//! The log: an output that nobody reads delays nothing, and what a line contains.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Binary, Server, wait_for_exit};

/// How long the program may take to end when it has nothing left to do.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A full pipe. Its reader must be kept, because a write to a pipe without a reader fails instead of blocking.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    let mut filling = writer.try_clone().unwrap();
    let (about_to_block, filled) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // Writes until the pipe is full, and then blocks until the reader is dropped.
        while filling.write_all(&[b'.'; 4096]).is_ok() {
            let _ = about_to_block.send(());
        }
    });
    while filled.recv_timeout(Duration::from_millis(300)).is_ok() {}
    (reader, writer)
}

/// Pipelines so many requests on one connection; returns all responses.
fn pipeline_requests(server: &Server, requests: usize) -> String {
    let mut stream = server.connect();
    let mut sending = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        for _ in 1..requests {
            sending.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        }
        sending.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    });
    let mut responses = String::new();
    stream.read_to_string(&mut responses).unwrap();
    sender.join().unwrap();
    responses
}

#[cfg(unix)]
#[test]
fn blocked_log_delays_no_response_and_drops_are_counted() {
    let binary = Binary::new();
    let (_unread, stderr) = pipe().unwrap();
    let mut command = binary.command(&["sandbox", "--port", "0"]);
    let mut server = Server::start_logging_to(stderr, &mut command, &binary.path("server.log"));
    drop(command);
    for _ in 0..3 {
        let responses = pipeline_requests(&server, 2000);
        assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), 2000);
    }
    assert!(server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").contains("200 OK"));
    let metrics = server.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let name = "\nhistory_gateway_log_lines_dropped_total ";
    let dropped: u64 = metrics.split(name).nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!((1000..6000).contains(&dropped), "{dropped}");
    server.signal("-TERM");
    let signalled = Instant::now();
    assert_eq!(wait_for_exit(&mut server.child, EXIT_TIMEOUT), Some(0));
    assert!(signalled.elapsed() < Duration::from_secs(1), "{:?}", signalled.elapsed());
}

#[cfg(unix)]
#[test]
fn blocked_startup_output_delays_no_response() {
    let binary = Binary::new();
    let (_unread, stdout) = full_pipe();
    let (_also_unread, stderr) = full_pipe();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = binary.command(&["sandbox", "--port", &port.to_string()]);
    let child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
    let mut server = Server::from_child(child, format!("127.0.0.1:{port}"), &binary.path("server.log"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = TcpStream::connect(&server.address) {
        assert!(Instant::now() < deadline, "{error}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let response = server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    server.signal("-TERM");
    assert_eq!(wait_for_exit(&mut server.child, EXIT_TIMEOUT), Some(0));
}

#[test]
fn program_exits_even_if_its_error_cannot_be_written() {
    let binary = Binary::with_sqlite();
    let (_unread, stderr) = full_pipe();
    let mut child = binary.command(&["serve"]).stderr(stderr).spawn().unwrap();
    assert_eq!(wait_for_exit(&mut child, EXIT_TIMEOUT), Some(1));
}

#[test]
fn request_log_line_has_tenant_key_and_error_once() {
    let binary = crate::commands::binary_with_tenant();
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let webhook_key = binary.run(&["key", "issue", "--tenant", "3193", "--kind", "webhook"]).trim().to_owned();
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[("HISTORY_GATEWAY__LOG__FORMAT", "json")]);
    let post = |path: &str, header: &str, body: &str| {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}");
        server.send(format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())
    };
    let (history, logs) = ("/api/messages/history", "/api/whatsapp-log/count");
    post(history, &format!("x-api-key: {key}"), "{}");
    post(history, &format!("x-api-key: {key}"), r#"{"limit":-1}"#);
    post(history, "x-api-key: 79001112233", "{}");
    post(logs, &format!("ApiKey: {key}"), "{}");
    post(logs, &format!("ApiKey: {key}"), "[1]");
    post(logs, "ApiKey: 79001112233", "{}");
    post("/webhooks/edna", &format!("Authorization: Token {webhook_key}"), r#"{"messageId":1}"#);
    post("/nothing", "x-api-key: 79001112233", "");
    let mut lines = Vec::new();
    for line in server.stop_and_read_log().lines() {
        let mut fields: Value = serde_json::from_str(line).unwrap();
        assert_eq!(fields.to_string().len(), line.len(), "a field is there more than once: {line}");
        let fields = fields.as_object_mut().unwrap();
        if fields.contains_key("route") {
            for changing in ["timestamp", "microseconds", "span", "level", "message", "method"] {
                assert!(fields.remove(changing).is_some(), "{line}");
            }
            lines.push(Value::from(fields.clone()).to_string());
        }
    }
    assert_snapshot!(lines.join("\n"), @r#"
    {"key":1,"route":"/api/messages/history","status":200,"tenant":3193}
    {"error":"limit-not-valid","key":1,"route":"/api/messages/history","status":400,"tenant":3193}
    {"error":"Api-key not found","route":"/api/messages/history","status":401}
    {"key":1,"route":"/api/whatsapp-log/count","status":200,"tenant":3193}
    {"error":"not-valid-request","key":1,"route":"/api/whatsapp-log/count","status":400,"tenant":3193}
    {"error":"invalid-api-key","route":"/api/whatsapp-log/count","status":400}
    {"key":2,"route":"/webhooks/edna","status":200,"tenant":3193}
    {"error":"not-found","route":"unknown","status":404}
    "#);
}
