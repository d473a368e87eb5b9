//! `backup`, `restore` and `check`: a store's file copied, put back and looked over; knows no SQL.

use std::path::PathBuf;

use clap::Args;
use indicatif::HumanBytes;

use super::failure::{Failure, print_note};
use super::signals::stop_signal;
use super::{COMMAND_WAIT, Common, command_options, now_and_then};
use crate::store::backup::{self, BackupError};
use crate::store::{DatabaseUrl, check};

/// How many faults of a store are shown.
const MAX_SHOWN: usize = 20;

/// Copy the store to a new file, also while a server writes to it
#[derive(Args)]
#[command(
    after_help = "The copy is the store as it was when the backup began: everything that was acknowledged before is in it. \
It is checked, and only its owner may read it. For a store in PostgreSQL, the command of its own for this is shown instead.

Examples:
  history-gateway backup /backups/history-2026-03-01.db
  history-gateway --database sqlite://shop.db backup shop-backup.db"
)]
pub struct Backup {
    /// The file to make; one that exists is left as it is
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Put a backup in the store's place
#[derive(Args)]
#[command(
    after_help = "Stop every gateway first. The backup is checked before anything is changed, and may be of this version or of \
an older one, which the next command brings up to date. For a store in PostgreSQL, the command of its \
own for this is shown instead.

Examples:
  history-gateway restore /backups/history-2026-03-01.db
  history-gateway restore --replace /backups/history-2026-03-01.db"
)]
pub struct Restore {
    /// The backup, as 'backup' made it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Overwrite the store that is there
    #[arg(long)]
    replace: bool,
}

/// Check that the store is intact: the file's structure, and the counts that are kept beside the rows
#[derive(Args)]
#[command(
    after_help = "Reads everything and changes nothing; a server may be running. Exit status 1 tells that something is wrong, \
which is said, a line each."
)]
pub struct Check {}

impl Backup {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let config = common.load(Vec::new())?;
        let url = DatabaseUrl::parse(&config.database.url)?;
        // Whoever breaks it off leaves no half of a store behind.
        let stop = stop_signal()?;
        let temporary = backup::begin(&url, &self.file)?;
        let into = temporary.path();
        let progress = now_and_then(|bytes| print_note(format_args!("The backup has {} so far.", HumanBytes(bytes))));
        let copying = tokio::task::spawn_blocking(move || backup::copy(&url, &into, COMMAND_WAIT, progress));
        tokio::select! {
            copied = copying => copied.map_err(|error| Failure::message(format!("the backup failed: {error}")))??,
            () = stop => return Err(Failure::message("the backup was broken off, and nothing is left of it")),
        }
        let bytes = HumanBytes(temporary.publish()?);
        print_note(format_args!("The backup '{}' is made and checked: {bytes}.", self.file.display()));
        Ok(())
    }
}

impl Restore {
    pub fn run(self, common: &Common) -> Result<(), Failure> {
        let config = common.load(Vec::new())?;
        let url = DatabaseUrl::parse(&config.database.url)?;
        let bytes = HumanBytes(backup::restore(&url, &self.file, self.replace, COMMAND_WAIT)?);
        print_note(format_args!("The store '{}' is restored from '{}': {bytes}.", url.name(), self.file.display()));
        Ok(())
    }
}

/// Checks the store, and says what is wrong with it.
pub fn check_store(common: &Common) -> Result<(), Failure> {
    let config = common.load(Vec::new())?;
    let url = DatabaseUrl::parse(&config.database.url)?;
    let faults = check::run(&url, &command_options(&config))?;
    if faults.is_empty() {
        print_note(format_args!("The store '{}' is intact, and its counts agree with its rows.", url.name()));
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
