//! The invariants that `src/lib.rs` lists, checked against the text of the sources.

use std::path::{Path, PathBuf};

/// Every source file under `src`, with its text.
pub fn sources() -> Vec<(String, String)> {
    files_in("src")
}

/// Every file in a folder of the package, with its text.
fn files_in(folder: &str) -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { collect(&path, found) } else { found.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    found.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    found.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The lines of code, without comments and the file's own tests.
pub fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// Fails if a file that `applies_to` selects contains one of the words.
fn assert_absent(words: &[&str], applies_to: impl Fn(&str) -> bool, reason: &str) {
    for (name, text) in sources().iter().filter(|(name, _)| applies_to(name)) {
        for line in code(text) {
            let found = words.iter().find(|word| line.contains(**word));
            assert!(found.is_none(), "src/{name}: {reason}: {}", line.trim());
        }
    }
}

#[test]
fn only_the_store_uses_diesel() {
    assert_absent(&["diesel"], |name| !name.starts_with("store/"), "only the store knows diesel");
}

#[test]
fn only_store_db_names_a_database() {
    assert_absent(
        &["Sqlite", "diesel::sqlite", "PRAGMA", "sqlite_master", "Postgres", "diesel::pg", "pg_"],
        |name| !name.starts_with("store/db/"),
        "only store/db names a database",
    );
}

#[test]
fn only_http_web_and_handlers_use_actix() {
    /// The files of the dialects that have handlers.
    const HANDLERS: [&str; 23] = [
        "edna/history.rs",
        "edna/webhook.rs",
        "oneuptime/handlers.rs",
        "api/changes.rs",
        "api/ingest.rs",
        "api/message.rs",
        "api/messages.rs",
        "console/audit.rs",
        "console/conversation.rs",
        "console/cookies.rs",
        "console/evidence.rs",
        "console/files.rs",
        "console/find.rs",
        "console/csrf.rs",
        "console/language.rs",
        "console/login.rs",
        "console/message.rs",
        "console/messages.rs",
        "console/refusals.rs",
        "console/start.rs",
        "console/not_found.rs",
        "console/users.rs",
        "console/visit.rs",
    ];
    let is_checked = |name: &str| {
        let is_of_sandbox = name.starts_with("sandbox/http/") || name.starts_with("sandbox/control/");
        !(is_of_sandbox
            || name.starts_with("http/")
            || name.starts_with("web/")
            || HANDLERS.contains(&name)
            || name == "cli/mod.rs")
    };
    assert_absent(&["actix_web", "actix_rt", "actix_http::"], is_checked, "only http, web and handlers know actix");
}

#[test]
fn only_outbound_uses_the_http_client() {
    assert_absent(&["ureq"], |name| !name.starts_with("outbound"), "only outbound knows the HTTP client");
}

#[test]
fn model_uses_no_other_module_and_no_io() {
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
    assert_absent(&others, |name| name.starts_with("model/"), "the model uses no other module and no I/O");
}

/// Which modules each module may use. Anything else fails.
const USES: [(&str, &[&str]); 31] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "http",
            "jobs",
            "pull",
            "sandbox",
            "oneuptime",
            "clock",
            "ingest",
            "store",
            "generate",
            "transfer",
            "config",
            "telemetry",
            "model",
        ],
    ),
    (
        "http",
        &[
            "edna",
            "oneuptime",
            "api",
            "console",
            "app",
            "clock",
            "store",
            "config",
            "document",
            "in_flight",
            "web",
            "model",
        ],
    ),
    (
        "sandbox",
        &[
            "http",
            "oneuptime",
            "api",
            "app",
            "keys",
            "clock",
            "ingest",
            "store",
            "generate",
            "config",
            "outbound",
            "web",
            "model",
        ],
    ),
    ("jobs", &["pull", "app", "ingest", "store", "config", "model"]),
    ("edna", &["app", "ingest", "store", "config", "document", "web", "model"]),
    ("oneuptime", &["app", "keys", "store", "config", "document", "web", "model"]),
    ("api", &["app", "ingest", "store", "config", "document", "web", "model"]),
    ("viewer", &["app", "audit", "store", "model"]),
    ("console", &["app", "viewer", "config", "sign_in", "store", "web", "model"]),
    ("document", &["keys", "web", "model"]),
    ("web", &["app", "audit", "keys", "in_flight", "store", "config", "model"]),
    ("pull", &["ingest", "store", "outbound", "model"]),
    ("transfer", &["ingest", "store", "model"]),
    (
        "app",
        &["keys", "sign_in", "audit", "metrics", "in_flight", "ingest", "result_cache", "store", "config", "clock"],
    ),
    ("keys", &["rate_limit", "store", "model"]),
    ("sign_in", &["audit", "rate_limit", "store", "config", "model"]),
    ("audit", &["store", "config", "model"]),
    ("metrics", &["in_flight", "ingest", "store", "model"]),
    ("ingest", &["store", "fair_queue", "model"]),
    ("config", &["ingest", "store", "model"]),
    ("telemetry", &["config"]),
    ("store", &["fair_queue", "model"]),
    ("in_flight", &["model"]),
    ("fair_queue", &["model"]),
    ("generate", &["model"]),
    ("outbound", &["model"]),
    ("rate_limit", &[]),
    ("result_cache", &[]),
    ("clock", &["model"]),
    ("model", &[]),
];

/// The module that a file belongs to.
fn module(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn modules_use_only_their_allowed_dependencies() {
    for (name, text) in sources().iter().filter(|(name, _)| name != "lib.rs") {
        let own = module(name);
        let allowed = USES.iter().find(|(module, _)| *module == own);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("src/{name}: say in USES what '{own}' may use"));
        for line in code(text) {
            for used in used_in(line) {
                let is_allowed = used == own || allowed.contains(&used);
                assert!(is_allowed, "src/{name}: {own} may not use {used}: {}", line.trim());
            }
        }
    }
}

/// The modules that a line names.
fn used_in(line: &str) -> impl Iterator<Item = &str> {
    let named = line.split("crate::").skip(1).chain(line.split("history_gateway::").skip(1));
    named.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap())
}

/// A dependency that nothing uses any more must be removed from the map.
#[test]
fn each_module_uses_all_that_the_map_says() {
    let sources = sources();
    for (own, allowed) in USES {
        for used in allowed {
            let is_used = |(name, text): &(String, String)| {
                module(name) == own && code(text).any(|line| used_in(line).any(|one| one == *used))
            };
            assert!(sources.iter().any(is_used), "{own} does not use {used}");
        }
    }
}

#[test]
fn crate_docs_list_the_allowed_dependencies() {
    let map = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let map = map.replace("\n//! ", " ");
    for (own, used) in USES {
        assert!(own == "main" || map.contains(&format!("| [`{own}`] |")), "src/lib.rs does not list {own}");
        let arrow = match used {
            [] => continue,
            [one] => format!("`{own} → {one}`"),
            many => format!("`{own} → {{{}}}`", many.join(", ")),
        };
        assert!(map.contains(&arrow), "src/lib.rs does not say {arrow}");
    }
}

#[test]
fn time_comes_from_the_clock_module_only() {
    assert_absent(&["Utc::now", "SystemTime::now", "Local::now"], |name| name != "clock.rs", "now comes from clock");
}

#[test]
fn no_statics() {
    assert_absent(&["OnceLock", "LazyLock", "OnceCell", "thread_local!"], |_| true, "no statics with state");
    for (name, text) in sources() {
        for line in code(&text) {
            let item = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            let item = item.trim_start_matches("pub ");
            // The process's allocator is a static by its nature.
            let is_allocator = name == "main.rs" && item.starts_with("static ALLOCATOR: ");
            assert!(is_allocator || !item.starts_with("static "), "src/{name}: no statics: {}", line.trim());
        }
    }
}

#[test]
fn files_have_module_docs_and_at_most_400_lines() {
    for (name, text) in sources() {
        assert!(
            text.trim_start_matches("#![forbid(unsafe_code)]").trim_start().starts_with("//! "),
            "src/{name} does not begin with a module doc"
        );
        assert!(text.lines().count() <= 400, "src/{name} has {} lines", text.lines().count());
    }
}

/// The store's functions that take no tenant, because they are about all tenants or about none.
const WITHOUT_TENANT: [&str; 18] = [
    "store/api_keys.rs find",
    "store/api_keys.rs save_last_uses",
    "store/changes/mod.rs last_changes",
    "store/check.rs structure",
    "store/messages/partitions.rs missing",
    "store/messages/partitions.rs create",
    "store/messages/partitions.rs drop",
    "store/messages/pending.rs ready_tenants",
    "store/search/mod.rs tenants_behind",
    "store/search/mod.rs changes_behind",
    "store/sessions.rs user",
    "store/stats.rs bytes",
    "store/stats.rs read",
    "store/tenants.rs list",
    "store/tenants.rs missing_logs",
    "store/tenants.rs renew_epochs",
    "store/users.rs any",
    "store/users.rs find",
];

#[test]
fn every_store_function_takes_the_tenant_first() {
    let is_of_tenants = |name: &str| name.starts_with("store/") && !name.starts_with("store/db/");
    for (file, text) in sources().into_iter().filter(|(name, _)| is_of_tenants(name)) {
        let flat = code(&text).collect::<Vec<_>>().join(" ");
        let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
        for signature in flat.split("pub fn ").skip(1) {
            let (function, arguments) = signature.split_once('(').unwrap();
            let arguments = arguments.split(')').next().unwrap().trim().replace("&'q ", "&").replace("&'a ", "&");
            if !arguments.contains("connection: &mut Connection") {
                continue;
            }
            let name = format!("{file} {}", function.split('<').next().unwrap());
            // Queries, filters and new keys hold their tenant.
            let first = [
                "tenant: TenantId",
                "tenant: &Tenant",
                "query: &HistoryQuery",
                "query: &LogQuery",
                "query: &MessageQuery",
                "filter: &LogFilter",
                "key: &NewKey",
            ];
            let is_first =
                first.iter().any(|first| arguments.starts_with(&format!("connection: &mut Connection, {first}")));
            let is_known = WITHOUT_TENANT.contains(&name.as_str());
            // What a method needs is in its type.
            let is_method = ["self", "&self", "&mut self"].iter().any(|this| arguments.starts_with(this));
            assert!(is_first || is_method || is_known, "{name}: {arguments}");
        }
    }
}

#[test]
fn no_unwrap_or_expect_outside_tests() {
    assert_absent(&[".unwrap()", ".expect("], |_| true, "unwrap and expect are for tests");
}

#[test]
fn bundled_sqlite_has_the_expected_compile_options() {
    #[derive(diesel::QueryableByName)]
    struct CompileOption {
        #[diesel(sql_type = diesel::sql_types::Text)]
        compile_options: String,
    }
    let database = crate::support::Database::sqlite();
    let url = history_gateway::store::DatabaseUrl::parse(&database.url()).unwrap();
    let mut connection = url.connect(std::time::Duration::from_secs(1)).unwrap();
    let options: Vec<CompileOption> =
        diesel::RunQueryDsl::load(diesel::sql_query("PRAGMA compile_options"), &mut connection).unwrap();
    let options: Vec<&str> = options.iter().map(|options| options.compile_options.as_str()).collect();
    // `.cargo/config.toml` says why.
    let wanted = ["THREADSAFE=2", "DEFAULT_MEMSTATUS=0", "ENABLE_QPSG", "DEFAULT_PCACHE_INITSZ=0"];
    assert!(wanted.iter().all(|wanted| options.contains(wanted)), "{options:?}");
    let unwanted = ["ENABLE_STAT4", "ENABLE_MEMORY_MANAGEMENT", "ENABLE_API_ARMOR"];
    assert!(unwanted.iter().all(|unwanted| !options.contains(unwanted)), "{options:?}");
}

#[test]
fn test_names_have_at_most_60_characters() {
    let mut count = 0;
    for (file, text) in files_in("tests").into_iter().chain(sources()) {
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            let name = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            match name {
                Some(name) if is_test => {
                    assert!(name.len() <= 60, "{file}: {name} has {} characters", name.len());
                    count += 1;
                    is_test = false;
                }
                _ => is_test = line.starts_with("#[") && line.contains("test]") || is_test && line.starts_with("#["),
            }
        }
    }
    assert!(count > 500, "{count}");
}
