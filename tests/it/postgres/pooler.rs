//! Behind pgbouncer in transaction mode, where every transaction may run on another server process.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{app_on, cluster_or_skip};
use crate::support::cluster::{Cluster, OWNER};
use crate::support::{Binary, Database, TestApp, message, report_skipped};
use history_gateway::store::{DatabaseUrl, Options, Store};

struct Pooler {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Pooler {
    /// `None` if pgbouncer is not installed.
    fn start(cluster: &Cluster, settings: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
        let Some(program) = program.iter().map(Path::new).find(|program| program.exists()) else {
            report_skipped("pgbouncer is not installed (Debian: apt-get install pgbouncer)");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("history-gateway-pooler-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (socket, server_port) = (cluster.directory.display(), cluster.port);
        let file = directory.path().join("pgbouncer.ini");
        let users = directory.path().join("users");
        std::fs::write(&users, format!("\"{OWNER}\" \"\"\n")).unwrap();
        std::fs::write(
            &file,
            format!(
                "[databases]\n* = host={socket} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n\
                 {settings}\n",
                users.display()
            ),
        )
        .unwrap();
        for path in [directory.path(), &file, &users] {
            if let Some((uid, gid)) = cluster.user {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
        }
        let mut command = cluster.command(program);
        let child = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { child, port, _directory: directory };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "pgbouncer did not start");
        }
        Some(pooler)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn check_behind_pooler(cluster: &'static Cluster, settings: &str) {
    let app = std::rc::Rc::new(app_on(cluster).await);
    let Some(pooler) = Pooler::start(cluster, settings) else { return };
    let url = DatabaseUrl::parse(&pooler.url(app.database_name())).unwrap();
    // Several gateways, with more connections than the pooler has server processes.
    let gateways = (0..3).map(|gateway: i64| {
        let store = Store::open(&url, Options::default()).unwrap();
        actix_web::rt::spawn(async move {
            for batch in 0..10 {
                let first = (3 * batch + gateway) * 10;
                let item = |id| {
                    message(id, json!({"subscriberId": id % 7, "sentOrReceivedAt": format!("2026-0{}-01", id % 3 + 1)}))
                };
                let items = (first + 1..=first + 10).map(item);
                let items = items.map(|item| {
                    history_gateway::model::Item::parse(&item.to_string(), crate::support::TENANT).unwrap()
                });
                history_gateway::ingest::record(&store, crate::support::TENANT, items.collect()).await.unwrap();
                for body in [
                    json!({"limit": 1000}),
                    json!({"subscriberFilter": {"address": "3", "type": "EDNA_ID"}}),
                    json!({"sort": {"property": "comment"}}),
                ] {
                    let query = crate::plans::query(&body);
                    store
                        .read_primary(move |connection| {
                            history_gateway::store::messages::history::page(
                                connection,
                                &query,
                                &history_gateway::store::Budget::default(),
                            )
                        })
                        .await
                        .unwrap();
                }
            }
        })
    });
    for gateway in gateways.collect::<Vec<_>>() {
        gateway.await.unwrap();
    }
    let behind = TestApp::with_store(Store::open(&url, Options::default()).unwrap(), &app);
    for body in
        [json!({"limit": 1000, "dateFrom": "2026-01-01"}), json!({"limit": 7, "offset": 5, "dateFrom": "2026-01-01"})]
    {
        let response = app.history(&body).await;
        assert!(response.contains("messageId"), "{response}");
        assert_eq!(behind.history(&body).await, response);
    }
    // The server processes have no state left for their next client.
    let left = "SELECT (SELECT count(*) FROM pg_prepared_statements) || ' ' || string_agg(name, ' ' ORDER BY name) \
                FROM pg_settings WHERE source = 'session'";
    let mut psql = std::process::Command::new(cluster.binaries.join("psql"));
    let output = psql.args(["-XAtq", "-d", &pooler.url(app.database_name()), "-c", left]).output().unwrap();
    let left = String::from_utf8_lossy(&output.stdout).into_owned();
    let known = ["0", "application_name", "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings"];
    assert!(!left.is_empty() && left.split_whitespace().all(|word| known.contains(&word)), "{left}");
}

#[actix_web::test]
async fn gateway_works_with_two_pooled_server_connections() {
    check_behind_pooler(cluster_or_skip!(), "default_pool_size = 2").await;
}

#[actix_web::test]
async fn gateway_works_with_one_pooled_server_connection() {
    check_behind_pooler(cluster_or_skip!(), "default_pool_size = 1").await;
}

#[actix_web::test]
async fn gateway_works_with_round_robin_server_connections() {
    check_behind_pooler(cluster_or_skip!(), "default_pool_size = 5\nmin_pool_size = 5\nserver_round_robin = 1").await;
}

#[actix_web::test]
async fn gateway_works_with_two_round_robin_server_connections() {
    check_behind_pooler(cluster_or_skip!(), "default_pool_size = 2\nmin_pool_size = 2\nserver_round_robin = 1").await;
}

#[test]
fn pooler_with_a_single_connection_is_reported() {
    let cluster = cluster_or_skip!();
    let Some(pooler) = Pooler::start(cluster, "default_pool_size = 1\npool_mode = session") else { return };
    let database = Binary::with(Database::on(cluster, "template1"));
    let binary = Binary::with_sqlite();
    let url = pooler.url(&database.database_name());
    let error = binary.run_failing(&["tenant", "list", "--database", &url]);
    assert!(error.contains("it serves one connection at a time, and the gateway needs several"), "{error}");
}

#[test]
fn store_can_be_created_and_served_behind_a_pooler() {
    let cluster = cluster_or_skip!();
    let Some(pooler) = Pooler::start(cluster, "default_pool_size = 3") else { return };
    let database = Binary::with(Database::on(cluster, "template1"));
    let binary = Binary::with_sqlite();
    let url = pooler.url(&database.database_name());
    let at = ["--database", url.as_str()];
    binary.run(&[&["tenant", "create", "--id", "3193", "--name", "Shop"][..], &at].concat());
    let key = binary.run(&[&["key", "issue", "--tenant", "3193"][..], &at].concat()).trim().to_owned();
    let server = binary.start_server(&[&["serve", "--bind", "127.0.0.1:0"][..], &at].concat(), &[]);
    assert_eq!(server.history(&key, "{}"), r#"200 {"content":[],"hasNext":false}"#);
}
