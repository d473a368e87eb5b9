//! All of it at once, beside a steady feed: 64 clients that ask and hang up, 32 that do not read, and those that just work.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Answer, post};
use crate::target::{MIB, Victim, p99};

/// What was answered, by status; fails at any but 200 and 503 with a time to come again.
#[derive(Default)]
struct Statuses(Mutex<BTreeMap<u16, u64>>);

impl Statuses {
    fn count(&self, answer: &Answer) {
        let is_expected = answer.status == 200 || (answer.status == 503 && answer.has_retry_after);
        assert!(is_expected, "{} {}", answer.status, String::from_utf8_lossy(&answer.body));
        *self.0.lock().unwrap().entry(answer.status).or_default() += 1;
    }
}

#[test]
fn abusive_clients_do_not_slow_down_cheap_queries() {
    let seconds = std::env::var("ATTACK_SECONDS").map_or(15, |seconds| seconds.parse().unwrap());
    let victim = Victim::with(20_000, &[]);
    let cheap = victim.cheap();
    let mut client = victim.client();
    let mut ask = |times: &mut Vec<Duration>, statuses: &Statuses| {
        let started = Instant::now();
        statuses.count(&client.ask(&cheap).unwrap());
        times.push(started.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    };
    let (statuses, mut idle, mut loaded) = (Statuses::default(), Vec::new(), Vec::new());
    for _ in 0..300 {
        ask(&mut idle, &statuses);
    }
    let (is_over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (victim, is_over, sent, statuses) = (&victim, &is_over, &sent, &statuses);
        for number in 0..64 {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let mut client = victim.client();
                    client.send(&victim.dear(number)).unwrap();
                    // One in eight waits for its answer, which is one or the other.
                    if number % 8 == 0 {
                        statuses.count(&client.answer().unwrap());
                    } else {
                        std::thread::sleep(Duration::from_millis(200));
                    }
                }
            });
        }
        let pages = victim.page().repeat(50);
        let _silent: Vec<_> = (0..32)
            .map(|_| {
                let mut client = victim.client();
                client.send_without_waiting(&pages).unwrap();
                client
            })
            .collect();
        scope.spawn(move || {
            let (mut client, authorization) = (victim.client(), format!("Token {}", victim.webhook));
            while !is_over.load(Ordering::Relaxed) {
                let id = 50_000_000_000 + sent.fetch_add(1, Ordering::Relaxed);
                let event = json!({"id": id, "subject": "shop_WA", "subjectId": 501, "receivedAt": "2026-02-01T10:00:00Z",
                    "subscriber": {"id": 4242, "identifier": "79001112233"}, "messageContent": {"type": "TEXT", "text": "Hi"}});
                let answer = client.ask(&post("/webhooks/edna", "Authorization", &authorization, &event.to_string()));
                let answer = answer.unwrap();
                assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            ask(&mut loaded, statuses);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let (count, idle, loaded) = (loaded.len(), p99(idle), p99(loaded));
    println!(
        "p99 of {count} pages of a recipient: {idle:?} idle, {loaded:?} beside the crowd; {} events; {:?}; {} MiB",
        sent.load(Ordering::Relaxed),
        statuses.0.lock().unwrap(),
        victim.peak() / MIB
    );
    victim.comes_to_rest();
    assert!(victim.peak() < 300 * MIB, "{} MiB", victim.peak() / MIB);
    // Wanted is three times; 97 clients on the same cores get some leave.
    assert!(loaded < idle * 3 + Duration::from_millis(150), "{loaded:?} beside the crowd, {idle:?} idle");
}
