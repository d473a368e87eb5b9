//! `serve`: runs the server until a signal stops it; knows no route.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use clap::Args;

use super::common::{Common, migrate_existing, throttled};
use super::failure::Failure;
use super::fatal;
use super::signals::stop_signal;
use crate::clock::Clock;
use crate::config::{Config, validate_bind};
use crate::http::starting::Starting;
use crate::http::{Gateway, serve};
use crate::ingest;
use crate::jobs::Jobs;
use crate::jobs::pulls::{self, UpstreamJob};
use crate::store::{DatabaseUrl, Moved, Options, Store, StoreError};
use crate::telemetry;

/// How long to wait before the database is tried again: the first time, and at most.
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(32);

/// Run the server; on SIGTERM or Ctrl-C it finishes the requests in flight and exits
#[derive(Args)]
pub struct Serve {
    /// Address or host name, and port, to listen on (setting server.bind)
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_bind)]
    bind: Option<String>,
    /// Create an empty store if there is none, instead of refusing to start
    #[arg(long)]
    create: bool,
}

impl Serve {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        fatal::exit_on_panic();
        fatal::check_clock()?;
        let bind = self.bind.clone().map(|bind| ("server.bind", bind));
        let config = common.load(bind.into_iter().collect())?;
        let upstreams = pulls::upstreams(&config).map_err(Failure::message)?;
        let logging = telemetry::start(&config.log);
        let mut stop = Box::pin(stop_signal()?);
        let url = config.database_url()?;
        let (create, options) = (self.create, config.store_options());
        let listener = listen(&config.server.bind, "choose another address with --bind or the setting server.bind")?;
        // Moving the messages of an earlier version's store may take minutes, and can be stopped at any time.
        let store = tokio::select! {
            () = &mut stop => return Ok(()),
            store = open_when_reachable(&url, (options, create), &listener) => store?,
        };
        let progress = throttled(|rows| tracing::info!(rows, "building the WhatsApp log from the stored messages"));
        let catching_up = ingest::logs::catch_up(&store, progress);
        // Before the first request, so that no response comes from an incomplete log.
        tokio::select! {
            () = &mut stop => return Ok(()),
            done = catching_up => {
                let rows = done?;
                if rows > 0 {
                    tracing::info!(rows, "the WhatsApp log was built from the stored messages");
                }
            }
        }
        let address = listener.local_addr().map_err(|error| Failure::message(error.to_string()))?;
        tracing::info!(%address, "listening");
        let gateway = Gateway::new(&config, store, Clock::System);
        gateway.app.audit.check().map_err(|error| Failure::message(error.to_string()))?;
        if config.console.enabled && !gateway.app.audit.has_key_file() {
            tracing::info!("the console shows nothing until the setting audit.key_file names a file");
        }
        gateway.app.metrics.count_dropped_lines(logging.dropped_lines());
        Box::pin(run(listener, gateway, (&config, upstreams), stop)).await
    }
}

/// Opens the store. While a server of its database is away, this waits for it, and the gateway answers that it is not
/// ready.
async fn open_when_reachable(
    url: &DatabaseUrl,
    (options, create): (Options, bool),
    listener: &TcpListener,
) -> Result<Store, Failure> {
    let (mut starting, mut backoff) = (None, MIN_BACKOFF);
    loop {
        let to_open = url.clone();
        let opened = tokio::task::spawn_blocking(move || open(&to_open, options, create)).await;
        let opened = opened.map_err(|error| Failure::message(format!("opening the store failed: {error}")))?;
        let cause = match opened {
            Err(Failure::Store(error)) if url.is_server() && error.is_server_away() => error,
            opened => {
                if let Some(starting) = starting {
                    Starting::stop(starting).await;
                }
                return opened;
            }
        };
        tracing::warn!(%cause, seconds = backoff.as_secs(), "the database is away; the gateway waits for it");
        if starting.is_none() {
            let clone = listener.try_clone().and_then(Starting::serve);
            starting = Some(clone.map_err(|error| Failure::message(format!("the server failed: {error}")))?);
        }
        tokio::time::sleep(backoff).await;
        backoff = MAX_BACKOFF.min(backoff * 2);
    }
}

/// Opens the store. A missing file may be on a volume that is not mounted, so only --create makes an empty store.
fn open(url: &DatabaseUrl, options: Options, create: bool) -> Result<Store, Failure> {
    let progress = throttled(|Moved { messages, total }| {
        tracing::info!(messages, total, "moving the messages into their new table");
    });
    migrate_existing(url, options, progress)?;
    let open = if create { Store::open } else { Store::open_existing };
    open(url, options).map_err(|error| match error {
        StoreError::Missing { .. } => {
            Failure::message(format!("{error}; 'history-gateway serve --create' makes an empty one too"))
        }
        error => Failure::Store(error),
    })
}

fn parse_bind(text: &str) -> Result<String, &'static str> {
    validate_bind(text).map(|()| text.to_owned())
}

/// Listens on an address, or on the first free address of a host name, IPv4 before IPv6.
pub fn listen(address: &str, hint: &str) -> Result<TcpListener, Failure> {
    let failed = |error| Failure::message(format!("cannot listen on {address}: {error}; {hint}"));
    let mut resolved: Vec<SocketAddr> = address.to_socket_addrs().map_err(failed)?.collect();
    resolved.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(resolved.as_slice()).map_err(failed)
}

/// Serves requests and runs the background jobs until `stop` completes.
pub async fn run(
    listener: TcpListener,
    gateway: Gateway,
    (config, upstreams): (&Config, Vec<UpstreamJob>),
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let app = gateway.app.clone();
    let jobs = Jobs::start(&app, config, upstreams);
    Box::pin(serve(listener, gateway, stop))
        .await
        .map_err(|error| Failure::message(format!("the server failed: {error}")))?;
    jobs.stop(&app, Duration::from_secs(config.server.shutdown_timeout_seconds)).await;
    Ok(())
}
