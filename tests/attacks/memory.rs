//! Clients that never read, and bodies without a key: memory stays bounded, and stuck connections are closed.

use std::time::{Duration, Instant};

use crate::client::{Client, get, post};
use crate::target::{MIB, TargetServer};

/// Clients that keep their connections open and do nothing after `begin`.
fn clients_that_never_read(target: &TargetServer, count: usize, mut begin: impl FnMut(&mut Client)) -> Vec<Client> {
    let connect = |_| {
        let mut client = target.client();
        begin(&mut client);
        client
    };
    (0..count).map(connect).collect()
}

#[test]
fn unread_static_file_responses_use_little_memory() {
    let target = TargetServer::start(100, &[]);
    let request = get("/docs/swagger-ui-bundle.js");
    let _clients = clients_that_never_read(&target, 500, |client| client.send(&request).unwrap());
    target.assert_responds();
    // About 100 MiB; a copy of the file for each client would take 700.
    assert!(target.peak_memory() < 200 * MIB, "{} MiB", target.peak_memory() / MIB);
}

#[test]
fn unauthenticated_bodies_are_not_buffered() {
    let target = TargetServer::start(100, &[]);
    for path in ["/api/whatsapp-log/count", "/api/messages/history", "/v1/messages"] {
        // All but the last byte is sent.
        let mut request = post(path, "x-nothing", "", &"x".repeat(4 * 1024 * 1024));
        request.pop();
        let _clients = clients_that_never_read(&target, 200, |client| client.send_nonblocking(&request).unwrap());
        target.assert_responds();
    }
    // Some of each body is read ahead before the rest is discarded: about 200 MiB together, of bodies of 800 MiB.
    assert!(target.peak_memory() < 400 * MIB, "{} MiB", target.peak_memory() / MIB);
}

#[test]
fn unread_pages_are_not_buffered() {
    let target = TargetServer::start(3000, &[("HISTORY_GATEWAY__DATABASE__CHEAP_ROWS", "100000")]);
    let requests = target.large_page_query().repeat(200);
    let _clients = clients_that_never_read(&target, 8, |client| client.send_nonblocking(&requests).unwrap());
    std::thread::sleep(Duration::from_secs(2));
    target.assert_responds();
    assert!(target.peak_memory() < 200 * MIB, "{} MiB", target.peak_memory() / MIB);
}

#[test]
fn concurrent_large_bodies_are_accepted_up_to_the_limit() {
    let target = TargetServer::start(100, &[]);
    let item = format!(
        r#"{{"messageId":ID,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{}","sentOrReceivedAt":"2026-02-01T00:00:00Z"}}"#,
        "x".repeat(400_000)
    );
    let statuses = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..60)
            .map(|sender| {
                let (target, item) = (&target, &item);
                scope.spawn(move || {
                    let items: Vec<String> =
                        (0..38).map(|number| item.replace("ID", &format!("{}", sender * 100 + number + 1))).collect();
                    let body = format!("[{}]", items.join(","));
                    let response = target
                        .client()
                        .round_trip(&post("/v1/messages", "x-api-key", &target.other_key, &body))
                        .unwrap();
                    assert!(
                        response.status == 200 || (response.status == 503 && response.has_retry_after),
                        "{}",
                        response.status
                    );
                    response.status
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    target.assert_responds();
    // About 300 MiB, of bodies of 900 MiB.
    assert!(target.peak_memory() < 500 * MIB, "{} MiB", target.peak_memory() / MIB);
}

#[test]
fn client_that_never_reads_is_disconnected() {
    let target = TargetServer::start(3000, &[("HISTORY_GATEWAY__SERVER__WRITE_TIMEOUT_SECONDS", "1")]);
    // Far more than the socket buffers hold: a client whose responses all fit into them would be idle, not stuck.
    let requests = target.large_page_query().repeat(200);
    let mut clients = clients_that_never_read(&target, 10, |client| {
        assert_eq!(client.round_trip(&get("/healthz")).unwrap().status, 200);
    });
    assert_eq!(target.open_connections(), 10);
    for client in &mut clients {
        client.send_nonblocking(&requests).unwrap();
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    while target.open_connections() > 0 {
        assert!(Instant::now() < deadline, "{} connections are open", target.open_connections());
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(clients);
}
