//! `generate`: made-up messages through the one door, for demos and benchmarks.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::export;
use super::failure::{Failure, print};
use crate::generate::{Messages, Plan};
use crate::http::clock::Clock;
use crate::ingest::{Pipeline, Recorded};
use crate::model::instant::Rounding;
use crate::model::{Instant, TenantId};
use crate::store::{Store, tenants};

/// Fill a tenant with made-up messages: the same for the same --seed and --until
#[derive(Args)]
#[command(after_help = "Example:
  history-gateway generate --tenant 3193 --messages 100000 --seed 1 --until 2026-03-01")]
pub struct Generate {
    #[arg(long)]
    tenant: i64,
    /// How many
    #[arg(long)]
    messages: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Over how many days they spread
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// The instant of the newest one; now where not given
    #[arg(long, value_name = "DATE", value_parser = parse_until)]
    until: Option<Instant>,
    /// How many people; a twenty-fifth of the messages where not given
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    recipients: Option<u64>,
}

impl Generate {
    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        let tenant = TenantId(self.tenant);
        store.read(move |connection| tenants::require(connection, tenant)).await?;
        let plan = Plan {
            tenant,
            messages: self.messages,
            seed: self.seed,
            days: self.days,
            until: self.until.unwrap_or_else(|| Clock::Machine.now()),
            recipients: self.recipients.unwrap_or((self.messages / 25).max(1)),
        };
        if plan.until.plus_days(-i64::from(plan.days)) < Instant(0) {
            return Err(Failure::said("the messages would begin before 1970: choose a later --until or fewer --days"));
        }
        let recorded = fill(store, plan).await?;
        print(&format!("{} messages generated, {} of them new.\n", self.messages, recorded.imported))
    }
}

/// Records the messages of a plan, with a bar on a terminal.
pub async fn fill(store: &Store, plan: Plan) -> Result<Recorded, Failure> {
    let bar = ProgressBar::new(plan.messages);
    // The template is a constant that indicatif accepts.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} {eta} left") {
        bar.set_style(style);
    }
    let mut pipeline = Pipeline::new(store, plan.tenant);
    for item in Messages::new(plan) {
        pipeline.push(item).await?;
        bar.inc(1);
    }
    let recorded = pipeline.finish().await?;
    bar.finish_and_clear();
    Ok(recorded)
}

fn parse_until(text: &str) -> Result<Instant, String> {
    export::parse(text, Rounding::Down)
}
