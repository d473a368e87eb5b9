//! `generate`: records made-up messages through the ingest path, for demos and benchmarks; knows no SQL.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::blocks;
use super::dates;
use super::failure::{Failure, print};
use crate::clock::Clock;
use crate::generate::logs::{LogPlan, Logs};
use crate::generate::{Messages, Plan};
use crate::ingest::{Entry, OutcomeCounts, Pipeline};
use crate::model::instant::Rounding;
use crate::model::{Instant, TenantId};
use crate::store::{Store, tenants};

/// Fill a tenant with made-up messages; the same --seed and --until give the same messages
#[derive(Args)]
#[command(after_help = "Outgoing WhatsApp messages are rows of the WhatsApp log too. --whatsapp-logs adds rows of \
OneUptime's own, with costs and incidents.

Examples:
  history-gateway generate --tenant 3193 --messages 100000 --until 2026-03-01
  history-gateway generate --tenant 3193 --messages 0 --whatsapp-logs 100000")]
pub struct Generate {
    /// The tenant's id
    #[arg(long)]
    tenant: i64,
    /// Number of messages
    #[arg(long)]
    messages: u64,
    /// Number of WhatsApp log rows of OneUptime's own
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    whatsapp_logs: u64,
    /// Seed of the random generator; another seed gives other messages
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of days that the messages are spread over
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Date of the newest message; now if omitted
    #[arg(long, value_name = "DATE", value_parser = parse_until)]
    until: Option<Instant>,
    /// Number of people; one for every 25 messages if omitted
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    recipients: Option<u64>,
}

impl Generate {
    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        let tenant = TenantId(self.tenant);
        store.read_primary(move |connection| tenants::require(connection, tenant)).await?;
        let plan = Plan {
            tenant,
            messages: self.messages,
            seed: self.seed,
            days: self.days,
            until: self.until.unwrap_or_else(|| Clock::System.now()),
            recipients: self.recipients.unwrap_or((self.messages / 25).max(1)),
        };
        if plan.until.plus_days(-i64::from(plan.days)) < Instant(0) {
            return Err(Failure::message(
                "the messages would begin before 1970; choose a later --until or fewer --days",
            ));
        }
        let recorded = fill(store, plan).await?;
        blocks::build(store, tenant).await;
        print(&format!("{} messages generated, {} of them new.\n", self.messages, recorded.imported))?;
        if self.whatsapp_logs > 0 {
            let plan = LogPlan { logs: self.whatsapp_logs, seed: self.seed, days: self.days, until: plan.until };
            let recorded = fill_logs(store, tenant, plan).await?;
            print(&format!("{} WhatsApp log rows generated, {} of them new.\n", plan.logs, recorded.imported))?;
        }
        Ok(())
    }
}

/// Records the messages of a plan, with a progress bar on a terminal.
pub async fn fill(store: &Store, plan: Plan) -> Result<OutcomeCounts, Failure> {
    record(store, plan.tenant, plan.messages, Messages::new(plan)).await
}

/// Records OneUptime's own rows of a plan, with a progress bar on a terminal.
pub async fn fill_logs(store: &Store, tenant: TenantId, plan: LogPlan) -> Result<OutcomeCounts, Failure> {
    record(store, tenant, plan.logs, Logs::new(plan)).await
}

async fn record<E: Entry>(
    store: &Store,
    tenant: TenantId,
    count: u64,
    entries: impl Iterator<Item = E>,
) -> Result<OutcomeCounts, Failure> {
    let bar = ProgressBar::new(count);
    // The template is a constant that indicatif accepts.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} {eta} left") {
        bar.set_style(style);
    }
    let mut pipeline = Pipeline::new(store, tenant);
    for entry in entries {
        pipeline.push(entry).await?;
        bar.inc(1);
    }
    let recorded = pipeline.finish().await?;
    bar.finish_and_clear();
    Ok(recorded)
}

fn parse_until(text: &str) -> Result<Instant, String> {
    dates::parse(text, Rounding::Down)
}
