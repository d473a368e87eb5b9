//! `serve`: the server, until it is told to stop.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use super::signals::stop_signal;
use super::{Common, fatal, now_and_then};
use crate::clock::Clock;
use crate::config::{Config, validate_bind};
use crate::http::{Gateway, serve};
use crate::ingest;
use crate::jobs::Jobs;
use crate::jobs::pulls::{self, Pulled};
use crate::store::{DatabaseUrl, Store, StoreError};
use crate::telemetry;

/// Run the server; SIGTERM or Ctrl-C answers what is in flight and ends it
#[derive(Args)]
pub struct Serve {
    /// Address or name, and port, to listen on (setting server.bind)
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_bind)]
    bind: Option<String>,
    /// Make an empty store where there is none, instead of refusing to start
    #[arg(long)]
    create: bool,
}

impl Serve {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        fatal::end_on_panic();
        fatal::refuse_clock()?;
        let bind = self.bind.clone().map(|bind| ("server.bind", bind));
        let config = common.load(bind.into_iter().collect())?;
        let upstreams = pulls::upstreams(&config).map_err(Failure::message)?;
        let logging = telemetry::start(&config.log);
        let mut stop = Box::pin(stop_signal()?);
        let store = self.open(&config)?;
        let listener = listen(&config.server.bind, "choose another address with --bind or the setting server.bind")?;
        let told = now_and_then(|rows| tracing::info!(rows, "making the WhatsApp log from the messages there are"));
        let catching_up = ingest::logs::catch_up(&store, told);
        // Before the first request, so that none is answered from half a log.
        tokio::select! {
            () = &mut stop => return Ok(()),
            done = catching_up => {
                let rows = done?;
                if rows > 0 {
                    tracing::info!(rows, "the WhatsApp log was made from the messages there were");
                }
            }
        }
        let address = listener.local_addr().map_err(|error| Failure::message(error.to_string()))?;
        tracing::info!(%address, "listening");
        let gateway = Gateway::new(&config, store, Clock::Machine);
        gateway.app.metrics.count_dropped_lines(logging.dropped_lines());
        Box::pin(run(listener, gateway, (&config, upstreams), stop)).await
    }
}

impl Serve {
    /// Opens the store. A file that is missing may be a volume that was not mounted, and no empty history.
    fn open(&self, config: &Config) -> Result<Store, Failure> {
        let url = DatabaseUrl::parse(&config.database.url)?;
        let open = if self.create { Store::open } else { Store::open_existing };
        open(&url, config.store_options()).map_err(|error| match error {
            StoreError::Missing { .. } => {
                Failure::message(format!("{error}, and so does 'history-gateway serve --create'"))
            }
            error => Failure::Store(error),
        })
    }
}

fn parse_bind(text: &str) -> Result<String, &'static str> {
    validate_bind(text).map(|()| text.to_owned())
}

/// Listens on an address, or on the first of a name's that is free, those of IPv4 before those of IPv6.
pub fn listen(address: &str, way_out: &str) -> Result<TcpListener, Failure> {
    let refused = |error| Failure::message(format!("cannot listen on {address}: {error}; {way_out}"));
    let mut resolved: Vec<SocketAddr> = address.to_socket_addrs().map_err(refused)?.collect();
    resolved.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(resolved.as_slice()).map_err(refused)
}

/// Serves until `stop` is done, and does what is to be done beside that.
pub async fn run(
    listener: TcpListener,
    gateway: Gateway,
    (config, upstreams): (&Config, Vec<Pulled>),
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
