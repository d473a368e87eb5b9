//! `import`: files of items through the one door.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::failure::{Failure, print};
use super::lines::{Document, Documents};
use crate::ingest::{Pipeline, Recorded};
use crate::model::{Item, TenantId, wire};
use crate::store::{Store, StoreError, tenants};

/// Read messages from files, or from standard input for `-`
#[derive(Args)]
#[command(
    after_help = "A file holds one item a line, or whole answers of the endpoint ({\"content\":[…]}); gzip is unpacked.
Importing the same file twice changes nothing. A bad line is named and skipped; exit status 1 tells that
there was one. The last line of standard output sums up:
  {\"imported\":2,\"updated\":0,\"unchanged\":0,\"rejected\":0}

Examples:
  history-gateway import --tenant 3193 january.ndjson february.ndjson.gz
  history-gateway export --tenant 3193 | history-gateway import --database sqlite://copy.db --tenant 3193 -"
)]
pub struct Import {
    #[arg(long)]
    tenant: i64,
    #[arg(long, value_enum, default_value_t = Format::Edna)]
    format: Format,
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Items of edna's history endpoint
    Edna,
}

/// What came of an import.
#[derive(Default)]
pub struct Sum {
    pub recorded: Recorded,
    pub rejected: u64,
    /// Fields that edna does not document, kept as they came (docs/edna.md 6.6).
    pub unknown_fields: usize,
}

impl Import {
    pub async fn run(self, store: &Store) -> Result<ExitCode, Failure> {
        let Format::Edna = self.format;
        let sum = files(store, TenantId(self.tenant), &self.files).await?;
        if sum.unknown_fields > 0 {
            eprintln!("Note: {} fields that edna does not document were kept.", sum.unknown_fields);
        }
        let Recorded { imported, updated, unchanged } = sum.recorded;
        // Written by hand for the order of its keys, which readers see.
        let counts =
            [("imported", imported), ("updated", updated), ("unchanged", unchanged), ("rejected", sum.rejected)];
        let counts = counts.map(|(name, count)| format!("{}:{count}", json!(name)));
        print(&format!("{{{}}}\n", counts.join(",")))?;
        Ok(if sum.rejected > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Imports files in their order; every one of them can be opened before the first is read.
pub async fn files(store: &Store, tenant: TenantId, paths: &[PathBuf]) -> Result<Sum, Failure> {
    store.read(move |connection| tenants::require(connection, tenant)).await?;
    let bar = progress_bar();
    let mut opened = Vec::new();
    for path in paths {
        opened.push((path.display().to_string(), open(path, &bar)?));
    }
    let mut sum = Sum::default();
    for (name, reader) in opened {
        let pipeline = Pipeline::new(store, tenant);
        let mut reading = Reading { tenant, bar: &bar, name: &name, pipeline, rejected: 0, unknown_fields: 0 };
        let of_file = reading.all(reader).await;
        if of_file.is_err() {
            bar.finish_and_clear();
        }
        let of_file = of_file?;
        sum.recorded += of_file.recorded;
        sum.rejected += of_file.rejected;
        sum.unknown_fields += of_file.unknown_fields;
    }
    bar.finish_and_clear();
    Ok(sum)
}

/// One file on its way in.
struct Reading<'a> {
    tenant: TenantId,
    bar: &'a ProgressBar,
    name: &'a str,
    pipeline: Pipeline,
    rejected: u64,
    unknown_fields: usize,
}

impl Reading<'_> {
    async fn all(&mut self, reader: Box<dyn BufRead>) -> Result<Sum, Failure> {
        let mut documents = Documents::new(reader);
        loop {
            match documents.next() {
                Ok(Some(Document { line, text: Ok(text) })) => self.take(line, &text).await?,
                Ok(Some(Document { line, text: Err(reason) })) => self.reject(line, reason),
                Ok(None) => break,
                Err(error) => {
                    self.pipeline.finish().await?;
                    let name = self.name;
                    let before = "what came before is imported, and importing it again does no harm";
                    return Err(Failure::said(format!("'{name}' cannot be read to its end: {error}; {before}")));
                }
            }
        }
        let recorded = self.pipeline.finish().await?;
        Ok(Sum { recorded, rejected: self.rejected, unknown_fields: self.unknown_fields })
    }

    /// Takes an item, or an answer full of them.
    async fn take(&mut self, line: u64, text: &str) -> Result<(), StoreError> {
        let error = match Item::parse(text, self.tenant) {
            Ok(item) => return self.push(item).await,
            Err(error) => error,
        };
        let Some(items) = answer(text) else {
            self.reject(line, &error.to_string());
            return Ok(());
        };
        for (place, raw) in items.iter().enumerate() {
            match Item::parse(raw.get(), self.tenant) {
                Ok(item) => self.push(item).await?,
                Err(error) => self.reject(line, &format!("message {} of the answer: {error}", place + 1)),
            }
        }
        Ok(())
    }

    async fn push(&mut self, item: Item) -> Result<(), StoreError> {
        self.unknown_fields += item.extra().len();
        self.pipeline.push(item).await
    }

    /// Names what is wrong and where; never what stands there, which is private.
    fn reject(&mut self, line: u64, reason: &str) {
        self.rejected += 1;
        self.bar.suspend(|| eprintln!("{}:{line}: rejected: {reason}", self.name));
    }
}

/// The items of a whole answer, `{"content":[…]}`.
fn answer(text: &str) -> Option<Vec<&serde_json::value::RawValue>> {
    let fields = wire::object(text).ok()?;
    let content = fields.0.into_iter().find(|(name, _)| name == "content")?.1;
    wire::array(content.get())
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // The template is a constant that indicatif accepts.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn open(path: &PathBuf, bar: &ProgressBar) -> Result<Box<dyn BufRead>, Failure> {
    let name = path.display();
    let unreadable = |error: io::Error| Failure::said(format!("'{name}' cannot be read: {error}"));
    let raw: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Failure::said(format!("'{name}' cannot be read: it is a directory")));
        }
        bar.inc_length(metadata.len());
        Box::new(file)
    };
    let mut reader = BufReader::with_capacity(1 << 20, bar.wrap_read(raw));
    // gzip says what it is in its first two bytes.
    let is_gzip = reader.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(reader))) } else { Box::new(reader) })
}
