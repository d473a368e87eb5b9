//! Clients that do not read, and bodies without a right to send them: memory stays bounded, and connections end.

use std::time::{Duration, Instant};

use crate::client::{Client, get, post};
use crate::target::{MIB, Victim};

/// Clients that keep their connections open without a word more.
fn silent(victim: &Victim, count: usize, mut begin: impl FnMut(&mut Client)) -> Vec<Client> {
    let one = |_| {
        let mut client = victim.client();
        begin(&mut client);
        client
    };
    (0..count).map(one).collect()
}

#[test]
fn unread_static_file_responses_use_little_memory() {
    let victim = Victim::with(100, &[]);
    let request = get("/docs/swagger-ui-bundle.js");
    let _silent = silent(&victim, 500, |client| client.send(&request).unwrap());
    victim.is_alive();
    assert!(victim.peak() < 120 * MIB, "{} MiB", victim.peak() / MIB);
}

#[test]
fn unauthenticated_bodies_are_not_buffered() {
    let victim = Victim::with(100, &[]);
    for path in ["/api/whatsapp-log/count", "/api/messages/history", "/v1/messages"] {
        // All but the last byte comes.
        let mut request = post(path, "x-nothing", "", &"x".repeat(1024 * 1024));
        request.pop();
        let _silent = silent(&victim, 200, |client| client.send_without_waiting(&request).unwrap());
        victim.is_alive();
    }
    // A connection has some 160 KiB to read ahead of whoever throws it away; a body is six times as long.
    assert!(victim.peak() < 200 * MIB, "{} MiB", victim.peak() / MIB);
}

#[test]
fn unread_pages_are_not_buffered() {
    let victim = Victim::with(3000, &[("HISTORY_GATEWAY__DATABASE__CHEAP_ROWS", "100000")]);
    let requests = victim.page().repeat(200);
    let _silent = silent(&victim, 8, |client| client.send_without_waiting(&requests).unwrap());
    std::thread::sleep(Duration::from_secs(2));
    victim.is_alive();
    assert!(victim.peak() < 200 * MIB, "{} MiB", victim.peak() / MIB);
}

#[test]
fn concurrent_large_bodies_are_accepted_up_to_the_limit() {
    let victim = Victim::with(100, &[]);
    let item = format!(
        r#"{{"messageId":ID,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{}","sentOrReceivedAt":"2026-02-01T00:00:00Z"}}"#,
        "x".repeat(400_000)
    );
    let statuses = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..60)
            .map(|sender| {
                let (victim, item) = (&victim, &item);
                scope.spawn(move || {
                    let items: Vec<String> =
                        (0..38).map(|number| item.replace("ID", &format!("{}", sender * 100 + number + 1))).collect();
                    let body = format!("[{}]", items.join(","));
                    let answer = victim.client().ask(&post("/v1/messages", "x-api-key", &victim.other, &body)).unwrap();
                    assert!(
                        answer.status == 200 || (answer.status == 503 && answer.has_retry_after),
                        "{}",
                        answer.status
                    );
                    answer.status
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    victim.is_alive();
    assert!(victim.peak() < 300 * MIB, "{} MiB", victim.peak() / MIB);
}

#[test]
fn client_that_never_reads_is_disconnected() {
    let victim = Victim::with(3000, &[("HISTORY_GATEWAY__SERVER__WRITE_TIMEOUT_SECONDS", "1")]);
    // Far more than the system takes for a client that does not read: one whose answers it has taken is idle, and not stuck.
    let requests = victim.page().repeat(200);
    let mut silent = silent(&victim, 10, |client| assert_eq!(client.ask(&get("/healthz")).unwrap().status, 200));
    assert_eq!(victim.connections(), 10);
    for client in &mut silent {
        client.send_without_waiting(&requests).unwrap();
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    while victim.connections() > 0 {
        assert!(Instant::now() < deadline, "{} connections are open", victim.connections());
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(silent);
}
