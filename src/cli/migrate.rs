//! `migrate`: brings a store's schema up to date, and returns the space that this has freed; knows no table.

use clap::Args;

use super::common::Common;
use super::failure::{Failure, print_note};

/// Bring the store's schema up to date; create the store if there is none
///
/// Every other command that opens the store does the same. If it is stopped, the next one goes on where it was.
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway migrate            before a new version's server starts
  history-gateway migrate --shrink   returns free space, while no server runs

On SQLite, --shrink needs as much free disk space as the store has. On PostgreSQL, it rewrites the monthly partitions \
of an earlier version, one after the other; readers and writers of a partition wait meanwhile.")]
pub struct Migrate {
    /// Rewrite the store so that the space of moved and deleted messages returns to the file system
    #[arg(long)]
    shrink: bool,
}

impl Migrate {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let store = common.store_or_new().await?;
        print_note("The store's schema is up to date.");
        if self.shrink {
            store
                .shrink(|done, parts| print_note(format_args!("Rewritten {done} of {parts} parts of the store.")))
                .await?;
            print_note("The store has no more space than it needs.");
        }
        Ok(())
    }
}
