//! `search rebuild`: builds the text index anew; knows no SQL.

use std::time::Duration;

use clap::Subcommand;
use indicatif::ProgressBar;

use super::common::{Common, throttled};
use super::failure::{Failure, print_note};
use crate::clock::Clock;
use crate::model::TenantId;
use crate::store::messages::daily_counts;
use crate::store::search::{self, indexing};
use crate::store::{Store, tenants};

/// How many messages one transaction indexes.
const BATCH: i64 = 1000;

/// How long to wait for a gateway that is indexing the same tenant.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Maintain the text index
#[derive(Subcommand)]
pub enum Search {
    /// Build the text index anew
    ///
    /// A running server builds a missing index by itself, slowly. If this command is stopped, a server continues the build;
    /// running the command again starts over.
    #[command(after_help = "Examples:
  history-gateway search rebuild
  history-gateway search rebuild --tenant 3193")]
    Rebuild {
        /// Only of this tenant
        #[arg(long)]
        tenant: Option<i64>,
    },
}

impl Search {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let Self::Rebuild { tenant } = self;
        if !common.load(Vec::new())?.search.enabled {
            return Err(Failure::message("texts are not indexed: the setting search.enabled is false"));
        }
        let store = common.store().await?;
        let all = store.read_primary(tenants::list).await?;
        let ids: Vec<TenantId> = all.into_iter().map(|known| known.id).collect();
        let wanted = tenant.map(TenantId);
        if let Some(unknown) = wanted.filter(|wanted| !ids.contains(wanted)) {
            return Err(Failure::message(format!("there is no tenant {unknown}; see 'history-gateway tenant list'")));
        }
        for id in ids.into_iter().filter(|id| wanted.is_none_or(|wanted| wanted == *id)) {
            rebuild(&store, id).await?;
            let messages = store.read_primary(move |connection| daily_counts::total(connection, id)).await?;
            print_note(format_args!("The text index of tenant {id} is built: {messages} messages."));
        }
        Ok(())
    }
}

async fn rebuild(store: &Store, tenant: TenantId) -> Result<(), Failure> {
    store.write(move |connection| search::rebuild(connection, tenant)).await?;
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(200));
    let is_shown = !spinner.is_hidden();
    let mut report =
        throttled(|indexed| print_note(format_args!("Indexing tenant {tenant}: {indexed} messages so far.")));
    let mut indexed = 0;
    loop {
        let step = move |connection: &mut _| indexing::step(connection, tenant, BATCH, Clock::System.now());
        let step = store.write(step).await?;
        indexed += step.messages;
        spinner.set_message(format!("indexing tenant {tenant}: {indexed} messages"));
        if !is_shown {
            report(indexed);
        }
        if step.is_behind {
            continue;
        }
        // On PostgreSQL a gateway may be indexing this tenant: then a step does nothing.
        if store.read_primary(move |connection| search::state(connection, tenant)).await?.is_complete() {
            spinner.finish_and_clear();
            return Ok(());
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}
