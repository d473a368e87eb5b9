//! A throw-away PostgreSQL cluster, started from the installed server binaries and stopped when the tests end.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};

/// The role that owns everything; it needs a password over TCP and none over the socket.
pub const OWNER: &str = "gateway";
pub const PASSWORD: &str = "not-a-secret";

pub struct Cluster {
    pub directory: PathBuf,
    pub port: u16,
    pub binaries: PathBuf,
    /// The user and group that run the server if the tests run as root, which PostgreSQL refuses.
    pub user: Option<(u32, u32)>,
    pub is_15_or_newer: bool,
    /// Creates and drops databases, one at a time.
    admin: Mutex<PgConnection>,
    /// Stops the server when its standard input is closed, which happens when the tests end, however they end.
    _supervisor: Child,
}

/// The cluster that all tests share, or why there is none.
pub fn cluster() -> Result<&'static Cluster, &'static str> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let started = CLUSTER.get_or_init(|| {
        let binaries = binaries().ok_or("no PostgreSQL server is installed (Debian: apt-get install postgresql)")?;
        Ok(Cluster::start(binaries, "C", &[], &[]))
    });
    started.as_ref().map_err(String::as_str)
}

/// Where the server's programs are: as `pg_config` says, on the path, or the newest where distributions put them.
fn binaries() -> Option<PathBuf> {
    let config = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = config.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let on_path: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let mut versions: Vec<PathBuf> =
        ["/usr/lib/postgresql", "/usr/lib64/pgsql", "/usr", "/opt/homebrew/opt", "/usr/local/opt", "/usr/local"]
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .collect();
    versions.sort();
    let is_server = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    configured.into_iter().chain(on_path).chain(versions.into_iter().rev()).find(is_server)
}

impl Cluster {
    /// Starts a cluster with a given locale; `settings` override the defaults of the tests.
    pub fn start(binaries: PathBuf, locale: &str, environment: &[(&str, &str)], settings: &[&str]) -> Self {
        let user = Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n").then(server_user);
        let directory =
            tempfile::Builder::new().prefix("history-gateway-test-").tempdir_in(data_root()).unwrap().keep();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Some((uid, gid)) = user {
            chown(&directory, Some(uid), Some(gid)).unwrap();
        }
        let data = directory.join("data");
        let mut initdb = Command::new(binaries.join("initdb"));
        initdb.args(["--no-sync", "--no-instructions", "--encoding=UTF8", "--auth-local=trust"]);
        initdb.args(["--auth-host=scram-sha-256", "--username", OWNER, "--locale", locale, "-D"]).arg(&data);
        let password = directory.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
        initdb.arg("--pwfile").arg(&password);
        initdb.envs(environment.iter().copied());
        let output = run_as(&mut initdb, user).output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Stops the server and removes its files when the tests have ended, even if they were killed.
        let mut supervisor = Command::new("sh");
        supervisor.args([
            "-c",
            r#"d=$1; shift; "$@" & s=$!; cat >/dev/null; kill -INT $s; wait $s; rm -rf "$d""#,
            "sh",
        ]);
        supervisor.arg(&directory).arg(binaries.join("postgres")).arg("-D").arg(&data).arg("-k").arg(&directory);
        supervisor.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]);
        supervisor.args([
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "autovacuum=off",
            "-c",
            "shared_buffers=64MB",
        ]);
        for setting in settings {
            supervisor.args(["-c", setting]);
        }
        let log = std::fs::File::create(directory.join("log")).unwrap();
        supervisor.envs(environment.iter().copied());
        supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).process_group(0);
        let supervisor = run_as(&mut supervisor, user).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        let admin = loop {
            let error = match PgConnection::establish(&url(&directory, port, "postgres")) {
                Ok(connection) => break Mutex::new(connection),
                Err(error) => error,
            };
            let log = || std::fs::read_to_string(directory.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PostgreSQL did not start: {error}: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        };
        let version = std::fs::read_to_string(data.join("PG_VERSION")).unwrap_or_default();
        let is_15_or_newer = version.trim() != "14";
        Self { directory, port, binaries, user, is_15_or_newer, admin, _supervisor: supervisor }
    }

    /// Runs statements as the owner, outside any transaction.
    pub fn run(&self, statement: &str) {
        self.admin.lock().unwrap_or_else(PoisonError::into_inner).batch_execute(statement).unwrap();
    }

    /// The URL of a database over the Unix socket.
    pub fn url(&self, database: &str) -> String {
        url(&self.directory, self.port, database)
    }

    /// The URL of a database over TCP, for a role and its password.
    pub fn tcp_url(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as the owner; returns the rows, or the error message.
    pub fn psql(&self, database: &str, statements: &str) -> Result<String, String> {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h"]).arg(&self.directory).args(["-p", &self.port.to_string()]);
        let output = psql.args(["-U", OWNER, "-d", database, "-c", statements]).env_clear().output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Sets the mode of a file and makes the server's user its owner.
    pub fn chown_to_server(&self, file: &Path, mode: u32) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(file, Some(uid), Some(gid)).unwrap();
        }
    }

    /// A command that runs as the server's user.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        run_as(&mut command, self.user);
        command
    }
}

/// Where clusters are created: in memory if there is enough. A database is copied for every test, which takes twenty
/// times longer on a disk.
fn data_root() -> &'static str {
    let output = Command::new("df").args(["-Pk", "/dev/shm"]).output();
    let table = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free = table.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    if free.is_some_and(|kilobytes| kilobytes > 1_000_000) { "/dev/shm" } else { "/tmp" }
}

fn url(directory: &Path, port: u16, database: &str) -> String {
    let host = directory.display().to_string().replace('/', "%2F");
    format!("postgres://{OWNER}@{host}:{port}/{database}")
}

/// Makes a command run as the given user, in `/`.
pub fn run_as(command: &mut Command, user: Option<(u32, u32)>) -> &mut Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/")
}

/// The user that runs the server if the tests run as root: PostgreSQL's own, or nobody.
fn server_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let fields: Vec<&str> = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').collect();
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody")).unwrap()
}
