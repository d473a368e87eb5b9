//! Starts and stops the server; knows no route.

use std::future::Future;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};

use super::connection::{Connection, raise_descriptor_limit, set_nodelay_on, set_user_timeout};
use super::router::Services;
use super::{Gateway, app};

/// How long a server may take to close its connections when its database does not return.
const FORCED_STOP: Duration = Duration::from_secs(1);

/// Serves until `stop` completes, then finishes the requests in flight and returns. Fails if so many threads wait for a
/// database that does not return that the process should exit.
pub async fn serve(listener: TcpListener, gateway: Gateway, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    serve_app(listener, gateway, app, stop).await
}

/// The same for an app that `make_app` builds, once for each thread.
pub async fn serve_app<T: Services>(
    listener: TcpListener,
    gateway: Gateway,
    make_app: impl Fn(web::Data<Gateway>) -> App<T> + Clone + Send + 'static,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    raise_descriptor_limit();
    let gateway = web::Data::new(gateway);
    let settings = gateway.app.config.server.clone();
    let write_timeout = Duration::from_secs(settings.write_timeout_seconds);
    let shared = gateway.clone();
    let mut server = HttpServer::new(move || make_app(shared.clone()))
        .client_request_timeout(Duration::from_secs(settings.header_timeout_seconds))
        .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
        // A client that has closed its sending side counts as gone: its request is cancelled.
        .h1_allow_half_closed(false)
        .on_connect(move |stream, extensions| {
            if let Some(stream) = stream.downcast_ref::<TcpStream>() {
                set_nodelay_on(stream);
                set_user_timeout(stream, write_timeout);
                Connection::attach(stream, extensions);
            }
        })
        .shutdown_timeout(settings.shutdown_timeout_seconds)
        .max_connections(settings.max_connections)
        .disable_signals();
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    let server = server.listen(listener)?.run();
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    let store = gateway.app.store.clone();
    tokio::select! {
        () = stop => {}
        which = store.too_many_abandoned() => {
            // Requests that wait for the database are not waited for.
            let _ = tokio::time::timeout(FORCED_STOP, handle.stop(false)).await;
            let threads = store.abandoned_threads();
            return Err(std::io::Error::other(format!("the database does not respond, and {which}: {threads}")));
        }
    }
    tracing::info!("stopping: requests in flight are completed first");
    gateway.stopping.store(true, Ordering::Relaxed);
    store.stop();
    // Without a time limit for them, requests in flight are not waited for.
    handle.stop(settings.shutdown_timeout_seconds > 0).await;
    running.await.map_err(std::io::Error::other)?
}
