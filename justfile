# What people who work on the gateway type most often.

# A throw-away server with demo data.
sandbox:
    cargo run -- sandbox

# What an edit can break at once: formatting, lints, the unit tests. Under a minute.
check:
    cargo fmt --check
    cargo clippy --all-targets --all-features --quiet -- -D warnings
    cargo test --quiet --lib

# The tests, as the README and CI run them.
test:
    cargo test

# The same tests on PostgreSQL.
test-postgres:
    HISTORY_GATEWAY_TEST_DATABASE=postgres cargo test

# The tests that take longer.
long:
    cargo test --features long-tests --test long

# Kills, full disks, databases that die: what feeds must survive.
faults:
    cargo test --features long-tests --test faults

# Everything CI checks.
ci:
    .ci/run

# Writes docs/openapi.json anew; read what changed.
openapi:
    UPDATE_OPENAPI=1 cargo test --test it openapi

# The figures of benches/README.md.
bench:
    cargo bench --bench http
    cargo bench --bench queries
    cargo bench --bench logs
    cargo bench --bench feeds

# The same and more on a PostgreSQL database that may be filled: just bench-postgres postgres://…
bench-postgres url:
    BENCH_DATABASE_URL={{url}} cargo bench --bench queries
    BENCH_DATABASE_URL={{url}} cargo bench --bench http
    BENCH_DATABASE_URL={{url}} cargo bench --bench postgres
    BENCH_DATABASE_URL={{url}} cargo bench --bench logs
