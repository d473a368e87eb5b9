//! `copy` between SQLite and PostgreSQL, killed on the way, and through a fail-over.

use std::process::Stdio;

use crate::feeder::TestTenant;
use crate::gateway::Gateway;
use crate::node::{Node, url_of, wait_until};
use crate::support::Binary;

/// How many messages are copied.
const MESSAGES: usize = 12_000;

/// How many of the tenant's messages a store has; 0 if it cannot be read yet.
fn count(binary: &Binary, url: &str) -> usize {
    let output = binary.output(&["export", "--tenant", "3193", "--database", url]);
    output.stdout.split(|byte| *byte == b'\n').count() - 1
}

/// Copies, and kills the copy once the target has some messages; then copies again to the end.
fn copy_with_a_kill(binary: &Binary, from: &str, to: &str) {
    let arguments = ["copy", "--from", from, "--to", to];
    let mut child = binary.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("some messages are copied", || count(binary, to) > 2000 || child.try_wait().unwrap().is_some());
    assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
    child.kill().unwrap();
    child.wait().unwrap();
    let copied = count(binary, to);
    assert!(copied < MESSAGES, "{copied}");
    let summary = binary.run(&arguments);
    let expected = format!("{{\"tenant\":3193,\"messages\":{MESSAGES},\"copied\":{},", MESSAGES - copied);
    assert!(summary.starts_with(&expected) && summary.trim_end().ends_with("\"complete\":true}"), "{summary} {copied}");
}

#[test]
fn copy_that_is_killed_goes_on_and_exports_are_equal() {
    let Some(server) = Node::primary(&[]) else { return };
    let source = Binary::with_sqlite();
    let tenant = TestTenant::with_arguments(source, &[]);
    let binary = &tenant.binary;
    let messages = MESSAGES.to_string();
    binary.run(&["generate", "--tenant", "3193", "--messages", &messages, "--until", "2026-03-01"]);
    let export =
        |url: &str, format: &str| binary.run(&["export", "--tenant", "3193", "--format", format, "--database", url]);
    let back = format!("sqlite://{}", binary.path("back.db").display());
    copy_with_a_kill(binary, &binary.url(), &server.url());
    copy_with_a_kill(binary, &server.url(), &back);
    for format in ["edna", "oneuptime"] {
        let original = export(&binary.url(), format);
        assert!(export(&server.url(), format) == original && export(&back, format) == original, "{format}");
    }
    for url in [server.url(), back.clone()] {
        assert_eq!(binary.run(&["check", "--database", &url]), "");
        assert_eq!(binary.run(&["key", "list", "--tenant", "3193", "--database", &url]).lines().count(), 3);
    }
    // The same keys work on the copy.
    let gateway = Gateway::start(tenant, &[&server], &[], &[]);
    assert_eq!(gateway.history(&[]).status, 200);
    assert_eq!(gateway.record([900_000_000_001]).status, 200);
}

#[test]
fn copy_into_a_cluster_survives_its_fail_over() {
    let Some(mut old) = Node::primary(&[]) else { return };
    let new = Node::standby_of(old.port(), &[]);
    let tenant = TestTenant::with_arguments(Binary::with_sqlite(), &[]);
    let binary = &tenant.binary;
    binary.run(&["generate", "--tenant", "3193", "--messages", "9000", "--until", "2026-03-01"]);
    let to = url_of(&[old.host(), new.host()]);
    let (from, arguments) = (binary.url(), ["copy", "--from", "sqlite://history.db", "--to", &to]);
    let mut child = binary.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("some messages are copied", || count(binary, &old.url()) > 1000);
    old.kill();
    // The copy ends with an error, or waits for the next server that accepts writes.
    new.promote();
    let _ = child.wait().unwrap();
    let summary = binary.run(&arguments);
    assert!(summary.trim_end().ends_with("\"complete\":true}"), "{summary}");
    let export = |url: &str| binary.run(&["export", "--tenant", "3193", "--database", url]);
    assert!(export(&new.url()) == export(&from));
}
