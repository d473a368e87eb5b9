//! The commands: one file each, and what they share. Knows no SQL and no wire form.

mod backup;
mod export;
mod failure;
mod fatal;
mod generate;
mod import;
mod key;
mod lines;
mod pull;
mod sandbox;
mod serve;
mod signals;
mod subject;
mod table;
mod tenant;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::Config;
use crate::ingest;
use crate::store::{DatabaseUrl, Options, Store, StoreError};

use failure::{Failure, print_note, say_last};

/// How long a command waits for a running server's write, and for its own work.
const COMMAND_WAIT: Duration = Duration::from_mins(1);
const COMMAND_DEADLINE: Duration = Duration::from_hours(24);

/// How often to tell how far long work is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// How long a program that is done waits for work that nobody waits for any more.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Answers edna's message history endpoint, and OneUptime's WhatsApp Log API, from an own store: same requests, same
/// answers, same errors.
#[derive(Parser)]
#[command(
    name = "history-gateway",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Examples:
  history-gateway sandbox                    try it: a server with demo data
  history-gateway tenant create --id 3193 --name Shop
  history-gateway key issue --tenant 3193    prints the key, once
  history-gateway import --tenant 3193 history.ndjson.gz
  history-gateway serve

Settings: config/default.toml documents them all. A file (--config), the environment \
(HISTORY_GATEWAY__DATABASE__URL=sqlite://history.db) and flags override it, in this order."
)]
struct Program {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// Read settings from this TOML file
    #[arg(long, global = true, display_order = 900, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store (setting database.url), such as `sqlite://history.db`
    #[arg(long, global = true, display_order = 901, value_name = "URL")]
    database: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Sandbox(sandbox::Sandbox),
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Subject(subject::Subject),
    Import(import::Import),
    Export(export::Export),
    Pull(pull::Pull),
    Generate(generate::Generate),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Check(backup::Check),
    /// Bring the store's schema up to date, making the store where there is none
    Migrate,
    /// Print the OpenAPI document
    Openapi,
}

/// Every command with its options, as the help shows them.
pub fn definition() -> clap::Command {
    Program::command()
}

/// Runs one command. Usage errors give 2, every other failure 1, each with one sentence on standard error.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let program = match Program::try_parse_from(arguments) {
        Ok(program) => program,
        Err(error) => {
            // Help that cannot be printed has nobody to read it.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let system = actix_web::rt::System::new();
    let code = match system.block_on(run(program)) {
        Ok(code) => code,
        Err(Failure::NobodyReads) => 0,
        Err(failure) => {
            say_last(format!("history-gateway: {failure}"));
            1
        }
    };
    // A statement that a server never answers holds its thread, and there is nothing else left to wait for.
    std::thread::spawn(move || {
        std::thread::sleep(LAST_WAIT);
        std::process::exit(code.into());
    });
    drop(system);
    ExitCode::from(code)
}

/// Runs one command; gives the program's exit code.
async fn run(program: Program) -> Result<u8, Failure> {
    let common = program.common;
    match program.command {
        Command::Serve(serve) => serve.run(&common).await?,
        Command::Sandbox(sandbox) => sandbox.run(&common).await?,
        Command::Tenant(tenant) => {
            let store = if tenant.is_creation() { common.store_or_new().await? } else { common.store().await? };
            tenant.run(&store).await?;
        }
        Command::Key(key) => key.run(&common.store().await?).await?,
        Command::Subject(subject) => subject.run(&common.store().await?).await?,
        Command::Import(import) => return import.run(&common.store().await?).await,
        Command::Export(export) => export.run(&common.store().await?).await?,
        Command::Pull(pull) => return pull.run(&common).await,
        Command::Generate(generate) => generate.run(&common.store().await?).await?,
        Command::Backup(backup) => backup.run(&common).await?,
        Command::Restore(restore) => restore.run(&common)?,
        Command::Check(_) => backup::check_store(&common)?,
        Command::Migrate => {
            common.store_or_new().await?;
            print_note(format_args!("The store's schema is up to date."));
        }
        Command::Openapi => failure::print(&crate::http::openapi::document())?,
    }
    Ok(0)
}

/// How a command opens a store.
fn command_options(config: &Config) -> Options {
    Options { wait: COMMAND_WAIT, deadline: COMMAND_DEADLINE, ..config.store_options() }
}

/// Tells how far long work is, but not at every step.
fn now_and_then(mut tell: impl FnMut(u64)) -> impl FnMut(u64) {
    let mut told = Instant::now();
    move |done| {
        if told.elapsed() > TELL_EVERY {
            told = Instant::now();
            tell(done);
        }
    }
}

impl Common {
    /// The settings, `flags` of the command itself winning over everything.
    fn load(&self, mut flags: Vec<(&'static str, String)>) -> Result<Config, Failure> {
        flags.extend(self.database.iter().map(|url| ("database.url", url.clone())));
        Ok(Config::load(self.config.as_deref(), &flags)?)
    }

    /// The store that the settings name, opened with a command's patience; refused where it is missing.
    async fn store(&self) -> Result<Store, Failure> {
        Self::store_of(&self.load(Vec::new())?).await
    }

    /// The same, made where it is missing.
    async fn store_or_new(&self) -> Result<Store, Failure> {
        Self::opened(&self.load(Vec::new())?, Store::open).await
    }

    async fn store_of(config: &Config) -> Result<Store, Failure> {
        Self::opened(config, Store::open_existing).await
    }

    async fn opened(
        config: &Config,
        open: fn(&DatabaseUrl, Options) -> Result<Store, StoreError>,
    ) -> Result<Store, Failure> {
        let store = open(&DatabaseUrl::parse(&config.database.url)?, command_options(config))?;
        let told = now_and_then(|rows| {
            print_note(format_args!("The WhatsApp log is being made from the messages there are: {rows} rows so far."));
        });
        let done = ingest::logs::catch_up(&store, told).await?;
        if done > 0 {
            print_note(format_args!("The WhatsApp log was made from the messages there were: {done} rows."));
        }
        Ok(store)
    }
}
