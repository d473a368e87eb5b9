//! A person's messages are private: no log line and no error contains anything of them.

use crate::support::Binary;

const KEY: &str = "00000000-0000-4000-8000-000000003193";

#[test]
fn no_log_line_holds_an_address_a_text_or_a_key() {
    let binary = Binary::new();
    let item = r#"{"messageId":1,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"my secret text","sentOrReceivedAt":"2026-03-01T10:00:00Z","subscriberId":4242424242}"#;
    binary.write("seed.ndjson", item);
    let server = binary.start_server(
        &["sandbox", "--port", "0", "--seed", "seed.ndjson", "--now", "2026-03-01T12:00:00Z"],
        &[("HISTORY_GATEWAY__LOG__LEVEL", "trace")],
    );
    let bodies = [
        r#"{"subscriberFilter":{"address":"79001112233"}}"#,
        r#"{"subscriberFilter":{"address":["79001112233"]}}"#,
        r#"{"subscriberFilter":{"address":"79001112233","type":"79001112233"}}"#,
        r#"{"direction":"79001112233","79001112233":1}"#,
        r#"{"channelTypes":["79001112233"]}"#,
        r#"{"sort":[{"property":"79001112233"}]}"#,
        r#"{"dateFrom":"79001112233"}"#,
        r"79001112233",
        r#"{"limit":79001112233}"#,
    ];
    for (index, body) in bodies.into_iter().enumerate() {
        let response = server.history(KEY, body);
        assert!(index == 0 || !response.contains("79001112233"), "{response}");
    }
    assert!(server.history(KEY, bodies[0]).contains("my secret text"));
    server.history("79001112233", "{}");
    server.send(b"GET /79001112233?phone=79001112233 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-request-id: +79001112233\r\n\r\n");
    server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-request-id: Anna-79001112233\r\n\r\n");
    let own_key = format!(
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-api-key: {KEY}\r\nx-request-id: {KEY}\r\n\r\n"
    );
    assert!(server.send(own_key.as_bytes()).contains(KEY), "the response has the id that was sent");
    server.send(b"GET /docs/79001112233 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nReferer: 79001112233\r\n\r\n");
    server.send(b"79001112233 /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let log = server.stop_and_read_log();
    assert!(log.lines().count() >= 12, "the log has a line for each request: {log}");
    for private in ["79001112233", "Anna", "my secret", KEY, "4242424242"] {
        assert!(!log.contains(private), "the log holds {private}: {log}");
    }
    assert!(log.contains("tenant=3193 key=1"), "the log names the key's number: {log}");
}

#[test]
fn whatsapp_log_errors_and_logs_hold_no_private_data() {
    let binary = Binary::new();
    let row = r#"{"_id":"377f9b73-28fe-41f1-b591-3fdcef396aba","createdAt":"2026-03-01T10:00:00Z","toNumber":"+79001112233","status":"Sent","messageText":"my secret text"}"#;
    binary.write("rows.ndjson", row);
    let server = binary.start_server(
        &["sandbox", "--port", "0", "--seed-logs", "rows.ndjson"],
        &[("HISTORY_GATEWAY__LOG__LEVEL", "trace")],
    );
    let post = |key: &str, path: &str, body: &str| {
        let length = body.len();
        let head = "HTTP/1.1\r\nHost: x\r\nConnection: close";
        server.send(format!("POST {path} {head}\r\nApiKey: {key}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())
    };
    let list = "/api/whatsapp-log/get-list";
    let found = post(KEY, list, r#"{"query":{"toNumber":"+79001112233"},"select":{"messageText":true}}"#);
    assert!(found.contains("my secret text"), "{found}");
    for body in [
        r#"{"query":{"version":"+79001112233"}}"#,
        r#"{"query":{"createdAt":"79001112233"}}"#,
        r#"{"query":{"_id":"79001112233"}}"#,
        r#"{"query":{"status":{"_type":"79001112233","value":"my secret text"}}}"#,
        r#"{"query":{"x":{"_type":"MultiSearch","value":"my secret text","fields":[79001112233]}}}"#,
        r#"{"query":{"status":{"_type":"Includes","value":"79001112233"}}}"#,
        r#"{"sort":{"status":"79001112233"}}"#,
        r#"{"groupBy":{"79001112233":true}}"#,
        r#"{"limit":79001112233}"#,
        "79001112233",
    ] {
        let response = post(KEY, list, body);
        assert!(
            response.contains(" 400 ") && !response.contains("79001112233") && !response.contains("secret"),
            "{response}"
        );
    }
    post("79001112233", list, "{}");
    post(KEY, "/api/whatsapp-log/79001112233/get-item", "{}");
    post(KEY, "/api/whatsapp-log/get-list/79001112233?skip=79001112233", "{}");
    let log = server.stop_and_read_log();
    assert!(log.lines().count() >= 14, "the log has a line for each request: {log}");
    for private in ["79001112233", "my secret", KEY] {
        assert!(!log.contains(private), "the log holds {private}: {log}");
    }
    assert!(log.contains("/api/whatsapp-log/{id}/get-item"), "{log}");
}

#[test]
fn every_log_line_of_a_request_has_its_id() {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[("HISTORY_GATEWAY__LOG__FORMAT", "json")]);
    // A store that lost its tables fails, which is logged with its cause.
    let url = history_gateway::store::DatabaseUrl::parse(&binary.url());
    let mut connection = url.unwrap().connect(std::time::Duration::from_secs(5)).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut connection, "DROP TABLE message_days").unwrap();
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let request = format!(
        "POST /api/messages/history HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-request-id: {id}\r\nx-api-key: {key}\r\n\r\n"
    );
    let response = server.send(request.as_bytes());
    assert!(response.starts_with("HTTP/1.1 503") && !response.contains("message_days"), "{response}");
    let log = server.stop_and_read_log();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &serde_json::Value| line["span"]["id"] == id)
        .collect();
    assert_eq!(lines.len(), 2, "the failure and the request: {log}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert!(lines[0]["cause"].as_str().unwrap().contains("message_days"), "{log}");
    assert_eq!(lines[1]["route"], "/api/messages/history");
    assert_eq!(lines[1]["status"], 503);
    assert_eq!(lines[1]["error"], "service-unavailable");
}
