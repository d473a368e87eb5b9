//! Sets up the log, which goes to standard error.
//!
//! A log line may hold: a request's id, method, route, status and duration; counts; ids of tenants, subjects
//! and keys. It never holds an address, a text, a key, a query or a request's path as it was sent.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Format, Level, Log};

/// Starts logging for this process; a second call changes nothing.
pub fn start(log: &Log) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    // Other crates' lines may hold anything, so only their warnings are let through.
    // What its HTTP parser refuses is the client's doing, and could fill the log.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("actix_http", LevelFilter::OFF)
        .with_target("history_gateway", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match log.format {
        Format::Json => lines.json().boxed(),
        Format::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    // Failing means that a log is there already, as where two servers run in one process.
    let _already_started = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}
