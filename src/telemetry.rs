//! Sets up the log, which goes to standard error and never waits for whoever reads it; knows no command and no request.
//!
//! A log line may hold: a request's id, method, route, status and duration; counts; ids of tenants, subjects
//! and keys; an error's title. It never holds an address, a text, a key, a query or a request's path as it was sent.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::mpsc;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Format, Level, Log};

/// How many lines wait to be written; one more is dropped and counted.
const QUEUE_LINES: usize = 4096;

/// How long a write may take whose output nobody may read.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The name of the threads that write to an output which nobody may read.
pub const OUTPUT_THREAD: &str = "output";

/// How long lines gather after some were written.
const GATHER_FOR: Duration = Duration::from_millis(10);

/// Writes what has gathered at once. The thread of the log is woken for every line that meets it waiting, which under load
/// costs more than the line; so it comes back by itself.
struct Gathering<W: Write>(BufWriter<W>);

impl<W: Write> Write for Gathering<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Called where no more lines wait.
    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.0.flush();
        std::thread::sleep(GATHER_FOR);
        flushed
    }
}

/// The log of this process. Where it is dropped, the lines that wait are written, as far as somebody reads them.
#[must_use]
pub struct Logging {
    worker: Option<WorkerGuard>,
    dropped: ErrorCounter,
}

impl Logging {
    /// Tells how many lines were dropped because the queue was full.
    pub fn dropped_lines(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let dropped = self.dropped.clone();
        move || dropped.dropped_lines() as u64
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let worker = self.worker.take();
        // Where its queue is full, the guard prints a sentence to standard output, which may be full too.
        write_within_timeout(move || drop(worker));
    }
}

/// Starts logging for this process; a second call changes nothing.
pub fn start(log: &Log) -> Logging {
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
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE_LINES).thread_name("log");
    let (writer, worker) = queue.finish(Gathering(BufWriter::new(io::stderr())));
    let dropped = writer.error_counter();
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false).log_internal_errors(false);
    let lines = match log.format {
        Format::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
    };
    // Failing means that a log is there already, as where two servers run in one process.
    let _already_started = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    Logging { worker: Some(worker), dropped }
}

/// Runs a write to an output which nobody may read, on a thread of its own; `None` where it is not done in time.
pub fn write_within_timeout<T: Send + 'static>(write: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = mpsc::sync_channel(1);
    let writer = move || {
        // Nobody may wait for it any more.
        let _ = done.send(write());
    };
    std::thread::Builder::new().name(OUTPUT_THREAD.into()).spawn(writer).ok()?;
    result.recv_timeout(WRITE_TIMEOUT).ok()
}
