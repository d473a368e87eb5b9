//! Stores that cannot be used: a clear error, a non-zero exit code, and the file is left unchanged.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::Binary;
use history_gateway::store::db::migrate;
use history_gateway::store::{DatabaseUrl, Options, Store, StoreError};

/// Deletes the records of all migrations, so that the store looks as if it had none.
pub async fn delete_migration_records(store: &Store) {
    let delete = "DELETE FROM __diesel_schema_migrations";
    store.write(|connection| Ok(connection.batch_execute(delete)?)).await.unwrap();
}

#[test]
fn a_file_that_is_not_a_database_is_left_as_it_is() {
    let binary = Binary::with_sqlite();
    binary
        .write("history.db", "this is a letter to a friend, longer than a database's header would be, and no database");
    let before = std::fs::read(binary.path("history.db")).unwrap();
    for arguments in [&["serve"][..], &["tenant", "list"], &["migrate"]] {
        insta::allow_duplicates! { assert_snapshot!(binary.run_failing(arguments), @"1 history-gateway: 'history.db' is not a history-gateway store; it was left as it is; name another one in database.url"); }
    }
    assert_eq!(std::fs::read(binary.path("history.db")).unwrap(), before);
    assert!(!binary.path("history.db-wal").exists());
}

#[test]
fn another_programs_database_is_left_as_it_is() {
    let binary = Binary::with_sqlite();
    let file = binary.path("history.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).unwrap();
    url.connect(Options::default().wait).unwrap().batch_execute("CREATE TABLE recipes (id INTEGER)").unwrap();
    let before = std::fs::read(&file).unwrap();
    assert_snapshot!(binary.run_failing(&["tenant", "list"]), @"1 history-gateway: 'history.db' is not a history-gateway store; it was left as it is; name another one in database.url");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_newer_schema_is_left_as_it_is() {
    let binary = Binary::with_sqlite();
    binary.run(&["migrate"]);
    let file = binary.path("history.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).unwrap();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";
    // The newer program is still running, so part of its store is in the WAL.
    let mut running = url.connect(Options::default().wait).unwrap();
    running.batch_execute(newer).unwrap();
    let wal = std::fs::read(binary.path("history.db-wal")).unwrap();
    assert!(!wal.is_empty());
    let before = std::fs::read(&file).unwrap();
    for arguments in [&["serve"][..], &["export", "--tenant", "1"], &["migrate"]] {
        assert_eq!(std::fs::read(binary.path("history.db-wal")).unwrap(), wal);
        insta::allow_duplicates! { assert_snapshot!(binary.run_failing(arguments), @"1 history-gateway: the store 'history.db' was written by a newer version (its schema has '20991231000000'); it was left as it is; use that version or a newer one"); }
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn command_on_a_missing_store_fails_and_creates_no_file() {
    let binary = Binary::with_sqlite();
    binary.write("items.ndjson", "{}");
    binary.write("upstream.key", "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10");
    for arguments in [
        &["tenant", "list"][..],
        &["tenant", "delete", "--id", "1", "--yes"],
        &["key", "issue", "--tenant", "1"],
        &["key", "list", "--tenant", "1"],
        &["key", "revoke", "--tenant", "1", "--id", "1"],
        &["subject", "add", "--tenant", "1", "--id", "1", "--name", "x", "--channel", "SMS"],
        &["subject", "list"],
        &["import", "--tenant", "1", "items.ndjson"],
        &["export", "--tenant", "1"],
        &["generate", "--tenant", "1", "--messages", "1"],
        &["pull", "--tenant", "1", "--upstream", "http://127.0.0.1:1", "--upstream-key-file", "upstream.key"],
    ] {
        let error = binary.run_failing(&[arguments, &["--database", "sqlite://typo.db"]].concat());
        insta::allow_duplicates! { assert_snapshot!(error, @"1 history-gateway: there is no store at 'typo.db'; check --database and the setting database.url, or make a store: 'history-gateway tenant create' makes one with a tenant, 'history-gateway migrate' an empty one"); }
        assert_eq!(std::fs::read_dir(binary.directory.path()).unwrap().count(), 2, "{arguments:?} made a file");
    }
    for arguments in [&["migrate"][..], &["tenant", "create", "--id", "1", "--name", "x"]] {
        let binary = Binary::with_sqlite();
        binary.run(arguments);
        assert!(binary.path("history.db").exists(), "{arguments:?}");
    }
}

#[test]
fn serve_creates_a_store_only_with_the_create_flag() {
    let binary = Binary::with_sqlite();
    assert_snapshot!(binary.run_failing(&["serve", "--bind", "127.0.0.1:0"]), @"1 history-gateway: there is no store at 'history.db'; check --database and the setting database.url, or make a store: 'history-gateway tenant create' makes one with a tenant, 'history-gateway migrate' an empty one; 'history-gateway serve --create' makes an empty one too");
    assert_eq!(std::fs::read_dir(binary.directory.path()).unwrap().count(), 0);
    drop(binary.start_server(&["serve", "--bind", "127.0.0.1:0", "--create"], &[]));
    assert!(binary.path("history.db").exists());
    drop(binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]));
}

#[test]
fn missing_or_unwritable_directory_is_reported() {
    let binary = Binary::with_sqlite();
    assert_snapshot!(binary.run_failing(&["migrate", "--database", "sqlite://missing/history.db"]), @"1 history-gateway: the store 'missing/history.db' cannot be opened: unable to open database file; check that its directory exists and may be written to");
    std::fs::create_dir(binary.path("folder")).unwrap();
    assert_snapshot!(binary.run_failing(&["migrate", "--database", "sqlite://folder"]), @"1 history-gateway: the store 'folder' cannot be opened: it is a directory; check that its directory exists and may be written to");
    if cfg!(target_os = "linux") {
        // Nobody may write there, not even root.
        assert_snapshot!(binary.run_failing(&["migrate", "--database", "sqlite:///proc/history.db"]), @"1 history-gateway: the store '/proc/history.db' cannot be opened: unable to open database file; check that its directory exists and may be written to");
    }
}

#[test]
fn invalid_database_url_is_refused_and_creates_no_file() {
    let binary = Binary::with_sqlite();
    let mut errors = String::new();
    for url in ["postgres:user:secret@host/db", "history.db", "sqlite://", "sqlite://:memory:", "mysql:x", ""] {
        errors += &format!("{url}\n  {}\n", binary.run_failing(&["tenant", "list", "--database", url]));
    }
    assert_snapshot!(errors, @"
    postgres:user:secret@host/db
      1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: its scheme is not followed by //; use sqlite://FILE or postgres://USER@HOST/DATABASE
    history.db
      1 history-gateway: the settings are wrong: database.url: 'history.db' is no database address: it has no scheme; use sqlite://FILE or postgres://USER@HOST/DATABASE
    sqlite://
      1 history-gateway: the settings are wrong: database.url: 'sqlite://' is no database address: it names no file; use sqlite://FILE or postgres://USER@HOST/DATABASE
    sqlite://:memory:
      1 history-gateway: the settings are wrong: database.url: 'sqlite://:memory:' is no database address: the store is a file that several connections share; use sqlite://FILE or postgres://USER@HOST/DATABASE
    mysql:x
      1 history-gateway: the settings are wrong: database.url: 'mysql:…' is no database address: its scheme is not known; use sqlite://FILE or postgres://USER@HOST/DATABASE

      1 history-gateway: the settings are wrong: database.url: '' is no database address: it has no scheme; use sqlite://FILE or postgres://USER@HOST/DATABASE
    ");
    assert_eq!(std::fs::read_dir(binary.directory.path()).unwrap().count(), 0);
}

#[actix_web::test]
async fn migrations_can_be_reverted_and_reapplied() {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::parse(&format!("sqlite://{}", directory.path().join("test.db").display())).unwrap();
    let store = Store::open(&url, Options::default()).unwrap();
    assert!(store.read_primary(migrate::is_current).await.unwrap());
    let left = store.write(|connection| {
        migrate::revert(connection, "")?;
        migrate::tables(connection)
    });
    assert_eq!(left.await.unwrap(), ["__diesel_schema_migrations"]);
    drop(store);
    let store = Store::open(&url, Options::default()).unwrap();
    assert!(store.read_primary(migrate::is_current).await.unwrap());
}

#[test]
fn concurrent_processes_can_create_the_same_store() {
    let binary = Binary::with_sqlite();
    let started: Vec<_> = (0..5).map(|_| binary.command(&["migrate"]).spawn().unwrap()).collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    binary.run(&["tenant", "create", "--id", "1", "--name", "x"]);
}

#[actix_web::test]
async fn write_to_a_locked_store_waits_then_is_busy() {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::parse(&format!("sqlite://{}", directory.path().join("test.db").display())).unwrap();
    let options = Options { wait: std::time::Duration::from_millis(200), ..Options::default() };
    let store = Store::open(&url, options).unwrap();
    let mut other = url.connect(options.wait).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let refused = store.write(|_| Ok(())).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    // A writer does not block readers.
    assert!(store.read_primary(migrate::is_current).await.unwrap());
    other.batch_execute("COMMIT").unwrap();
    store.write(|_| Ok(())).await.unwrap();
}

#[actix_web::test]
async fn full_database_is_reported_and_nothing_is_written() {
    let app = crate::support::TestApp::on(crate::support::Database::sqlite(), crate::support::NOW, |_| {}).await;
    app.import([crate::support::message(1, serde_json::json!({}))]).await;
    // The database may not grow any further: SQLite then gives the same error as for a full disk.
    app.store.write(|c| Ok(c.batch_execute("PRAGMA max_page_count = 1")?)).await.unwrap();
    let long = "x".repeat(1_000_000);
    let items = (2..=4).map(|id| crate::support::message(id, serde_json::json!({"content": long})));
    let items =
        items.map(|item| history_gateway::model::Item::parse(&item.to_string(), crate::support::TENANT).unwrap());
    let refused = history_gateway::ingest::record(&app.store, crate::support::TENANT, items.collect()).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert_eq!(app.ids("{}").await, "[1]");
    app.store.write(|c| Ok(c.batch_execute("PRAGMA max_page_count = 1000000")?)).await.unwrap();
    app.import([crate::support::message(2, serde_json::json!({}))]).await;
    assert_eq!(app.ids("{}").await, "[2, 1]");
}

#[actix_web::test]
async fn log_is_moved_into_the_file_beside_the_writer() {
    #[derive(QueryableByName)]
    struct Log {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        log: i32,
        #[diesel(sql_type = diesel::sql_types::Integer)]
        checkpointed: i32,
    }
    let app = crate::support::TestApp::on(crate::support::Database::sqlite(), crate::support::NOW, |_| {}).await;
    let long = json!({"content": "x".repeat(10_000)});
    // Fewer pages than those from which on the writer moves them.
    app.import((1..=1000).map(|id| crate::support::message(id, long.clone()))).await;
    let mut other = app.database_url().connect(std::time::Duration::from_secs(1)).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let Log { log, checkpointed } =
            diesel::sql_query("PRAGMA wal_checkpoint(NOOP)").get_result(&mut other).unwrap();
        if checkpointed > 0 {
            assert!((1024..16_384).contains(&log), "{log}");
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{checkpointed} of {log} pages were moved");
        tokio::task::yield_now().await;
    }
    drop(other);
    // This needs the log for itself.
    app.store.purge_deleted().await.unwrap();
    assert_eq!(app.store.wal_bytes(), Some(0));
}
