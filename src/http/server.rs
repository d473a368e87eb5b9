//! Starts and stops the server, and what it does beside requests; knows no route.

use std::future::Future;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actix_web::{HttpServer, web};

use super::connection::{Connection, give_up_on_clients_that_do_not_read, raise_descriptor_limit, send_at_once};
use super::{Gateway, app};
use crate::store::StoreError;

/// How often the last uses of keys are written down.
const NOTE_USES_EVERY: Duration = Duration::from_secs(10);

/// How often to look after messages that still wait for a subject that is known; as a rule, none do.
const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// How often to try whether the store can be written to.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How often the coming months and the kept counts are looked after; a month is made long before its first day.
const LOOK_AFTER_STORE_EVERY: Duration = Duration::from_hours(1);

/// How long a server that cannot go on takes to close its connections.
const FORCED_STOP: Duration = Duration::from_secs(1);

/// Serves until `stop` is done, then answers what is in flight and returns. A database that does not return so many
/// threads that the process is better ended is an error.
pub async fn serve(listener: TcpListener, gateway: Gateway, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    raise_descriptor_limit();
    let gateway = web::Data::new(gateway);
    let settings = gateway.server.clone();
    let stop_within = Duration::from_secs(settings.shutdown_timeout_seconds);
    let write_timeout = Duration::from_secs(settings.write_timeout_seconds);
    let shared = gateway.clone();
    let mut server = HttpServer::new(move || app(shared.clone()))
        .client_request_timeout(Duration::from_secs(settings.header_timeout_seconds))
        .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
        // Who has closed its side has gone: what it asked for is ended.
        .h1_allow_half_closed(false)
        .on_connect(move |stream, extensions| {
            if let Some(stream) = stream.downcast_ref::<TcpStream>() {
                send_at_once(stream);
                give_up_on_clients_that_do_not_read(stream, write_timeout);
                Connection::keep(stream, extensions);
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
    let noting = actix_web::rt::spawn(note_uses(gateway.clone()));
    let looking_after = actix_web::rt::spawn(look_after_store(gateway.clone()));
    let settling = actix_web::rt::spawn(settle(gateway.clone()));
    let probing = actix_web::rt::spawn(probe(gateway.clone()));
    let store = gateway.edna.store.clone();
    tokio::select! {
        () = stop => {}
        () = store.failed() => {
            // What waits for the database is not waited for.
            let _ = tokio::time::timeout(FORCED_STOP, handle.stop(false)).await;
            let threads = store.abandoned_threads();
            let sentence = "the database does not return, and holds as many threads as database.abandoned_threads allows";
            return Err(std::io::Error::other(format!("{sentence}: {threads}")));
        }
    }
    tracing::info!("stopping: requests in flight are answered first");
    gateway.stopping.store(true, Ordering::Relaxed);
    gateway.edna.store.stop();
    handle.stop(true).await;
    noting.abort();
    looking_after.abort();
    settling.abort();
    probing.abort();
    // A database that hangs keeps no server from its end.
    let noted = tokio::time::timeout(stop_within, gateway.keys.note_uses()).await;
    if let Err(error) = noted.unwrap_or(Err(StoreError::Busy)) {
        tracing::warn!(cause = %error, "the last uses of keys were not written down");
    }
    running.await.map_err(std::io::Error::other)?
}

async fn note_uses(gateway: web::Data<Gateway>) {
    let mut every = tokio::time::interval(NOTE_USES_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = gateway.keys.note_uses().await {
            tracing::warn!(cause = %error, "the last uses of keys were not written down");
        }
    }
}

/// Keeps a place ready for the messages of the coming months, and counts right.
async fn look_after_store(gateway: web::Data<Gateway>) {
    let mut every = tokio::time::interval(LOOK_AFTER_STORE_EVERY);
    loop {
        every.tick().await;
        let now = gateway.clock.now();
        if let Err(error) = gateway.edna.store.make_room_ahead(now).await {
            tracing::warn!(cause = %error, "no place was made for the coming months' messages");
        }
        if let Err(error) = gateway.edna.door.recount().await {
            tracing::warn!(cause = %error, "what waits was not counted anew");
        }
    }
}

/// Takes in messages whose subject became known where the program that learned of it was ended before it could.
async fn settle(gateway: web::Data<Gateway>) {
    let mut every = tokio::time::interval(SETTLE_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = gateway.edna.door.settle_all().await {
            tracing::warn!(cause = %error, "messages that waited for their subject wait on");
        }
    }
}

/// Tries whether the store can be written to, so that `/readyz` knows without waiting for a writer.
async fn probe(gateway: web::Data<Gateway>) {
    let mut every = tokio::time::interval(PROBE_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = gateway.edna.store.probe().await {
            tracing::warn!(cause = %error, "the store could not be written to");
        }
    }
}
