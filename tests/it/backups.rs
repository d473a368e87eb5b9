//! `backup`, `restore` and `check`: nothing acknowledged is lost, and no other file is accepted as a store.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use diesel::connection::SimpleConnection;
use insta::assert_snapshot;
use serde_json::json;

use crate::commands::to_ndjson;
use crate::support::{Binary, Server, TENANT, message};
use history_gateway::store::changes;
use history_gateway::store::db::migrate;
use history_gateway::store::{Connection, DatabaseUrl};

/// A SQLite store with a tenant, messages and WhatsApp log rows, which no process has open.
fn store_with_messages(messages: i64) -> Binary {
    let binary = Binary::with_sqlite();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let item = |id| {
        message(id, json!({"channelType": if id % 2 == 0 { "SMS" } else { "WHATSAPP" }, "subjectId": 500 + id % 2}))
    };
    binary.write("items.ndjson", to_ndjson((1..=messages).map(item)));
    binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    binary
}

fn exit_code_and_stderr(binary: &Binary, arguments: &[&str]) -> String {
    let output = binary.output(arguments);
    format!("{} {}", output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap().trim_end())
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn connect(binary: &Binary, file: &str) -> Connection {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", binary.path(file).display())).unwrap();
    url.connect(std::time::Duration::from_secs(1)).unwrap()
}

fn files(binary: &Binary) -> Vec<String> {
    let mut files: Vec<String> = std::fs::read_dir(binary.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

/// Posts one message to a server; returns whether it was acknowledged.
fn post_message(server: &Server, key: &str, id: i64) -> bool {
    let body = message(id, json!({})).to_string();
    let response = server.send(
        format!(
            "POST /v1/messages HTTP/1.1\r\nHost: test\r\nConnection: close\r\nx-api-key: {key}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .as_bytes(),
    );
    response.starts_with("HTTP/1.1 200")
}

#[test]
fn backup_during_writes_contains_all_acknowledged_before_it() {
    let binary = store_with_messages(3000);
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    let (acknowledged, is_stopped) = (AtomicI64::new(3000), AtomicBool::new(false));
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in 3001.. {
                if is_stopped.load(Ordering::Relaxed) {
                    break;
                }
                assert!(post_message(&server, &key, id));
                acknowledged.store(id, Ordering::SeqCst);
            }
        });
        while acknowledged.load(Ordering::SeqCst) < 3300 {
            std::thread::yield_now();
        }
        let before = acknowledged.load(Ordering::SeqCst);
        binary.run(&["backup", "copy.db"]);
        is_stopped.store(true, Ordering::Relaxed);
        before
    });
    let all = binary.run(&["export", "--tenant", "3193"]);
    drop(server);
    let other = Binary::with_sqlite();
    std::fs::copy(binary.path("copy.db"), other.path("copy.db")).unwrap();
    other.run(&["restore", "copy.db"]);
    let restored = other.run(&["export", "--tenant", "3193"]);
    assert!(restored.lines().count() >= usize::try_from(before).unwrap(), "{before} were acknowledged");
    // Byte for byte what the store had then: the ids ascend, so its export is a prefix.
    assert!(all.starts_with(&restored));
    assert_eq!(other.run(&["key", "list", "--tenant", "3193"]), binary.run(&["key", "list", "--tenant", "3193"]));
    assert_snapshot!(exit_code_and_stderr(&other, &["check"]), @"0 The store 'history.db' is intact, and its counts match its rows.");
    // A later backup, without writes meanwhile, has every row.
    binary.run(&["backup", "later.db"]);
    other.run(&["restore", "--replace", binary.path("later.db").to_str().unwrap()]);
    assert!(other.run(&["export", "--tenant", "3193"]) == all);
}

#[test]
fn backups_and_restored_stores_are_owner_only() {
    let binary = store_with_messages(10);
    let run = |arguments: &str| {
        let script = format!("umask 000; exec {} {arguments}", env!("CARGO_BIN_EXE_history-gateway"));
        let status =
            std::process::Command::new("sh").args(["-c", &script]).current_dir(binary.directory.path()).status();
        assert!(status.unwrap().success(), "{arguments}");
    };
    run("backup copy.db");
    assert_eq!(mode(&binary.path("copy.db")), 0o600);
    run("--database sqlite://other.db restore copy.db");
    assert_eq!(mode(&binary.path("other.db")), 0o600);
    run("--database sqlite://other.db restore --replace copy.db");
    assert_eq!(mode(&binary.path("other.db")), 0o600);
    assert!(!files(&binary).iter().any(|name| name.contains(".part")), "{:?}", files(&binary));
}

#[test]
fn backup_never_overwrites_and_accepts_only_a_store() {
    let binary = store_with_messages(10);
    binary.write("letter", "dear friend");
    assert_snapshot!(binary.run_failing(&["backup", "letter"]), @"1 history-gateway: 'letter' exists already and was left as it is; name a new file");
    assert_eq!(std::fs::read_to_string(binary.path("letter")).unwrap(), "dear friend");
    assert_snapshot!(binary.run_failing(&["backup", "history.db"]), @"1 history-gateway: 'history.db' exists already and was left as it is; name a new file");
    assert_snapshot!(binary.run_failing(&["backup", "missing/copy.db"]), @r#"1 history-gateway: 'missing/copy.db' cannot be written: No such file or directory (os error 2); check its directory's permissions and its disk"#);
    assert_snapshot!(binary.run_failing(&["backup", "--database", "sqlite://letter", "copy.db"]), @"1 history-gateway: 'letter' is not a history-gateway store; it was left as it is; name another one in database.url");
    assert_snapshot!(binary.run_failing(&["backup", "--database", "sqlite://typo.db", "copy.db"]), @"1 history-gateway: there is no store at 'typo.db'; check --database and the setting database.url, or make a store: 'history-gateway tenant create' makes one with a tenant, 'history-gateway migrate' an empty one");
    let expected = ["history.db", "history.db-next", "history.db-turn", "items.ndjson", "letter"];
    let found: Vec<String> =
        files(&binary).into_iter().filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
    assert_eq!(found, expected);
}

#[test]
fn backup_of_an_older_schema_does_not_migrate_it() {
    let binary = store_with_messages(10);
    let mut store = connect(&binary, "history.db");
    migrate::revert(&mut store, "20261129000002").unwrap();
    drop(store);
    binary.run(&["backup", "copy.db"]);
    assert_snapshot!(binary.run_failing(&["check"]), @"1 history-gateway: the store 'history.db' was written by an older version; 'history-gateway migrate' brings it up to date");
    binary.run(&["restore", "--replace", "copy.db"]);
    assert_snapshot!(binary.run_failing(&["check"]), @"1 history-gateway: the store 'history.db' was written by an older version; 'history-gateway migrate' brings it up to date");
    binary.run(&["migrate"]);
    assert!(exit_code_and_stderr(&binary, &["check"]).starts_with("0 "));
    assert_eq!(binary.run(&["export", "--tenant", "3193"]).lines().count(), 10);
}

#[test]
fn restoring_an_invalid_backup_leaves_the_store_untouched() {
    let binary = store_with_messages(2000);
    binary.run(&["backup", "copy.db"]);
    let good = std::fs::read(binary.path("copy.db")).unwrap();
    let exported = binary.run(&["export", "--tenant", "3193"]);
    binary.write("cut.db", &good[..good.len() / 2]);
    binary.write("short.db", &good[..50]);
    binary.write("empty.db", "");
    let mut tampered = good.clone();
    let half = good.len() / 2 / 4096 * 4096;
    tampered[half..half + 4096].fill(0);
    binary.write("tampered.db", &tampered);
    binary.write(
        "letter.db",
        "this is a letter to a friend, longer than a database's header would be, and no database at all",
    );
    connect(&binary, "recipes.db").batch_execute("CREATE TABLE recipes (id INTEGER)").unwrap();
    binary.write("newer.db", &good);
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";
    connect(&binary, "newer.db").batch_execute(newer).unwrap();
    let mut all = String::new();
    for name in ["cut.db", "short.db", "empty.db", "letter.db", "recipes.db", "newer.db", "missing.db"] {
        all += &format!("{}\n", binary.run_failing(&["restore", "--replace", name]));
    }
    assert_snapshot!(all, @"
    1 history-gateway: the backup 'cut.db' is damaged, and nothing was restored: database disk image is malformed; take another one
    1 history-gateway: the backup 'short.db' is damaged, and nothing was restored: database disk image is malformed; take another one
    1 history-gateway: 'empty.db' is no backup of a history-gateway store; nothing was restored
    1 history-gateway: 'letter.db' is no backup of a history-gateway store; nothing was restored
    1 history-gateway: 'recipes.db' is no backup of a history-gateway store; nothing was restored
    1 history-gateway: the store 'newer.db' was written by a newer version (its schema has '20991231000000'); it was left as it is; use that version or a newer one
    1 history-gateway: there is no backup 'missing.db'
    ");
    let report = binary.run_failing(&["restore", "--replace", "tampered.db"]);
    assert!(
        report.starts_with("1 history-gateway: the backup 'tampered.db' is damaged, and nothing was restored: "),
        "{report}"
    );
    assert_eq!(report.lines().count(), 1, "{report}");
    assert!(binary.run(&["export", "--tenant", "3193"]) == exported);
    assert!(!files(&binary).iter().any(|name| name.contains(".part")), "{:?}", files(&binary));
}

#[test]
fn restore_over_a_store_needs_replace_and_no_running_server() {
    let binary = store_with_messages(10);
    binary.run(&["backup", "copy.db"]);
    binary.run(&["tenant", "create", "--id", "7", "--name", "Later"]);
    assert_snapshot!(binary.run_failing(&["restore", "copy.db"]), @"1 history-gateway: there is a store at 'history.db' already, and nothing was restored; --replace puts the backup in its place");
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    assert_snapshot!(binary.run_failing(&["restore", "--replace", "copy.db"]), @"1 history-gateway: the store 'history.db' is in use, and nothing was restored; stop every gateway and command that has it open");
    assert!(binary.run(&["tenant", "list"]).contains("Later"));
    drop(server);
    // The server was killed, so part of its store may be in the WAL; none of that may get into the restored store.
    binary.write("history.db-journal", "left over");
    let report = exit_code_and_stderr(&binary, &["restore", "--replace", "copy.db"]);
    assert!(report.starts_with("0 The store 'history.db' is restored from 'copy.db': "), "{report}");
    assert!(!["-wal", "-shm", "-journal"].iter().any(|ending| binary.path(&format!("history.db{ending}")).exists()));
    assert!(!binary.run(&["tenant", "list"]).contains("Later"));
    binary.write(
        "letter",
        "this is a letter to a friend, longer than a database's header would be, and no database at all",
    );
    assert_snapshot!(binary.run_failing(&["restore", "--replace", "--database", "sqlite://letter", "copy.db"]), @"1 history-gateway: 'letter' is not a history-gateway store; it was left as it is; name another one in database.url");
    // A newer version's store may be replaced, which is how to go back to an older version.
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";
    connect(&binary, "history.db").batch_execute(newer).unwrap();
    assert!(binary.run_failing(&["tenant", "list"]).contains("newer version"));
    binary.run(&["restore", "--replace", "copy.db"]);
    assert_eq!(binary.run(&["export", "--tenant", "3193"]).lines().count(), 10);
}

#[test]
fn check_reports_wrong_counts_and_a_damaged_file() {
    let binary = store_with_messages(1000);
    assert_snapshot!(exit_code_and_stderr(&binary, &["check"]), @"0 The store 'history.db' is intact, and its counts match its rows.");
    let break_counts = "UPDATE message_days SET messages = messages + 1 WHERE channel_type = 'SMS'; \
         UPDATE message_days SET least_message_id = 5 WHERE channel_type = ''; \
         DELETE FROM whatsapp_log_days WHERE subject_id = 501";
    connect(&binary, "history.db").batch_execute(break_counts).unwrap();
    assert_snapshot!(exit_code_and_stderr(&binary, &["check"]), @"
    1 tenant 3193, 2026-03-01: there are 1000 messages, and 1000 are counted, and the bounds of their ids are too narrow
    tenant 3193, 2026-03-01: there are 500 messages (SMS OUT), and 501 are counted
    tenant 3193, 2026-03-01: there are 500 WhatsApp log rows, and 0 are counted
    tenant 3193, 2026-03-01: there are 500 WhatsApp log rows (Unknown), and 0 are counted
    history-gateway: the store 'history.db' has 4 faults; restore a backup, or export its tenants into a new store
    ");
    let file = binary.path("history.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..half + 4096].fill(0);
    std::fs::write(&file, bytes).unwrap();
    let report = exit_code_and_stderr(&binary, &["check"]);
    assert!(report.starts_with("1 ") && report.contains("the store 'history.db' "), "{report}");
    assert!(
        binary.run_failing(&["check", "--database", "sqlite://typo.db"]).contains("there is no store at 'typo.db'")
    );
}

#[test]
fn check_passes_on_a_store_with_dates_around_1970() {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    binary.run(&[
        "generate",
        "--tenant",
        "3193",
        "--messages",
        "3000",
        "--whatsapp-logs",
        "500",
        "--until",
        "1971-06-01",
    ]);
    let before_1970 = message(-5, json!({"sentOrReceivedAt": "1969-12-31T23:59:59.999Z"}));
    let _ = crate::commands::import_stdin(
        &binary,
        to_ndjson([message(1, json!({"sentOrReceivedAt": "1970-01-01T00:00:00Z"})), before_1970]),
    );
    let report = exit_code_and_stderr(&binary, &["check"]);
    assert!(report.starts_with("0 ") && report.ends_with("is intact, and its counts match its rows."), "{report}");
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_backup_commands_are_printed_without_password() {
    let binary = Binary::with_sqlite();
    let at = ["--database", "postgres://gw:S3cret@db.example:5433/it's?sslmode=verify-full&password=S3cret"];
    let all = [
        binary.run_failing(&[&["backup", "copy.dump"][..], &at].concat()),
        binary.run_failing(&[&["restore", "copy.dump"][..], &at].concat()),
    ];
    assert!(!all.concat().contains("S3cret"), "{all:?}");
    assert_snapshot!(all.join("\n"), @r#"
    1 history-gateway: the store is on a PostgreSQL server, which backs it up with: pg_dump --format=custom --file='copy.dump' 'postgres://gw@db.example:5433/it'\''s?sslmode=verify-full'; PGPASSWORD or ~/.pgpass tell it the password
    1 history-gateway: the store is on a PostgreSQL server, which restores it, into a database that is empty, with: pg_restore --no-owner --single-transaction --dbname='postgres://gw@db.example:5433/it'\''s?sslmode=verify-full' 'copy.dump'; PGPASSWORD or ~/.pgpass tell it the password
    "#);
    assert_eq!(files(&binary), Vec::<String>::new());
}

/// A restored store may lack the latest changes, so a token of the store that it replaces must not go on there.
#[test]
fn restored_store_has_a_sequence_of_changes_of_its_own() {
    let binary = store_with_messages(10);
    binary.run(&["backup", "copy.db"]);
    let state = |connection: &mut Connection| changes::state(connection, TENANT).unwrap();
    let before = state(&mut connect(&binary, "history.db"));
    binary.run(&["restore", "--replace", "copy.db"]);
    let after = state(&mut connect(&binary, "history.db"));
    assert_eq!((before.last, after.last), (10, 10));
    assert_ne!(before.epoch, after.epoch);
}
