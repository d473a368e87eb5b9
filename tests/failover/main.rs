//! Several PostgreSQL servers of one database: replicas, fail-over, frozen and returning primaries, and copying a store.
//! Starts its own servers on loopback; bounded, and under five minutes: `cargo test --features long-tests --test
//! failover`.
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

mod copying;
#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../faults/feeder.rs"]
mod feeder;
mod frozen;
mod gateway;
mod node;
mod old_primary;
mod pooler;
mod promotion;
mod proxy;
mod reads;
mod replicas;
mod start;
mod statements;
