//! `export`: streams the messages of a tenant, one item per line, or its WhatsApp log, one row per line; knows no SQL.

use std::io::{BufWriter, Write};

use clap::Args;

use super::columns::Table;
use super::common::Common;
use super::failure::Failure;
use super::filters::Filters;
use super::import::Format;
use super::progress::Progress;
use super::walk::{each_message, item};
use crate::model::{Instant, MessageQuery, TenantId};
use crate::oneuptime::row;
use crate::store::messages;
use crate::store::{Reader, Store, tenants, whatsapp_logs};

/// Number of messages or rows per query.
const PAGE: i64 = 1000;

/// Write the messages of a tenant to standard output, one item per line, by ascending messageId
///
/// With `--format oneuptime`, write its WhatsApp log instead, one row per line, by ascending _id. With `--text`, write the
/// newest message first.
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway export --tenant 3193 | gzip > history.ndjson.gz
  history-gateway export --tenant 3193 --format oneuptime > whatsapp-log.ndjson
  history-gateway export --tenant 3193 --from 2026-01-01 --to 2026-02-01T12:00
  history-gateway export --tenant 3193 --status UNDELIVERED --csv > failed.csv

Dates are ISO 8601: in UTC unless they have a time zone, at midnight unless they have a time. Both ends are included.")]
pub struct Export {
    /// The tenant's id
    #[arg(long)]
    tenant: i64,
    /// What to write; rows of OneUptime's WhatsApp Log have its live form
    #[arg(long, value_enum, default_value_t = Format::Edna)]
    format: Format,
    /// Write CSV instead, with a column for each known field. A text that begins like a formula gets an apostrophe
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    filters: Filters,
}

impl Export {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let (store, config) = (common.store().await?, common.load(Vec::new())?);
        let tenant = TenantId(self.tenant);
        // Everything that was committed before belongs in the export.
        let reader = store.up_to_date_reader().await;
        let project_id = store.read(&reader, move |connection| tenants::project_id(connection, tenant)).await?;
        self.filters.check(&store, &reader, tenant).await?;
        let window = self.filters.window();
        let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout());
        match self.format {
            Format::OneUptime if self.csv || !self.filters.is_only_window() => {
                return Err(Failure::message(
                    "--format oneuptime takes no filters but --from and --to, and not --csv; leave them out",
                ));
            }
            Format::OneUptime => rows((&store, &reader), tenant, &project_id, window, &mut out).await?,
            Format::Edna if self.csv || !self.filters.is_only_window() => {
                let is_newest_first = self.filters.has_text();
                let query = self.filters.query(tenant, (is_newest_first, PAGE), &config)?;
                matching((&store, &reader), query, self.csv, &mut out).await?;
            }
            Format::Edna => items((&store, &reader), tenant, window, &mut out).await?,
        }
        out.flush().map_err(|error| Failure::output(&error))
    }
}

type Window = (Option<Instant>, Option<Instant>);

/// Writes the messages that match a query.
async fn matching(
    (store, reader): (&Store, &Reader),
    query: MessageQuery,
    as_csv: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (tenant, has_text, progress) = (query.tenant(), query.filters.text.is_some(), Progress::start());
    if as_csv {
        let mut table = Table::new(out).map_err(|error| Failure::output(&error))?;
        each_message(store, reader, query, |message| {
            progress.step();
            table.push(&item(message, has_text, tenant)?).map_err(|error| Failure::output(&error))?;
            Ok(true)
        })
        .await?;
        return table.finish().map_err(|error| Failure::output(&error));
    }
    each_message(store, reader, query, |message| {
        progress.step();
        // A search tells what it found besides the item.
        if has_text {
            line(out, &item(message, true, tenant)?.render())?;
        } else {
            line(out, message)?;
        }
        Ok(true)
    })
    .await?;
    Ok(())
}

async fn items(
    (store, reader): (&Store, &Reader),
    tenant: TenantId,
    window: Window,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (mut after, progress) = (i64::MIN, Progress::start());
    loop {
        let page =
            store.read(reader, move |connection| messages::page_after(connection, tenant, after, window, PAGE)).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        page.iter().try_for_each(|(_, item)| {
            progress.step();
            line(out, item)
        })?;
    }
}

async fn rows(
    (store, reader): (&Store, &Reader),
    tenant: TenantId,
    project_id: &str,
    window: Window,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (mut after, progress) = (None, Progress::start());
    loop {
        let page = store
            .read(reader, move |connection| whatsapp_logs::page_after(connection, tenant, after, window, PAGE))
            .await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.iter().try_for_each(|log| {
            progress.step();
            line(out, &row::render(log, project_id))
        })?;
    }
}

fn line(out: &mut impl Write, text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(|error| Failure::output(&error))
}
