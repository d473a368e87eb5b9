//! TLS: the connection is encrypted and the server's certificate is verified, as `sslmode` says.

use std::process::Command;

use super::cluster_or_skip;
use crate::support::cluster::{Cluster, OWNER, PASSWORD};
use crate::support::{Binary, Database, report_skipped};

/// Creates a certificate authority and a server certificate for "localhost" that it signed; returns whether that
/// worked.
fn certificates(folder: &std::path::Path) -> bool {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(folder).output().is_ok_and(|output| output.status.success())
    };
    let are_created =
        openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt")
            && openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr")
            && openssl("x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt")
            && openssl(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout stranger.key -out stranger.crt",
            );
    if !are_created {
        report_skipped("openssl cannot make certificates (Debian: apt-get install openssl)");
    }
    are_created
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
        cluster.chown_to_server(&folder.path().join(name), 0o600);
    }
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let tls_cluster: &'static Cluster = Box::leak(Box::new(Cluster::start(
        cluster.binaries.clone(),
        "C",
        &[],
        &["ssl=on", &format!("ssl_cert_file={}", file("server.crt")), &format!("ssl_key_file={}", file("server.key"))],
    )));
    // Over TCP, only encrypted connections are accepted.
    let rules = tls_cluster.directory.join("data/pg_hba.conf");
    std::fs::write(&rules, "local all all trust\nhostssl all all all scram-sha-256\n").unwrap();
    tls_cluster.run("SELECT pg_reload_conf()");
    let database = Binary::with(Database::on(tls_cluster, "template1"));
    let name = database.database_name();
    let port = tls_cluster.port;
    let url = |host: &str, settings: &str| format!("postgres://{OWNER}:{PASSWORD}@{host}:{port}/{name}?{settings}");
    let list = |host: &str, settings: &str| {
        let output = database.output(&["tenant", "list", "--database", &url(host, settings)]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let works = |host: &str, settings: &str| {
        let (works, error) = list(host, settings);
        assert!(works, "{host} {settings}: {error}");
    };
    let fails = |host: &str, settings: &str, reason: &str| {
        let (works, error) = list(host, settings);
        assert!(!works && error.contains(reason) && error.lines().count() == 1, "{host} {settings}: {error}");
        assert!(!error.contains(PASSWORD), "{error}");
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
    // Connections of the pool are encrypted too.
    let store = history_gateway::store::DatabaseUrl::parse(&url("localhost", "sslmode=require")).unwrap();
    let mut connection = store.connect(std::time::Duration::from_secs(5)).unwrap();
    let check = "DO $$ BEGIN ASSERT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()); END $$";
    diesel::connection::SimpleConnection::batch_execute(&mut connection, check).unwrap();
}
