//! Tests of the gateway's documented behaviour, one file per topic. Each has a fresh store; they run in any order.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(
    clippy::needless_pass_by_value,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test is written for its reader, not for speed"
)]

mod support;

mod architecture;
mod audit;
mod backups;
mod blocks;
mod circles;
mod clients;
mod commands;
mod compression;
mod concurrency;
mod console;
mod copies;
#[cfg(feature = "postgres")]
mod deploy;
mod disconnects;
mod docs_page;
mod errors;
mod fatal;
mod feeds;
mod find;
mod help;
mod http;
mod imports;
mod invalid_requests;
mod items;
mod keys;
mod log;
mod malformed_input;
mod merging;
mod metrics;
mod oneuptime;
mod openapi;
mod oracle;
mod plans;
#[cfg(feature = "postgres")]
mod postgres;
mod privacy;
mod property;
mod pull;
mod query_limits;
mod recipients;
mod requests;
mod response;
mod samples;
mod sandbox;
mod search;
mod settings;
mod store_integrity;
mod stores;
mod upgrade;
mod users;
mod v1;
mod windows;
mod write_plans;
mod wrong_keys;
