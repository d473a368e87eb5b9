//! `audit verify`, `audit export` and `audit head`, on a log that is whole and on one that is not.

use insta::assert_snapshot;

use crate::commands::binary_with_tenant;
use crate::support::{Binary, NOW, TENANT, instant};
use history_gateway::model::audit::{Action, AuditRecord, Who};
use history_gateway::store::{DatabaseUrl, Options, Store, audit};

/// A log of three entries, and a binary that uses its store.
async fn log_of_three() -> (Store, Binary) {
    let binary = binary_with_tenant();
    let store = Store::open(&DatabaseUrl::parse(&binary.url()).unwrap(), Options::default()).unwrap();
    for key in 1..=3 {
        let record = AuditRecord::new(instant(NOW), Who::Key { key }, Action::ApiRead);
        let append = move |connection: &mut _| audit::append(connection, TENANT, &[record], instant(NOW));
        store.write(append).await.unwrap();
    }
    (store, binary)
}

/// Exit code, standard output and standard error.
fn all(binary: &Binary, arguments: &[&str]) -> String {
    let output = binary.output(arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("{} {}{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Changes the stored log as somebody does who may write to the database.
async fn tamper(store: &Store, statement: &'static str) {
    let run = move |connection: &mut _| {
        diesel::RunQueryDsl::execute(diesel::sql_query(statement), connection)?;
        Ok(())
    };
    store.write(run).await.unwrap();
}

#[actix_web::test]
async fn whole_log_is_verified_exported_and_summed_up() {
    let (_store, binary) = log_of_three().await;
    assert_snapshot!(all(&binary, &["audit", "verify"]), @"0 The audit log of tenant 3193 is whole: 3 entries, the last is 33493db7c330e4bb8e2128c53781cb245e22a475a0ca348ad3ee96711fad071d.");
    assert_snapshot!(all(&binary, &["audit", "head"]), @"0 3193 3:33493db7c330e4bb8e2128c53781cb245e22a475a0ca348ad3ee96711fad071d");
    let export = all(&binary, &["audit", "export", "--tenant", "3193", "--after", "1"]);
    assert_snapshot!(export, @r#"
    0 {"tenant":3193,"sequence":2,"recordedAt":1772366400000,"hash":"26a8e9764d81c38dd0af28dc6f864bcce9c8c03b113a2ae0c319550fa32f77ed","records":[{"at":"2026-03-01T12:00:00.000Z","who":{"key":2},"action":"api-read"}]}
    {"tenant":3193,"sequence":3,"recordedAt":1772366400000,"hash":"33493db7c330e4bb8e2128c53781cb245e22a475a0ca348ad3ee96711fad071d","records":[{"at":"2026-03-01T12:00:00.000Z","who":{"key":3},"action":"api-read"}]}
    2 entries of the audit log of tenant 3193 were exported.
    "#);
    let head = binary.run(&["audit", "head"]);
    let head = head.trim().strip_prefix("3193 ").unwrap().to_owned();
    assert!(all(&binary, &["audit", "verify", "--tenant", "3193", "--head", &head]).starts_with("0 "));
    let later = head.replace("3:", "4:");
    assert_snapshot!(all(&binary, &["audit", "verify", "--tenant", "3193", "--head", &later]), @"1 history-gateway: the audit log of tenant 3193 is broken: it ends with entry 3, before the entry 4 of --head");
    let other = format!("3:{}", "0".repeat(64));
    assert_snapshot!(all(&binary, &["audit", "verify", "--tenant", "3193", "--head", &other]), @"1 history-gateway: the audit log of tenant 3193 is broken: the entry of --head has another hash, so the log up to it was changed");
    assert_snapshot!(all(&binary, &["audit", "verify", "--tenant", "9"]), @"1 history-gateway: there is no tenant 9; see 'history-gateway tenant list'");
    assert_snapshot!(all(&binary, &["audit", "verify", "--tenant", "3193", "--head", "3"]), @"
    2 error: invalid value '3' for '--head <SEQUENCE:HASH>': it must be a number, a colon and 64 hexadecimal digits, as 'history-gateway audit head' prints them

    For more information, try '--help'.
    ");
}

#[actix_web::test]
async fn first_broken_link_is_found() {
    for (statement, expected) in [
        (
            "UPDATE audit_entries SET records = replace(records, '\"key\":2', '\"key\":5') WHERE sequence = 2",
            "entry 2 was changed",
        ),
        ("UPDATE audit_entries SET recorded_at = recorded_at + 1 WHERE sequence = 1", "entry 1 was changed"),
        ("UPDATE audit_entries SET user_id = 5 WHERE sequence = 3", "entry 3 was changed"),
        ("DELETE FROM audit_entries WHERE sequence = 2", "entry 2 is missing"),
        ("DELETE FROM audit_entries WHERE sequence = 3", "entry 3 and those after it are missing"),
        ("UPDATE audit_heads SET sequence = 2", "its head is entry 2, but there is an entry 3"),
        (
            "UPDATE audit_heads SET sequence = 2, hash = (SELECT hash FROM audit_entries WHERE sequence = 2)",
            "its head is entry 2, but there is an entry 3",
        ),
        ("DELETE FROM audit_heads", "its head is entry 0, but there is an entry 3"),
        (
            "UPDATE audit_heads SET hash = (SELECT hash FROM audit_entries WHERE sequence = 2)",
            "its last entry, 3, is not the one that was written last",
        ),
        ("UPDATE audit_entries SET hash = (SELECT hash FROM audit_heads) WHERE sequence = 1", "entry 1 was changed"),
    ] {
        let (store, binary) = log_of_three().await;
        tamper(&store, statement).await;
        let found = all(&binary, &["audit", "verify"]);
        assert_eq!(
            found,
            format!("1 history-gateway: the audit log of tenant 3193 is broken: {expected}\n"),
            "{statement}"
        );
    }
}

/// It waits with the records of API keys, and is no user's own record.
#[actix_web::test]
async fn attempt_to_sign_in_that_failed_breaks_nothing() {
    let (store, binary) = log_of_three().await;
    let who = Who::User { user: 5, login: "anna".into(), role: "agent".into() };
    let record = AuditRecord::new(instant(NOW), who, Action::SignInFailed);
    let array = history_gateway::model::audit::as_array(&[record]);
    let append = move |connection: &mut _| audit::append_array(connection, TENANT, (&array, None), instant(NOW));
    store.write(append).await.unwrap();
    assert!(all(&binary, &["audit", "verify"]).starts_with("0 "));
}

/// By the column, users find their own records.
#[actix_web::test]
async fn entry_without_its_user_is_a_broken_link() {
    let (store, binary) = log_of_three().await;
    let who = Who::User { user: 5, login: "anna".into(), role: "agent".into() };
    let record = AuditRecord::new(instant(NOW), who, Action::Message);
    let append = move |connection: &mut _| audit::append(connection, TENANT, &[record], instant(NOW));
    store.write(append).await.unwrap();
    assert!(all(&binary, &["audit", "verify"]).starts_with("0 "));
    tamper(&store, "UPDATE audit_entries SET user_id = NULL WHERE sequence = 4").await;
    assert_snapshot!(all(&binary, &["audit", "verify"]), @"1 history-gateway: the audit log of tenant 3193 is broken: entry 4 was changed");
}

#[actix_web::test]
async fn exported_file_is_private_and_overwrites_nothing() {
    let (_, binary) = log_of_three().await;
    let export = ["audit", "export", "--tenant", "3193", "--output", "audit.ndjson"];
    binary.run(&export);
    let file = binary.path("audit.ndjson");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions()) & 0o777,
        0o600
    );
    assert_snapshot!(binary.run_failing(&export), @"1 history-gateway: 'audit.ndjson' exists already; name another file");
}

#[test]
fn commands_about_users_are_recorded() {
    let binary = binary_with_tenant();
    let anna = ["--tenant", "3193", "--login", "anna"];
    binary.run(&[&["user", "create", "--role", "agent"], &anna[..]].concat());
    for command in ["password", "disable", "enable"] {
        binary.run(&[&["user", command], &anna[..]].concat());
    }
    binary.run_failing(&["user", "disable", "--tenant", "3193", "--login", "nobody"]);
    let limited = ["user", "create", "--role", "admin", "--tenant", "3193", "--login", "boris", "--senders", "501"];
    assert_snapshot!(binary.run_failing(&limited), @"1 history-gateway: the user was not created: --senders is for viewers and agents, because the role admin sees all messages of the tenant");
    let export = binary.run(&["audit", "export", "--tenant", "3193"]);
    let mut said = String::new();
    for line in export.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let record = &entry["records"][0];
        said +=
            &format!("{} {} {} {}\n", record["who"]["command"], record["action"], record["login"], record["filter"]);
    }
    assert_snapshot!(said, @r#"
    "user create" "user-created" "anna" {"role":"agent"}
    "user password" "password-changed" "anna" null
    "user disable" "user-disabled" "anna" null
    "user enable" "user-enabled" "anna" null
    "#);
}
