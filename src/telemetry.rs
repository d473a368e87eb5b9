//! Sets up the log, which goes to standard error and never blocks on its reader; knows no command and no request.
//!
//! A log line may contain: the id, method, route, status and duration of a request; counts; ids of tenants, subjects
//! and keys; the title of an error. It never contains an address, a text, a key, a query or the raw path of a request.

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

/// Maximum number of lines in the queue. Further lines are dropped and counted.
const QUEUE_LINES: usize = 4096;

/// Maximum duration of a write to an output that may have no reader.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The name of the threads that write to an output that may have no reader.
pub const OUTPUT_THREAD: &str = "output";

/// How long the log's thread sleeps after a batch while the next lines queue up.
const BATCH_INTERVAL: Duration = Duration::from_millis(10);

/// Writes queued lines in batches. Under load, waking the log's thread for every line costs more than writing the line,
/// so the thread sleeps after each batch and resumes by itself.
struct BatchedWriter<W: Write>(BufWriter<W>);

impl<W: Write> Write for BatchedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Called when the queue is empty.
    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.0.flush();
        std::thread::sleep(BATCH_INTERVAL);
        flushed
    }
}

/// The log of this process. Dropping it writes the queued lines, unless nobody reads them.
#[must_use]
pub struct Logging {
    worker: Option<WorkerGuard>,
    dropped: ErrorCounter,
    flush_timeout: Duration,
}

impl Logging {
    /// The same log, which is dropped within this time even if nobody reads it.
    pub fn flushing_within(mut self, flush_timeout: Duration) -> Self {
        self.flush_timeout = flush_timeout;
        self
    }

    /// A function that returns the number of lines dropped because the queue was full.
    pub fn dropped_lines(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let dropped = self.dropped.clone();
        move || dropped.dropped_lines() as u64
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let worker = self.worker.take();
        // If the queue is full, the guard prints a sentence to standard output, which may block too.
        write_within(self.flush_timeout, move || drop(worker));
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
    // Lines of other crates may contain anything, so only their warnings and errors are logged.
    // Requests that actix's HTTP parser rejects are the client's fault and could fill the log.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("actix_http", LevelFilter::OFF)
        .with_target("history_gateway", level);
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE_LINES).thread_name("log");
    let (writer, worker) = queue.finish(BatchedWriter(BufWriter::new(io::stderr())));
    let dropped = writer.error_counter();
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false).log_internal_errors(false);
    let lines = match log.format {
        Format::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
    };
    // Fails if the process already has a log, as when two servers run in one process.
    let _already_started = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    Logging { worker: Some(worker), dropped, flush_timeout: WRITE_TIMEOUT }
}

/// Runs a write to an output that may have no reader, on a thread of its own; `None` if it does not finish in time.
pub fn write_within_timeout<T: Send + 'static>(write: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    write_within(WRITE_TIMEOUT, write)
}

fn write_within<T: Send + 'static>(timeout: Duration, write: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = mpsc::sync_channel(1);
    let writer = move || {
        // Fails if the caller has given up waiting.
        let _ = done.send(write());
    };
    std::thread::Builder::new().name(OUTPUT_THREAD.into()).spawn(writer).ok()?;
    result.recv_timeout(timeout).ok()
}
