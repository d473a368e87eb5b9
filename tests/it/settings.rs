//! The settings: which source takes precedence, and what is rejected.

use insta::assert_snapshot;

use crate::support::Binary;

/// The exit code and error of `serve` with invalid settings.
fn serve_error(file: Option<&str>, environment: &[(&str, &str)], flags: &[&str]) -> String {
    let binary = Binary::with_sqlite();
    let mut arguments = vec!["serve"];
    if let Some(file) = file {
        binary.write("settings.toml", file);
        arguments.extend(["--config", "settings.toml"]);
    }
    arguments.extend(flags);
    let output = binary.command(&arguments).envs(environment.iter().copied()).output().unwrap();
    assert!(!output.status.success());
    assert!(!binary.path("history.db").exists(), "no store is created with invalid settings");
    format!("{} {}", output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap().trim())
}

#[test]
fn precedence_is_flag_then_environment_then_file_then_default() {
    let binary = Binary::with_sqlite();
    binary.write("settings.toml", "[database]\nurl = \"sqlite://of-file.db\"\n[server]\nbind = \"127.0.0.1:0\"\n");
    let list = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = binary.command(arguments).envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let environment = [("HISTORY_GATEWAY__DATABASE__URL", "sqlite://of-environment.db")];
    list(&["migrate"], &[]);
    assert!(binary.path("history.db").exists());
    list(&["migrate", "--config", "settings.toml"], &[]);
    assert!(binary.path("of-file.db").exists());
    list(&["migrate", "--config", "settings.toml"], &environment);
    assert!(binary.path("of-environment.db").exists());
    list(&["migrate", "--config", "settings.toml", "--database", "sqlite://of-flag.db"], &environment);
    assert!(binary.path("of-flag.db").exists());
}

#[test]
fn an_unknown_setting_is_refused_with_its_name() {
    assert_snapshot!(serve_error(Some("[server]\nbnd = \"127.0.0.1:0\"\n"), &[], &[]), @"1 history-gateway: the settings are wrong: server.bnd (settings.toml:2): unknown setting, expected one of bind, body_limit_bytes, body_timeout_seconds, bytes_in_flight, cors_origins, header_timeout_seconds, keep_alive_seconds, max_connections, shutdown_timeout_seconds, trusted_proxies, workers, write_timeout_seconds");
    let renamed = "[database]\nreaders = 4\n\n[pull]\ntail_hours = 48\nevery_seconds = 60\n";
    assert_snapshot!(serve_error(Some(renamed), &[], &[]), @"1 history-gateway: the settings are wrong: database.readers (settings.toml:2): this setting is now called database.read_connections; pull.every_seconds (settings.toml:6): this setting is now called pull.poll_interval_seconds; pull.tail_hours (settings.toml:5): this setting is now called pull.overlap_hours");
    let variable = [("HISTORY_GATEWAY__DATABASE__READERS", "4")];
    assert_snapshot!(serve_error(None, &variable, &[]), @"1 history-gateway: the settings are wrong: database.readers (HISTORY_GATEWAY__DATABASE__READERS): this setting is now called database.read_connections");
    assert_snapshot!(serve_error(None, &[("HISTORY_GATEWAY__SERVER__BINDING", "127.0.0.1:0")], &[]), @"1 history-gateway: the settings are wrong: server.binding (HISTORY_GATEWAY__SERVER__BINDING): unknown setting, expected one of bind, body_limit_bytes, body_timeout_seconds, bytes_in_flight, cors_origins, header_timeout_seconds, keep_alive_seconds, max_connections, shutdown_timeout_seconds, trusted_proxies, workers, write_timeout_seconds");
    assert_snapshot!(serve_error(None, &[("HISTORY_GATEWAY__SERVERS__BIND", "127.0.0.1:0")], &[]), @"1 history-gateway: the settings are wrong: servers.bind (HISTORY_GATEWAY__SERVERS__BIND): unknown setting, expected one of audit, auth, changes, console, database, edna, ingest, log, oneuptime, pull, search, server, webhooks");
}

#[test]
fn a_wrong_value_is_refused_with_its_name() {
    assert_snapshot!(serve_error(Some("[server]\nbind = \"everywhere\"\n"), &[], &[]), @"1 history-gateway: the settings are wrong: server.bind (settings.toml:2): must be an address or a name with a port, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080");
    assert_snapshot!(serve_error(None, &[("HISTORY_GATEWAY__EDNA__RECIPIENT", "people")], &[]), @"1 history-gateway: the settings are wrong: edna.recipient (HISTORY_GATEWAY__EDNA__RECIPIENT): must be one of: subscriber, address");
    assert_snapshot!(serve_error(Some("not toml"), &[], &[]), @"1 history-gateway: the settings cannot be read: settings.toml:1: key with no value, expected `=`");
}

#[test]
fn all_invalid_values_are_reported_together() {
    let environment = [
        ("HISTORY_GATEWAY__SERVER__BODY_LIMIT_BYTES", "1"),
        ("HISTORY_GATEWAY__DATABASE__READ_CONNECTIONS", "300"),
        ("HISTORY_GATEWAY__DATABASE__URL", "mysql://user:secret@host/db"),
    ];
    let error = serve_error(None, &environment, &[]);
    assert!(!error.contains("secret"), "{error}");
    assert_snapshot!(error, @"1 history-gateway: the settings are wrong: database.read_connections (HISTORY_GATEWAY__DATABASE__READ_CONNECTIONS): must be at most 256; database.url (HISTORY_GATEWAY__DATABASE__URL): 'mysql:…' is no database address: its scheme is not known; use sqlite://FILE or postgres://USER@HOST/DATABASE; server.body_limit_bytes (HISTORY_GATEWAY__SERVER__BODY_LIMIT_BYTES): must be between 1024 and 1073741824");
}

#[test]
fn missing_settings_file_is_reported() {
    assert_snapshot!(serve_error(None, &[], &["--config", "missing.toml"]), @"1 history-gateway: the settings cannot be read: 'missing.toml': No such file or directory (os error 2)");
}

#[test]
fn address_in_use_is_reported_with_flag_and_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let binary = Binary::with_sqlite();
    let error_of = |arguments: &[&str]| binary.run_failing(arguments).replace(&port, "PORT");
    assert_snapshot!(error_of(&["serve", "--create", "--bind", &address.to_string()]), @"1 history-gateway: cannot listen on 127.0.0.1:PORT: Address already in use (os error 98); choose another address with --bind or the setting server.bind");
    assert_snapshot!(error_of(&["sandbox", "--port", &port]), @"1 history-gateway: cannot listen on 127.0.0.1:PORT: Address already in use (os error 98); choose another port with --port; 0 picks a free one");
}

#[test]
fn bind_host_name_is_resolved_at_start() {
    let binary = Binary::with_sqlite();
    let server = binary.start_server(&["serve", "--create", "--bind", "localhost:0"], &[]);
    assert!(server.history("x", "{}").starts_with("401 "));
    drop(server);
    let server = binary.start_server(&["serve"], &[("HISTORY_GATEWAY__SERVER__BIND", "localhost:0")]);
    assert!(server.history("x", "{}").starts_with("401 "));
    let error = binary.run_failing(&["serve", "--bind", "no-such-name.invalid:9000"]);
    assert!(error.starts_with("1 history-gateway: cannot listen on no-such-name.invalid:9000: "), "{error}");
    assert!(error.lines().count() == 1 && error.contains("--bind"), "{error}");
    for wrong in ["localhost", "9000", ":9000", "localhost:http", "localhost:70000", "::1:9000", "[x]:9000", "a/b:1"] {
        let error = binary.run_failing(&["serve", "--bind", wrong]);
        assert!(error.starts_with("2 error: invalid value") && error.contains("localhost:8080"), "{wrong}: {error}");
    }
}

#[test]
fn invalid_setting_is_reported_with_its_line() {
    let file = "[log]\nformat = \"text\"\n\n[database]\nread_connections = \"many\"\n";
    assert_snapshot!(serve_error(Some(file), &[], &[]), @"1 history-gateway: the settings are wrong: database.read_connections (settings.toml:5): must be an integer, but its type is string");
    assert_snapshot!(serve_error(Some("[database]\nread_connections = 300\n\n[server]\nbind = \"here\"\n"), &[], &[]), @"1 history-gateway: the settings are wrong: database.read_connections (settings.toml:2): must be at most 256; server.bind (settings.toml:5): must be an address or a name with a port, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080");
    assert_snapshot!(serve_error(Some("database = \"postgres://gw:S3cret@host/db\"\n"), &[], &[]), @"1 history-gateway: the settings are wrong: database (settings.toml:1): must be a table, but its type is string");
    assert_snapshot!(serve_error(Some("[database]\nurl = \"postgres://gw:S3cret@host/db\n"), &[], &[]), @r#"1 history-gateway: the settings cannot be read: settings.toml:2: url: invalid basic string, expected `"`"#);
    assert_snapshot!(serve_error(Some("[log]\nlevel = \"info\"\nlevel = \"warn\"\n"), &[], &[]), @"1 history-gateway: the settings cannot be read: settings.toml:3: level: duplicate key");
    assert_snapshot!(serve_error(Some("[log]\n\nlevels = 1\n[servers]\n"), &[], &[]), @"1 history-gateway: the settings are wrong: log.levels (settings.toml:3): unknown setting, expected one of format, level; servers (settings.toml:4): unknown setting, expected one of audit, auth, changes, console, database, edna, ingest, log, oneuptime, pull, search, server, webhooks");
    let upstreams =
        "[[pull.upstreams]]\ntenant = 1\nurl = \"https://host\"\nkey_file = \"x\"\n\n[[pull.upstreams]]\ntenant = 1\n";
    assert_snapshot!(serve_error(Some(&format!("{upstreams}url = \"ftp://host\"\nkey_file = \"x\"\n")), &[], &[]), @"1 history-gateway: the settings are wrong: pull.upstreams[1].url (settings.toml:8): must be an address such as https://upstream.example: it does not begin with https:// or http://");
    assert_snapshot!(serve_error(Some(&format!("{upstreams}url = \"https://host\"\n")), &[], &[]), @"1 history-gateway: the settings are wrong: pull.upstreams[1].key_file (settings.toml:6): is required");
    let unknown = format!("{upstreams}url = \"https://host\"\nkey_file = \"x\"\nkey = \"S3cret\"\n");
    assert_snapshot!(serve_error(Some(&unknown), &[], &[]), @"1 history-gateway: the settings are wrong: pull.upstreams[1] (settings.toml:6): unknown field `key`, expected one of `tenant`, `url`, `key_file`");
    assert_snapshot!(serve_error(None, &[("HISTORY_GATEWAY__LOG", "S3cret")], &[]), @"1 history-gateway: the settings are wrong: log (HISTORY_GATEWAY__LOG): must be a table, but its type is string");
    // The variable overrides the file, so the error names the variable.
    let variable = [("HISTORY_GATEWAY__DATABASE__READ_CONNECTIONS", "300")];
    assert_snapshot!(serve_error(Some("[database]\nread_connections = 1\n"), &variable, &[]), @"1 history-gateway: the settings are wrong: database.read_connections (HISTORY_GATEWAY__DATABASE__READ_CONNECTIONS): must be at most 256");
}

#[test]
fn every_setting_in_the_default_file_has_a_comment() {
    let defaults = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/default.toml")).unwrap();
    let mut commented = false;
    for line in defaults.lines() {
        assert!(!line.contains(" = ") || commented || line.starts_with('#'), "{line} has no comment of its own");
        // Two settings may share one comment.
        commented = line.starts_with('#') || (commented && line.contains("_seconds = "));
    }
}
