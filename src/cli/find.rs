//! `find`: the newest messages that match some filters, as a table, as CSV or as JSON, masked unless told otherwise; knows
//! no SQL.

use std::io::{BufWriter, Write};

use clap::Args;

use super::columns;
use super::common::Common;
use super::failure::{Failure, print_note};
use super::filters::Filters;
use super::table;
use super::walk::{each_message, item};
use crate::model::search::fields;
use crate::model::{Instant, Item, Property, TenantId, Value};
use crate::store::tenants;

/// How many characters of a text a table shows.
const SHOWN_TEXT: usize = 60;

/// How many characters at the end of an address stay visible.
const SHOWN_ADDRESS: usize = 4;

/// Find messages: the newest ones that match the filters
///
/// Addresses and texts are masked unless --show is given.
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway find --tenant 3193 --address \"8 900 000-31-93\"
  history-gateway find --tenant 3193 --text \"доставка -отмена\" --show
  history-gateway find --tenant 3193 --status FAILED --from 2026-03-01 --json

Dates are ISO 8601: in UTC unless they have a time zone, at midnight unless they have a time. Both ends are included.")]
pub struct Find {
    /// The tenant's id
    #[arg(long)]
    tenant: i64,
    #[command(flatten)]
    filters: Filters,
    /// How many messages to print at most
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// Show addresses and texts
    #[arg(long)]
    show: bool,
    /// Print one JSON object per line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV, for spreadsheets
    #[arg(long)]
    csv: bool,
}

impl Find {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let (store, config) = (common.store().await?, common.load(Vec::new())?);
        let (tenant, limit) = (TenantId(self.tenant), usize::try_from(self.limit).unwrap_or_default());
        let reader = store.up_to_date_reader().await;
        store.read(&reader, move |connection| tenants::require(connection, tenant)).await?;
        self.filters.check(&store, &reader, tenant).await?;
        let has_text = self.filters.has_text();
        let query = self.filters.query(tenant, (true, self.limit.min(1000)), &config)?;
        let mut items = Vec::new();
        let is_cut = each_message(&store, &reader, query, |message| {
            if items.len() == limit {
                return Ok(false);
            }
            items.push(item(message, has_text, tenant)?);
            Ok(true)
        })
        .await?;
        if !self.show {
            items.iter_mut().for_each(mask);
        }
        let mut out = BufWriter::new(std::io::stdout().lock());
        let written = if self.json {
            items.iter().try_for_each(|item| writeln!(out, "{}", item.render()))
        } else if self.csv {
            columns::write(&mut out, &items)
        } else {
            out.write_all(rows(&items).as_bytes())
        };
        written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
        if items.is_empty() {
            print_note("No message matches.");
        } else if is_cut {
            print_note(format_args!("More messages match: raise --limit, or narrow the filters. Shown: {limit}."));
        }
        Ok(())
    }
}

/// Hides the address but its end, and what the message says.
fn mask(item: &mut Item) {
    let address = item.text(Property::Address).unwrap_or_default();
    let hidden = address.chars().count().saturating_sub(SHOWN_ADDRESS);
    let shown: String = address.chars().skip(hidden).collect();
    let masked = "*".repeat(hidden) + if hidden == 0 { "****" } else { &shown };
    item.set(Property::Address, Some(Value::Text(masked)));
    for property in [Property::Content, Property::Comment] {
        if let Some(text) = item.text(property) {
            let masked = format!("({} characters)", text.chars().count());
            item.set(property, Some(Value::Text(masked)));
        }
    }
    item.clear_extra();
}

/// The messages as a table.
fn rows(items: &[Item]) -> String {
    let row = |item: &Item| {
        let text = |property| item.text(property).unwrap_or_default().to_owned();
        let time = item.instant(Property::SentOrReceivedAt).map(Instant::iso).unwrap_or_default();
        let fields = fields(item.text(Property::Content).unwrap_or_default(), None);
        let words = fields.first().map(|field| field.text.split_whitespace().collect::<Vec<_>>().join(" "));
        let shown: String = words.unwrap_or_default().chars().filter(|char| is_shown(*char)).take(SHOWN_TEXT).collect();
        vec![
            time,
            item.message_id().to_string(),
            text(Property::Direction),
            text(Property::ChannelType),
            text(Property::Address),
            text(Property::DeliveryStatus),
            shown,
        ]
    };
    if items.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = items.iter().map(row).collect();
    table::render(&["TIME", "MESSAGE ID", "DIRECTION", "CHANNEL", "ADDRESS", "STATUS", "TEXT"], &rows)
}

/// Whether a terminal shows a character where it stands: none that moves others, or that cannot be seen.
fn is_shown(char: char) -> bool {
    let is_invisible =
        matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    !char.is_control() && !is_invisible
}
