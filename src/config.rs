//! The settings: default.toml, then a file, the environment and flags, validated as a whole; knows no command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Environment, File, FileFormat};
use serde::Deserialize;
use thiserror::Error;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::ingest::{Caps, Limits};
use crate::model::Policy;
use crate::model::key::Profile;
use crate::model::upstream::UpstreamUrl;
use crate::store::{self, DatabaseUrl};

const DEFAULTS: &str = include_str!("../config/default.toml");
const PREFIX: &str = "HISTORY_GATEWAY";

/// Every setting. `config/default.toml` says what each one is for.
#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[validate(nested)]
    pub server: Server,
    #[validate(nested)]
    pub database: Database,
    #[validate(nested)]
    pub edna: Edna,
    #[validate(nested)]
    pub webhooks: Webhooks,
    #[validate(nested)]
    pub ingest: Ingest,
    pub oneuptime: OneUptime,
    #[validate(nested)]
    pub pull: Pull,
    pub log: Log,
}

#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub bind: SocketAddr,
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
    #[validate(custom(function = known_origins))]
    pub cors_origins: Vec<String>,
}

#[derive(Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Database {
    #[validate(custom(function = known_database))]
    pub url: String,
    #[validate(range(max = 256, message = "must be at most 256"))]
    pub readers: u32,
    #[validate(range(max = 256, message = "must be at most 256"))]
    pub expensive_questions: u32,
    #[validate(range(max = 100_000, message = "must be at most 100000"))]
    pub expensive_queue: u32,
    #[validate(range(min = 1, max = 1_000_000_000, message = "must be between 1 and 1000000000"))]
    pub cheap_rows: u32,
    #[validate(range(min = 1, max = 10_000, message = "must be between 1 and 10000"))]
    pub abandoned_threads: u32,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub wait_seconds: u64,
    #[validate(range(min = 1, max = 3600, message = "must be between 1 and 3600"))]
    pub deadline_seconds: u64,
    pub prepared_statements: PreparedStatements,
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
    #[validate(custom(function = known_header))]
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
    pub waiting_messages_per_tenant: i64,
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
    #[validate(range(exclusive_min = 0.0, max = 1000.0, message = "must be more than 0, and at most 1000"))]
    pub requests_per_second: f64,
    #[validate(range(min = 1, max = 1000, message = "must be between 1 and 1000"))]
    pub attempts: u32,
    #[validate(range(max = 8784, message = "must be at most 8784, the hours of 366 days"))]
    pub tail_hours: u64,
    #[validate(range(min = 1, max = 86400, message = "must be between 1 and 86400"))]
    pub every_seconds: u64,
    #[validate(nested)]
    pub upstreams: Vec<PulledUpstream>,
}

/// Another endpoint that `serve` copies messages from.
#[derive(Clone, Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct PulledUpstream {
    pub tenant: i64,
    #[validate(custom(function = known_upstream))]
    pub url: String,
    pub key_file: PathBuf,
}

/// A setting that is one of some words; any other is refused with the words that are right.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal,)* }) => {
        #[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
        #[serde(try_from = "String")]
        pub enum $name { $($variant,)* }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                match word.as_str() {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("it must be one of: {}", [$($word),*].join(", "))),
                }
            }
        }
    };
}

words!(RecipientSetting { Subscriber = "subscriber", Address = "address", });
words!(RangeCheck { Given = "given", Effective = "effective", });
words!(ProfileSetting { Published = "published", Live = "live", });
words!(PreparedStatements { Auto = "auto", Always = "always", Never = "never", });
words!(Level { Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace", });
words!(Format { Text = "text", Json = "json", });

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: Level,
    pub format: Format,
}

/// Why the settings cannot be used: every setting that is wrong, in one sentence each.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("the settings cannot be read: {0}")]
    Unreadable(String),
    #[error("the settings are wrong: {0}")]
    Wrong(String),
}

impl Config {
    /// Reads the settings; `flags` are (name, value) pairs such as `("server.bind", "127.0.0.1:0")`.
    pub fn load(file: Option<&Path>, flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        let environment = Environment::with_prefix(PREFIX).prefix_separator("__").separator("__").try_parsing(true);
        let environment = environment.list_separator(",").with_list_parse_key("server.cors_origins");
        Self::read(file, environment, flags)
    }

    /// The defaults and nothing else, for tests and for programs that embed the gateway.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::read(None, Environment::default().source(Some(config::Map::new())), &[])
    }

    fn read(file: Option<&Path>, environment: Environment, flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        builder = builder.add_source(environment);
        for (name, value) in flags {
            builder = builder.set_override(name, value.as_str())?;
        }
        let config: Self = builder.build()?.try_deserialize()?;
        config.validate().map_err(|errors| ConfigError::Wrong(sentences("", &errors).join("; ")))?;
        Ok(config)
    }

    pub fn policy(&self) -> Policy {
        Policy {
            address_only: self.edna.recipient == RecipientSetting::Address,
            effective_range_check: self.edna.range_check == RangeCheck::Effective,
        }
    }

    /// How much waits to be recorded, and how long.
    pub fn ingest_limits(&self) -> Limits {
        Limits {
            queue_bytes: self.ingest.queue_bytes,
            wait: Duration::from_secs(self.ingest.wait_seconds),
            caps: Caps {
                waiting_messages: self.ingest.waiting_messages_per_tenant,
                other_events: self.ingest.other_events_per_tenant,
            },
        }
    }

    /// The form of OneUptime answers for keys that have none of their own.
    pub fn profile(&self) -> Profile {
        match self.oneuptime.profile {
            ProfileSetting::Published => Profile::Published,
            ProfileSetting::Live => Profile::Live,
        }
    }

    pub fn store_options(&self) -> store::Options {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        let or = |given: u32, default: u32| if given == 0 { default } else { given };
        let expensive = or(self.database.expensive_questions, (cores / 2).max(1));
        store::Options {
            readers: or(self.database.readers, (2 * cores).max(4)),
            expensive,
            expensive_queue: or(self.database.expensive_queue, 8 * expensive),
            cheap_rows: self.database.cheap_rows,
            abandoned_threads: self.database.abandoned_threads,
            wait: Duration::from_secs(self.database.wait_seconds),
            deadline: Duration::from_secs(self.database.deadline_seconds),
            prepared_statements: match self.database.prepared_statements {
                PreparedStatements::Auto => store::PreparedStatements::Auto,
                PreparedStatements::Always => store::PreparedStatements::Always,
                PreparedStatements::Never => store::PreparedStatements::Never,
            },
        }
    }
}

/// A database's URL may hold a password, so it does not print.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("url", &"…").field("readers", &self.readers).finish_non_exhaustive()
    }
}

impl From<config::ConfigError> for ConfigError {
    /// What cannot be read may be a database's address with its password, so nothing after a scheme is repeated.
    fn from(error: config::ConfigError) -> Self {
        let line = |line: &str| match line.split_once("://") {
            Some((before, _)) => format!("{before}://…"),
            None => line.to_owned(),
        };
        Self::Unreadable(error.to_string().lines().map(line).collect::<Vec<_>>().join("\n"))
    }
}

fn known_database(url: &str) -> Result<(), ValidationError> {
    let refused = |error: store::StoreError| ValidationError::new("url").with_message(error.to_string().into());
    DatabaseUrl::parse(url).map(|_| ()).map_err(refused)
}

fn known_origins(origins: &[String]) -> Result<(), ValidationError> {
    let is_origin = |origin: &String| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        origin == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']))
    };
    if origins.iter().all(is_origin) {
        return Ok(());
    }
    Err(ValidationError::new("origin").with_message("each must be an origin such as https://desk.example, or *".into()))
}

fn known_header(name: &str) -> Result<(), ValidationError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_token) {
        return Ok(());
    }
    Err(ValidationError::new("header").with_message("must be a header's name, such as Authorization".into()))
}

fn known_upstream(url: &str) -> Result<(), ValidationError> {
    let refused = |reason: &str| {
        let sentence = format!("{reason}; it must be an address such as https://upstream.example");
        ValidationError::new("url").with_message(sentence.into())
    };
    UpstreamUrl::parse(url).map(|_| ()).map_err(refused)
}

fn sentences(path: &str, errors: &ValidationErrors) -> Vec<String> {
    let mut found: Vec<String> = errors
        .errors()
        .iter()
        .flat_map(|(name, kind)| {
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            match kind {
                ValidationErrorsKind::Struct(inner) => sentences(&path, inner),
                ValidationErrorsKind::Field(errors) => {
                    let reason = |error: &ValidationError| error.message.clone().unwrap_or_default();
                    errors.iter().map(|error| format!("{path}: {}", reason(error))).collect()
                }
                ValidationErrorsKind::List(places) => {
                    places.iter().flat_map(|(place, inner)| sentences(&format!("{path}[{place}]"), inner)).collect()
                }
            }
        })
        .collect();
    found.sort();
    found
}
