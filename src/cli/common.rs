//! What the commands share: the settings, and how a command opens the store; knows no command.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::failure::{Failure, print_note};
use crate::config::Config;
use crate::ingest;
use crate::store::{DatabaseUrl, Moved, Options, Store, StoreError};

/// How long a command waits for a slot or for another process's write, and how long each of its queries may run.
pub const COMMAND_WAIT: Duration = Duration::from_mins(1);
const COMMAND_DEADLINE: Duration = Duration::from_hours(24);

/// How often a long-running command reports its progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Common {
    /// Read settings from this TOML file
    #[arg(long, global = true, display_order = 900, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store (setting database.url), such as `sqlite://history.db`
    #[arg(long, global = true, display_order = 901, value_name = "URL")]
    pub database: Option<String>,
}

/// The options with which a command opens a store.
pub fn command_options(config: &Config) -> Options {
    Options { wait: COMMAND_WAIT, deadline: COMMAND_DEADLINE, ..config.store_options() }
}

/// Limits progress reports to one per `PROGRESS_INTERVAL`.
pub fn throttled<T>(mut report: impl FnMut(T)) -> impl FnMut(T) {
    let mut last_report = Instant::now();
    move |done| {
        if last_report.elapsed() > PROGRESS_INTERVAL {
            last_report = Instant::now();
            report(done);
        }
    }
}

/// Brings the schema of an existing store up to date.
pub fn migrate_existing(url: &DatabaseUrl, options: Options, progress: impl FnMut(Moved)) -> Result<(), StoreError> {
    if url.exists() { Store::migrate(url, options, progress) } else { Ok(()) }
}

impl Common {
    /// The settings. The `flags` of the command take precedence over all other sources.
    pub fn load(&self, mut flags: Vec<(&'static str, String)>) -> Result<Config, Failure> {
        flags.extend(self.database.iter().map(|url| ("database.url", url.clone())));
        Ok(Config::load(self.config.as_deref(), &flags)?)
    }

    /// Opens the store that the settings name, with a command's time limits; fails if it does not exist.
    pub async fn store(&self) -> Result<Store, Failure> {
        Self::open_existing_store(&self.load(Vec::new())?).await
    }

    /// The same, but creates the store if it does not exist.
    pub async fn store_or_new(&self) -> Result<Store, Failure> {
        Self::open_store(&self.load(Vec::new())?, Store::open).await
    }

    pub async fn open_existing_store(config: &Config) -> Result<Store, Failure> {
        Self::open_store(config, Store::open_existing).await
    }

    async fn open_store(
        config: &Config,
        open: fn(&DatabaseUrl, Options) -> Result<Store, StoreError>,
    ) -> Result<Store, Failure> {
        let url = config.database_url()?;
        let progress = throttled(|Moved { messages, total }| {
            print_note(format_args!("Moving the messages into their new table: {messages} of {total} so far."));
        });
        migrate_existing(&url, command_options(config), progress)?;
        let store = open(&url, command_options(config))?;
        let progress = throttled(|rows| {
            print_note(format_args!("Building the WhatsApp log from the stored messages: {rows} rows so far."));
        });
        let done = ingest::logs::catch_up(&store, progress).await?;
        if done > 0 {
            print_note(format_args!("The WhatsApp log was built from the stored messages: {done} rows."));
        }
        Ok(store)
    }
}
