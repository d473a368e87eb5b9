//! Servers, roles and databases that cannot be used: a clear error for each, and nothing is changed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use insta::assert_snapshot;

use super::cluster_or_skip;
use crate::support::cluster::{Cluster, OWNER, PASSWORD};
use crate::support::{Binary, Database};

/// The exit code and error of a command on a database, without the port and the number of the database.
fn error_of(cluster: &Cluster, url: &str) -> String {
    let error = Binary::with_sqlite().run_failing(&["tenant", "list", "--database", url]);
    let error = error.replace(&cluster.port.to_string(), "PORT");
    let number = |word: &str| {
        word.split_once("test_").map(|(before, after)| {
            format!("{before}test_N{}", after.trim_start_matches(|char: char| char.is_ascii_digit()))
        })
    };
    error.split(' ').map(|word| number(word).unwrap_or_else(|| word.to_owned())).collect::<Vec<_>>().join(" ")
}

#[test]
fn unreachable_server_is_reported_and_no_file_is_created() {
    let binary = Binary::with_sqlite();
    // Nobody listens on the discard port.
    for command in [&["tenant", "list"][..], &["migrate"]] {
        let url = ["--database", "postgres://somebody:secret@127.0.0.1:9/history?application_name=x"];
        insta::allow_duplicates! { assert_snapshot!(binary.run_failing(&[command, &url].concat()), @r#"1 history-gateway: the database 'postgres://…@127.0.0.1:9/history' cannot be reached: connection to server at "127.0.0.1", port 9 failed: Connection refused; check database.url, and that the server runs and accepts this role"#); }
    }
    assert_eq!(std::fs::read_dir(binary.directory.path()).unwrap().count(), 0);
}

#[test]
fn wrong_password_role_or_database_is_reported() {
    let cluster = cluster_or_skip!();
    assert_snapshot!(error_of(cluster, &cluster.tcp_url(OWNER, "wrong", "postgres")), @r#"1 history-gateway: the database 'postgres://…@127.0.0.1:PORT/postgres' cannot be reached: connection to server at "127.0.0.1", port PORT failed: FATAL: password authentication failed for user "gateway"; check database.url, and that the server runs and accepts this role"#);
    assert_snapshot!(error_of(cluster, &cluster.tcp_url("nobody", PASSWORD, "postgres")), @r#"1 history-gateway: the database 'postgres://…@127.0.0.1:PORT/postgres' cannot be reached: connection to server at "127.0.0.1", port PORT failed: FATAL: password authentication failed for user "nobody"; check database.url, and that the server runs and accepts this role"#);
    assert_snapshot!(error_of(cluster, &cluster.tcp_url(OWNER, PASSWORD, "missing")), @r#"1 history-gateway: the database 'postgres://…@127.0.0.1:PORT/missing' cannot be reached: connection to server at "127.0.0.1", port PORT failed: FATAL: database "missing" does not exist; check database.url, and that the server runs and accepts this role"#);
    assert_snapshot!(error_of(cluster, "postgres:history"), @"1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: its scheme is not followed by //; use sqlite://FILE or postgres://USER@HOST/DATABASE");
}

#[test]
fn errors_never_show_the_password_of_the_url() {
    let mut errors = String::new();
    for url in [
        "postgres://gw:S3?cret@127.0.0.1:9/db",
        "postgres://gw:S3/cret@127.0.0.1:9/db",
        "postgres://gw:S3@cret@127.0.0.1:9/db",
        "postgres://gw:S3#cret@127.0.0.1:9/db",
        "postgres://gw:S3%cret@127.0.0.1:9/db",
        "postgres:gw:S3cret@127.0.0.1/db",
        "host=127.0.0.1 password=S3cret",
        "postgres://gw:S3cret@[::1:9/db",
        "postgres://gw:S3 cret@127.0.0.1:9/db",
        "postgres://gw:S3cret%00x@127.0.0.1:9/db",
        "postgres://127.0.0.1:9/db?user=gw&password=x&S3cret",
        "S3cret@host",
        "postgres://gw@127.0.0.1:9/db?password=S3cret&connect_timeout=2",
        "postgres://gw:S3%40cret@127.0.0.1:9/db?",
    ] {
        errors += &Binary::with_sqlite().run_failing(&["tenant", "list", "--database", url]);
        errors += "\n";
    }
    let binary = Binary::with_sqlite();
    binary.write("odd.toml", "[database]\nurl = \"postgres://gw:S3cret@127.0.0.1:9/db\n");
    errors += &binary.run_failing(&["tenant", "list", "--config", "odd.toml"]);
    binary.write("odd.toml", "database = \"postgres://gw:S3cret@127.0.0.1:9/db\"\n");
    errors += &binary.run_failing(&["tenant", "list", "--config", "odd.toml"]);
    assert!(!errors.contains("S3") && !errors.contains("cret"), "{errors}");
    assert_snapshot!(errors, @r#"
    1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: a special character in its user, password or settings is not percent-encoded (%40 for @); use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: a special character in its user, password or settings is not percent-encoded (%40 for @); use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: a special character in its user, password or settings is not percent-encoded (%40 for @); use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: a special character in its user, password or settings is not percent-encoded (%40 for @); use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: a special character in its user, password or settings is not percent-encoded (%40 for @); use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the settings are wrong: database.url: 'postgres:…' is no database address: its scheme is not followed by //; use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the settings are wrong: database.url: '…' is no database address: it has no scheme; use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the database 'postgres://…@[::1:9/db' cannot be reached: its address cannot be read; look at its settings, its port and its percent-encoding; check database.url, and that the server runs and accepts this role
    1 history-gateway: the database 'postgres://…@127.0.0.1:9/db' cannot be reached: its address cannot be read; look at its settings, its port and its percent-encoding; check database.url, and that the server runs and accepts this role
    1 history-gateway: the database 'postgres://…@127.0.0.1:9/db' cannot be reached: its address cannot be read; look at its settings, its port and its percent-encoding; check database.url, and that the server runs and accepts this role
    1 history-gateway: the database 'postgres://127.0.0.1:9/db' cannot be reached: its address cannot be read; look at its settings, its port and its percent-encoding; check database.url, and that the server runs and accepts this role
    1 history-gateway: the settings are wrong: database.url: '…' is no database address: it has no scheme; use sqlite://FILE or postgres://USER@HOST/DATABASE
    1 history-gateway: the database 'postgres://…@127.0.0.1:9/db' cannot be reached: connection to server at "127.0.0.1", port 9 failed: Connection refused; check database.url, and that the server runs and accepts this role
    1 history-gateway: the database 'postgres://…@127.0.0.1:9/db' cannot be reached: connection to server at "127.0.0.1", port 9 failed: Connection refused; check database.url, and that the server runs and accepts this role
    1 history-gateway: the settings cannot be read: odd.toml:2: url: invalid basic string, expected `"`1 history-gateway: the settings are wrong: database (odd.toml:1): must be a table, but its type is string
    "#);
}

#[test]
fn database_without_utf8_encoding_is_refused() {
    let cluster = cluster_or_skip!();
    cluster.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    assert_snapshot!(error_of(cluster, &cluster.tcp_url(OWNER, PASSWORD, "latin")), @"1 history-gateway: the database 'postgres://…@127.0.0.1:PORT/latin' has the encoding LATIN1; make one with ENCODING 'UTF8' TEMPLATE template0");
    cluster.run("DROP DATABASE latin");
}

#[test]
fn role_that_cannot_create_tables_is_reported() {
    let cluster = cluster_or_skip!();
    let binary = Binary::with(Database::on(cluster, "template1"));
    let database = binary.database_name();
    cluster.psql(&database, "CREATE ROLE poor LOGIN PASSWORD 'x'").unwrap();
    let url = cluster.tcp_url("poor", "x", &database);
    assert_snapshot!(error_of(cluster, &url), @r#"1 history-gateway: the role 'poor' may not create tables in the schema 'public' in 'postgres://…@127.0.0.1:PORT/test_N'; give it the right: GRANT CREATE ON SCHEMA "public" TO "poor""#);
    cluster.psql(&database, "DROP SCHEMA public").unwrap();
    assert_snapshot!(error_of(cluster, &url), @r#"1 history-gateway: the role 'poor' may not use any schema in 'postgres://…@127.0.0.1:PORT/test_N'; make one: CREATE SCHEMA AUTHORIZATION "poor""#);
    cluster.psql(&database, "CREATE SCHEMA AUTHORIZATION poor").unwrap();
    assert_eq!(binary.run(&["tenant", "list", "--database", &url]).lines().count(), 1);
    cluster.psql(&database, "DROP OWNED BY poor CASCADE; DROP ROLE poor").unwrap();
}

#[test]
fn role_that_does_not_own_the_store_is_reported() {
    let cluster = cluster_or_skip!();
    let binary = Binary::with(Database::on(cluster, "template1"));
    let database = binary.database_name();
    binary.run(&["migrate"]);
    cluster.psql(&database, "CREATE ROLE guest LOGIN PASSWORD 'x'; GRANT CREATE ON SCHEMA public TO guest").unwrap();
    assert_snapshot!(error_of(cluster, &cluster.tcp_url("guest", "x", &database)), @"1 history-gateway: the role 'guest' may not change the store's tables in 'postgres://…@127.0.0.1:PORT/test_N'; connect as the role that owns them");
    cluster.psql(&database, "DROP OWNED BY guest CASCADE; DROP ROLE guest").unwrap();
}

#[test]
fn newer_schema_and_foreign_tables_are_left_untouched() {
    let cluster = cluster_or_skip!();
    let binary = Binary::with(Database::on(cluster, "template1"));
    let (database, url) = (binary.database_name(), binary.url());
    binary.run(&["migrate"]);
    cluster.psql(&database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')").unwrap();
    let without_host = |error: String| {
        error
            .split("@%2F")
            .map(|part| part.rsplit_once(":PORT").map_or(part, |(_, after)| after).to_owned())
            .collect::<Vec<_>>()
            .join("@…")
    };
    assert_snapshot!(without_host(error_of(cluster, &url)), @"1 history-gateway: the store 'postgres://…@…/test_N' was written by a newer version (its schema has '20991231000000'); it was left as it is; use that version or a newer one");
    let other = Binary::with(Database::on(cluster, "template1"));
    cluster.psql(&other.database_name(), "CREATE TABLE recipes (id INT)").unwrap();
    assert_snapshot!(without_host(error_of(cluster, &other.url())), @"1 history-gateway: 'postgres://…@…/test_N' is not a history-gateway store; it was left as it is; name another one in database.url");
    // Another program that keeps its migrations in a table of the same name.
    let ledger =
        "CREATE TABLE __diesel_schema_migrations (version TEXT); INSERT INTO __diesel_schema_migrations VALUES ('1')";
    cluster.psql(&other.database_name(), ledger).unwrap();
    assert_snapshot!(without_host(error_of(cluster, &other.url())), @"1 history-gateway: 'postgres://…@…/test_N' is not a history-gateway store; it was left as it is; name another one in database.url");
    assert_eq!(
        cluster.psql(&other.database_name(), "SELECT count(*) FROM pg_class WHERE relname = 'tenants'").unwrap(),
        "0"
    );
}

/// A proxy between a client and the cluster that makes the server look like an older version.
fn older_server(cluster: &'static Cluster) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let real = cluster.psql("postgres", "SELECT current_setting('server_version_num')").unwrap();
    let older = format!("13{}", &real[2..]);
    std::thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(("127.0.0.1", cluster.port)).unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let (mut from_server, mut to_client) = (server, client);
        let mut bytes = vec![0; 65536];
        while let Ok(count @ 1..) = from_server.read(&mut bytes) {
            // The version number is sent as four bytes.
            let (number, wrong): ([u8; 4], [u8; 4]) =
                (real.parse::<i32>().unwrap().to_be_bytes(), older.parse::<i32>().unwrap().to_be_bytes());
            let position = bytes[..count].windows(4).position(|window| window == number);
            if let Some(position) = position {
                bytes[position..position + 4].copy_from_slice(&wrong);
            }
            if to_client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
    });
    port
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    let cluster = cluster_or_skip!();
    let port = older_server(cluster);
    let url = cluster.tcp_url(OWNER, PASSWORD, "postgres").replace(&cluster.port.to_string(), &port.to_string());
    let error = error_of(cluster, &(url + "?sslmode=disable&gssencmode=disable")).replace(&port.to_string(), "PORT");
    let version = cluster.psql("postgres", "SHOW server_version").unwrap();
    assert_snapshot!(error.replace(&version, "VERSION"), @"1 history-gateway: the server of 'postgres://…@127.0.0.1:PORT/postgres' is PostgreSQL VERSION; history-gateway needs PostgreSQL 14 or newer");
    assert_eq!(cluster.psql("postgres", "SELECT count(*) FROM pg_class WHERE relname = 'tenants'").unwrap(), "0");
}
