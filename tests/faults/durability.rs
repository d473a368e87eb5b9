//! No acknowledgement leaves before the disk has what it acknowledges: the order of a server's own system calls.
//!
//! A killed process leaves the page cache behind, so kills cannot show this; `strace` can.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::feeder::{FEEDS, Feeder, Line, Shop};
use crate::support::{Binary, Server};

/// How many requests of each feed are sent, one after another.
const REQUESTS: usize = 15;

/// What a line of the trace tells.
enum Call {
    /// The store's log is on the disk.
    Synced,
    /// An acknowledgement is about to leave.
    Acknowledged,
}

/// Reads the trace: a call that others ran beside stands there twice, where it begins and where it ends.
fn calls(trace: &str) -> Vec<Call> {
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

/// Ends the traced server, and strace with it, however the test ends.
struct Traced(String);

impl Drop for Traced {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = Command::new("kill").args(["-KILL", &self.0]).stderr(Stdio::null()).status();
    }
}

#[test]
fn acknowledgements_follow_the_fsync_of_their_commit() {
    let shop = Shop::new(Binary::with_file());
    let trace = shop.binary.path("trace");
    let calls_of_interest = "trace=fsync,fdatasync,sendto,sendmsg,write,writev";
    let strace = ["strace", "-f", "-y", "-s", "24", "-e", calls_of_interest, "-o", trace.to_str().unwrap()];
    let mut command = Command::new(strace[0]);
    command.args(&strace[1..]).arg(env!("CARGO_BIN_EXE_history-gateway")).args(["serve", "--bind", "127.0.0.1:0"]);
    let server =
        Server::start(command.current_dir(shop.binary.directory.path()).stdin(Stdio::null()), &shop.binary.path("log"));
    let children = Command::new("pgrep").args(["-P", &server.child.id().to_string()]).output().unwrap();
    let traced = Traced(String::from_utf8(children.stdout).unwrap().trim().to_owned());
    let feeder = Feeder::new();
    let mut line = Line::to(&server.address).unwrap();
    for feed in FEEDS {
        for _ in 0..REQUESTS {
            assert!(feeder.one(&mut line, &shop, feed).unwrap());
        }
    }
    drop(traced);
    drop(server);
    let trace = std::fs::read_to_string(trace).unwrap();
    let (mut synced, mut acknowledged) = (false, 0);
    for call in calls(&trace) {
        match call {
            Call::Synced => synced = true,
            Call::Acknowledged => {
                assert!(synced, "acknowledgement {acknowledged} left before anything was on the disk");
                (synced, acknowledged) = (false, acknowledged + 1);
            }
        }
    }
    assert_eq!(acknowledged, FEEDS.len() * REQUESTS, "the trace does not show every acknowledgement");
}
