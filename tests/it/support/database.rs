//! A database for each test, on SQLite or PostgreSQL, as the environment says.

use history_gateway::store::{DatabaseUrl, Options, Store};
use tempfile::TempDir;

#[cfg(feature = "postgres")]
use super::cluster::{Cluster, cluster};

/// A database that is deleted when it is dropped.
pub enum Database {
    Sqlite(TempDir),
    #[cfg(feature = "postgres")]
    Postgres(&'static Cluster, String),
}

/// Whether the suite runs on PostgreSQL: `HISTORY_GATEWAY_TEST_DATABASE=postgres cargo test`.
pub fn runs_on_postgres() -> bool {
    match std::env::var("HISTORY_GATEWAY_TEST_DATABASE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("HISTORY_GATEWAY_TEST_DATABASE is '{other}'; it must be sqlite or postgres"),
    }
}

/// The cluster for tests that are only about PostgreSQL; without it they are skipped.
#[cfg(feature = "postgres")]
pub fn postgres_cluster() -> Option<&'static Cluster> {
    cluster().map_err(report_skipped).ok()
}

/// Prints once per reason that tests about PostgreSQL are skipped. Fails if the environment asks for PostgreSQL.
#[cfg(feature = "postgres")]
pub fn report_skipped(reason: &str) {
    static REPORTED: std::sync::Mutex<std::collections::BTreeSet<String>> =
        std::sync::Mutex::new(std::collections::BTreeSet::new());
    assert!(!runs_on_postgres(), "{reason}");
    let mut reported = REPORTED.lock().unwrap();
    if reported.insert(reason.to_owned()) {
        // Written to standard error directly, because the test harness captures what `eprintln!` prints.
        let line = format!("SKIPPED: tests about PostgreSQL; {reason}\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
}

impl Database {
    /// An empty database of the kind that the suite runs on.
    pub fn new() -> Self {
        if runs_on_postgres() { Self::copy_of("template1") } else { Self::sqlite() }
    }

    /// A database with all migrations, of the kind that the suite runs on.
    pub fn migrated() -> Self {
        if runs_on_postgres() { Self::copy_of("migrated") } else { Self::sqlite() }
    }

    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    #[cfg(not(feature = "postgres"))]
    fn copy_of(_template: &str) -> Self {
        panic!("PostgreSQL is left out of this build")
    }

    #[cfg(feature = "postgres")]
    fn copy_of(template: &str) -> Self {
        let cluster = postgres_cluster().unwrap();
        if template == "migrated" {
            migrate_once(cluster);
        }
        Self::on(cluster, template)
    }

    #[cfg(feature = "postgres")]
    pub fn on(cluster: &'static Cluster, template: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        // Copying the files is several times faster than PostgreSQL 15's default; PostgreSQL 14 always does it.
        let strategy = if cluster.is_15_or_newer { "STRATEGY FILE_COPY" } else { "" };
        cluster.run(&format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}"));
        Self::Postgres(cluster, name)
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(directory) => format!("sqlite://{}", directory.path().join("test.db").display()),
            #[cfg(feature = "postgres")]
            Self::Postgres(cluster, name) => cluster.url(name),
        }
    }

    /// Its name in the cluster; empty on SQLite.
    #[cfg(feature = "postgres")]
    pub fn name(&self) -> &str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_, name) => name,
        }
    }

    /// The file with the key of the audit log that the settings name; `None` for that beside a SQLite file.
    pub fn audit_key_file(&self) -> Option<std::path::PathBuf> {
        match self {
            Self::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(cluster, name) => Some(cluster.directory.join(format!("{name}.audit-key"))),
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
        if let Self::Postgres(cluster, name) = self {
            // The whole cluster is deleted at the end; until then, other tests need the space.
            cluster.run(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Creates the database that is copied, so that the migrations run once and not for every test.
#[cfg(feature = "postgres")]
fn migrate_once(cluster: &Cluster) {
    static MIGRATED: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    MIGRATED.get_or_init(|| {
        cluster.run("CREATE DATABASE migrated");
        drop(Store::open(&DatabaseUrl::parse(&cluster.url("migrated")).unwrap(), Options::default()).unwrap());
    });
}
