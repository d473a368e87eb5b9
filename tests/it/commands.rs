//! The commands, run as a user runs them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Binary, message};

pub const SAMPLE: &str = include_str!("../fixtures/edna-response.json");

/// A binary whose store has the tenant 3193.
pub fn binary_with_tenant() -> Binary {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    binary
}

pub fn to_ndjson(items: impl IntoIterator<Item = Value>) -> String {
    items.into_iter().map(|item| format!("{item}\n")).collect()
}

/// Exit code, standard output and standard error of an import from standard input.
pub fn import_stdin(binary: &Binary, input: impl AsRef<[u8]>) -> String {
    let output = binary.pipe(&["import", "--tenant", "3193", "-"], input.as_ref());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("{}\n{}{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_tenant_is_created_once_and_listed() {
    let binary = binary_with_tenant();
    let project = "550e8400-e29b-41d4-a716-446655440000";
    binary.run(&["tenant", "create", "--id", "7", "--name", "Other", "--project-id", project]);
    assert_snapshot!(binary.run(&["tenant", "list"]), @"
    ID    NAME   PROJECT ID
    7     Other  550e8400-e29b-41d4-a716-446655440000
    3193  Shop   0db8af39-0932-5cc3-8099-9be69066a8d3
    ");
    assert_snapshot!(binary.run_failing(&["tenant", "create", "--id", "7", "--name", "Again"]), @"1 history-gateway: tenant 7 was not created: its id or project id is taken; see 'history-gateway tenant list'");
    assert_snapshot!(binary.run_failing(&["tenant", "create", "--id", "8", "--name", "x", "--project-id", project]), @"1 history-gateway: tenant 8 was not created: its id or project id is taken; see 'history-gateway tenant list'");
    assert_snapshot!(binary.run_failing(&["tenant", "create", "--id", "9", "--name", " "]), @"1 history-gateway: the tenant was not created: --name must not be empty");
}

#[test]
fn issued_key_is_the_only_output_and_works() {
    let binary = binary_with_tenant();
    let output = binary.run(&["key", "issue", "--tenant", "3193", "--name", "first"]);
    let key = output.lines().last().unwrap();
    assert_eq!((key.len(), output.lines().count()), (36, 1));
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    assert_snapshot!(server.history(key, "{}"), @r#"200 {"content":[],"hasNext":false}"#);
}

#[test]
fn raw_key_is_never_stored() {
    let binary = Binary::with_sqlite();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    for file in ["history.db", "history.db-wal"] {
        let bytes = std::fs::read(binary.path(file)).unwrap_or_default();
        assert!(!bytes.windows(36).any(|window| window == key.as_bytes()), "{file}");
    }
}

#[test]
fn key_issued_with_a_given_value_is_case_insensitive() {
    let binary = binary_with_tenant();
    let value = "0C6F7A52-52F1-4B0C-9D6E-1F8C2A4B7E10";
    binary.run(&["key", "issue", "--tenant", "3193", "--value", value]);
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    assert!(server.history(value, "{}").starts_with("200 "));
    assert!(server.history(&value.to_lowercase(), "{}").starts_with("200 "));
    assert_snapshot!(binary.run_failing(&["key", "issue", "--tenant", "3193", "--value", &value.to_lowercase()]), @"1 history-gateway: the key was not issued: this --value was issued before; leave --value out to generate a new key");
    assert_snapshot!(binary.run_failing(&["key", "issue", "--tenant", "3193", "--value", "secret"]), @"1 history-gateway: --value must be a UUID such as 0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10");
}

#[test]
fn key_list_shows_no_key_values() {
    let binary = binary_with_tenant();
    binary.run(&["subject", "add", "--tenant", "3193", "--id", "501", "--name", "shop_WA", "--channel", "WHATSAPP"]);
    binary.run(&["key", "issue", "--tenant", "3193", "--name", "all"]);
    binary.run(&[
        "key",
        "issue",
        "--tenant",
        "3193",
        "--name",
        "some",
        "--kind",
        "additional",
        "--groups",
        "message-history,messaging",
        "--senders",
        "501",
        "--valid-until",
        "2030-12-31",
        "--permissions",
        "Read WhatsApp Log,Viewer",
        "--oneuptime-profile",
        "live",
    ]);
    binary.run(&["key", "issue", "--tenant", "3193", "--kind", "webhook"]);
    binary.run(&["key", "revoke", "--tenant", "3193", "--id", "3"]);
    binary.run(&["key", "issue", "--tenant", "3193", "--kind", "additional", "--valid-until", "2020-01-01"]);
    assert_snapshot!(binary.run(&["key", "list", "--tenant", "3193"]), @"
    ID  NAME  KIND        GROUPS                     PERMISSIONS               SENDERS  PROFILE  LAST DAY    LAST USED  STATE
    1   all   master      -                          -                         -        -        -           -          valid
    2   some  additional  message-history,messaging  Read WhatsApp Log,Viewer  501      live     2030-12-31  -          valid
    3   -     webhook     -                          -                         -        -        -           -          revoked
    4   -     additional  -                          -                         -        -        2020-01-01  -          expired
    ");
    let mut keys: Value = serde_json::from_str(&binary.run(&["key", "list", "--tenant", "3193", "--json"])).unwrap();
    assert!(keys[2]["revokedAt"].take().is_string());
    assert_snapshot!(serde_json::to_string_pretty(&keys).unwrap(), @r#"
    [
      {
        "groups": [],
        "id": 1,
        "kind": "master",
        "lastUsedAt": null,
        "name": "all",
        "oneuptimeProfile": null,
        "permissions": [],
        "revokedAt": null,
        "senders": [],
        "validUntil": null
      },
      {
        "groups": [
          "message-history",
          "messaging"
        ],
        "id": 2,
        "kind": "additional",
        "lastUsedAt": null,
        "name": "some",
        "oneuptimeProfile": "live",
        "permissions": [
          "Read WhatsApp Log",
          "Viewer"
        ],
        "revokedAt": null,
        "senders": [
          501
        ],
        "validUntil": "2030-12-31"
      },
      {
        "groups": [],
        "id": 3,
        "kind": "webhook",
        "lastUsedAt": null,
        "name": "",
        "oneuptimeProfile": null,
        "permissions": [],
        "revokedAt": null,
        "senders": [],
        "validUntil": null
      },
      {
        "groups": [],
        "id": 4,
        "kind": "additional",
        "lastUsedAt": null,
        "name": "",
        "oneuptimeProfile": null,
        "permissions": [],
        "revokedAt": null,
        "senders": [],
        "validUntil": "2020-01-01"
      }
    ]
    "#);
}

#[test]
fn revoked_key_stops_working_on_a_running_server() {
    let binary = binary_with_tenant();
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    assert!(server.history(&key, "{}").starts_with("200 "));
    binary.run(&["key", "revoke", "--tenant", "3193", "--id", "1"]);
    let revoked_at = std::time::Instant::now();
    while server.history(&key, "{}").starts_with("200 ") {
        assert!(revoked_at.elapsed() < std::time::Duration::from_secs(1));
    }
}

#[test]
fn options_invalid_for_the_key_kind_are_refused() {
    let binary = binary_with_tenant();
    assert_snapshot!(binary.run_failing(&["key", "issue", "--tenant", "3193", "--groups", "messaging"]), @"1 history-gateway: --groups is for additional keys, not for a master key; add --kind additional");
    assert_snapshot!(binary.run_failing(&["key", "issue", "--tenant", "3193", "--kind", "webhook", "--senders", "1"]), @"1 history-gateway: --senders is for additional keys, not for a webhook key; leave it out");
    let unknown =
        binary.run_failing(&["key", "issue", "--tenant", "3193", "--kind", "additional", "--groups", "history"]);
    assert!(unknown.starts_with("2 ") && unknown.contains("message-history"), "{unknown}");
    let unknown = binary.run_failing(&["key", "issue", "--tenant", "3193", "--permissions", "Read"]);
    assert!(unknown.starts_with("2 ") && unknown.contains("Read WhatsApp Log"), "{unknown}");
    assert_eq!(binary.run(&["key", "list", "--tenant", "3193", "--json"]).trim(), "[]");
    assert_snapshot!(binary.run_failing(&["key", "revoke", "--tenant", "3193", "--id", "9"]), @"1 history-gateway: tenant 3193 has no key 9; 'history-gateway key list --tenant 3193' shows its keys");
}

#[test]
fn subjects_are_added_by_command_or_import_and_listed() {
    let binary = binary_with_tenant();
    binary.run(&["subject", "add", "--tenant", "3193", "--id", "501", "--name", "shop_WA", "--channel", "WHATSAPP"]);
    assert!(import_stdin(&binary, SAMPLE).starts_with("0\n"));
    assert_snapshot!(binary.run(&["subject", "list"]), @"
    TENANT  ID     CHANNEL   NAME
    3193    501    WHATSAPP  shop_WA
    3193    50192  SMS       subject_sms
    ");
    assert_snapshot!(binary.run(&["subject", "list", "--tenant", "3193"]), @"
    TENANT  ID     CHANNEL   NAME
    3193    501    WHATSAPP  shop_WA
    3193    50192  SMS       subject_sms
    ");
}

#[test]
fn every_command_reports_an_unknown_tenant() {
    let binary = binary_with_tenant();
    let mut errors = String::new();
    for arguments in [
        &["key", "issue", "--tenant", "5"][..],
        &["key", "list", "--tenant", "5"],
        &["subject", "add", "--tenant", "5", "--id", "1", "--name", "x", "--channel", "SMS"],
        &["subject", "list", "--tenant", "5"],
        &["import", "--tenant", "5", "-"],
        &["export", "--tenant", "5"],
        &["generate", "--tenant", "5", "--messages", "10"],
        &["tenant", "delete", "--id", "5"],
        &["tenant", "delete", "--id", "5", "--yes"],
    ] {
        errors += &format!("{}\n  {}\n", arguments.join(" "), binary.run_failing(arguments));
    }
    assert_snapshot!(errors, @"
    key issue --tenant 5
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    key list --tenant 5
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    subject add --tenant 5 --id 1 --name x --channel SMS
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    subject list --tenant 5
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    import --tenant 5 -
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    export --tenant 5
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    generate --tenant 5 --messages 10
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    tenant delete --id 5
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    tenant delete --id 5 --yes
      1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it
    ");
}

#[test]
fn generate_is_deterministic_for_seed_and_until() {
    let (binary, other) = (binary_with_tenant(), binary_with_tenant());
    let generate = |binary: &Binary, seed: &str| {
        binary.run(&["generate", "--tenant", "3193", "--messages", "700", "--seed", seed, "--until", "2026-03-01"])
    };
    assert_snapshot!(generate(&binary, "5"), @"700 messages generated, 700 of them new.");
    assert_snapshot!(generate(&binary, "5"), @"700 messages generated, 0 of them new.");
    generate(&other, "5");
    assert!(binary.run(&["export", "--tenant", "3193"]) == other.run(&["export", "--tenant", "3193"]));
    generate(&other, "6");
    let all = other.run(&["export", "--tenant", "3193"]);
    assert_eq!(all.lines().count(), 1400);
    for line in all.lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        let traffic_type = item["trafficType"].as_str();
        assert_eq!(item["direction"] == "OUT", traffic_type.is_some(), "{line}");
        let chat = matches!(traffic_type, Some("HSM" | "CHAT"));
        assert!(!chat || item["channelType"] == "WHATSAPP", "HSM and CHAT on WHATSAPP only: {line}");
        assert!(item["sentOrReceivedAt"].as_str().unwrap() <= "2026-03-01T00:00:00.000+0000", "{line}");
    }
}

#[test]
fn deleting_a_tenant_removes_all_of_its_data_and_no_other() {
    let binary = binary_with_tenant();
    binary.run(&["tenant", "create", "--id", "7", "--name", "Other"]);
    for tenant in ["3193", "7"] {
        binary.run(&["generate", "--tenant", tenant, "--messages", "50", "--until", "2026-03-01"]);
        binary.run(&["key", "issue", "--tenant", tenant]);
    }
    let other = binary.run(&["export", "--tenant", "7"]);
    assert_snapshot!(binary.run_failing(&["tenant", "delete", "--id", "3193"]), @"1 history-gateway: nothing was deleted; add --yes to delete tenant 3193 and all of its data");
    assert_eq!(binary.run(&["export", "--tenant", "3193"]).lines().count(), 50);
    binary.run(&["tenant", "delete", "--id", "3193", "--yes"]);
    assert!(binary.run_failing(&["export", "--tenant", "3193"]).contains("there is no tenant 3193"));
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Again"]);
    assert_eq!(binary.run(&["export", "--tenant", "3193"]), "");
    assert_eq!(binary.run(&["key", "list", "--tenant", "3193", "--json"]).trim(), "[]");
    assert_eq!(binary.run(&["subject", "list", "--tenant", "3193"]).lines().count(), 1);
    assert_eq!(binary.run(&["export", "--tenant", "7"]), other);
    assert!(binary.run(&["key", "list", "--tenant", "7", "--json"]).contains("\"id\""));
}

#[test]
fn deleted_tenant_leaves_no_data_in_the_file() {
    let binary = Binary::with_sqlite();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    binary.run(&["tenant", "create", "--id", "7", "--name", "Other"]);
    let item = |id| {
        message(
            id,
            json!({"address": "79990001122", "content": "a text that must go", "sentOrReceivedAt": "2026-01-01"}),
        )
    };
    binary.write("items.ndjson", to_ndjson((1..=300).map(item)));
    binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    let is_stored = |text: &str| {
        let files = ["history.db", "history.db-wal"].map(|name| std::fs::read(binary.path(name)).unwrap_or_default());
        files.iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    assert!(is_stored("79990001122") && is_stored("a text that must go"));
    binary.run(&["tenant", "delete", "--id", "3193", "--yes"]);
    assert!(!is_stored("79990001122") && !is_stored("a text that must go"));
    assert!(binary.run(&["tenant", "list"]).contains("Other"));
}

#[test]
fn sandbox_refuses_a_database_argument() {
    assert_snapshot!(Binary::new().run_failing(&["sandbox", "--port", "0", "--database", "sqlite://x.db"]), @"1 history-gateway: the sandbox has a store of its own; leave --database out, or use 'serve'");
}

#[test]
fn sandbox_prints_a_working_request_and_serves_the_sample() {
    let binary = Binary::new();
    let server = binary.start_server(&["sandbox", "--port", "0"], &[]);
    let body = server.startup_output.lines().find(|line| line.trim_start().starts_with("-d '")).unwrap();
    let body = body.trim().trim_start_matches("-d '").trim_end_matches('\'');
    let key = "00000000-0000-4000-8000-000000003193";
    let response = server.history(key, body);
    assert!(response.starts_with(r#"200 {"content":[{"messageId":"#), "{response}");
    let sample = r#"{"dateFrom":"2024-07-01T00:00:00Z","dateTo":"2024-07-24T00:00:00Z"}"#;
    assert_eq!(server.history(key, sample), format!("200 {}", SAMPLE.trim_end()));
    assert!(server.history("00000000-0000-4000-8000-000000000401", "{}").starts_with("401 "));
    assert!(server.history("00000000-0000-4000-8000-000000000403", "{}").starts_with("403 "));
    assert!(server.history("00000000-0000-4000-8000-000000000501", "{}").starts_with("200 "));
    assert!(server.history("00000000-0000-4000-8000-000000000501", r#"{"subjectId":50192}"#).starts_with("403 "));
    assert_eq!(std::fs::read_dir(binary.directory.path()).unwrap().count(), 1, "its log, and nothing else");
}

#[test]
fn sandbox_seeds_replace_demo_data_and_now_stops_the_clock() {
    let binary = Binary::new();
    binary.write("one.ndjson", to_ndjson([message(1, json!({}))]));
    binary.write("two.ndjson", to_ndjson([message(2, json!({"sentOrReceivedAt": "2026-01-01T00:00:00Z"}))]));
    let arguments =
        ["sandbox", "--port", "0", "--seed", "one.ndjson", "--seed", "two.ndjson", "--now", "2026-03-01T12:00:00Z"];
    let server = binary.start_server(&arguments, &[]);
    let response = server.history("00000000-0000-4000-8000-000000003193", "{}");
    assert!(response.contains(r#""messageId":1,"#) && !response.contains(r#""messageId":2,"#), "{response}");
    let response = server.history("00000000-0000-4000-8000-000000003193", r#"{"dateFrom":"2026-01-01"}"#);
    assert!(response.contains(r#""messageId":2,"#), "{response}");
    binary.write("bad.ndjson", "{}");
    assert_snapshot!(binary.run_failing(&["sandbox", "--port", "0", "--seed", "bad.ndjson"]), @"
    1 bad.ndjson:1: rejected: the field 'messageId' is missing
    history-gateway: entries of the fixtures were rejected: 1; correct them and start again
    ");
}

#[test]
fn the_openapi_command_prints_the_document() {
    assert_eq!(Binary::new().run(&["openapi"]), history_gateway::http::openapi::document());
}
