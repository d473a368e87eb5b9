//! The sandbox's server: that of `serve`, with the control routes and a middleware around all handlers; knows no command.

mod cut;
mod middleware;
mod pending_entry;
mod presented;
mod recorded;
mod simulated;

use std::net::{Ipv4Addr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::{App, web};

use middleware::around;

use super::control::routes;
use super::registry::{Registry, Settings};
use super::sending::callbacks::Destinations;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{Gateway, Services, finish, serve_app, with_routes};

/// The app of a sandbox, which the tests call in process.
pub fn app(gateway: web::Data<Gateway>, registry: web::Data<Registry>) -> App<impl Services> {
    let shared = gateway.clone();
    finish(
        with_routes(gateway).app_data(registry).configure(routes).configure(simulated::routes).wrap(from_fn(around)),
        &shared,
    )
}

/// Serves until `stop` completes.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    registry: Arc<Registry>,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let registry = web::Data::from(registry);
    serve_app(listener, gateway, move |gateway| app(gateway, registry.clone()), stop).await
}

/// How a sandbox in another program's process tells where it is, and what ends it.
pub struct EmbeddedHooks {
    /// Called with the URL once requests are answered.
    pub started: Box<dyn FnOnce(String) + Send>,
    pub stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Runs a sandbox without a demo tenant on this thread until it is stopped, with the default settings.
pub fn run(EmbeddedHooks { started, stopped }: EmbeddedHooks) -> Result<(), String> {
    let system = actix_web::rt::System::new();
    system.block_on(async move {
        let mut config = Config::defaults().map_err(|error| error.to_string())?;
        apply_test_settings(&mut config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let destinations = Destinations { is_local: true, own_port: address.port(), hosts: Vec::new() };
        let settings = Settings { destinations, ..Settings::default() };
        let created = Registry::start(config.clone(), settings).await;
        let (registry, base) = created.map_err(|error| error.to_string())?;
        let registry = Arc::new(registry);
        let gateway = Gateway::new(&config, base, Clock::System);
        let serving = serve(listener, gateway, Arc::clone(&registry), stopped);
        let (served, ()) = tokio::join!(Box::pin(serving), async { started(format!("http://{address}")) });
        registry.remove_files();
        served.map_err(|error| error.to_string())
    })
}

/// Changes settings so that a sandbox ends at once, and answers no request with an error that its test did not ask for.
pub fn apply_test_settings(config: &mut Config) {
    config.server.shutdown_timeout_seconds = 0;
    config.auth.wrong_keys_per_minute = 0;
    config.search.on_demand = true;
}
