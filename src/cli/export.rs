//! `export`: every message of a tenant as newline-delimited items, streamed.

use std::io::{BufWriter, Write};

use clap::Args;

use super::failure::Failure;
use crate::model::instant::Rounding;
use crate::model::{Instant, TenantId};
use crate::store::{Store, messages, tenants};

const PAGE: i64 = 1000;

/// Write the messages of a tenant to standard output, one item a line, by ascending messageId
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway export --tenant 3193 | gzip > history.ndjson.gz
  history-gateway export --tenant 3193 --from 2026-01-01 --to 2026-02-01T12:00:00Z

Dates are ISO 8601, UTC where they have no zone; a date alone is its midnight. Both ends are included.")]
pub struct Export {
    #[arg(long)]
    tenant: i64,
    /// Only messages sent or received at this instant or later
    #[arg(long, value_name = "DATE", value_parser = parse_from)]
    from: Option<Instant>,
    /// Only messages sent or received at this instant or earlier
    #[arg(long, value_name = "DATE", value_parser = parse_to)]
    to: Option<Instant>,
}

impl Export {
    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        let tenant = TenantId(self.tenant);
        store.read(move |connection| tenants::require(connection, tenant)).await?;
        let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout());
        let window = (self.from, self.to);
        let mut after = i64::MIN;
        loop {
            let page =
                store.read(move |connection| messages::page_after(connection, tenant, after, window, PAGE)).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, item) in &page {
                out.write_all(item.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(|e| Failure::output(&e))?;
            }
        }
        out.flush().map_err(|error| Failure::output(&error))
    }
}

fn parse_from(text: &str) -> Result<Instant, String> {
    parse(text, Rounding::Up)
}

fn parse_to(text: &str) -> Result<Instant, String> {
    parse(text, Rounding::Down)
}

/// A date of the command line.
pub fn parse(text: &str, rounding: Rounding) -> Result<Instant, String> {
    Instant::parse(text, rounding)
        .ok_or_else(|| "it is no ISO 8601 date such as 2026-03-01 or 2026-03-01T10:00:00Z".into())
}
