//! `backup`, `restore` and `check`: copy a store's file, put a copy in its place, and check a store; knows no SQL.

use std::path::PathBuf;

use clap::Args;
use indicatif::HumanBytes;

use super::common::{COMMAND_WAIT, Common, command_options, throttled};
use super::failure::{Failure, print_note};
use super::signals::stop_signal;
use crate::store::backup::{self, BackupError};
use crate::store::check;

/// Maximum number of faults that are printed.
const MAX_SHOWN: usize = 20;

/// Copy the store to a new file; servers may be running
#[derive(Args)]
#[command(after_help = "The copy is the store as it was when the backup began, with everything that was acknowledged \
before. It is checked, and only its owner can read it. For a store in PostgreSQL, this prints the command to \
run instead.

Examples:
  history-gateway backup /backups/history-2026-03-01.db
  history-gateway --database sqlite://shop.db backup shop-backup.db")]
pub struct Backup {
    /// The file to create; an existing file is never overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Restore the store from a backup
#[derive(Args)]
#[command(
    after_help = "Stop every gateway first. The backup is checked before anything is changed. It may come from this \
version or an older one, whose schema 'history-gateway migrate' brings up to date. For a store in \
PostgreSQL, this prints the command to run instead.

Examples:
  history-gateway restore /backups/history-2026-03-01.db
  history-gateway restore --replace /backups/history-2026-03-01.db"
)]
pub struct Restore {
    /// A file that 'backup' created
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace an existing store
    #[arg(long)]
    replace: bool,
}

/// Check that the store is intact: the structure of its file, and whether the stored counts match the rows
#[derive(Args)]
#[command(
    after_help = "Reads everything and changes nothing; servers may be running. Prints one line for each fault, and \
exits with status 1 if there is one."
)]
pub struct Check {}

impl Backup {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let config = common.load(Vec::new())?;
        let url = config.database_url()?;
        // On a signal, `temporary` is dropped, which removes the incomplete file.
        let stop = stop_signal()?;
        let temporary = backup::begin(&url, &self.file)?;
        let into = temporary.path();
        let progress = throttled(|bytes| print_note(format_args!("Backed up {} so far.", HumanBytes(bytes))));
        let copying = tokio::task::spawn_blocking(move || backup::copy(&url, &into, COMMAND_WAIT, progress));
        tokio::select! {
            copied = copying => copied.map_err(|error| Failure::message(format!("the backup failed: {error}")))??,
            () = stop => return Err(Failure::message("the backup was interrupted; its incomplete file was removed")),
        }
        let bytes = HumanBytes(temporary.publish()?);
        print_note(format_args!("The backup '{}' is complete and checked: {bytes}.", self.file.display()));
        Ok(())
    }
}

impl Restore {
    pub fn run(self, common: &Common) -> Result<(), Failure> {
        let config = common.load(Vec::new())?;
        let url = config.database_url()?;
        let bytes = HumanBytes(backup::restore(&url, &self.file, self.replace, COMMAND_WAIT)?);
        print_note(format_args!("The store '{}' is restored from '{}': {bytes}.", url.name(), self.file.display()));
        Ok(())
    }
}

/// Checks the store and prints its faults.
pub fn check_store(common: &Common) -> Result<(), Failure> {
    let config = common.load(Vec::new())?;
    let url = config.database_url()?;
    let faults = check::run(&url, &command_options(&config))?;
    if faults.is_empty() {
        print_note(format_args!("The store '{}' is intact, and its counts match its rows.", url.name()));
        return Ok(());
    }
    faults.iter().take(MAX_SHOWN).for_each(print_note);
    let number = faults.len();
    let faults = if number == 1 { "1 fault".into() } else { format!("{number} faults") };
    let more = if number > MAX_SHOWN { format!(", of which {MAX_SHOWN} are shown") } else { String::new() };
    Err(Failure::message(format!(
        "the store '{}' has {faults}{more}; restore a backup, or export its tenants into a new store",
        url.name()
    )))
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => Self::Store(error),
            error => Self::message(error.to_string()),
        }
    }
}
