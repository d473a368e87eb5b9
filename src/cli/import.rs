//! `import`: records the items, or WhatsApp log rows, of files through the ingest path; knows no SQL.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::blocks;
use super::failure::{Failure, print, print_note};
use super::lines::{self, Document, Documents};
use crate::clock::Clock;
use crate::ingest::{Entry, Event, OutcomeCounts, Pipeline};
use crate::model::item::MAX_ITEM_BYTES;
use crate::model::{Item, Provenance, Source, TenantId, WhatsAppLog, wire};
use crate::oneuptime::row;
use crate::store::{Store, StoreError, tenants};

/// Maximum size of a row, in bytes: that of an item, and some more for the columns of the row itself.
const MAX_ROW_BYTES: usize = MAX_ITEM_BYTES + 16 * 1024;

/// How many bytes at the beginning of a file are checked for text.
const SNIFFED_BYTES: u64 = 8 * 1024;

/// Import messages, or rows of OneUptime's WhatsApp Log, from files or standard input
#[derive(Args)]
#[command(
    after_help = "A file contains one item or row per line, or whole responses of the endpoint ({\"content\":[…]}, for \
oneuptime {\"data\":[…]}), gzipped or not. Importing the same data again changes nothing; of two copies \
of a row, the one with the newer updatedAt is kept. An invalid line is reported and skipped, and the \
exit status is then 1. The last line of standard output has the totals:
  {\"imported\":2,\"updated\":0,\"unchanged\":0,\"rejected\":0}

Examples:
  history-gateway import --tenant 3193 january.ndjson february.ndjson.gz
  history-gateway import --tenant 3193 --format oneuptime whatsapp-log.ndjson
  history-gateway export --tenant 3193 | \\
      history-gateway import --database sqlite://copy.db --tenant 3193 -"
)]
pub struct Import {
    /// The tenant's id
    #[arg(long)]
    tenant: i64,
    /// What the files contain
    #[arg(long, value_enum, default_value_t = Format::Edna)]
    format: Format,
    /// The files, imported in this order; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The form of the items or rows in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Items of edna's history endpoint
    Edna,
    /// Rows of OneUptime's WhatsApp Log, with plain values or with values that carry their types
    #[value(name = "oneuptime")]
    OneUptime,
}

/// How the files of one dialect are parsed.
trait Form {
    type Entry: Entry;

    /// The field of a response that holds the list, and the id field of every entry in it.
    const KEYS: (&'static str, &'static str);
    /// What error messages call an entry.
    const WORD: &'static str;

    /// Parses an entry; also returns the number of its undocumented fields.
    fn parse(&self, text: &str) -> Result<(Self::Entry, usize), String>;
}

/// Items of a tenant.
struct Items(TenantId);

impl Form for Items {
    type Entry = Event;
    const KEYS: (&'static str, &'static str) = ("content", "messageId");
    const WORD: &'static str = "message";

    fn parse(&self, text: &str) -> Result<(Event, usize), String> {
        let item = Item::parse(text, self.0).map_err(|error| error.to_string())?;
        let unknown_fields = item.extra().len();
        let provenance = Provenance { source: Source::Import, received_at: Some(Clock::System.now()) };
        Ok((Event::message(item, provenance), unknown_fields))
    }
}

/// WhatsApp log rows of a project.
struct Rows {
    project_id: String,
}

impl Form for Rows {
    type Entry = WhatsAppLog;
    const KEYS: (&'static str, &'static str) = ("data", "_id");
    const WORD: &'static str = "row";

    fn parse(&self, text: &str) -> Result<(WhatsAppLog, usize), String> {
        if text.len() > MAX_ROW_BYTES {
            return Err("it is longer than 1 MiB".into());
        }
        let parsed = row::parse(text, &self.project_id).map_err(|error| error.to_string())?;
        Ok((parsed.log, parsed.unknown_fields))
    }
}

/// The totals of an import.
#[derive(Default)]
pub struct ImportStats {
    pub recorded: OutcomeCounts,
    pub rejected: u64,
    /// The number of undocumented fields. Those of items are kept (docs/edna.md 6.6), those of rows are dropped.
    pub unknown_fields: usize,
}

impl Import {
    pub async fn run(self, store: &Store) -> Result<u8, Failure> {
        let stats = files(store, TenantId(self.tenant), self.format, &self.files).await?;
        let (count, format) = (stats.unknown_fields, self.format);
        match format {
            _ if count == 0 => {}
            Format::Edna => print_note(format_args!("Note: fields that edna does not document were kept: {count}.")),
            Format::OneUptime => {
                print_note(format_args!("Note: fields that OneUptime does not document were dropped: {count}."));
            }
        }
        let OutcomeCounts { imported, updated, unchanged } = stats.recorded;
        // Written by hand to keep the order of the keys, which users see.
        let counts =
            [("imported", imported), ("updated", updated), ("unchanged", unchanged), ("rejected", stats.rejected)];
        let counts = counts.map(|(name, count)| format!("{}:{count}", json!(name)));
        print(&format!("{{{}}}\n", counts.join(",")))?;
        Ok(u8::from(stats.rejected > 0))
    }
}

/// Imports files in the given order. Checks first that each of them can be opened.
pub async fn files(store: &Store, tenant: TenantId, format: Format, paths: &[PathBuf]) -> Result<ImportStats, Failure> {
    let project_id = store.read_primary(move |connection| tenants::project_id(connection, tenant)).await?;
    match format {
        Format::Edna => {
            let stats = import_files(store, tenant, &Items(tenant), paths).await?;
            blocks::build(store, tenant).await;
            Ok(stats)
        }
        Format::OneUptime => import_files(store, tenant, &Rows { project_id }, paths).await,
    }
}

async fn import_files<F: Form>(
    store: &Store,
    tenant: TenantId,
    form: &F,
    paths: &[PathBuf],
) -> Result<ImportStats, Failure> {
    let bar = progress_bar();
    for path in paths.iter().filter(|path| !is_standard_input(path)) {
        let metadata = metadata(path)?;
        bar.inc_length(metadata.len());
        // Other files, such as pipes, can be read only once, so they are checked when they are imported.
        if metadata.is_file() {
            open(path, &ProgressBar::hidden(), F::WORD)?;
        }
    }
    let mut total = ImportStats::default();
    for path in paths {
        let (name, reader) = (path.display().to_string(), open(path, &bar, F::WORD)?);
        let pipeline = Pipeline::new(store, tenant);
        let mut import = FileImport { form, bar: &bar, name: &name, pipeline, rejected: 0, unknown_fields: 0 };
        let stats = import.run(reader).await;
        if stats.is_err() {
            bar.finish_and_clear();
        }
        let stats = stats?;
        total.recorded += stats.recorded;
        total.rejected += stats.rejected;
        total.unknown_fields += stats.unknown_fields;
    }
    bar.finish_and_clear();
    Ok(total)
}

/// The import of one file.
struct FileImport<'a, F: Form> {
    form: &'a F,
    bar: &'a ProgressBar,
    name: &'a str,
    pipeline: Pipeline<F::Entry>,
    rejected: u64,
    unknown_fields: usize,
}

impl<F: Form> FileImport<'_, F> {
    async fn run(&mut self, reader: Box<dyn BufRead>) -> Result<ImportStats, Failure> {
        let mut documents = Documents::new(reader);
        loop {
            match documents.next() {
                Ok(Some(Document { line, text: Ok(text) })) => self.import_document(line, &text).await?,
                Ok(Some(Document { line, text: Err(reason) })) => self.reject(line, reason),
                Ok(None) => break,
                Err(error) => {
                    self.pipeline.finish().await?;
                    let name = self.name;
                    let imported = "what came before was imported, and importing it again changes nothing";
                    return Err(Failure::message(format!("'{name}' cannot be read to its end: {error}; {imported}")));
                }
            }
        }
        let recorded = self.pipeline.finish().await?;
        Ok(ImportStats { recorded, rejected: self.rejected, unknown_fields: self.unknown_fields })
    }

    /// Imports one entry, or the entries of a whole response.
    async fn import_document(&mut self, line: u64, text: &str) -> Result<(), StoreError> {
        let reason = match self.parse_entry(text) {
            Ok(entry) => return self.push(entry).await,
            Err(reason) => reason,
        };
        let Some(entries) = response_entries(text, F::KEYS) else {
            self.reject(line, &reason);
            return Ok(());
        };
        for (index, raw) in entries.iter().enumerate() {
            match self.parse_entry(raw.get()) {
                Ok(entry) => self.push(entry).await?,
                Err(reason) => self.reject(line, &format!("{} {} of the response: {reason}", F::WORD, index + 1)),
            }
        }
        Ok(())
    }

    fn parse_entry(&self, text: &str) -> Result<(F::Entry, usize), String> {
        self.form.parse(text)
    }

    async fn push(&mut self, (entry, unknown_fields): (F::Entry, usize)) -> Result<(), StoreError> {
        self.unknown_fields += unknown_fields;
        self.pipeline.push(entry).await
    }

    /// Reports what is wrong and where, but never the text itself, which is private.
    fn reject(&mut self, line: u64, reason: &str) {
        self.rejected += 1;
        self.bar.suspend(|| print_note(format_args!("{}:{line}: rejected: {reason}", self.name)));
    }
}

/// The entries of a whole response such as `{"content":[…]}`. An object with an id is no response but an invalid entry.
fn response_entries<'a>(text: &'a str, (list, id): (&str, &str)) -> Option<Vec<&'a serde_json::value::RawValue>> {
    let fields = wire::object(text).ok()?;
    let field = |wanted: &str| fields.0.iter().find(|(name, _)| name == wanted).map(|(_, raw)| *raw);
    match field(id) {
        Some(_) => None,
        None => wire::array(field(list)?.get()),
    }
}

/// A progress bar on a terminal, nothing elsewhere.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // The template is a constant that indicatif accepts.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::message(format!("'{}' cannot be read: {error}", path.display()))
}

/// The metadata of a file. Fails if the file cannot be opened or is a directory.
fn metadata(path: &Path) -> Result<Metadata, Failure> {
    let metadata = File::open(path).and_then(|file| file.metadata()).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::message(format!("'{}' cannot be read: it is a directory", path.display())));
    }
    Ok(metadata)
}

pub fn open(path: &Path, bar: &ProgressBar, word: &str) -> Result<Box<dyn BufRead>, Failure> {
    let raw: Box<dyn Read> = if is_standard_input(path) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| unreadable(path, &error))?)
    };
    let mut raw = bar.wrap_read(raw);
    // Every gzip file begins with the same two bytes.
    let mut magic = Vec::new();
    raw.by_ref().take(2).read_to_end(&mut magic).map_err(|error| unreadable(path, &error))?;
    let is_gzip = magic == [0x1f, 0x8b];
    let reader = BufReader::with_capacity(1 << 20, io::Cursor::new(magic).chain(raw));
    let mut unpacked: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    let mut head = Vec::new();
    let result = unpacked.by_ref().take(SNIFFED_BYTES).read_to_end(&mut head).map(|_| ());
    if lines::is_binary(&head) {
        let name = path.display();
        return Err(Failure::message(format!(
            "'{name}' is not text, and nothing of it was imported; \
             a file must be JSON in UTF-8, one {word} per line, gzipped or not"
        )));
    }
    Ok(Box::new(BufReader::with_capacity(1 << 20, io::Cursor::new(head).chain(DeferredError(result)).chain(unpacked))))
}

/// Returns the error that ended the reading ahead, if any, once the bytes that were read ahead are used up.
struct DeferredError(io::Result<()>);

impl Read for DeferredError {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        std::mem::replace(&mut self.0, Ok(())).map(|()| 0)
    }
}
