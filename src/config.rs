//! The settings, read from default.toml, a file, the environment and flags, and validated as a whole; knows no command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Environment, File, FileFormat};
use ipnet::IpNet;
use serde::Deserialize;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

mod audit;
mod checks;
mod console;
mod error;
mod sources;
mod v1;

use crate::ingest::{QueueLimits, TenantLimits};
use crate::model::Policy;
use crate::model::key::Profile;
use crate::store::{self, DatabaseUrl, StoreError};
pub use audit::Audit;
pub use checks::validate_bind;
pub use console::Console;
pub use error::ConfigError;
use sources::{DEFAULTS, PREFIX, Sources};
pub use v1::{Changes, Search};

/// All settings. `config/default.toml` documents each one.
#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[validate(nested)]
    pub server: Server,
    #[validate(nested)]
    pub database: Database,
    #[validate(nested)]
    pub auth: Auth,
    #[validate(nested)]
    pub edna: Edna,
    #[validate(nested)]
    pub webhooks: Webhooks,
    #[validate(nested)]
    pub ingest: Ingest,
    #[validate(nested)]
    pub changes: Changes,
    pub search: Search,
    #[validate(nested)]
    pub console: Console,
    pub audit: Audit,
    pub oneuptime: OneUptime,
    #[validate(nested)]
    pub pull: Pull,
    pub log: Log,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Server {
    #[validate(custom(function = checks::valid_bind))]
    pub bind: String,
    #[validate(range(max = 1024, message = "must be at most 1024"))]
    pub workers: usize,
    #[validate(range(min = 1024, max = 1_073_741_824, message = "must be between 1024 and 1073741824"))]
    pub body_limit_bytes: usize,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub header_timeout_seconds: u64,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub body_timeout_seconds: u64,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub write_timeout_seconds: u64,
    #[validate(range(min = 1_048_576, message = "must be at least 1048576"))]
    pub bytes_in_flight: usize,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub keep_alive_seconds: u64,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub shutdown_timeout_seconds: u64,
    #[validate(range(min = 1, max = 1_000_000, message = "must be between 1 and 1000000"))]
    pub max_connections: usize,
    #[validate(custom(function = checks::valid_origins))]
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
}

#[derive(Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Database {
    #[validate(custom(function = checks::valid_database))]
    pub url: String,
    #[validate(range(max = 256, message = "must be at most 256"))]
    pub read_connections: u32,
    #[validate(range(max = 256, message = "must be at most 256"))]
    pub expensive_queries: u32,
    #[validate(range(max = 100_000, message = "must be at most 100000"))]
    pub expensive_queue: u32,
    #[validate(range(min = 1, max = 1_000_000_000, message = "must be between 1 and 1000000000"))]
    pub cheap_rows: u32,
    #[validate(range(min = 1, max = 1_000_000_000, message = "must be between 1 and 1000000000"))]
    pub walk_rows: u32,
    #[validate(range(min = 1, max = 60_000, message = "must be between 1 and 60000"))]
    pub walk_milliseconds: u64,
    #[validate(range(max = 1000, message = "must be at most 1000"))]
    pub small_query_milliseconds: u64,
    #[validate(range(min = 1, max = 10_000, message = "must be between 1 and 10000"))]
    pub abandoned_threads: u32,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub wait_seconds: u64,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub deadline_seconds: u64,
    pub prepared_statements: PreparedStatements,
    pub generic_plans: GenericPlans,
    #[validate(custom(function = checks::valid_replicas))]
    pub replicas: Vec<String>,
    #[validate(range(min = 1, max = 86400, message = "must be between 1 and 86400"))]
    pub max_replica_lag_seconds: u64,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    #[validate(range(max = 1_000_000, message = "must be at most 1000000"))]
    pub wrong_keys_per_minute: u32,
    #[validate(range(max = 86400, message = "must be at most 86400"))]
    pub remember_keys_seconds: u64,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Edna {
    pub recipient: RecipientSetting,
    pub range_check: RangeCheck,
    #[validate(range(max = 1_000_000, message = "must be at most 1000000"))]
    pub requests_per_second: u32,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    #[validate(custom(function = checks::valid_header))]
    pub header: String,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    #[validate(range(min = 1024, max = 1_073_741_824, message = "must be between 1024 and 1073741824"))]
    pub body_limit_bytes: usize,
    #[validate(range(min = 1_048_576, max = 1_073_741_824, message = "must be between 1048576 and 1073741824"))]
    pub queue_bytes: usize,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub wait_seconds: u64,
    #[validate(range(min = 1, message = "must be at least 1"))]
    pub pending_messages_per_tenant: i64,
    #[validate(range(min = 1, message = "must be at least 1"))]
    pub other_events_per_tenant: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneUptime {
    pub profile: ProfileSetting,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    #[validate(range(exclusive_min = 0.0, max = 1000.0, message = "must be more than 0 and at most 1000"))]
    pub requests_per_second: f64,
    #[validate(range(min = 1, max = 1000, message = "must be between 1 and 1000"))]
    pub attempts: u32,
    #[validate(range(max = 8784, message = "must be at most 8784 (366 days)"))]
    pub overlap_hours: u64,
    #[validate(range(min = 1, max = 86400, message = "must be between 1 and 86400"))]
    pub poll_interval_seconds: u64,
    #[validate(nested)]
    pub upstreams: Vec<PulledUpstream>,
}

/// Another endpoint that `serve` pulls messages from.
#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct PulledUpstream {
    pub tenant: i64,
    #[validate(custom(function = checks::valid_upstream))]
    pub url: String,
    pub key_file: PathBuf,
}

/// A setting with a fixed set of values. Any other value is rejected with a list of the valid ones.
macro_rules! enum_setting {
    ($name:ident { $($variant:ident = $word:literal,)* }) => {
        #[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
        #[serde(try_from = "String")]
        pub enum $name { $($variant,)* }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                match word.as_str() {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("must be one of: {}", [$($word),*].join(", "))),
                }
            }
        }
    };
}

enum_setting!(RecipientSetting { Subscriber = "subscriber", Address = "address", });
enum_setting!(RangeCheck { Given = "given", Effective = "effective", });
enum_setting!(ProfileSetting { Published = "published", Live = "live", });
enum_setting!(PreparedStatements { Auto = "auto", Always = "always", Never = "never", });
enum_setting!(GenericPlans { Always = "always", Auto = "auto", });
enum_setting!(SecureCookies { Auto = "auto", Always = "always", });
enum_setting!(ApiAudit { Off = "off", Summary = "summary", Every = "every", });
enum_setting!(Level { Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace", });
enum_setting!(Format { Text = "text", Json = "json", });

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: Level,
    pub format: Format,
}

impl Config {
    /// Reads and validates the settings; `flags` are (name, value) pairs such as `("server.bind", "127.0.0.1:0")`.
    pub fn load(file: Option<&Path>, flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        let environment = Environment::with_prefix(PREFIX).prefix_separator("__").separator("__").try_parsing(true);
        let environment = environment.list_separator(",").with_list_parse_key("server.cors_origins");
        let environment = environment.with_list_parse_key("server.trusted_proxies");
        let environment = environment.with_list_parse_key("database.replicas");
        Self::read(&Sources::read(file)?, environment, flags)
    }

    /// The defaults only, for tests and for programs that embed the gateway.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::read(&Sources::none(), Environment::default().source(Some(config::Map::new())), &[])
    }

    fn read(sources: &Sources, environment: Environment, flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        let unknown = sources.unknown();
        if !unknown.is_empty() {
            return Err(ConfigError::Invalid(unknown.join("; ")));
        }
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(text) = sources.file() {
            builder = builder.add_source(File::from_str(text, FileFormat::Toml));
        }
        builder = builder.add_source(environment);
        let described = |error| describe(sources, &error);
        for (name, value) in flags {
            builder = builder.set_override(name, value.as_str()).map_err(described)?;
        }
        let config: Self = builder.build().and_then(config::Config::try_deserialize).map_err(described)?;
        let invalid = |errors| ConfigError::Invalid(invalid_settings(sources, flags, "", &errors).join("; "));
        config.validate().map_err(invalid)?;
        Ok(config)
    }

    pub fn policy(&self) -> Policy {
        Policy {
            address_only: self.edna.recipient == RecipientSetting::Address,
            effective_range_check: self.edna.range_check == RangeCheck::Effective,
        }
    }

    /// The limits of the ingest queue.
    pub fn ingest_limits(&self) -> QueueLimits {
        QueueLimits {
            queue_bytes: self.ingest.queue_bytes,
            wait: Duration::from_secs(self.ingest.wait_seconds),
            tenant_limits: TenantLimits {
                pending_messages: self.ingest.pending_messages_per_tenant,
                other_events: self.ingest.other_events_per_tenant,
            },
        }
    }

    /// The form of OneUptime responses for keys that do not set their own.
    pub fn profile(&self) -> Profile {
        match self.oneuptime.profile {
            ProfileSetting::Published => Profile::Published,
            ProfileSetting::Live => Profile::Live,
        }
    }

    /// The store's address, with its replicas.
    pub fn database_url(&self) -> Result<DatabaseUrl, StoreError> {
        let max_lag = Duration::from_secs(self.database.max_replica_lag_seconds);
        DatabaseUrl::parse(&self.database.url)?.with_replicas(&self.database.replicas, max_lag)
    }

    pub fn store_options(&self) -> store::Options {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        let or_default = |given: u32, default: u32| if given == 0 { default } else { given };
        let expensive = or_default(self.database.expensive_queries, (cores / 2).max(1));
        store::Options {
            read_connections: or_default(self.database.read_connections, (2 * cores).max(4)),
            expensive,
            expensive_queue: or_default(self.database.expensive_queue, 8 * expensive),
            cheap_rows: self.database.cheap_rows,
            walk_rows: self.database.walk_rows,
            walk_time: Duration::from_millis(self.database.walk_milliseconds),
            small_time: Duration::from_millis(self.database.small_query_milliseconds),
            abandoned_threads: self.database.abandoned_threads,
            durable: true,
            wait: Duration::from_secs(self.database.wait_seconds),
            deadline: Duration::from_secs(self.database.deadline_seconds),
            prepared_statements: match self.database.prepared_statements {
                PreparedStatements::Auto => store::PreparedStatements::Auto,
                PreparedStatements::Always => store::PreparedStatements::Always,
                PreparedStatements::Never => store::PreparedStatements::Never,
            },
            generic_plans: self.database.generic_plans == GenericPlans::Always,
        }
    }
}

/// Hides the URL, which may contain a password.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("url", &"…")
            .field("read_connections", &self.read_connections)
            .finish_non_exhaustive()
    }
}

/// Describes what is wrong with a setting and where it was given. Never repeats the value, which may be a database
/// address with a password.
fn describe(sources: &Sources, error: &config::ConfigError) -> ConfigError {
    let at_setting = |key: &Option<String>, reason: String| match key {
        Some(key) => ConfigError::Invalid(format!("{}: {reason}", sources.named(key))),
        None => ConfigError::Unreadable(reason),
    };
    match error {
        config::ConfigError::Type { unexpected, expected, key, .. } => {
            at_setting(key, type_mismatch(&unexpected.to_string(), expected))
        }
        config::ConfigError::At { error, key, .. } => {
            let sentence = error.to_string();
            let types = sentence.strip_prefix("invalid type: ").and_then(|types| types.rsplit_once(", expected "));
            let reason = types.map(|(value, expected)| type_mismatch(value, expected));
            at_setting(key, reason.unwrap_or_else(|| redact_urls(&sentence)))
        }
        // The config crate leaves out the dot after a list index.
        config::ConfigError::NotFound(key) => {
            at_setting(&Some(key.replace(']', "].").replace("..", ".")), "is required".into())
        }
        other => ConfigError::Unreadable(redact_urls(&other.to_string())),
    }
}

/// States the expected type and the actual type of a value, without the value.
fn type_mismatch(value: &str, expected: &str) -> String {
    let kind = value.split(['`', '"']).next().unwrap_or_default().trim_end();
    let expected = match expected {
        "a floating point" => "a number",
        table if table.starts_with("struct ") => "a table",
        other => other,
    };
    format!("must be {expected}, but its type is {kind}")
}

/// The sentence on one line, cut off after the scheme of the first URL.
fn redact_urls(sentence: &str) -> String {
    let line = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split_once("://").map_or(line.clone(), |(before, _)| format!("{before}://…"))
}

/// A sentence for each setting that failed its validation, with the setting's full name.
fn invalid_settings(sources: &Sources, flags: &[(&str, String)], path: &str, errors: &ValidationErrors) -> Vec<String> {
    let mut found: Vec<String> = errors
        .errors()
        .iter()
        .flat_map(|(name, kind)| {
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            match kind {
                ValidationErrorsKind::Struct(inner) => invalid_settings(sources, flags, &path, inner),
                ValidationErrorsKind::Field(errors) => {
                    let reason = |error: &ValidationError| error.message.clone().unwrap_or_default();
                    let is_flag = flags.iter().any(|(name, _)| *name == path);
                    let setting = if is_flag { path.clone() } else { sources.named(&path) };
                    errors.iter().map(|error| format!("{setting}: {}", reason(error))).collect()
                }
                ValidationErrorsKind::List(items) => items
                    .iter()
                    .flat_map(|(index, inner)| invalid_settings(sources, flags, &format!("{path}[{index}]"), inner))
                    .collect(),
            }
        })
        .collect();
    found.sort();
    found
}
