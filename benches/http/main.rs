//! Compares the server with its ceiling and with a plain server on the same data, interleaved; prints ratios.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::struct_field_names, clippy::trivially_copy_pass_by_ref, reason = "as the wire and serde want it")]

#[path = "../connection.rs"]
mod connection;
#[expect(dead_code, reason = "the other benchmarks ask the store without HTTP")]
#[path = "../data.rs"]
mod data;
#[path = "../key.rs"]
mod key;
mod pace;
mod servers;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use key::KEY;

const ROUNDS: usize = 5;
/// How many rounds are tried until `ROUNDS` of them were steady.
const TRIES: usize = 12;
/// A round whose ceiling moved by more than this between its beginning and its end is discarded.
const STEADY: f64 = 0.10;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let role = arguments.iter().position(|argument| argument == "--role");
    let runtime = actix_web::rt::System::new();
    match role.map(|index| (arguments[index + 1].as_str(), arguments[index + 2].as_str())) {
        Some(("ceiling", body)) => runtime.block_on(servers::ceiling(body)),
        Some(("plain", file)) => runtime.block_on(servers::plain(file)),
        Some(("pace", address)) => {
            let number = |index: usize| arguments[index].parse().expect("a number");
            let first = role.unwrap_or_default() + 3;
            pace::run(address, &arguments[first], number(first + 1), number(first + 2));
        }
        _ => runtime.block_on(run()),
    }
}

struct Query {
    name: &'static str,
    body: String,
}

async fn run() {
    if Command::new("wrk").arg("--version").output().is_err() {
        eprintln!("the load comes from wrk, which is missing: apt-get install wrk");
        std::process::exit(1);
    }
    let store = data::store().await;
    key::issue(&store).await;
    if data::postgres_url().is_none() {
        servers::prepare(&store).await;
    }
    drop(store);
    let window = r#""dateFrom":"2025-03-01T00:00:00Z","dateTo":"2026-03-01T00:00:00Z""#;
    let queries = [
        Query {
            name: "15 messages of a recipient",
            body: format!(r#"{{"subscriberFilter":{{"address":"{}"}},{window}}}"#, data::phone()),
        },
        Query { name: "the newest 1000 messages", body: format!(r#"{{"limit":1000,{window}}}"#) },
        Query { name: "the published example", body: data::EXAMPLE.to_owned() },
    ];
    println!("{} messages; requests per second, medians of {ROUNDS} interleaved rounds\n", data::messages());
    for query in &queries {
        compare(query);
    }
}

fn compare(query: &Query) {
    let gateway = Server::gateway();
    let response = gateway.history(&query.body);
    let folder = std::env::temp_dir().join(format!("history-gateway-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (prepared, script) = (folder.join("body"), folder.join("ask.lua"));
    std::fs::write(&prepared, &response).expect("a file");
    let lua = format!(
        "wrk.method = 'POST'\nwrk.headers['x-api-key'] = '{KEY}'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = [==[{}]==]\n",
        query.body
    );
    std::fs::write(&script, lua).expect("a file");
    let prepared = prepared.display().to_string();
    let file = data::file().display().to_string();
    // Each server runs alone, from its start to its end: one that still works on abandoned requests would slow down
    // the next.
    let rate = |start: &dyn Fn() -> Server| {
        let server = start();
        assert!(server.history(&query.body) == response, "all servers give the same response");
        server.load(&script, "1s");
        server.load(&script, "2s")
    };
    drop(gateway);
    let (mut to_ceiling, mut to_plain, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TRIES {
        if rates.len() == ROUNDS {
            break;
        }
        let opening = rate(&|| Server::role("ceiling", &prepared));
        let own = rate(&Server::gateway);
        // The plain server knows SQLite only.
        let plain = if data::postgres_url().is_none() { rate(&|| Server::role("plain", &file)) } else { f64::NAN };
        let closing = rate(&|| Server::role("ceiling", &prepared));
        if (opening - closing).abs() / opening > STEADY {
            eprintln!("a round is discarded: its ceiling moved from {opening:.0} to {closing:.0}");
            continue;
        }
        let top = f64::midpoint(opening, closing);
        to_ceiling.push(own / top);
        // If there was no response in two seconds, one is counted.
        to_plain.push(own / plain.max(0.5));
        rates.push((own, top, plain));
    }
    rates.sort_by(|left, right| left.0.total_cmp(&right.0));
    println!("{} ({} bytes)", query.name, response.len());
    println!("  relative to the ceiling: {}", data::summary(to_ceiling));
    if data::postgres_url().is_none() {
        println!("  relative to the plain server: {}", data::summary(to_plain));
    }
    if let Some((own, top, plain)) = rates.get(rates.len() / 2) {
        println!("  (gateway {own:.0}, ceiling {top:.0}, plain {plain:.1})");
    }
    // A failure leaves small files in the temporary directory.
    let _ = std::fs::remove_dir_all(&folder);
}

/// A server on the first core, killed when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn gateway() -> Self {
        let mut command = pinned(0, env!("CARGO_BIN_EXE_history-gateway"));
        command
            .args(["serve", "--bind", "127.0.0.1:0"])
            .env("HISTORY_GATEWAY__DATABASE__URL", data::url())
            .env("HISTORY_GATEWAY__SERVER__WORKERS", "1")
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("a server");
        let mut lines = BufReader::new(child.stderr.take().expect("its log"));
        let mut line = String::new();
        while !line.contains("address=") {
            line.clear();
            assert!(lines.read_line(&mut line).expect("its log") > 0, "the server did not start");
        }
        // The rest of its log is read too, or the server would block on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let address = line.split("address=").nth(1).expect("an address").trim().to_owned();
        Self { child, address }
    }

    fn role(role: &str, argument: &str) -> Self {
        let own = std::env::current_exe().expect("this program");
        let mut command = pinned(0, &own.display().to_string());
        let mut child = command.args(["--role", role, argument]).stdout(Stdio::piped()).spawn().expect("a server");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut address).expect("an address");
        Self { child, address: address.trim().to_owned() }
    }

    fn history(&self, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let head = format!(
            "POST /api/messages/history HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nx-api-key: {KEY}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        response.split_once("\r\n\r\n").expect("a body").1.to_owned()
    }

    /// Generates load on the second core; returns requests per second.
    fn load(&self, script: &std::path::Path, duration: &str) -> f64 {
        let output = pinned(1, "wrk")
            .args(["-t1", "-c8", "-d", duration, "-s", &script.display().to_string()])
            .arg(format!("http://{}/api/messages/history", self.address))
            .output()
            .expect("wrk");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains("Non-2xx"), "{text}");
        let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
        rate.and_then(|rate| rate.trim().parse().ok()).expect("a rate")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command on one core, if `taskset` is installed.
fn pinned(core: u8, program: &str) -> Command {
    if Command::new("taskset").arg("--version").output().is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}
