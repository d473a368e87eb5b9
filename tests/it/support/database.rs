//! A database of its own for each test, of the kind that the environment names.

use history_gateway::store::{DatabaseUrl, Options, Store};
use tempfile::TempDir;

#[cfg(feature = "postgres")]
use super::cluster::{Cluster, cluster};

/// A database that goes away with its test.
pub enum Database {
    File(TempDir),
    #[cfg(feature = "postgres")]
    Server(&'static Cluster, String),
}

/// Whether the suite runs on PostgreSQL: `HISTORY_GATEWAY_TEST_DATABASE=postgres cargo test`.
pub fn on_server() -> bool {
    match std::env::var("HISTORY_GATEWAY_TEST_DATABASE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("HISTORY_GATEWAY_TEST_DATABASE is '{other}'; it must be sqlite or postgres"),
    }
}

/// The cluster, for tests that are about PostgreSQL alone; without it they are passed over.
#[cfg(feature = "postgres")]
pub fn server() -> Option<&'static Cluster> {
    cluster().map_err(passed_over).ok()
}

/// Says that tests about PostgreSQL are passed over, and why; where the environment asks for PostgreSQL, they fail.
#[cfg(feature = "postgres")]
pub fn passed_over(reason: &str) {
    static SAID: std::sync::Mutex<std::collections::BTreeSet<String>> =
        std::sync::Mutex::new(std::collections::BTreeSet::new());
    assert!(!on_server(), "{reason}");
    let mut said = SAID.lock().unwrap();
    if said.insert(reason.to_owned()) {
        // Past the test harness, which would swallow what is printed.
        let line = format!("SKIPPED: tests about PostgreSQL; {reason}\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
}

impl Database {
    /// An empty database of the kind that the suite runs on.
    pub fn new() -> Self {
        if on_server() { Self::copy_of("template1") } else { Self::file() }
    }

    /// A database with every migration, of the kind that the suite runs on.
    pub fn migrated() -> Self {
        if on_server() { Self::copy_of("migrated") } else { Self::file() }
    }

    pub fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    #[cfg(not(feature = "postgres"))]
    fn copy_of(_template: &str) -> Self {
        panic!("PostgreSQL is left out of this build")
    }

    #[cfg(feature = "postgres")]
    fn copy_of(template: &str) -> Self {
        let cluster = server().unwrap();
        if template == "migrated" {
            migrate_once(cluster);
        }
        Self::on(cluster, template)
    }

    #[cfg(feature = "postgres")]
    pub fn on(cluster: &'static Cluster, template: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        // Copying the files is several times faster than what PostgreSQL 15 does by default, and all that 14 can do.
        let how = if cluster.is_15_or_newer { "STRATEGY FILE_COPY" } else { "" };
        cluster.run(&format!("CREATE DATABASE {name} TEMPLATE {template} {how}"));
        Self::Server(cluster, name)
    }

    pub fn url(&self) -> String {
        match self {
            Self::File(directory) => format!("sqlite://{}", directory.path().join("test.db").display()),
            #[cfg(feature = "postgres")]
            Self::Server(cluster, name) => cluster.url(name),
        }
    }

    /// Its name on the server.
    #[cfg(feature = "postgres")]
    pub fn name(&self) -> &str {
        match self {
            Self::File(_) => "",
            Self::Server(_, name) => name,
        }
    }

    pub fn parsed_url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.url()).unwrap()
    }

    pub fn open(&self, options: Options) -> Store {
        Store::open(&self.parsed_url(), options).unwrap()
    }
}

#[cfg(feature = "postgres")]
impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Server(cluster, name) = self {
            // The whole cluster goes away at the end; until then, its disk space is for the others.
            cluster.run(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Makes the database to copy, so that the migrations run once and not for every test.
#[cfg(feature = "postgres")]
fn migrate_once(cluster: &Cluster) {
    static MADE: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    MADE.get_or_init(|| {
        cluster.run("CREATE DATABASE migrated");
        drop(Store::open(&DatabaseUrl::parse(&cluster.url("migrated")).unwrap(), Options::default()).unwrap());
    });
}
