//! Start and stop: the line for programs, the file that says that it is ready, fixtures, files that killed ones left.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Binary, message, wait_for_exit};

/// A sandbox that printed its line for programs.
struct Started {
    child: Child,
    line: Value,
    output: BufReader<std::process::ChildStdout>,
}

fn start(binary: &Binary, arguments: &[&str], temporary: &Path) -> Started {
    let mut command = binary.command(&["sandbox", "--port", "0", "--json"]);
    command.args(arguments).env("TMPDIR", temporary).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(std::fs::File::create(binary.path("sandbox.log")).unwrap()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let line = serde_json::from_str(&line)
        .unwrap_or_else(|_| panic!("{line:?}: {}", std::fs::read_to_string(binary.path("sandbox.log")).unwrap()));
    Started { child, line, output }
}

impl Started {
    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Asks for a history with the printed key; returns the status.
    fn ask(&self) -> String {
        let address = self.line["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let key = self.line["apiKey"].as_str().unwrap();
        let request = format!(
            "POST /api/messages/history HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-api-key: {key}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response.lines().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn entries(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_first_line_is_json_for_programs() {
    let (binary, temporary) = (Binary::new(), tempfile::tempdir().unwrap());
    let ready = binary.path("ready.json");
    let began = Instant::now();
    let mut started = start(&binary, &["--ready-file", ready.to_str().unwrap()], temporary.path());
    let took = began.elapsed();
    assert_eq!(started.ask(), "HTTP/1.1 200 OK");
    let written = std::fs::read_to_string(&ready).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), started.line);
    assert_eq!(started.line["pid"], started.child.id());
    let line =
        written.replace(&started.line["pid"].to_string(), "PID").replace(started.line["url"].as_str().unwrap(), "URL");
    assert_snapshot!(line.trim_end(), @r#"{"url":"URL","tenantId":3193,"projectId":"0db8af39-0932-5cc3-8099-9be69066a8d3","apiKey":"00000000-0000-4000-8000-000000003193","oneuptimeKey":"00000000-0000-4000-8000-000000003193","webhookKey":"00000000-0000-4000-8000-000000000601","pid":PID}"#);
    // A debug build on a busy machine takes longer than the 300 ms of a release build.
    assert!(took < Duration::from_secs(10), "{took:?}");
    started.signal("-TERM");
    let began = Instant::now();
    assert_eq!(wait_for_exit(&mut started.child, Duration::from_secs(5)), Some(0));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut rest = String::new();
    started.output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(!ready.exists());
    assert_eq!(entries(temporary.path()), Vec::<String>::new());
}

#[test]
fn the_end_of_standard_input_stops_it_if_asked_to() {
    let (binary, temporary) = (Binary::new(), tempfile::tempdir().unwrap());
    let mut started = start(&binary, &["--stop-with-stdin"], temporary.path());
    assert_eq!(started.ask(), "HTTP/1.1 200 OK");
    drop(started.child.stdin.take());
    assert_eq!(wait_for_exit(&mut started.child, Duration::from_secs(5)), Some(0));
    assert_eq!(entries(temporary.path()), Vec::<String>::new());
}

#[test]
fn a_ready_file_that_cannot_be_written_stops_the_start() {
    let binary = Binary::new();
    assert_snapshot!(binary.run_failing(&["sandbox", "--port", "0", "--json", "--ready-file", "no/such/folder"]), @"1 history-gateway: cannot write 'no/such/folder' of --ready-file: entity not found");
}

#[cfg(unix)]
#[test]
fn a_ready_file_replaces_no_folder_and_no_link() {
    let binary = Binary::new();
    std::fs::create_dir(binary.path("folder")).unwrap();
    binary.write("file", "kept");
    std::os::unix::fs::symlink(binary.path("file"), binary.path("link")).unwrap();
    for name in ["folder", "link"] {
        let refused = binary.run_failing(&["sandbox", "--port", "0", "--ready-file", name]);
        let wanted = format!(
            "1 history-gateway: cannot write '{name}': it exists and is no regular file; name another for --ready-file"
        );
        assert_eq!(refused, wanted);
        assert!(binary.path(name).symlink_metadata().is_ok());
    }
    assert_eq!(std::fs::read_to_string(binary.path("file")).unwrap(), "kept");
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_wait_for_fixtures() {
    let (binary, temporary) = (Binary::new(), tempfile::tempdir().unwrap());
    assert!(std::process::Command::new("mkfifo").arg(binary.path("pipe")).status().unwrap().success());
    let mut command = binary.command(&["sandbox", "--port", "0", "--fixtures", "pipe"]);
    let mut child =
        command.env("TMPDIR", temporary.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let id = child.id().to_string();
    let deadline = Instant::now() + Duration::from_secs(20);
    // Once it reads the pipe, it has a thread for it.
    let reads = || {
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        tasks.flatten().any(|task| name(task).trim() == "fixtures")
    };
    while !reads() {
        assert!(Instant::now() < deadline);
    }
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let began = Instant::now();
    assert_eq!(wait_for_exit(&mut child, Duration::from_secs(10)), Some(0));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn a_request_in_flight_does_not_hold_up_the_end() {
    let (binary, temporary) = (Binary::new(), tempfile::tempdir().unwrap());
    let mut started = start(&binary, &[], temporary.path());
    started.line["apiKey"] = json!("00000000-0000-4000-8000-000000000408");
    let address = started.line["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = "POST /api/messages/history HTTP/1.1\r\nHost: x\r\nx-api-key: 00000000-0000-4000-8000-000000000408\r\nContent-Length: 2\r\n\r\n{}";
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    started.signal("-INT");
    let began = Instant::now();
    assert_eq!(wait_for_exit(&mut started.child, Duration::from_secs(10)), Some(0));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn what_a_killed_sandbox_left_is_removed_by_the_next_one() {
    let (binary, temporary) = (Binary::new(), tempfile::tempdir().unwrap());
    let living = start(&binary, &[], temporary.path());
    let left_by_living = entries(temporary.path());
    let mut killed = start(&binary, &[], temporary.path());
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert_eq!(entries(temporary.path()).len(), 2);
    // Another program's folder, and one whose sandbox does not hold its lock yet.
    for name in ["history-gateway-else", "history-gateway-sandbox-new"] {
        std::fs::create_dir(temporary.path().join(name)).unwrap();
    }
    let next = start(&binary, &[], temporary.path());
    let mut found = entries(temporary.path());
    found.retain(|name| !left_by_living.contains(name));
    found.sort();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!((living.ask(), next.ask()), ("HTTP/1.1 200 OK".to_owned(), "HTTP/1.1 200 OK".to_owned()));
}

#[test]
fn fixtures_are_files_of_either_dialect_in_every_form() {
    let (binary, temporary) = (Binary::new(), tempfile::tempdir().unwrap());
    let row = |id: u32| {
        json!({"_id": format!("0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b{id:04}"), "toNumber": "+79001112233", "status": "Sent",
        "createdAt": "2026-03-01T10:00:00Z"})
    };
    binary.write("lines.ndjson", format!("{}\n\n{}\n{}\n", message(1, json!({})), message(2, json!({})), row(1)));
    binary.write("array.json", serde_json::to_string_pretty(&json!([message(3, json!({})), row(2)])).unwrap());
    let answer = json!({"content": [message(4, json!({}))], "hasNext": false});
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, answer.to_string().as_bytes()).unwrap();
    binary.write("answer.json.gz", packed.finish().unwrap());
    binary.write("rows.json", json!({"count": 1, "limit": 10, "skip": 0, "data": [row(3)]}).to_string());
    let files = [
        "--fixtures",
        "lines.ndjson",
        "--fixtures",
        "array.json",
        "--seed",
        "answer.json.gz",
        "--seed-logs",
        "rows.json",
    ];
    let started = start(&binary, &[&files[..], &["--now", "2026-03-01T12:00:00Z"]].concat(), temporary.path());
    let address = started.line["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let send = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let key = "00000000-0000-4000-8000-000000003193";
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-api-key: {key}\r\napikey: {key}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    assert!(send("/api/whatsapp-log/count").ends_with(r#"{"count":3}"#));
    assert_eq!(send("/api/messages/history").matches("\"messageId\"").count(), 4);
}

#[test]
fn a_wrong_fixture_is_named_with_file_and_line() {
    let binary = Binary::new();
    binary.write("lines.ndjson", format!("{}\n{{\"messageId\":2}}\n", message(1, json!({}))));
    binary.write("array.json", format!("[\n  {},\n  {{\n    \"_id\": 5\n  }}\n]", message(1, json!({}))));
    binary.write("broken.json", "{\"messageId\":1\n}\n{,}");
    let refused = |file: &str| binary.run_failing(&["sandbox", "--port", "0", "--fixtures", file]);
    assert_snapshot!(refused("lines.ndjson"), @"
    1 lines.ndjson:2: rejected: the field 'channelType' is missing
    history-gateway: entries of the fixtures were rejected: 1; correct them and start again
    ");
    assert_snapshot!(refused("array.json"), @"
    1 array.json:3: rejected: the field '_id' must be a UUID
    history-gateway: entries of the fixtures were rejected: 1; correct them and start again
    ");
    assert_snapshot!(refused("broken.json"), @"
    1 broken.json:1: rejected: the field 'channelType' is missing
    broken.json:3: rejected: it is not valid JSON
    history-gateway: entries of the fixtures were rejected: 2; correct them and start again
    ");
    assert_snapshot!(refused("missing.json"), @"1 history-gateway: 'missing.json' cannot be read: No such file or directory (os error 2)");
}

#[test]
fn the_options_are_every_tenants_defaults() {
    let (binary, temporary) = (Binary::new(), tempfile::tempdir().unwrap());
    let started = start(
        &binary,
        &["--now", "2026-03-01", "--strict", "--bind", "127.0.0.2", "--host", "gateway"],
        temporary.path(),
    );
    let url = started.line["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.2:"), "{url}");
    let control = |host: &str| {
        let mut stream = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        let request = format!("GET /_sandbox/tenants HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    let list = control("gateway:80");
    assert!(list.contains(r#""now":"2026-03-01T00:00:00.000Z","strict":true"#), "{list}");
    assert!(control("elsewhere").starts_with("HTTP/1.1 403 "));
}
