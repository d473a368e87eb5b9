//! `migrate`: brings a store's schema up to date, and returns the space that this has freed; knows no table.

use clap::Args;

use super::common::Common;
use super::failure::{Failure, print_note};

/// Bring the store's schema up to date; create the store if there is none
///
/// `serve` and the commands that read or change messages do the same. If it is stopped, the next one continues.
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway migrate            before a new version's server starts
  history-gateway migrate --shrink   returns free space, while no server runs

On SQLite, --shrink rewrites the file, and needs up to the size of the store twice: once in the temporary directory \
(SQLITE_TMPDIR), once next to the store. On PostgreSQL, it rewrites the partitions that contain dropped columns, one \
after the other; queries and writes of a partition wait meanwhile.")]
pub struct Migrate {
    /// Return free space to the file system
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
            print_note("Free space was returned to the file system.");
        }
        Ok(())
    }
}
