//! All attacks at once during a steady feed: 64 clients that query and disconnect, 32 that never read, and normal ones.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Response, post};
use crate::target::{MIB, TargetServer, p99};

/// Counts responses by status; fails on any but 200, and 503 with `Retry-After`.
#[derive(Default)]
struct StatusCounts(Mutex<BTreeMap<u16, u64>>);

impl StatusCounts {
    fn count(&self, response: &Response) {
        let is_expected = response.status == 200 || (response.status == 503 && response.has_retry_after);
        assert!(is_expected, "{} {}", response.status, String::from_utf8_lossy(&response.body));
        *self.0.lock().unwrap().entry(response.status).or_default() += 1;
    }
}

#[test]
fn abusive_clients_do_not_slow_down_cheap_queries() {
    let seconds = std::env::var("ATTACK_SECONDS").map_or(15, |seconds| seconds.parse().unwrap());
    let target = TargetServer::start(20_000, &[]);
    let cheap = target.cheap_query();
    let mut client = target.client();
    let mut time_cheap_query = |times: &mut Vec<Duration>, statuses: &StatusCounts| {
        let started = Instant::now();
        statuses.count(&client.round_trip(&cheap).unwrap());
        times.push(started.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    };
    let (statuses, mut idle, mut loaded) = (StatusCounts::default(), Vec::new(), Vec::new());
    for _ in 0..300 {
        time_cheap_query(&mut idle, &statuses);
    }
    let (is_stopped, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (target, is_stopped, sent, statuses) = (&target, &is_stopped, &sent, &statuses);
        for number in 0..64 {
            scope.spawn(move || {
                while !is_stopped.load(Ordering::Relaxed) {
                    let mut client = target.client();
                    client.send(&target.expensive_query(number)).unwrap();
                    // One client in eight reads its response, which is 200 or 503.
                    if number % 8 == 0 {
                        statuses.count(&client.read_response().unwrap());
                    } else {
                        std::thread::sleep(Duration::from_millis(200));
                    }
                }
            });
        }
        let pages = target.large_page_query().repeat(50);
        let _clients_that_never_read: Vec<_> = (0..32)
            .map(|_| {
                let mut client = target.client();
                client.send_nonblocking(&pages).unwrap();
                client
            })
            .collect();
        scope.spawn(move || {
            let (mut client, authorization) = (target.client(), format!("Token {}", target.webhook_key));
            while !is_stopped.load(Ordering::Relaxed) {
                let id = 50_000_000_000 + sent.fetch_add(1, Ordering::Relaxed);
                let event = json!({"id": id, "subject": "shop_WA", "subjectId": 501, "receivedAt": "2026-02-01T10:00:00Z",
                    "subscriber": {"id": 4242, "identifier": "79001112233"}, "messageContent": {"type": "TEXT", "text": "Hi"}});
                let response = client.round_trip(&post("/webhooks/edna", "Authorization", &authorization, &event.to_string()));
                let response = response.unwrap();
                assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            time_cheap_query(&mut loaded, statuses);
        }
        is_stopped.store(true, Ordering::Relaxed);
    });
    let (count, idle, loaded) = (loaded.len(), p99(idle), p99(loaded));
    println!(
        "p99 of {count} pages of a recipient: {idle:?} idle, {loaded:?} under attack; {} events; {:?}; {} MiB",
        sent.load(Ordering::Relaxed),
        statuses.0.lock().unwrap(),
        target.peak_memory() / MIB
    );
    target.assert_becomes_idle();
    // About 260 MiB; the pages that nobody reads would take 1.6 GiB.
    assert!(target.peak_memory() < 400 * MIB, "{} MiB", target.peak_memory() / MIB);
    // The target is three times. The margin is for 97 clients on the same cores, and for PostgreSQL's own processes.
    let margin = Duration::from_millis(if crate::support::runs_on_postgres() { 300 } else { 150 });
    assert!(loaded < idle * 3 + margin, "{loaded:?} under attack, {idle:?} idle");
}
