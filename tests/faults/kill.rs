//! A server that is killed again and again while all feeds come in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use history_gateway::store::{DatabaseUrl, Options};

use crate::feeder::{FEEDS, Feeder, Over, Shop, check, exported, kill};
use crate::support::{Binary, message};

/// How often the server is killed.
fn rounds() -> i64 {
    std::env::var("FAULT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(200)
}

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Payload {
    #[diesel(sql_type = BigInt)]
    message_id: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    source: i32,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

fn connection(shop: &Shop) -> history_gateway::store::Connection {
    DatabaseUrl::parse(&shop.binary.url()).unwrap().connect(Options::default().wait).unwrap()
}

/// The pages are sound, and the days' counts are those of the rows.
fn sound(shop: &Shop) {
    let mut connection = connection(shop);
    let verdict: Verdict = diesel::sql_query("PRAGMA integrity_check").get_result(&mut connection).unwrap();
    assert_eq!(verdict.integrity_check, "ok");
    let count = |connection: &mut _, sql: &str| diesel::sql_query(sql).get_result::<Count>(connection).unwrap().value;
    let rows = count(&mut connection, "SELECT count(*) AS value FROM messages");
    let days = count(
        &mut connection,
        "SELECT coalesce(sum(messages), 0) AS value FROM message_days WHERE channel_type = '' AND direction = '' AND traffic_type = ''",
    );
    assert_eq!(days, rows, "the days count other messages than there are");
}

#[test]
fn repeated_kills_lose_duplicate_or_revert_nothing() {
    // Another gateway, whose history the server pulls all the while.
    let other = Shop::new(Binary::with_file());
    other.binary.run(&["generate", "--tenant", "3193", "--messages", "3000", "--until", "2026-03-01"]);
    let upstream = other.binary.serve(&["serve", "--bind", "127.0.0.1:0"], &[]);
    let shop = Shop::new(Binary::with_file());
    shop.binary.write("upstream.key", &other.master);
    shop.binary.write(
        "settings.toml",
        format!(
            "[pull]\nrequests_per_second = 100.0\npoll_interval_seconds = 1\n\n[[pull.upstreams]]\ntenant = 3193\n\
             url = \"http://{}\"\nkey_file = \"upstream.key\"\n",
            upstream.address
        ),
    );
    let arguments = ["serve", "--bind", "127.0.0.1:0", "--config", "settings.toml"];
    let (feeder, mut before) = (Feeder::new(), BTreeMap::new());
    let rounds = rounds();
    for round in 0..rounds {
        let server = shop.binary.serve(&arguments, &[]);
        let address = server.address.clone();
        let first = feeder.count.load(Ordering::SeqCst);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for feed in FEEDS {
                let (feeder, shop, address, is_over) = (&feeder, &shop, &address, &is_over);
                scope.spawn(move || feeder.feed(address, shop, feed, || is_over.load(Ordering::SeqCst)));
            }
            let over = Over(&is_over);
            // A command beside it, which is killed too, or is done and then counts.
            let import = (round % 5 == 0).then(|| {
                let ids = 100_000 + round * 1000..100_000 + round * 1000 + 500;
                let items: Vec<String> = ids.clone().map(|id| message(id, serde_json::json!({})).to_string()).collect();
                shop.binary.write("items.ndjson", items.join("\n"));
                let mut import = shop.binary.command(&["import", "--tenant", "3193", "items.ndjson"]);
                (import.stdout(std::process::Stdio::null()).spawn().unwrap(), ids)
            });
            // Killed after another number of acknowledgements each time: at the first, or in the midst of many.
            let wanted = first + 1 + round * 7 % 60;
            while feeder.count.load(Ordering::SeqCst) < wanted {
                std::thread::yield_now();
            }
            kill(server);
            drop(over);
            if let Some((mut import, ids)) = import {
                if round % 10 == 0 {
                    import.kill().unwrap();
                    import.wait().unwrap();
                } else {
                    assert!(import.wait().unwrap().success());
                    feeder.acknowledged.lock().unwrap().messages.extend(ids);
                }
            }
        });
        if round % 25 == 24 || round + 1 == rounds {
            sound(&shop);
            let found = exported(&shop, &[]);
            check(&found, &feeder.acknowledged.lock().unwrap(), &before);
            before = found;
        }
    }
    let acknowledged = feeder.acknowledged.lock().unwrap();
    println!(
        "{rounds} kills: {} messages and {} statuses acknowledged",
        acknowledged.messages.len(),
        acknowledged.statuses.len()
    );
    every_status_is_there_once(&shop, &acknowledged.statuses);
    the_pull_gets_to_its_end(&shop, &other, &arguments);
}

fn every_status_is_there_once(
    shop: &Shop,
    acknowledged: &BTreeMap<i64, std::collections::BTreeSet<(&'static str, &'static str)>>,
) {
    let sql = "SELECT message_id, status, source, count(*) AS times FROM status_events WHERE body IS NOT NULL \
               GROUP BY message_id, status, source";
    let told: Vec<Payload> = diesel::sql_query(sql).load(&mut connection(shop)).unwrap();
    let mut found: BTreeMap<(i64, &str, i32), i64> = BTreeMap::new();
    for told in &told {
        found.insert((told.message_id, told.status.as_str(), told.source), told.times);
    }
    for (id, words) in acknowledged {
        for (word, source) in words {
            let source = if *source == "webhook" { 1 } else { 2 };
            assert_eq!(found.get(&(*id, *word, source)), Some(&1), "{word} of message {id}");
        }
    }
}

/// What is left of the other gateway's history comes with the next start.
fn the_pull_gets_to_its_end(shop: &Shop, other: &Shop, arguments: &[&str]) {
    let server = shop.binary.serve(arguments, &[]);
    let theirs = other.binary.run(&["export", "--tenant", "3193"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let ours = shop.binary.run(&["export", "--tenant", "3193"]);
        let ours: std::collections::BTreeSet<&str> = ours.lines().collect();
        let missing = theirs.lines().filter(|line| !ours.contains(line)).count();
        if missing == 0 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{missing} messages were not pulled: {}", server.log());
    }
}
