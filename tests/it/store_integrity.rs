//! A store that is removed, replaced, moved, damaged or read-only: no lost write is acknowledged, `/readyz` reports it.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use history_gateway::store::messages::pending;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Binary, TENANT, TestApp, message, runs_on_postgres};

/// The file of an app's store.
fn file(app: &TestApp) -> PathBuf {
    app.database_url_string().strip_prefix("sqlite://").unwrap().into()
}

async fn readiness(app: &TestApp) -> String {
    let response = app.send("GET", "/readyz", &[], "").await;
    format!("{} {}", response.status.as_u16(), response.body)
}

async fn post_message(app: &TestApp, id: i64) -> u16 {
    let body = message(id, json!({})).to_string();
    app.post("/v1/messages", &[("x-api-key", &app.key)], body).await.status.as_u16()
}

#[actix_web::test]
async fn moved_store_is_503_until_it_is_put_back() {
    if runs_on_postgres() {
        return;
    }
    let app = TestApp::new().await;
    assert_eq!(post_message(&app, 1).await, 200);
    let elsewhere = file(&app).with_extension("elsewhere");
    std::fs::rename(file(&app), &elsewhere).unwrap();
    assert_eq!(post_message(&app, 2).await, 503);
    assert!(app.history("{}").await.starts_with("503 "));
    assert_snapshot!(readiness(&app).await, @r#"503 {"title":"service-unavailable","status":503,"detail":"The store's file was removed, replaced or moved while it was open."}"#);
    assert!(!file(&app).exists(), "no empty store is created in its place");
    std::fs::rename(&elsewhere, file(&app)).unwrap();
    assert_eq!(post_message(&app, 3).await, 200);
    assert_eq!(app.ids("{}").await, "[3, 1]");
    assert!(readiness(&app).await.starts_with("200 "));
}

#[actix_web::test]
async fn replaced_store_file_is_503_and_not_ready() {
    if runs_on_postgres() {
        return;
    }
    let (app, other) = (TestApp::new().await, TestApp::new().await);
    assert_eq!(post_message(&app, 1).await, 200);
    other.store.purge_deleted().await.unwrap();
    let copy = file(&app).with_extension("copy");
    std::fs::copy(file(&other), &copy).unwrap();
    std::fs::rename(&copy, file(&app)).unwrap();
    assert_eq!(post_message(&app, 2).await, 503);
    assert!(readiness(&app).await.contains("replaced or moved"));
}

#[actix_web::test]
async fn removed_wal_is_503_and_loses_nothing_acknowledged() {
    if runs_on_postgres() {
        return;
    }
    let app = TestApp::new().await;
    assert_eq!(post_message(&app, 1).await, 200);
    let wal = format!("{}-wal", file(&app).display());
    std::fs::remove_file(&wal).unwrap();
    for id in 2..5 {
        assert_eq!(post_message(&app, id).await, 503);
    }
    assert!(readiness(&app).await.contains("removed, replaced or moved"), "{}", readiness(&app).await);
    assert!(!Path::new(&wal).exists(), "no other WAL is created in its place");
    // Once all connections are closed, the store is complete and has what was acknowledged.
    let again = app.reopen();
    assert!(again.ids("{}").await.ends_with("1]"), "{}", again.ids("{}").await);
}

#[actix_web::test]
async fn a_damaged_store_is_a_500_and_not_ready() {
    if runs_on_postgres() {
        return;
    }
    let app = TestApp::new().await;
    app.import((1..=400).map(|id| message(id, json!({"comment": "x".repeat(500)})))).await;
    app.store.purge_deleted().await.unwrap();
    let mut bytes = std::fs::read(file(&app)).unwrap();
    for page in bytes.chunks_mut(4096).skip(1) {
        // Only the pages of long rows are overwritten; those of the schema and of keys stay.
        if page.windows(200).any(|window| window == "x".repeat(200).as_bytes()) {
            page.fill(0x55);
        }
    }
    // Written in place, as by a failing disk.
    std::io::Write::write_all(&mut std::fs::File::options().write(true).open(file(&app)).unwrap(), &bytes).unwrap();
    let again = app.open_second_store();
    let other = TestApp::with_store(again, &app);
    assert!(other.history("{}").await.starts_with("500 "), "{}", other.history("{}").await);
    assert_snapshot!(readiness(&other).await, @r#"503 {"title":"service-unavailable","status":503,"detail":"The store is damaged."}"#);
    assert_eq!(other.send("GET", "/healthz", &[], "").await.status, 200);
}

#[actix_web::test]
async fn damaged_row_is_a_500_that_hides_the_cause() {
    if runs_on_postgres() {
        return;
    }
    let app = TestApp::new().await;
    app.import([message(1, json!({"channelType": "WHATSAPP"}))]).await;
    let damage =
        app.store.write(|connection| Ok(connection.batch_execute("UPDATE whatsapp_logs SET incident_id = 'no uuid'")?));
    damage.await.unwrap();
    let list = json!({"select": {"incidentId": true}});
    let response = app.post("/api/whatsapp-log/get-list", &[("ApiKey", &app.key)], list.to_string()).await;
    assert_eq!(response.status, 500);
    assert_snapshot!(response.body, @r#"{"error":"The message store cannot give this answer; its operator's log tells why.","message":"The message store cannot give this answer; its operator's log tells why."}"#);
}

#[actix_web::test]
async fn wrong_pending_counts_are_corrected() {
    let app = TestApp::new().await;
    let wrong = app.store.write(|connection| {
        Ok(connection.batch_execute("UPDATE tenant_states SET waiting_messages = 7, other_events = 9")?)
    });
    wrong.await.unwrap();
    app.gateway.app.ingest.correct_pending_counts().await.unwrap();
    let counts = app.store.read_primary(|connection| pending::counts(connection, TENANT)).await.unwrap();
    assert_eq!((counts.messages, counts.other_events), (0, 0));
}

#[actix_web::test]
async fn read_only_store_is_not_ready_until_writable_again() {
    if runs_on_postgres() {
        return;
    }
    let app = TestApp::new().await;
    // SQLite behaves like this on a file system that has become read-only.
    let read_only = app.store.write(|connection| Ok(connection.batch_execute("PRAGMA query_only = 1")?));
    read_only.await.unwrap();
    assert_eq!(post_message(&app, 1).await, 503);
    assert_snapshot!(readiness(&app).await, @r#"503 {"title":"service-unavailable","status":503,"detail":"The store may not be written to."}"#);
    // The next write has a new connection, without that pragma.
    app.store.probe().await.unwrap();
    assert!(readiness(&app).await.starts_with("200 "));
    assert_eq!(post_message(&app, 1).await, 200);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn store_files_are_owner_only_whatever_the_umask() {
    let binary = Binary::with_sqlite();
    let script = "umask 000; \"$0\" \"$@\"";
    let program = binary.command(&[]).get_program().to_owned();
    let run = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(&program).args(arguments).current_dir(binary.directory.path());
        assert!(command.output().unwrap().status.success(), "{arguments:?}");
    };
    run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let store = history_gateway::store::DatabaseUrl::parse(&binary.url()).unwrap();
    // The WAL exists while a connection is open.
    let mut connection = store.connect(std::time::Duration::from_secs(5)).unwrap();
    run(&["tenant", "create", "--id", "3194", "--name", "Shop"]);
    connection.batch_execute("SELECT 1").unwrap();
    for name in ["history.db", "history.db-wal", "history.db-shm", "history.db-turn", "history.db-next"] {
        assert_eq!(mode(&binary.path(name)), 0o600, "{name}");
    }
    // The permissions of an older store are restricted when it is opened.
    for name in ["history.db", "history.db-wal", "history.db-shm", "history.db-turn"] {
        std::fs::set_permissions(binary.path(name), std::fs::Permissions::from_mode(0o666)).unwrap();
    }
    run(&["tenant", "list"]);
    for name in ["history.db", "history.db-wal", "history.db-shm", "history.db-turn"] {
        assert_eq!(mode(&binary.path(name)), 0o600, "{name}");
    }
}

#[test]
fn sandbox_directory_is_owner_only() {
    let binary = Binary::new();
    std::fs::create_dir(binary.path("temporary")).unwrap();
    let folder = binary.path("temporary");
    let script = "umask 000; exec \"$0\" sandbox --port 0";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(binary.command(&[]).get_program()).env("TMPDIR", &folder);
    // The shell ignores this; `Server::start` looks for it.
    command.arg("sandbox");
    let _server = crate::support::Server::start(&mut command, &binary.path("server.log"));
    let inside = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&inside), 0o700);
}

#[test]
fn lock_held_by_another_user_does_not_block_writes() {
    let binary = Binary::with_sqlite();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let path = binary.path("history.db-turn");
    let nobody = 65534;
    if chown(&path, Some(nobody), Some(nobody)).is_err() {
        eprintln!("SKIPPED: only root can change the owner of a file");
        return;
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let held = std::fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let started = std::time::Instant::now();
    binary.run(&["tenant", "create", "--id", "3194", "--name", "Shop"]);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(30),
        "a command waits up to a minute for the write lock"
    );
}
