//! The program as a user runs it: in its own directory, without this machine's environment variables.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::database::{Database, runs_on_postgres};

pub struct Binary {
    pub directory: TempDir,
    /// Its own database if the suite runs on PostgreSQL; otherwise `history.db` in the directory.
    database: Option<Database>,
}

impl Binary {
    pub fn new() -> Self {
        let database = runs_on_postgres().then(Database::new);
        Self { directory: tempfile::tempdir().unwrap(), database }
    }

    /// With the default database of the settings, a SQLite file, whatever the suite runs on.
    pub fn with_sqlite() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), database: None }
    }

    /// With a given database.
    #[cfg(feature = "postgres")]
    pub fn with(database: Database) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), database: Some(database) }
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        let file = || format!("sqlite://{}", self.path("history.db").display());
        self.database.as_ref().map_or_else(file, Database::url)
    }

    #[cfg(feature = "postgres")]
    pub fn database_name(&self) -> String {
        self.database.as_ref().map(|database| database.name().to_owned()).unwrap_or_default()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_history-gateway"));
        command.args(arguments).current_dir(self.directory.path()).env_clear().stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.env("HISTORY_GATEWAY__DATABASE__URL", database.url());
        }
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; returns its standard output.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail and print nothing on standard output; returns exit code and standard error.
    pub fn run_failing(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        format!("{} {}", output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).trim_end())
    }

    /// Runs a command with `input` as its standard input.
    pub fn pipe(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.directory.path().join(name), content).unwrap();
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Starts a server and waits until it listens.
    pub fn start_server(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
        Server::start(self.command(arguments).envs(environment.iter().copied()), &self.path("server.log"))
    }
}

/// A running server, killed when it is dropped.
pub struct Server {
    pub child: Child,
    pub address: String,
    /// What a sandbox printed on standard output until it listened; empty for `serve`.
    pub startup_output: String,
    log: std::path::PathBuf,
}

impl Server {
    /// Starts a command that runs a server, and waits until it listens.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        Self::start_logging_to(std::fs::File::create(log).unwrap(), command, log)
    }

    /// The same with another standard error. For `serve`, it must be the file `log`, which is searched for its address.
    pub fn start_logging_to(stderr: impl Into<Stdio>, command: &mut Command, log: &Path) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        // Created before the server listens, so that it is killed even if it never does.
        let mut server = Self { child, address: String::new(), startup_output: String::new(), log: log.to_owned() };
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut output = BufReader::new(server.child.stdout.take().unwrap());
        let sandbox = command.get_args().any(|argument| argument == "sandbox");
        server.address = loop {
            assert!(Instant::now() < deadline, "the server did not start: {}", std::fs::read_to_string(log).unwrap());
            if sandbox {
                assert!(
                    output.read_line(&mut server.startup_output).unwrap() > 0,
                    "{}",
                    std::fs::read_to_string(log).unwrap()
                );
                if server.startup_output.contains("Ctrl-C") {
                    let line = server.startup_output.lines().find(|line| line.starts_with("address")).unwrap();
                    break line.rsplit("//").next().unwrap().to_owned();
                }
            } else if let Some(address) = find_listening_address(log) {
                break address;
            } else {
                std::thread::yield_now();
            }
        };
        server
    }

    /// A server that has already been started, at a known address.
    pub fn from_child(child: Child, address: String, log: &Path) -> Self {
        Self { child, address, startup_output: String::new(), log: log.to_owned() }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Stops the server and returns its whole log; while it runs, the last lines may not be written yet.
    pub fn stop_and_read_log(mut self) -> String {
        self.signal("-TERM");
        self.wait();
        self.log()
    }

    /// Sends one request on a new connection; returns the raw response.
    pub fn send(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Posts a history request; returns status and body.
    pub fn history(&self, key: &str, body: &str) -> String {
        let length = body.len();
        let response = self.send(
            format!(
                "POST /api/messages/history HTTP/1.1\r\nHost: test\r\nConnection: close\r\nx-api-key: {key}\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        let status = response.split(' ').nth(1).unwrap().to_owned();
        format!("{status} {}", response.split("\r\n\r\n").nth(1).unwrap_or_default())
    }

    /// Sends the server a signal, as a supervisor or a terminal does.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the server has ended; returns its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a program ends by itself, and kills it if it takes too long; returns its exit code.
pub fn wait_for_exit(child: &mut Child, within: Duration) -> Option<i32> {
    let deadline = Instant::now() + within;
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.code(),
            None if Instant::now() > deadline => {
                let _ = child.kill();
                panic!("the program did not end within {within:?}");
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// The address in the log line about listening, in either log format.
fn find_listening_address(log: &Path) -> Option<String> {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let line = log.lines().find(|line| line.contains("listening"))?;
    let after = line.split("address").nth(1)?.trim_start_matches(['=', '"', ':']);
    let address = after.split(['"', ' ']).next()?;
    address.parse::<std::net::SocketAddr>().ok().map(|address| address.to_string())
}
