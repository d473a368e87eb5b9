//! Killed processes and full disks.

use std::process::Stdio;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use history_gateway::store::{DatabaseUrl, Options};

use crate::disk::SmallDisk;
use crate::support::Binary;
use crate::with_tenant;

/// The result of SQLite's integrity check.
fn integrity(binary: &Binary) -> String {
    #[derive(QueryableByName)]
    struct IntegrityCheck {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let url = DatabaseUrl::parse(&format!("sqlite://{}", binary.path("history.db").display())).unwrap();
    let mut connection = url.connect(Options::default().wait).unwrap();
    let check: IntegrityCheck = diesel::sql_query("PRAGMA integrity_check").get_result(&mut connection).unwrap();
    check.integrity_check
}

#[test]
fn killed_import_leaves_whole_batches_and_can_be_repeated() {
    let source = with_tenant(Binary::with_sqlite());
    source.run(&["generate", "--tenant", "3193", "--messages", "12000", "--until", "2026-03-01"]);
    let items = source.run(&["export", "--tenant", "3193"]);
    let binary = with_tenant(Binary::with_sqlite());
    binary.write("items.ndjson", &items);
    for round in 0..12 {
        let mut import = binary
            .command(&["import", "--tenant", "3193", "items.ndjson"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed at a different moment in each round: while it starts, reads or writes, or after its end.
        std::thread::sleep(Duration::from_millis(40 * round));
        import.kill().unwrap();
        import.wait().unwrap();
        assert_eq!(integrity(&binary), "ok");
        let exported = binary.run(&["export", "--tenant", "3193"]);
        let whole = exported.lines().count();
        assert!(whole.is_multiple_of(1000), "{whole} messages are not whole batches");
        assert!(items.lines().take(whole).eq(exported.lines()), "the stored messages are the first of the file");
    }
    binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    assert!(binary.run(&["export", "--tenant", "3193"]) == items);
    let repeated = binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    assert_eq!(repeated.trim(), r#"{"imported":0,"updated":0,"unchanged":12000,"rejected":0}"#);
}

#[test]
fn full_disk_leaves_whole_batches_and_reads_keep_working() {
    let source = with_tenant(Binary::with_sqlite());
    source.run(&["generate", "--tenant", "3193", "--messages", "6000", "--until", "2026-03-01"]);
    let items = source.run(&["export", "--tenant", "3193"]);
    let binary = Binary::with_sqlite();
    let Some(disk) = SmallDisk::mount(binary.path("disk"), 3) else {
        eprintln!("skipped: a small disk can only be mounted by root");
        return;
    };
    let database = ["--database", "sqlite://disk/history.db"];
    let run = |arguments: &[&str]| binary.run(&[arguments, &database].concat());
    // The disk is full: creating a store fails at once, and leaves nothing behind that prevents the next attempt.
    std::fs::write(binary.path("disk/ballast"), vec![0; 4_000_000]).unwrap_err();
    let started = std::time::Instant::now();
    let error = binary.run_failing(&[&["migrate"][..], &database].concat());
    assert!(error.starts_with("1 history-gateway: the disk is full"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    std::fs::remove_file(binary.path("disk/ballast")).unwrap();
    run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    binary.write("items.ndjson", &items);
    let output = binary.output(&[&["import", "--tenant", "3193", "items.ndjson"][..], &database].concat());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("history-gateway: the disk is full"), "{error}");
    let exported = run(&["export", "--tenant", "3193"]);
    assert!(exported.lines().count().is_multiple_of(1000) && items.starts_with(&exported), "whole batches only");
    let server = binary.start_server(&[&["serve", "--bind", "127.0.0.1:0"][..], &database].concat(), &[]);
    assert!(server.history(&key, r#"{"dateFrom":"2025-01-01"}"#).starts_with("200 "));
    drop((server, disk));
}
