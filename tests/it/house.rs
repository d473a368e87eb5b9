//! The invariants that `src/lib.rs` names, read from the sources.

use std::path::{Path, PathBuf};

/// Every source file under `src`, with its text up to its own tests.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    found.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The lines of code, comments and a file's own tests aside.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// Fails where a file that `holds` picks has one of the words.
fn absent(words: &[&str], holds: impl Fn(&str) -> bool, reason: &str) {
    for (name, text) in sources().iter().filter(|(name, _)| holds(name)) {
        for line in code(text) {
            let found = words.iter().find(|word| line.contains(**word));
            assert!(found.is_none(), "src/{name}: {reason}: {}", line.trim());
        }
    }
}

#[test]
fn only_the_store_knows_diesel() {
    absent(&["diesel"], |name| !name.starts_with("store/"), "only the store knows diesel");
}

#[test]
fn only_five_files_name_a_database() {
    let names = |name: &str| {
        !matches!(
            name,
            "store/connection.rs" | "store/dialect.rs" | "store/postgres.rs" | "store/sqlite.rs" | "store/url.rs"
        )
    };
    absent(
        &["Sqlite", "diesel::sqlite", "PRAGMA", "sqlite_master", "Postgres", "diesel::pg", "pg_"],
        names,
        "only connection.rs, dialect.rs, postgres.rs, sqlite.rs and url.rs name a database",
    );
}

#[test]
fn only_http_and_the_dialects_routes_know_actix() {
    let names = |name: &str| {
        !(name.starts_with("http/") || name.starts_with("web/") || name.ends_with("/routes.rs") || name == "cli/mod.rs")
    };
    absent(&["actix_web", "actix_rt"], names, "only http, web and routes.rs know actix");
}

#[test]
fn only_the_upstream_knows_its_client() {
    absent(&["ureq"], |name| name != "edna/upstream.rs", "only edna/upstream.rs knows how to ask another endpoint");
}

#[test]
fn the_model_knows_no_other_module() {
    let others = [
        "crate::store",
        "crate::http",
        "crate::edna",
        "crate::ingest",
        "crate::cli",
        "crate::config",
        "tokio",
        "std::fs",
    ];
    absent(&others, |name| name.starts_with("model/"), "the model uses nothing of ours and no I/O");
}

#[test]
fn each_module_uses_only_those_below_it() {
    let rules: [(&str, &[&str]); 6] = [
        ("store/", &["crate::ingest", "crate::edna", "crate::http", "crate::cli", "crate::config"]),
        ("ingest/", &["crate::edna", "crate::oneuptime", "crate::http", "crate::cli", "crate::config"]),
        ("edna/", &["crate::http", "crate::cli", "crate::config", "crate::oneuptime"]),
        ("oneuptime/", &["crate::http", "crate::cli", "crate::config", "crate::edna", "crate::ingest"]),
        ("generate", &["crate::store", "crate::ingest", "crate::http", "crate::edna", "crate::cli"]),
        ("http/", &["crate::cli", "crate::ingest"]),
    ];
    for (folder, others) in rules {
        absent(others, |name| name.starts_with(folder), "a module uses only those below it");
    }
}

#[test]
fn the_time_comes_from_one_clock() {
    absent(
        &["Utc::now", "SystemTime::now", "Local::now"],
        |name| name != "http/clock.rs",
        "now comes from http::clock",
    );
}

#[test]
fn there_are_no_statics() {
    absent(&["static mut", "OnceLock", "LazyLock", "OnceCell", "thread_local!"], |_| true, "no statics with state");
}

#[test]
fn every_module_says_what_it_is_and_no_file_is_long() {
    for (name, text) in sources() {
        assert!(
            text.trim_start_matches("#![forbid(unsafe_code)]").trim_start().starts_with("//! "),
            "src/{name} begins without its sentence"
        );
        assert!(text.lines().count() <= 400, "src/{name} has {} lines", text.lines().count());
    }
}

#[test]
fn every_store_function_that_touches_messages_takes_the_tenant_first() {
    for file in [
        "store/messages.rs",
        "store/history.rs",
        "store/days.rs",
        "store/pulls.rs",
        "store/subscribers.rs",
        "store/subjects.rs",
        "store/whatsapp_logs/mod.rs",
        "store/whatsapp_logs/counts.rs",
        "store/whatsapp_logs/page.rs",
    ] {
        let text = sources().into_iter().find(|(name, _)| name == file).unwrap().1;
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for signature in flat.split("pub fn ").skip(1) {
            let arguments = signature.split(')').next().unwrap();
            if !arguments.contains("connection: &mut Connection") {
                continue;
            }
            // A query and a filter begin with their tenant, and what can be counted is a filter.
            let first = [
                "connection: &mut Connection, tenant: TenantId",
                "connection: &mut Connection, query: &HistoryQuery",
                "connection: &mut Connection, query: &LogQuery",
                "connection: &mut Connection, filter: &LogFilter",
                "&self, connection: &mut Connection, start: Start",
                "&self, connection: &mut Connection",
            ];
            assert!(first.iter().any(|first| arguments.contains(first)), "{file}: {arguments}");
        }
    }
}

#[test]
fn unwrap_and_expect_are_for_tests() {
    absent(&[".unwrap()", ".expect("], |_| true, "unwrap and expect are for tests");
}

#[test]
fn the_bundled_sqlite_is_built_without_locks_that_nobody_needs() {
    #[derive(diesel::QueryableByName)]
    struct Chosen {
        #[diesel(sql_type = diesel::sql_types::Text)]
        compile_options: String,
    }
    let database = crate::support::Database::file();
    let url = history_gateway::store::DatabaseUrl::parse(&database.url()).unwrap();
    let mut connection = url.connect(std::time::Duration::from_secs(1)).unwrap();
    let chosen: Vec<Chosen> =
        diesel::RunQueryDsl::load(diesel::sql_query("PRAGMA compile_options"), &mut connection).unwrap();
    let chosen: Vec<&str> = chosen.iter().map(|chosen| chosen.compile_options.as_str()).collect();
    // `.cargo/config.toml` says why.
    assert!(chosen.contains(&"THREADSAFE=2") && chosen.contains(&"DEFAULT_MEMSTATUS=0"), "{chosen:?}");
    assert!(!chosen.contains(&"ENABLE_MEMORY_MANAGEMENT"), "{chosen:?}");
}
