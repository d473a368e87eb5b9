//! Processes that are killed and disks that are full.

use std::process::Stdio;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use history_gateway::store::{DatabaseUrl, Options};

use crate::disk::SmallDisk;
use crate::support::Binary;
use crate::with_tenant;

/// What SQLite says of a store's pages.
fn integrity(binary: &Binary) -> String {
    #[derive(QueryableByName)]
    struct Verdict {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let url = DatabaseUrl::parse(&format!("sqlite://{}", binary.path("history.db").display())).unwrap();
    let mut connection = url.connect(Options::default().wait).unwrap();
    let verdict: Verdict = diesel::sql_query("PRAGMA integrity_check").get_result(&mut connection).unwrap();
    verdict.integrity_check
}

#[test]
fn killed_import_leaves_whole_batches_and_can_be_repeated() {
    let source = with_tenant(Binary::with_file());
    source.run(&["generate", "--tenant", "3193", "--messages", "12000", "--until", "2026-03-01"]);
    let items = source.run(&["export", "--tenant", "3193"]);
    let binary = with_tenant(Binary::with_file());
    binary.write("items.ndjson", &items);
    for round in 0..12 {
        let mut import = binary
            .command(&["import", "--tenant", "3193", "items.ndjson"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed at another moment each time: while it starts, reads, writes, or after its end.
        std::thread::sleep(Duration::from_millis(40 * round));
        import.kill().unwrap();
        import.wait().unwrap();
        assert_eq!(integrity(&binary), "ok");
        let kept = binary.run(&["export", "--tenant", "3193"]);
        let whole = kept.lines().count();
        assert!(whole.is_multiple_of(1000), "{whole} messages are not whole batches");
        assert!(items.lines().take(whole).eq(kept.lines()), "what is kept is what came first");
    }
    binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    assert!(binary.run(&["export", "--tenant", "3193"]) == items);
    let newest = binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    assert_eq!(newest.trim(), r#"{"imported":0,"updated":0,"unchanged":12000,"rejected":0}"#);
}

#[test]
fn full_disk_leaves_whole_batches_and_reads_keep_working() {
    let source = with_tenant(Binary::with_file());
    source.run(&["generate", "--tenant", "3193", "--messages", "6000", "--until", "2026-03-01"]);
    let items = source.run(&["export", "--tenant", "3193"]);
    let binary = Binary::with_file();
    let Some(disk) = SmallDisk::mount(binary.path("disk"), 3) else {
        eprintln!("skipped: a small disk can only be mounted by root");
        return;
    };
    let database = ["--database", "sqlite://disk/history.db"];
    let run = |arguments: &[&str]| binary.run(&[arguments, &database].concat());
    // Not a byte left: a new store is refused at once, and leaves nothing behind that would be in its way.
    std::fs::write(binary.path("disk/ballast"), vec![0; 4_000_000]).unwrap_err();
    let started = std::time::Instant::now();
    let said = binary.fails(&[&["migrate"][..], &database].concat());
    assert!(said.starts_with("1 history-gateway: the disk is full"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    std::fs::remove_file(binary.path("disk/ballast")).unwrap();
    run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    binary.write("items.ndjson", &items);
    let output = binary.output(&[&["import", "--tenant", "3193", "items.ndjson"][..], &database].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("history-gateway: the disk is full"), "{said}");
    let kept = run(&["export", "--tenant", "3193"]);
    assert!(kept.lines().count().is_multiple_of(1000) && items.starts_with(&kept), "whole batches only");
    let server = binary.serve(&[&["serve", "--bind", "127.0.0.1:0"][..], &database].concat(), &[]);
    assert!(server.history(&key, r#"{"dateFrom":"2025-01-01"}"#).starts_with("200 "));
    drop((server, disk));
}
