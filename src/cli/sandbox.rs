//! `sandbox`: a throw-away server with a demo tenant, for first steps and for integration tests; knows no SQL.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::common::Common;
use super::failure::{Failure, print};
use super::signals::stop_signal;
use super::{dates, fatal, fixtures, serve};
use crate::clock::Clock;
use crate::http::Gateway;
use crate::http::docs::ShownKey;
use crate::model::Instant;
use crate::model::instant::Rounding;
use crate::sandbox::keys::KEYS;
use crate::sandbox::users::{DemoUser, USERS};
use crate::sandbox::{self, DEMO, Defaults, Destinations, Fixtures, Settings, Tenant, demo_address};
use crate::telemetry;

/// How long the end of a sandbox waits for a reader of its log: a test that ends it does not wait for more than a second.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(300);

/// Run a throw-away server with a demo tenant, its keys and a few hundred messages
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway sandbox
  history-gateway sandbox --port 0 --json --stop-with-stdin
  history-gateway sandbox --fixtures messages.ndjson --now 2026-03-01

Tests control it at /_sandbox: tenants, errors on demand, the clock, the journal; see docs/sandbox.md. All data is deleted \
when it stops. The log goes to standard error, one line per request; HISTORY_GATEWAY__LOG__LEVEL=warn limits it to \
warnings and errors.")]
pub struct Sandbox {
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on; 0.0.0.0 lets other machines and containers in
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Additional host name that control requests may have in their Host header
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Server that callbacks may go to if the sandbox listens on a non-loopback address
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_callback_host)]
    callback_host: Vec<String>,
    /// Print one line of JSON instead of the greeting: address, tenant, keys, process
    #[arg(long)]
    json: bool,
    /// Write the line of --json into this file; it is removed when the sandbox ends
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Load these files of messages or WhatsApp log rows instead of the demo data
    #[arg(long, visible_aliases = ["seed", "seed-logs"], value_name = "FILE")]
    fixtures: Vec<PathBuf>,
    /// Stop every tenant's clock at this date
    #[arg(long, value_name = "DATE", value_parser = parse_now)]
    now: Option<Instant>,
    /// Reject with 400 history requests that edna might reject or read differently
    #[arg(long)]
    strict: bool,
    /// Stop when standard input ends; whoever starts the sandbox must hold it open
    #[arg(long)]
    stop_with_stdin: bool,
}

impl Sandbox {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        fatal::exit_on_panic();
        fatal::check_clock()?;
        if common.database.is_some() {
            return Err(Failure::message("the sandbox has a store of its own; leave --database out, or use 'serve'"));
        }
        // Installed first, so that the directory is removed whenever a signal arrives.
        let stop = stop_signal()?;
        let address = SocketAddr::from((self.bind, self.port));
        let mut config = common.load(vec![("server.bind", address.to_string())])?;
        sandbox::apply_test_settings(&mut config);
        let logging = telemetry::start(&config.log).flushing_within(FLUSH_TIMEOUT);
        let mut stop = Box::pin(stop);
        // A file may be a pipe that nobody writes to, so a signal ends the wait for it.
        let fixtures = tokio::select! {
            () = &mut stop => return Ok(()),
            read = self.read_fixtures() => read?,
        };
        let listener = serve::listen(&config.server.bind, "choose another port with --port; 0 picks a free one")?;
        let address = listener.local_addr().map_err(|error| Failure::message(error.to_string()))?;
        let settings = Settings {
            defaults: Defaults { now: self.now, strict: self.strict },
            hosts: self.host.clone(),
            destinations: Destinations {
                is_local: address.ip().is_loopback(),
                own_port: address.port(),
                hosts: self.callback_host.clone(),
            },
        };
        let (registry, base) = sandbox::Registry::start(config.clone(), settings).await?;
        let registry = Arc::new(registry);
        let files = RemovedAtEnd(Arc::clone(&registry));
        let tenant = registry.create_demo(fixtures).await?;
        let ready = Ready { url: url(address), tenant: &tenant };
        let shown = KEYS.map(|key| ShownKey { name: key.purpose, value: key.demo, kind: key.kind });
        let gateway = Gateway::new(&config, base, Clock::System).showing(&shown);
        gateway.app.metrics.count_dropped_lines(logging.dropped_lines());
        let stop = self.stop(stop);
        let serving = async {
            let served = Box::pin(sandbox::serve(listener, gateway, registry, stop)).await;
            served.map_err(|error| Failure::message(format!("the server failed: {error}")))
        };
        // The server is polled first, so it accepts connections when the file and the greeting appear.
        let announcing = async {
            tokio::task::yield_now().await;
            self.announce(&ready)
        };
        let ended = tokio::try_join!(serving, announcing).map(|_| ());
        drop(files);
        ended
    }

    /// Reads the fixtures on a thread that the end of the program does not wait for.
    async fn read_fixtures(&self) -> Result<Fixtures, Failure> {
        if self.fixtures.is_empty() {
            return Ok(Fixtures::Demo { logs: Vec::new() });
        }
        let (done, result) = tokio::sync::oneshot::channel();
        let files = self.fixtures.clone();
        let read = move || {
            // Fails if a signal came first.
            let _ = done.send(fixtures::read(&files, DEMO));
        };
        let failed = |error: &dyn std::fmt::Display| Failure::message(format!("the fixtures cannot be read: {error}"));
        std::thread::Builder::new().name("fixtures".into()).spawn(read).map_err(|error| failed(&error))?;
        result.await.map_err(|error| failed(&error))?
    }

    /// Completes on a signal, or when standard input ends.
    async fn stop(&self, signal: impl Future<Output = ()>) {
        if !self.stop_with_stdin {
            return signal.await;
        }
        let (ended, end) = tokio::sync::oneshot::channel();
        let read = move || {
            let mut input = std::io::stdin().lock();
            let mut buffer = [0; 4096];
            while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
            // Fails if a signal came first.
            let _ = ended.send(());
        };
        let reader = std::thread::Builder::new().name("stdin".into()).spawn(read);
        if reader.is_err() {
            return signal.await;
        }
        tokio::select! {
            () = signal => {}
            _ = end => {}
        }
    }

    /// Says where the sandbox is, on standard output and in the file.
    fn announce(&self, ready: &Ready<'_>) -> Result<Option<ReadyFile>, Failure> {
        let file = self.ready_file.as_deref().map(|path| ReadyFile::write(path, &ready.json())).transpose()?;
        let example = self.fixtures.is_empty().then(|| {
            let until = self.now.unwrap_or_else(|| Clock::System.now());
            demo_address(DEMO, until)
        });
        let text = if self.json { ready.json() } else { ready.greeting(example.flatten()) };
        match telemetry::write_within_timeout(move || print(&text)) {
            // A reader that does not want the greeting does not stop the sandbox.
            Some(Err(Failure::OutputClosed)) | None => {
                tracing::warn!("the sandbox's keys were not printed: nobody reads standard output");
            }
            Some(printed) => printed?,
        }
        Ok(file)
    }
}

/// Removes all files of a sandbox, whatever ends it.
struct RemovedAtEnd(Arc<sandbox::Registry>);

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        self.0.remove_files();
    }
}

/// A file that says where the sandbox is, removed when this is dropped.
struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Writes the file whole, or not at all.
    fn write(path: &Path, text: &str) -> Result<Self, Failure> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |error: &std::io::Error| {
            Failure::message(format!("cannot write '{}' of --ready-file: {}", path.display(), error.kind()))
        };
        // A device, a pipe or a link would be replaced, and removed in the end.
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            let sentence = "it exists and is no regular file; name another for --ready-file";
            return Err(Failure::message(format!("cannot write '{}': {sentence}", path.display())));
        }
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| failed(&error))?;
        file.persist(path).map_err(|error| failed(&error.error))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Its reader may have removed it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Where the sandbox is, and the keys of its demo tenant.
struct Ready<'a> {
    url: String,
    tenant: &'a Tenant,
}

impl Ready<'_> {
    /// One line of JSON, for programs.
    fn json(&self) -> String {
        let tenant = self.tenant;
        // Written by hand to keep the order of the fields.
        let fields = [
            ("url", json!(self.url)),
            ("tenantId", json!(tenant.id.0)),
            ("projectId", json!(tenant.project_id)),
            ("apiKey", json!(tenant.key("master"))),
            ("oneuptimeKey", json!(tenant.key("master"))),
            ("webhookKey", json!(tenant.key("webhook"))),
            ("pid", json!(std::process::id())),
        ];
        let fields = fields.map(|(name, value)| format!("{}:{value}", json!(name)));
        format!("{{{}}}\n", fields.join(","))
    }

    /// The address of the server, its keys, and requests to paste.
    fn greeting(&self, example_address: Option<String>) -> String {
        let Self { url, tenant } = self;
        let key = tenant.key("master");
        let request = match example_address {
            Some(address) => json!({"subscriberFilter": {"address": address, "type": "PHONE"}, "limit": 2}),
            None => json!({"limit": 2}),
        };
        let rows = json!({"select": {"createdAt": true, "toNumber": true, "status": true}, "limit": 2});
        let keys: Vec<String> = KEYS.iter().map(|key| format!("key      {}  {}", key.demo, key.purpose)).collect();
        let user = |user: &DemoUser| format!("user     {:<10} {}", user.role.word(), user.password);
        let users: Vec<String> = USERS.iter().map(user).collect();
        let (keys, users, id, project) = (keys.join("\n"), users.join("\n"), tenant.id, &tenant.project_id);
        format!(
            "history-gateway sandbox

address  {url}
tenant   {id}
project  {project}
{keys}
page     {url}/docs/
console  {url}/console/
{users}

curl -s {url}/api/messages/history -H 'x-api-key: {key}' -H 'Content-Type: application/json' \\
  -d '{request}'

curl -s {url}/api/whatsapp-log/get-list -H 'ApiKey: {key}' -H 'Content-Type: application/json' \\
  -d '{rows}'

Ctrl-C stops the sandbox and deletes all of its data.
"
        )
    }
}

/// The URL of the server, which is on this machine if it listens on all addresses.
fn url(address: SocketAddr) -> String {
    let shown = match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        _ => address,
    };
    format!("http://{shown}")
}

fn parse_callback_host(text: &str) -> Result<String, &'static str> {
    let parts = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    parts.map(|_| text.to_owned()).ok_or("it must be a host and a port, such as app:8081")
}

fn parse_now(text: &str) -> Result<Instant, String> {
    dates::parse(text, Rounding::Down)
}
