//! The commands, one file each, and what they share; knows no SQL and no wire form.

mod audit;
mod backup;
mod blocks;
mod columns;
mod common;
mod copy;
mod dates;
mod evidence;
mod export;
mod failure;
mod fatal;
mod filters;
mod find;
mod fixtures;
mod generate;
mod import;
mod key;
mod lines;
mod migrate;
mod new_file;
mod partition;
mod progress;
mod pull;
mod sandbox;
mod search;
mod serve;
mod signals;
mod subject;
mod table;
mod tenant;
mod user;
mod walk;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use common::Common;
use failure::{Failure, print_last_note};

/// How long the finished program waits for threads whose results are no longer needed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves edna's message history endpoint and OneUptime's WhatsApp Log API from its own store: the same requests,
/// responses and errors.
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

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Sandbox(sandbox::Sandbox),
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    #[command(subcommand)]
    Subject(subject::Subject),
    Find(find::Find),
    Import(import::Import),
    Export(export::Export),
    Pull(pull::Pull),
    Copy(copy::Copy),
    Generate(generate::Generate),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Check(backup::Check),
    Migrate(migrate::Migrate),
    #[command(subcommand)]
    Search(search::Search),
    #[command(subcommand)]
    Partition(partition::Partition),
    /// Print the OpenAPI document
    Openapi,
}

/// All commands with their options, as the help shows them.
pub fn definition() -> clap::Command {
    Program::command()
}

/// Runs one command. A usage error exits with 2; any other failure exits with 1 and one sentence on standard error.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let program = match Program::try_parse_from(arguments) {
        Ok(program) => program,
        Err(error) => {
            // Printing fails only if the output is closed, and then nobody reads it.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let system = actix_web::rt::System::new();
    let code = match system.block_on(run(program)) {
        Ok(code) => code,
        Err(Failure::OutputClosed) => 0,
        Err(failure) => {
            print_last_note(format!("history-gateway: {failure}"));
            1
        }
    };
    // Dropping the runtime waits for its blocking threads, and one that waits for an unresponsive PostgreSQL server may
    // never end.
    std::thread::spawn(move || {
        std::thread::sleep(EXIT_TIMEOUT);
        std::process::exit(code.into());
    });
    drop(system);
    ExitCode::from(code)
}

/// Runs one command; returns the exit code.
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
        Command::User(user) => user.run(&common.store().await?).await?,
        Command::Audit(audit) => audit.run(&common).await?,
        Command::Evidence(evidence) => evidence.run(&common).await?,
        Command::Subject(subject) => subject.run(&common.store().await?).await?,
        Command::Import(import) => return import.run(&common.store().await?).await,
        Command::Find(find) => find.run(&common).await?,
        Command::Export(export) => export.run(&common).await?,
        Command::Pull(pull) => return pull.run(&common).await,
        Command::Copy(copy) => return copy.run(&common).await,
        Command::Generate(generate) => generate.run(&common.store().await?).await?,
        Command::Backup(backup) => backup.run(&common).await?,
        Command::Restore(restore) => restore.run(&common)?,
        Command::Check(_) => backup::check_store(&common)?,
        Command::Migrate(migrate) => migrate.run(&common).await?,
        Command::Search(search) => search.run(&common).await?,
        Command::Partition(partition) => partition.run(&common).await?,
        Command::Openapi => failure::print(&crate::http::openapi::document())?,
    }
    Ok(0)
}
