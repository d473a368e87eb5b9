//! Feeds must survive kills, full disks, locked stores, and databases that crash and restart. Bounded, and under five
//! minutes: `cargo test --features long-tests --test faults`. With `FAULT_ROUNDS=5000` the kills take a night.
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

mod changes;
#[path = "../long/disk.rs"]
mod disk;
mod durability;
mod feeder;
mod kill;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
