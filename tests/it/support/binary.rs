//! The program as a user runs it: in a directory of its own, with nothing of this machine's environment.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::database::{Database, on_server};

pub struct Binary {
    pub directory: TempDir,
    /// A database of its own where the suite runs on a server; else `history.db` in the directory.
    database: Option<Database>,
}

impl Binary {
    pub fn new() -> Self {
        let database = on_server().then(Database::new);
        Self { directory: tempfile::tempdir().unwrap(), database }
    }

    /// With the database that the settings name by default, whatever the suite runs on.
    pub fn with_file() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), database: None }
    }

    /// With a database of a certain kind.
    #[cfg(feature = "postgres")]
    pub fn with(database: Database) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), database: Some(database) }
    }

    /// The address of its database.
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

    /// Standard output of a command that must succeed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code and standard error of a command that must fail, without a word on standard output.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        format!("{} {}", output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).trim_end())
    }

    /// Standard output of a command that reads `input`.
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

    /// Starts a server on a free port and waits until it listens.
    pub fn serve(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
        Server::start(self.command(arguments).envs(environment.iter().copied()), &self.path("server.log"))
    }
}

/// A running server, ended with its test.
pub struct Server {
    pub child: Child,
    pub address: String,
    /// What it printed on standard output until it listened.
    pub greeting: String,
    log: std::path::PathBuf,
}

impl Server {
    /// Starts whatever runs a server, and waits until it listens.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        Self::start_logging_to(std::fs::File::create(log).unwrap(), command, log)
    }

    /// The same, with a standard error of the test's choice; a `serve` needs the file for its address.
    pub fn start_logging_to(stderr: impl Into<Stdio>, command: &mut Command, log: &Path) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        // Made before it listens, so that it is ended too where it never does.
        let mut server = Self { child, address: String::new(), greeting: String::new(), log: log.to_owned() };
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut output = BufReader::new(server.child.stdout.take().unwrap());
        let sandbox = command.get_args().any(|argument| argument == "sandbox");
        server.address = loop {
            assert!(Instant::now() < deadline, "the server did not start: {}", std::fs::read_to_string(log).unwrap());
            if sandbox {
                assert!(
                    output.read_line(&mut server.greeting).unwrap() > 0,
                    "{}",
                    std::fs::read_to_string(log).unwrap()
                );
                if server.greeting.contains("Ctrl-C") {
                    let line = server.greeting.lines().find(|line| line.starts_with("address")).unwrap();
                    break line.rsplit("//").next().unwrap().to_owned();
                }
            } else if let Some(address) = listening(log) {
                break address;
            } else {
                std::thread::yield_now();
            }
        };
        server
    }

    /// One that is started already, at an address that is known.
    pub fn started(child: Child, address: String, log: &Path) -> Self {
        Self { child, address, greeting: String::new(), log: log.to_owned() }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Everything it logged, once it has ended: until then, lines may wait to be written.
    pub fn log_at_end(mut self) -> String {
        self.signal("-TERM");
        self.wait();
        self.log()
    }

    /// One request on a connection of its own; gives the raw response.
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

    /// A history request; gives status and body.
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

    /// Its exit code, once it has ended.
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

/// The exit code of a program that has to end by itself, and soon.
pub fn exit_code(child: &mut Child, within: Duration) -> Option<i32> {
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

/// The address in the log's line about listening, in either of the log's formats.
fn listening(log: &Path) -> Option<String> {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let line = log.lines().find(|line| line.contains("listening"))?;
    let after = line.split("address").nth(1)?.trim_start_matches(['=', '"', ':']);
    let address = after.split(['"', ' ']).next()?;
    address.parse::<std::net::SocketAddr>().ok().map(|address| address.to_string())
}
