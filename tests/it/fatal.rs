//! Fatal errors: the process ends with a message and exit code 1 instead of staying up without responding.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use history_gateway::clock::Clock;
use history_gateway::config::Config;
use history_gateway::http::Gateway;
use insta::assert_snapshot;

use crate::support::{Binary, Server, TestApp, wait_for_exit};

/// Installed by Debian's package libfaketime.
const FAKE_CLOCK: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// A command whose clock the test sets; `None` if libfaketime is not installed.
fn with_fake_clock(mut command: Command) -> Option<Command> {
    if !Path::new(FAKE_CLOCK).exists() {
        println!("skipped: {FAKE_CLOCK} is not installed");
        return None;
    }
    // Only the wall clock is faked; timers keep running.
    command.env("LD_PRELOAD", FAKE_CLOCK).env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1");
    Some(command)
}

#[test]
fn start_is_refused_with_a_clock_before_1970() {
    let binary = crate::commands::binary_with_tenant();
    for arguments in [&["serve", "--bind", "127.0.0.1:0"][..], &["sandbox", "--port", "0"]] {
        let Some(mut command) = with_fake_clock(binary.command(arguments)) else { return };
        let output = command.env("FAKETIME", "1969-12-31 23:59:00").output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            error.trim_end(),
            "history-gateway: the system clock is set before 1970; correct it and start again"
        );
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    }
}

#[test]
fn clock_set_before_1970_ends_the_server_with_a_message() {
    let binary = Binary::new();
    let Some(mut command) = with_fake_clock(binary.command(&["sandbox", "--port", "0"])) else { return };
    binary.write("clock", "+0");
    command.env("FAKETIME_TIMESTAMP_FILE", binary.path("clock"));
    let mut server = Server::start(&mut command, &binary.path("server.log"));
    let healthz = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(server.send(healthz).starts_with("HTTP/1.1 200 OK"));
    binary.write("clock", "1969-12-31 23:59:00");
    assert_eq!(wait_for_exit(&mut server.child, Duration::from_secs(10)), Some(1));
    let log = server.log();
    // The line of the request may still be queued when the server ends.
    let sentence = log.lines().rfind(|line| !line.contains(" INFO ")).unwrap();
    assert!(sentence.starts_with("history-gateway: the server panicked at /"), "{log}");
    assert!(sentence.ends_with(": the system clock is set before 1970; correct it and start again"), "{log}");
    assert!(!log.contains("epoch"), "the panic's own message is left out: {log}");
}

#[actix_web::test]
async fn server_ends_when_too_many_threads_are_abandoned() {
    let app = TestApp::with(|config| config.database.abandoned_threads = 1).await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let work = move |_: &mut _| {
        begun.send(()).unwrap();
        // An error means that the sender was dropped.
        let _ = released.recv();
        Ok(())
    };
    tokio::select! {
        _ = app.store.read_primary(work) => panic!("it does not end by itself"),
        _ = has_begun => {}
    }
    let gateway = Gateway::new(&Config::defaults().unwrap(), app.store.clone(), Clock::System);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let serving = history_gateway::http::serve(listener, gateway, std::future::pending());
    let ended = tokio::time::timeout(Duration::from_secs(20), serving).await.unwrap();
    assert_snapshot!(ended.unwrap_err(), @"the database does not respond, and blocks as many threads as database.abandoned_threads allows: 1");
    drop(release);
}
