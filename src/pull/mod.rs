//! Copies another endpoint's history into the ingest queue, and keeps the copy up to date; knows no HTTP, no clock and
//! no terminal.
//!
//! Progress is saved only after the messages that it covers are durable, and recording a message again changes nothing,
//! so a pull may be stopped at any point, any number of times. The next one starts at the first message that may have
//! changed since it was read: statuses can arrive late by up to the `overlap`.

mod page;
mod retry;
mod run;
mod state;
pub mod upstream;
mod window;

pub use retry::RetryPolicy;
pub use state::{Observer, Pull, PullError, PullLimits, PullOptions, PullStats};
