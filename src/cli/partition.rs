//! `partition drop`: removes a month of messages from PostgreSQL with everything that is known of them; knows no SQL.

use clap::Subcommand;

use super::common::{Common, throttled};
use super::failure::{Failure, print_note};
use crate::ingest::removal;
use crate::store::messages::partitions::Month;

/// Remove months of messages from PostgreSQL
#[derive(Subcommand)]
pub enum Partition {
    /// Remove all messages of a month, of all tenants, with everything that is known of them
    ///
    /// Their status events, WhatsApp log rows, copies, recipients that have no other message and texts in the index go
    /// with them. Gateways may be running; readers of GET /v1/changes begin anew.
    #[command(after_help = "Example:
  history-gateway partition drop 2024-03 --yes")]
    Drop {
        /// The month, by the time at which messages were sent or received, in UTC
        #[arg(value_name = "MONTH", value_parser = parse_month)]
        month: Month,
        /// Confirm the removal
        #[arg(long)]
        yes: bool,
    },
}

fn parse_month(text: &str) -> Result<Month, String> {
    Month::parse(text).ok_or_else(|| "must be a month from 2010-01 to 2059-12, such as 2024-03".into())
}

impl Partition {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let Self::Drop { month, yes } = self;
        let config = common.load(Vec::new())?;
        if !config.database_url()?.is_server() {
            return Err(Failure::message("nothing was removed: an SQLite file has no partitions"));
        }
        let store = Common::open_existing_store(&config).await?;
        let has_partition = {
            let months = [month].into();
            let missing =
                store.read_primary(move |connection| crate::store::messages::partitions::missing(connection, &months));
            missing.await?.is_empty()
        };
        let name = month.suffix().replace('_', "-");
        if !has_partition {
            return Err(Failure::message(format!("nothing was removed: there is no partition of {name}")));
        }
        if !yes {
            let sentence = format!("nothing was removed; add --yes to remove all messages of {name}");
            return Err(Failure::message(sentence));
        }
        let progress = throttled(|removed| print_note(format_args!("Removed {removed} messages so far.")));
        let removed = removal::remove_month(&store, month, progress).await?;
        print_note(format_args!("The partition of {name} is dropped, with {removed} messages."));
        Ok(())
    }
}
