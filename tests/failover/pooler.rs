//! Fail-over and replicas with pgbouncer before each server.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::gateway::{Gateway, tenant};
use crate::node::{Node, url_of, wait_until};
use crate::support::cluster::OWNER;
use crate::support::report_skipped;

/// A pooler in transaction mode before one server.
struct Pooler {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Pooler {
    fn before(node: &Node) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
        let Some(program) = program.iter().map(Path::new).find(|program| program.exists()) else {
            report_skipped("pgbouncer is not installed (Debian: apt-get install pgbouncer)");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("history-gateway-pooler-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (file, users) = (directory.path().join("pgbouncer.ini"), directory.path().join("users"));
        std::fs::write(&users, format!("\"{OWNER}\" \"\"\n")).unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\nserver_login_retry = 1\n",
            node.port(),
            users.display()
        );
        std::fs::write(&file, settings).unwrap();
        for path in [directory.path(), &file, &users] {
            if let Some((uid, gid)) = node.user() {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
        }
        let child = node.command(program).arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("pgbouncer starts", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { child, port, _directory: directory })
    }

    fn url(&self) -> String {
        url_of(&[self.host()])
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn fail_over_and_replicas_work_behind_poolers() {
    let Some(mut old) = Node::primary(&[]) else { return };
    let tenant = tenant(&old);
    let nodes = [0, 1].map(|_| Node::standby_of(old.port(), &[]));
    let [new, replica] = &nodes;
    let (Some(before_old), Some(before_new)) = (Pooler::before(&old), Pooler::before(new)) else { return };
    let Some(before_replica) = Pooler::before(replica) else { return };
    let url = url_of(&[before_old.host(), before_new.host()]);
    let gateway = Gateway::start_at(tenant, &url, &before_replica.url(), &[]);
    assert_eq!(gateway.record(1..=5).status, 200);
    for node in &nodes {
        node.wait_for(&old);
    }
    gateway.wait_for_replicas(1);
    assert_eq!((gateway.messages(&[]), gateway.reads("replica")), (5, 1));
    old.kill();
    new.promote();
    wait_until("the new primary is written to", || gateway.record([6]).status == 200);
    let position = gateway.record([7]).header("history-position").unwrap().to_owned();
    assert_eq!(gateway.messages(&[("history-position", &position)]), 7);
    // The old primary is behind its pooler again.
    old.start();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(gateway.record([8]).status, 200);
    assert_eq!(old.psql("SELECT count(*) FROM messages"), "5");
}
