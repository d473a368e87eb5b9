//! The settings: which source wins, and what is refused.

use insta::assert_snapshot;

use crate::support::Binary;

/// What `serve` says of settings it refuses.
fn refused(file: Option<&str>, environment: &[(&str, &str)], flags: &[&str]) -> String {
    let binary = Binary::with_file();
    let mut arguments = vec!["serve"];
    if let Some(file) = file {
        binary.write("settings.toml", file);
        arguments.extend(["--config", "settings.toml"]);
    }
    arguments.extend(flags);
    let output = binary.command(&arguments).envs(environment.iter().copied()).output().unwrap();
    assert!(!output.status.success());
    assert!(!binary.path("history.db").exists(), "nothing is made where the settings are wrong");
    format!("{} {}", output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap().trim())
}

#[test]
fn the_file_wins_over_the_default_the_environment_over_the_file_and_a_flag_over_all() {
    let binary = Binary::with_file();
    binary.write("settings.toml", "[database]\nurl = \"sqlite://of-file.db\"\n[server]\nbind = \"127.0.0.1:0\"\n");
    let list = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = binary.command(arguments).envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let environment = [("HISTORY_GATEWAY__DATABASE__URL", "sqlite://of-environment.db")];
    list(&["tenant", "list"], &[]);
    assert!(binary.path("history.db").exists());
    list(&["tenant", "list", "--config", "settings.toml"], &[]);
    assert!(binary.path("of-file.db").exists());
    list(&["tenant", "list", "--config", "settings.toml"], &environment);
    assert!(binary.path("of-environment.db").exists());
    list(&["tenant", "list", "--config", "settings.toml", "--database", "sqlite://of-flag.db"], &environment);
    assert!(binary.path("of-flag.db").exists());
}

#[test]
fn an_unknown_setting_is_refused_with_its_name() {
    assert_snapshot!(refused(Some("[server]\nbnd = \"127.0.0.1:0\"\n"), &[], &[]), @"1 history-gateway: the settings cannot be read: unknown field `bnd`, expected one of `bind`, `workers`, `body_limit_bytes`, `header_timeout_seconds`, `body_timeout_seconds`, `write_timeout_seconds`, `bytes_in_flight`, `keep_alive_seconds`, `shutdown_timeout_seconds`, `max_connections`, `cors_origins` for key `server`");
    assert_snapshot!(refused(None, &[("HISTORY_GATEWAY__SERVER__BINDING", "127.0.0.1:0")], &[]), @"1 history-gateway: the settings cannot be read: unknown field `binding`, expected one of `bind`, `workers`, `body_limit_bytes`, `header_timeout_seconds`, `body_timeout_seconds`, `write_timeout_seconds`, `bytes_in_flight`, `keep_alive_seconds`, `shutdown_timeout_seconds`, `max_connections`, `cors_origins` for key `server`");
    assert_snapshot!(refused(None, &[("HISTORY_GATEWAY__SERVERS__BIND", "127.0.0.1:0")], &[]), @"1 history-gateway: the settings cannot be read: unknown field `servers`, expected one of `server`, `database`, `edna`, `webhooks`, `ingest`, `oneuptime`, `pull`, `log`");
}

#[test]
fn a_wrong_value_is_refused_with_its_name() {
    assert_snapshot!(refused(Some("[server]\nbind = \"everywhere\"\n"), &[], &[]), @"1 history-gateway: the settings cannot be read: invalid socket address syntax for key `server.bind`");
    assert_snapshot!(refused(None, &[("HISTORY_GATEWAY__EDNA__RECIPIENT", "people")], &[]), @"1 history-gateway: the settings cannot be read: it must be one of: subscriber, address for key `edna.recipient`");
    assert_snapshot!(refused(Some("not toml"), &[], &[]), @"
    1 history-gateway: the settings cannot be read: TOML parse error at line 1, column 5
      |
    1 | not toml
      |     ^
    key with no value, expected `=`
     in settings.toml
    ");
}

#[test]
fn all_wrong_values_are_named_at_once() {
    let environment = [
        ("HISTORY_GATEWAY__SERVER__BODY_LIMIT_BYTES", "1"),
        ("HISTORY_GATEWAY__DATABASE__READERS", "300"),
        ("HISTORY_GATEWAY__DATABASE__URL", "mysql://user:secret@host/db"),
    ];
    let said = refused(None, &environment, &[]);
    assert!(!said.contains("secret"), "{said}");
    assert_snapshot!(said, @"1 history-gateway: the settings are wrong: database.readers: must be at most 256; database.url: 'mysql:…' is no database address: its scheme is not known; use sqlite://FILE or postgres://USER@HOST/DATABASE; server.body_limit_bytes: must be between 1024 and 1073741824");
}

#[test]
fn a_settings_file_that_is_not_there_is_named() {
    assert_snapshot!(refused(None, &[], &["--config", "missing.toml"]), @r#"1 history-gateway: the settings cannot be read: configuration file "missing.toml" not found"#);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = Binary::with_file().fails(&["serve", "--bind", &address]);
    assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("server.bind"), "{said}");
}

#[test]
fn the_default_file_documents_every_setting() {
    let defaults = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/default.toml")).unwrap();
    let mut commented = false;
    for line in defaults.lines() {
        assert!(!line.contains(" = ") || commented || line.starts_with('#'), "{line} has no comment of its own");
        // Two settings may share one comment.
        commented = line.starts_with('#') || (commented && line.contains("_seconds = "));
    }
}
