//! What the gateway promises, a file a promise. In process, a fresh store each, in any order.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(
    clippy::needless_pass_by_value,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test is written for its reader, not for speed"
)]

mod support;

mod answer;
mod backups;
mod bounded;
mod clients;
mod commands;
mod concurrency;
mod copies;
mod errors;
mod fatal;
mod feeds;
mod garbage;
mod hang_ups;
mod help;
mod house;
mod http;
mod imports;
mod keys;
mod log;
mod lost_stores;
mod metrics;
mod oneuptime;
mod openapi;
mod oracle;
mod page;
mod plans;
#[cfg(feature = "postgres")]
mod postgres;
mod privacy;
mod property;
mod pull;
mod recipients;
mod requests;
mod samples;
mod settings;
mod stores;
mod windows;
mod wrong_keys;
mod wrong_requests;
