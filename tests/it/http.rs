//! What applies to every request: request ids, health, CORS and headers; and limits and signals on real sockets.

use std::io::{Read, Write};

use insta::assert_snapshot;

use crate::support::{Binary, TestApp};

const KEY: &str = "00000000-0000-4000-8000-000000003193";

#[actix_web::test]
async fn responses_have_a_request_id_and_echo_a_valid_one() {
    let app = TestApp::new().await;
    for (method, path) in
        [("POST", "/api/messages/history"), ("GET", "/healthz"), ("GET", "/nothing"), ("PUT", "/readyz")]
    {
        let response = app.send(method, path, &[("x-request-id", "my-id.1")], "").await;
        assert_eq!(response.header("x-request-id"), "my-id.1", "{path}");
        let response = app.send(method, path, &[], "").await;
        assert_eq!(response.header("x-request-id").len(), 36, "{path}");
    }
    let long = "x".repeat(129);
    for unfit in ["", "a b", long.as_str(), "ä"] {
        let response = app.send("GET", "/healthz", &[("x-request-id", unfit)], "").await;
        assert_eq!(response.header("x-request-id").len(), 36, "{unfit:?}");
    }
}

#[actix_web::test]
async fn healthy_server_reports_ok_and_ready() {
    let app = TestApp::new().await;
    assert_snapshot!(app.send("GET", "/healthz", &[], "").await.body, @r#"{"status":"ok"}"#);
    assert_snapshot!(app.send("GET", "/readyz", &[], "").await.body, @r#"{"status":"ready"}"#);
    assert_eq!(app.send("HEAD", "/readyz", &[], "").await.status, 200);
}

#[actix_web::test]
async fn store_with_missing_migrations_is_not_ready() {
    let app = TestApp::new().await;
    crate::stores::delete_migration_records(&app.store).await;
    let response = app.send("GET", "/readyz", &[], "").await;
    assert_eq!(response.status, 503);
    assert_eq!(response.header("retry-after"), "1");
}

#[test]
fn oversized_body_is_413_and_the_connection_stays_usable() {
    let server = Binary::new().start_server(&["sandbox", "--port", "0"], &[]);
    let mut stream = server.connect();
    let length = 10_000_000;
    let head = format!(
        "POST /api/messages/history HTTP/1.1\r\nHost: x\r\nx-api-key: {KEY}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The whole body is sent before anything is read.
    stream.write_all(&vec![b' '; length]).unwrap();
    // The connection still works for another request.
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut responses = String::new();
    stream.read_to_string(&mut responses).unwrap();
    assert!(
        responses.starts_with("HTTP/1.1 413 ") && responses.contains(r#""title":"request-too-large""#),
        "{responses}"
    );
    assert!(responses.contains("HTTP/1.1 200 OK"), "{responses}");
}

#[test]
fn stalled_body_is_400_after_the_body_timeout() {
    let binary = Binary::new();
    let server =
        binary.start_server(&["sandbox", "--port", "0"], &[("HISTORY_GATEWAY__SERVER__BODY_TIMEOUT_SECONDS", "1")]);
    let mut stream = server.connect();
    let head =
        format!("POST /api/messages/history HTTP/1.1\r\nHost: x\r\nx-api-key: {KEY}\r\nContent-Length: 100\r\n\r\n{{");
    stream.write_all(head.as_bytes()).unwrap();
    let mut response = [0; 12];
    stream.read_exact(&mut response).unwrap();
    assert_eq!(std::str::from_utf8(&response).unwrap(), "HTTP/1.1 400");
}

#[test]
fn stalled_chunked_body_closes_the_connection() {
    let binary = Binary::new();
    let server =
        binary.start_server(&["sandbox", "--port", "0"], &[("HISTORY_GATEWAY__SERVER__BODY_TIMEOUT_SECONDS", "1")]);
    for (path, status) in [("/api/messages/history", 401), ("/nothing", 404), ("/healthz", 405)] {
        // This reads until the server closes the connection.
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
        let response = server.send(head.as_bytes());
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    }
}

#[test]
fn oversized_content_length_is_413_without_the_body() {
    let binary = Binary::new();
    let server =
        binary.start_server(&["sandbox", "--port", "0"], &[("HISTORY_GATEWAY__SERVER__BODY_TIMEOUT_SECONDS", "1")]);
    let head = format!(
        "POST /api/messages/history HTTP/1.1\r\nHost: x\r\nx-api-key: {KEY}\r\nContent-Length: 99999999\r\n\r\n"
    );
    let response = server.send(head.as_bytes());
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
}

#[test]
fn stalled_headers_are_408() {
    let binary = Binary::new();
    let server =
        binary.start_server(&["sandbox", "--port", "0"], &[("HISTORY_GATEWAY__SERVER__HEADER_TIMEOUT_SECONDS", "1")]);
    let response = server.send(b"POST /api/messages/history HTTP/1.1\r\nHost: x\r\n");
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
}

#[cfg(unix)]
#[test]
fn sigterm_finishes_in_flight_requests_and_exits_with_0() {
    let binary = crate::commands::binary_with_tenant();
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let mut server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    let mut stream = server.connect();
    let head =
        format!("POST /api/messages/history HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\nContent-Length: 11\r\n\r\n{{");
    stream.write_all(head.as_bytes()).unwrap();
    // A response on another connection shows that the server has had time to read the first request.
    server.history(&key, "{}");
    server.signal("-TERM");
    while !server.log().contains("stopping") {
        std::thread::yield_now();
    }
    stream.write_all(b"\"limit\":1}").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK") && response.contains("connection: close"), "{response}");
    assert_eq!(server.wait(), Some(0));
}

#[cfg(unix)]
#[test]
fn signals_end_a_sandbox_and_remove_its_directory() {
    let binary = Binary::new();
    std::fs::create_dir(binary.path("temporary")).unwrap();
    let folder = binary.path("temporary").display().to_string();
    for signal in ["-HUP", "-INT", "-QUIT", "-TERM"] {
        let mut server = binary.start_server(&["sandbox", "--port", "0"], &[("TMPDIR", &folder)]);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        server.signal(signal);
        assert_eq!(server.wait(), Some(0), "{signal}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{signal}");
    }
}

#[actix_web::test]
async fn cors_is_allowed_only_for_configured_origins() {
    let preflight = async |app: &TestApp, origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "apikey"),
        ];
        let response = app.send("OPTIONS", "/api/whatsapp-log/get-list", &headers, "").await;
        let allowed = |name| response.header(name).to_owned();
        format!(
            "{} {} {}",
            response.status.as_u16(),
            allowed("access-control-allow-origin"),
            allowed("access-control-allow-headers")
        )
    };
    let simple = async |app: &TestApp, origin: &str| {
        let headers = [("Origin", origin), ("ApiKey", app.key.as_str())];
        let response = app.send("POST", "/api/whatsapp-log/count", &headers, "").await;
        format!("{} {}", response.body, response.header("access-control-allow-origin"))
    };
    let off = TestApp::new().await;
    assert_snapshot!(preflight(&off, "https://desk.example").await, @"404");
    assert_snapshot!(simple(&off, "https://desk.example").await, @r#"{"count":0}"#);
    let one = TestApp::with(|config| config.server.cors_origins = vec!["https://desk.example".into()]).await;
    assert_snapshot!(preflight(&one, "https://desk.example").await, @"200 https://desk.example apikey");
    assert_snapshot!(simple(&one, "https://desk.example").await, @r#"{"count":0} https://desk.example"#);
    assert_snapshot!(simple(&one, "https://other.example").await, @r#"{"count":0}"#);
    let any = TestApp::with(|config| config.server.cors_origins = vec!["*".into()]).await;
    assert_snapshot!(simple(&any, "https://other.example").await, @r#"{"count":0} *"#);
}

#[actix_web::test]
async fn responses_are_not_cacheable_and_not_frameable() {
    let app = TestApp::new().await;
    for (method, path) in
        [("POST", "/api/messages/history"), ("GET", "/healthz"), ("GET", "/nothing"), ("PUT", "/readyz")]
    {
        let response = app.send(method, path, &[("x-api-key", &app.key)], "").await;
        let headers = ["cache-control", "x-content-type-options", "content-security-policy"];
        let headers = headers.map(|name| response.header(name).to_owned());
        assert_eq!(headers, ["no-store", "nosniff", "frame-ancestors 'none'"], "{method} {path}");
    }
}

#[test]
fn connect_method_is_refused_at_once() {
    let server = Binary::new().start_server(&["sandbox", "--port", "0"], &[]);
    for target in ["example.com:443", "/api/messages/history", "/healthz"] {
        let started = std::time::Instant::now();
        let response = server.send(format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert!(response.starts_with("HTTP/1.1 40"), "{target}: {response}");
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{target}");
    }
}

#[test]
fn a_malformed_chunk_is_answered_400() {
    let server = Binary::new().start_server(&["sandbox", "--port", "0"], &[]);
    for (path, header) in [("/api/messages/history", "x-api-key"), ("/api/whatsapp-log/count", "ApiKey")] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{header}: {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n");
        for chunk in ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx\r\n0\r\n\r\n", "2\r\n{}\r\n-1\r\n\r\n"] {
            let response = server.send(format!("{head}{chunk}").as_bytes());
            assert!(response.starts_with("HTTP/1.1 400 "), "{path} {chunk:?}: {response}");
        }
    }
}
