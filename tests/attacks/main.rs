//! Attacks must not delay other clients or fill the memory: clients that send expensive queries and disconnect, that
//! never read responses, or that send bodies without a key. Bounded, on loopback only, and under three minutes:
//! `cargo test --features long-tests --test attacks`. `ATTACK_SECONDS=60` runs the mixed load for a minute.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(
    dead_code,
    unused_imports,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "the other tests use the rest of it"
)]
#[path = "../it/support/mod.rs"]
mod support;

mod client;
mod expensive_queries;
mod memory;
mod mixed_load;
mod target;
