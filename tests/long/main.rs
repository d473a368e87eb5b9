//! What takes longer: faults, growth, a crowd. Run with `cargo test --features long-tests --test long`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../it/support/binary.rs"]
mod binary;

mod crowd;
mod faults;
mod growth;

/// A store with the tenant 3193.
fn shop() -> binary::Binary {
    let binary = binary::Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    binary
}
