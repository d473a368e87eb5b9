//! `export`: streams the messages of a tenant, one item per line, or its WhatsApp log, one row per line; knows no SQL.

use std::io::{BufWriter, Write};

use clap::Args;

use super::failure::Failure;
use super::import::Format;
use crate::model::instant::Rounding;
use crate::model::{Instant, TenantId};
use crate::oneuptime::row;
use crate::store::messages;
use crate::store::{Reader, Store, tenants, whatsapp_logs};

/// Number of messages or rows per query.
const PAGE: i64 = 1000;

/// Write the messages of a tenant to standard output, one item per line, by ascending messageId
///
/// With `--format oneuptime`, write its WhatsApp log instead, one row per line, by ascending _id.
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway export --tenant 3193 | gzip > history.ndjson.gz
  history-gateway export --tenant 3193 --format oneuptime > whatsapp-log.ndjson
  history-gateway export --tenant 3193 --from 2026-01-01 --to 2026-02-01T12:00

Dates are ISO 8601: in UTC unless they have a time zone, at midnight unless they have a time. Both ends are included.")]
pub struct Export {
    /// The tenant's id
    #[arg(long)]
    tenant: i64,
    /// What to write; rows of OneUptime's WhatsApp Log have its live form
    #[arg(long, value_enum, default_value_t = Format::Edna)]
    format: Format,
    /// Only messages sent or received, or rows created, at this date or later
    #[arg(long, value_name = "DATE", value_parser = parse_from)]
    from: Option<Instant>,
    /// Only messages sent or received, or rows created, at this date or earlier
    #[arg(long, value_name = "DATE", value_parser = parse_to)]
    to: Option<Instant>,
}

impl Export {
    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        let tenant = TenantId(self.tenant);
        // Everything that was committed before belongs into the export.
        let reader = store.up_to_date_reader().await;
        let project_id = store.read(&reader, move |connection| tenants::project_id(connection, tenant)).await?;
        let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout());
        let window = (self.from, self.to);
        match self.format {
            Format::Edna => items((store, &reader), tenant, window, &mut out).await?,
            Format::OneUptime => rows((store, &reader), tenant, &project_id, window, &mut out).await?,
        }
        out.flush().map_err(|error| Failure::output(&error))
    }
}

type Window = (Option<Instant>, Option<Instant>);

async fn items(
    (store, reader): (&Store, &Reader),
    tenant: TenantId,
    window: Window,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut after = i64::MIN;
    loop {
        let page =
            store.read(reader, move |connection| messages::page_after(connection, tenant, after, window, PAGE)).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        page.iter().try_for_each(|(_, item)| line(out, item))?;
    }
}

async fn rows(
    (store, reader): (&Store, &Reader),
    tenant: TenantId,
    project_id: &str,
    window: Window,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = store
            .read(reader, move |connection| whatsapp_logs::page_after(connection, tenant, after, window, PAGE))
            .await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.iter().try_for_each(|log| line(out, &row::render(log, project_id)))?;
    }
}

fn line(out: &mut impl Write, text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(|error| Failure::output(&error))
}

pub fn parse_from(text: &str) -> Result<Instant, String> {
    parse(text, Rounding::Up)
}

pub fn parse_to(text: &str) -> Result<Instant, String> {
    parse(text, Rounding::Down)
}

/// Parses a date from the command line.
pub fn parse(text: &str, rounding: Rounding) -> Result<Instant, String> {
    Instant::parse(text, rounding)
        .ok_or_else(|| "must be an ISO 8601 date such as 2026-03-01 or 2026-03-01T10:00:00Z".into())
}
