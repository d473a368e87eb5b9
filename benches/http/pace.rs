//! Sends one request at a steady rate, whatever the server does, and prints how long the responses took.

use std::time::{Duration, Instant};

use crate::connection::HttpConnection;

/// How many connections share the rate, so that one slow response delays few others.
const CONNECTIONS: u32 = 4;

/// Prints the median and the 99th percentile in milliseconds, from when a request was due until its response.
pub fn run(address: &str, body: &str, rate: u32, seconds: u32) {
    let body = std::fs::read_to_string(body).expect("a body");
    let started = Instant::now() + Duration::from_millis(50);
    let pause = Duration::from_secs(1) / rate;
    let mut took: Vec<f64> = std::thread::scope(|scope| {
        let connections = (0..CONNECTIONS).map(|connection| {
            let body = &body;
            scope.spawn(move || {
                let mut http = HttpConnection::open(address);
                let numbers = (connection..rate * seconds).step_by(CONNECTIONS as usize);
                let took = numbers.map(|number| {
                    let due = started + pause * number;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    http.post("/api/messages/history", "application/json", body);
                    due.elapsed().as_secs_f64() * 1000.0
                });
                took.collect::<Vec<f64>>()
            })
        });
        let connections: Vec<_> = connections.collect();
        connections.into_iter().flat_map(|connection| connection.join().expect("responses")).collect()
    });
    took.sort_by(f64::total_cmp);
    println!("{:.3} {:.3}", took[took.len() / 2], took[took.len() * 99 / 100]);
}
