//! Tests that take longer: faults, growth, concurrent imports. `cargo test --features long-tests --test long`.
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

mod concurrent_imports;
mod disk;
mod faults;
mod growth;

use support::Binary;

/// A binary whose store has the tenant 3193, on the database that the suite runs on.
fn binary_with_tenant() -> Binary {
    with_tenant(Binary::new())
}

fn with_tenant(binary: Binary) -> Binary {
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    binary
}
