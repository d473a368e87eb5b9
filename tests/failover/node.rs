//! A PostgreSQL server of a test, primary or standby, that can be killed, frozen, promoted and started again.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::cluster::{Cluster, OWNER, run_as};
use crate::support::postgres_cluster;

/// The database that all tests use.
pub const DATABASE: &str = "history";

pub struct Node {
    directory: PathBuf,
    port: u16,
    settings: Vec<String>,
    installed: &'static Cluster,
    /// Stops the server when its standard input is closed, which happens when the tests end, however they end.
    supervisor: Option<Child>,
}

/// For how long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Waits until something is true.
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    wait_within(PATIENCE, what, &mut is_true);
}

pub fn wait_within(within: Duration, what: &str, mut is_true: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_true() {
        assert!(started.elapsed() < within, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Node {
    /// A primary with an empty database; `None` if no server is installed.
    pub fn primary(settings: &[&str]) -> Option<Self> {
        let node = Self::new(postgres_cluster()?, settings);
        let mut initdb = node.program("initdb");
        initdb.args(["--no-sync", "--no-instructions", "--encoding=UTF8", "--auth=trust", "--locale=C"]);
        succeed(initdb.args(["--username", OWNER, "-D"]).arg(node.data()));
        let mut node = node;
        node.start();
        succeed(node.client("createdb").arg(DATABASE));
        Some(node)
    }

    /// A standby that follows a server at a port.
    pub fn standby_of(port: u16, settings: &[&str]) -> Self {
        let mut node = Self::new(postgres_cluster().unwrap(), settings);
        let mut backup = node.program("pg_basebackup");
        backup.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", OWNER, "-R", "-c", "fast", "--no-sync", "-D"]);
        succeed(backup.arg(node.data()));
        node.start();
        node
    }

    fn new(installed: &'static Cluster, settings: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("history-gateway-node-").tempdir_in(root()).unwrap().keep();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Some((uid, gid)) = installed.user {
            chown(&directory, Some(uid), Some(gid)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Self { directory, port, settings, installed, supervisor: None }
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address as part of a database's address.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn url(&self) -> String {
        url_of(&[self.host()])
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.installed.binaries.join(name));
        run_as(&mut command, self.installed.user);
        command
    }

    fn client(&self, name: &str) -> Command {
        let mut command = self.program(name);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", OWNER]);
        command
    }

    /// Starts it, and waits until it answers.
    pub fn start(&mut self) {
        let mut supervisor = Command::new("sh");
        supervisor.args(["-c", r#""$@" & s=$!; cat >/dev/null; kill -CONT 0; kill -INT $s; wait $s"#, "sh"]);
        supervisor
            .arg(self.installed.binaries.join("postgres"))
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.directory);
        let port = format!("port={}", self.port);
        let settings = [
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "max_connections=200",
            "shared_buffers=32MB",
            "max_wal_size=1GB",
            "wal_keep_size=256MB",
            "wal_retrieve_retry_interval=200ms",
        ];
        for setting in settings.into_iter().chain(self.settings.iter().map(String::as_str)) {
            supervisor.args(["-c", setting]);
        }
        let log = std::fs::File::create(self.directory.join("log")).unwrap();
        supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).process_group(0);
        self.supervisor = Some(run_as(&mut supervisor, self.installed.user).spawn().unwrap());
        wait_until("the server starts", || self.try_psql("postgres", "SELECT 1").is_ok());
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(&mut self) {
        self.signal("-KILL");
        drop(self.supervisor.as_mut().and_then(|supervisor| supervisor.stdin.take()));
        if let Some(mut supervisor) = self.supervisor.take() {
            supervisor.wait().unwrap();
        }
        wait_until("the server has ended", || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err());
        std::fs::remove_file(self.data().join("postmaster.pid")).unwrap();
    }

    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Sends a signal to all its processes.
    fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        // A process may have ended since it was listed.
        let _ =
            Command::new("kill").arg(signal).arg(&pid).args(children.split_whitespace()).stderr(Stdio::null()).status();
    }

    pub fn promote(&self) {
        succeed(self.program("pg_ctl").arg("-D").arg(self.data()).args(["promote", "-w"]).stdout(Stdio::null()));
    }

    /// Changes a setting while it runs.
    pub fn set(&self, setting: &str) {
        self.psql(&format!("ALTER SYSTEM SET {setting}"));
        self.psql("SELECT pg_reload_conf()");
    }

    /// Runs a statement in the tests' database.
    pub fn psql(&self, statement: &str) -> String {
        self.try_psql(DATABASE, statement).unwrap()
    }

    pub fn try_psql(&self, database: &str, statement: &str) -> Result<String, String> {
        let mut psql = self.client("psql");
        let output =
            psql.args(["-XAtq", "-d", database, "-c", statement]).env("PGCONNECT_TIMEOUT", "5").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The same as another role.
    pub fn try_psql_as(&self, role: &str, statement: &str) -> Result<String, String> {
        let output = self.client("psql").args(["-U", role, "-XAtq", "-d", DATABASE, "-c", statement]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Its log since it was started.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.directory.join("log")).unwrap()).into_owned()
    }

    /// Waits until a standby has applied everything that its primary has.
    pub fn wait_for(&self, primary: &Self) {
        let position = primary.psql("SELECT pg_current_wal_flush_lsn()");
        wait_until("the standby catches up", || {
            self.psql(&format!("SELECT pg_last_wal_replay_lsn() >= '{position}'")) == "t"
        });
    }

    /// A command that runs as the servers' user.
    pub fn command(&self, program: &Path) -> Command {
        self.installed.command(program)
    }

    pub fn user(&self) -> Option<(u32, u32)> {
        self.installed.user
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            drop(supervisor.stdin.take());
            let _ = supervisor.wait();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The address of the tests' database on some hosts.
pub fn url_of(hosts: &[String]) -> String {
    format!("postgres://{OWNER}@{}/{DATABASE}", hosts.join(","))
}

fn root() -> &'static str {
    if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
