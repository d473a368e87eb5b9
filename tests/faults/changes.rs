//! A reader that follows the changes of two gateways, which are killed again and again while they receive all feeds, ends
//! with exactly the store; so does one that is killed itself.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::feeder::{FEEDS, Feeder, SetOnDrop, TestTenant, kill};
use crate::support::{Binary, Server};

/// How often a gateway is killed.
const ROUNDS: i64 = 30;

/// A reader's copy of the messages, and the token to go on with.
#[derive(Clone)]
struct Copy {
    messages: BTreeMap<i64, Value>,
    token: String,
}

/// The body of a response of status 200; `None` if the gateway is away, or busy.
fn get(address: &str, path: &str, key: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nx-api-key: {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    let is_ok = head.starts_with("HTTP/1.1 200 ");
    assert!(is_ok || head.starts_with("HTTP/1.1 503 "), "{response}");
    // A body that was cut off is no JSON.
    if is_ok { serde_json::from_str(body).ok() } else { None }
}

impl Copy {
    /// Reads a page from a gateway; returns whether it is known that nothing is left.
    fn read(&mut self, address: &str, key: &str, wait: u32) -> bool {
        let path = format!("/v1/changes?since={}&limit=7&wait={wait}", self.token);
        let Some(page) = get(address, &path, key) else { return false };
        for change in page["changes"].as_array().unwrap() {
            let id = change["messageId"].as_i64().unwrap();
            match change["kind"].as_str() {
                Some("upserted") => self.messages.insert(id, change["message"].clone()),
                _ => self.messages.remove(&id),
            };
        }
        page["next"].as_str().unwrap().clone_into(&mut self.token);
        page["more"] == Value::Bool(false)
    }
}

#[test]
fn reader_of_gateways_that_are_killed_ends_with_the_store() {
    let tenant = TestTenant::new(Binary::new());
    let start = |number: usize| {
        let mut command = tenant.binary.command(&["serve", "--bind", "127.0.0.1:0"]);
        Server::start(&mut command, &tenant.binary.path(&format!("gateway-{number}.log")))
    };
    let mut gateways = [start(0), start(1)].map(Some);
    let addresses = Mutex::new(gateways.each_ref().map(|gateway| gateway.as_ref().unwrap().address.clone()));
    let first = get(&addresses.lock().unwrap()[0], "/v1/changes?since=now", &tenant.master).unwrap();
    let mut copy = Copy { messages: BTreeMap::new(), token: first["next"].as_str().unwrap().to_owned() };
    let (feeder, is_over) = (Feeder::new(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut saved, mut pages) = (copy.clone(), 0_usize);
            while !is_over.load(Ordering::SeqCst) {
                let address = addresses.lock().unwrap()[pages % 2].clone();
                copy.read(&address, &tenant.master, 1);
                pages += 1;
                // It is killed after each fifth page, and begins where it has saved what it had.
                match pages % 5 {
                    3 => saved = copy.clone(),
                    0 => copy = saved.clone(),
                    _ => {}
                }
            }
            pages
        });
        let stop_reader = SetOnDrop(&is_over);
        for round in 0..ROUNDS {
            let is_stopped = AtomicBool::new(false);
            std::thread::scope(|feeds| {
                for (index, feed) in FEEDS.into_iter().enumerate() {
                    let address = addresses.lock().unwrap()[index % 2].clone();
                    let (feeder, tenant, is_stopped) = (&feeder, &tenant, &is_stopped);
                    feeds.spawn(move || feeder.run_feed(&address, tenant, feed, || is_stopped.load(Ordering::SeqCst)));
                }
                let stop_feeds = SetOnDrop(&is_stopped);
                let wanted = feeder.count.load(Ordering::SeqCst) + 10 + round % 7;
                while feeder.count.load(Ordering::SeqCst) < wanted {
                    std::thread::yield_now();
                }
                let victim = usize::try_from(round).unwrap() % 2;
                kill(gateways[victim].take().unwrap());
                drop(stop_feeds);
                let next = start(victim);
                addresses.lock().unwrap()[victim] = next.address.clone();
                gateways[victim] = Some(next);
            });
        }
        drop(stop_reader);
        assert!(reader.join().unwrap() > 20);
    });
    let address = addresses.lock().unwrap()[0].clone();
    while !copy.read(&address, &tenant.master, 0) {}
    let stored: BTreeMap<i64, Value> = tenant
        .binary
        .run(&["export", "--tenant", "3193"])
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|message| (message["messageId"].as_i64().unwrap(), message))
        .collect();
    assert!(stored.len() > 100, "{}", stored.len());
    assert!(copy.messages == stored, "{} messages instead of {}", copy.messages.len(), stored.len());
}
