//! A person's messages are private: nothing of them is in a log line or an error.

use crate::support::Binary;

const KEY: &str = "00000000-0000-4000-8000-000000003193";

#[test]
fn no_log_line_holds_an_address_a_text_or_a_key() {
    let binary = Binary::new();
    let item = r#"{"messageId":1,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"my secret text","sentOrReceivedAt":"2026-03-01T10:00:00Z","subscriberId":4242424242}"#;
    binary.write("seed.ndjson", item);
    let server = binary.serve(
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
    for (place, body) in bodies.into_iter().enumerate() {
        let answer = server.history(KEY, body);
        assert!(place == 0 || !answer.contains("79001112233"), "{answer}");
    }
    assert!(server.history(KEY, bodies[0]).contains("my secret text"));
    server.history("79001112233", "{}");
    server.send(b"GET /79001112233?phone=79001112233 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    server.send(b"GET /docs/79001112233 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nReferer: 79001112233\r\n\r\n");
    server.send(b"79001112233 / HTTP/9\r\n\r\n");
    let log = server.log();
    assert!(log.lines().count() >= 12, "the log has a line for each request: {log}");
    for private in ["79001112233", "my secret", KEY, "4242424242"] {
        assert!(!log.contains(private), "the log holds {private}: {log}");
    }
}

#[test]
fn every_log_line_of_a_request_has_its_id() {
    let binary = Binary::new();
    let server = binary.serve(&["sandbox", "--port", "0"], &[("HISTORY_GATEWAY__LOG__FORMAT", "json")]);
    server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-request-id: abc-1\r\n\r\n");
    let log = server.log();
    let line: serde_json::Value =
        serde_json::from_str(log.lines().find(|line| line.contains("abc-1")).unwrap()).unwrap();
    assert_eq!(line["fields"]["request_id"], "abc-1");
    assert_eq!(line["fields"]["route"], "/healthz");
    assert_eq!(line["fields"]["status"], 200);
}
