//! The way to the server is encrypted where it is asked to be, and the server known where that is asked too.

use std::process::Command;

use super::cluster_or_skip;
use crate::support::cluster::{Cluster, OWNER, PASSWORD};
use crate::support::{Binary, Database, passed_over};

/// A certificate authority, and a server's certificate for "localhost" that it signed.
fn certificates(folder: &std::path::Path) -> bool {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(folder).output().is_ok_and(|output| output.status.success())
    };
    let made = openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt")
        && openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr")
        && openssl("x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt")
        && openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout stranger.key -out stranger.crt",
        );
    if !made {
        passed_over("openssl cannot make certificates (Debian: apt-get install openssl)");
    }
    made
}

#[test]
fn the_connection_is_encrypted_and_the_server_is_checked() {
    let cluster = cluster_or_skip!();
    let folder = tempfile::Builder::new().prefix("history-gateway-tls-").tempdir_in("/tmp").unwrap();
    if !certificates(folder.path()) {
        return;
    }
    let file = |name: &str| folder.path().join(name).display().to_string();
    for name in ["server.key", "server.crt"] {
        cluster.give(&folder.path().join(name), 0o600);
    }
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let there: &'static Cluster = Box::leak(Box::new(Cluster::start(
        cluster.binaries.clone(),
        "C",
        &[],
        &["ssl=on", &format!("ssl_cert_file={}", file("server.crt")), &format!("ssl_key_file={}", file("server.key"))],
    )));
    // Nobody gets in unencrypted.
    let rules = there.directory.join("data/pg_hba.conf");
    std::fs::write(&rules, "local all all trust\nhostssl all all all scram-sha-256\n").unwrap();
    there.run("SELECT pg_reload_conf()");
    let database = Binary::with(Database::on(there, "template1"));
    let name = database.database_name();
    let port = there.port;
    let url = |host: &str, settings: &str| format!("postgres://{OWNER}:{PASSWORD}@{host}:{port}/{name}?{settings}");
    let list = |host: &str, settings: &str| {
        let output = database.output(&["tenant", "list", "--database", &url(host, settings)]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let works = |host: &str, settings: &str| {
        let (works, said) = list(host, settings);
        assert!(works, "{host} {settings}: {said}");
    };
    let fails = |host: &str, settings: &str, reason: &str| {
        let (works, said) = list(host, settings);
        assert!(!works && said.contains(reason) && said.lines().count() == 1, "{host} {settings}: {said}");
        assert!(!said.contains(PASSWORD), "{said}");
    };
    works("localhost", "sslmode=require");
    works("127.0.0.1", "sslmode=require");
    works("localhost", &format!("sslmode=verify-full&sslrootcert={}", file("ca.crt")));
    fails("localhost", "sslmode=disable", "no encryption");
    fails("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={}", file("ca.crt")), "127.0.0.1");
    fails(
        "localhost",
        &format!("sslmode=verify-full&sslrootcert={}", file("stranger.crt")),
        "certificate verify failed",
    );
    fails("localhost", &format!("sslmode=verify-full&sslrootcert={}", file("missing.crt")), "missing.crt");
    // A pool's connections are encrypted as well as the first one.
    let store = history_gateway::store::DatabaseUrl::parse(&url("localhost", "sslmode=require")).unwrap();
    let mut connection = store.connect(std::time::Duration::from_secs(5)).unwrap();
    let check = "DO $$ BEGIN ASSERT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()); END $$";
    diesel::connection::SimpleConnection::batch_execute(&mut connection, check).unwrap();
}
