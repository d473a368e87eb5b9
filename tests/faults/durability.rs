//! No acknowledgement is sent before its data is on disk: checks the order of the server's system calls.
//!
//! The page cache survives a killed process, so kills cannot show this; `strace` can.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::feeder::{FEEDS, Feeder, HttpConnection, TestTenant};
use crate::support::{Binary, Server};

/// How many requests of each feed are sent, one after another.
const REQUESTS: usize = 15;

/// A system call of interest.
enum Call {
    /// An fsync of the store's WAL has completed.
    Synced,
    /// An acknowledgement is about to be sent.
    Acknowledged,
}

/// Parses the trace. A call that other threads interrupt has two lines, one for its beginning and one for its end.
fn parse_trace(trace: &str) -> Vec<Call> {
    let mut syncing: BTreeMap<&str, bool> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or((line, ""));
        let call = call.trim_start();
        let begins_to_sync = call.starts_with("fsync(") || call.starts_with("fdatasync(");
        if begins_to_sync {
            syncing.insert(thread, call.contains("history.db-wal"));
        }
        let is_done = call.ends_with("= 0") && (begins_to_sync || call.contains("sync resumed"));
        if is_done && syncing.remove(thread) == Some(true) {
            calls.push(Call::Synced);
        }
        if call.contains("\"HTTP/1.1 200") && !call.starts_with("<...") {
            calls.push(Call::Acknowledged);
        }
    }
    calls
}

/// Kills the traced server, and strace with it, however the test ends.
struct KillOnDrop(String);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = Command::new("kill").args(["-KILL", &self.0]).stderr(Stdio::null()).status();
    }
}

#[test]
fn acknowledgements_follow_the_fsync_of_their_commit() {
    let tenant = TestTenant::new(Binary::with_sqlite());
    let trace = tenant.binary.path("trace");
    let calls_of_interest = "trace=fsync,fdatasync,sendto,sendmsg,write,writev";
    let strace = ["strace", "-f", "-y", "-s", "24", "-e", calls_of_interest, "-o", trace.to_str().unwrap()];
    let mut command = Command::new(strace[0]);
    command.args(&strace[1..]).arg(env!("CARGO_BIN_EXE_history-gateway")).args(["serve", "--bind", "127.0.0.1:0"]);
    let server = Server::start(
        command.current_dir(tenant.binary.directory.path()).stdin(Stdio::null()),
        &tenant.binary.path("log"),
    );
    let children = Command::new("pgrep").args(["-P", &server.child.id().to_string()]).output().unwrap();
    let kill_on_drop = KillOnDrop(String::from_utf8(children.stdout).unwrap().trim().to_owned());
    let feeder = Feeder::new();
    let mut connection = HttpConnection::connect(&server.address).unwrap();
    for feed in FEEDS {
        for _ in 0..REQUESTS {
            assert!(feeder.send_one(&mut connection, &tenant, feed).unwrap());
        }
    }
    drop(kill_on_drop);
    drop(server);
    let trace = std::fs::read_to_string(trace).unwrap();
    let (mut synced, mut acknowledged) = (false, 0);
    for call in parse_trace(&trace) {
        match call {
            Call::Synced => synced = true,
            Call::Acknowledged => {
                assert!(synced, "acknowledgement {acknowledged} was sent before an fsync");
                (synced, acknowledged) = (false, acknowledged + 1);
            }
        }
    }
    assert_eq!(acknowledged, FEEDS.len() * REQUESTS, "the trace does not show every acknowledgement");
}
