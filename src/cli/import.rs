//! `import`: files of items through the one door.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::failure::{Failure, print, print_note};
use super::lines::{self, Document, Documents};
use crate::clock::Clock;
use crate::ingest::{Entry, Event, OutcomeCounts, Pipeline};
use crate::model::item::LONGEST_ITEM;
use crate::model::{Item, Provenance, Source, TenantId, WhatsAppLog, wire};
use crate::oneuptime::row;
use crate::store::{Store, StoreError, tenants};

/// A row is as long as its message at the most, and has some columns more.
const LONGEST_ROW: usize = LONGEST_ITEM + 16 * 1024;

/// How much of a file tells whether it is text.
const SNIFFED_BYTES: u64 = 8 * 1024;

/// Read messages, or rows of OneUptime's WhatsApp Log, from files, or from standard input for `-`
#[derive(Args)]
#[command(
    after_help = "A file holds one item a line, or whole answers of the endpoint ({\"content\":[…]}, and for oneuptime \
{\"data\":[…]}); gzip is unpacked. Importing the same file twice changes nothing; of two copies of a row \
the one with the newer updatedAt is kept. A bad line is named and skipped; exit status 1 tells that \
there was one. The last line of standard output sums up:
  {\"imported\":2,\"updated\":0,\"unchanged\":0,\"rejected\":0}

Examples:
  history-gateway import --tenant 3193 january.ndjson february.ndjson.gz
  history-gateway import --tenant 3193 --format oneuptime whatsapp-log.ndjson
  history-gateway export --tenant 3193 | \\
      history-gateway import --database sqlite://copy.db --tenant 3193 -"
)]
pub struct Import {
    /// The tenant's number
    #[arg(long)]
    tenant: i64,
    /// What the files hold
    #[arg(long, value_enum, default_value_t = Format::Edna)]
    format: Format,
    /// The files, in the order they are read; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Whose form the files have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Items of edna's history endpoint
    Edna,
    /// Rows of OneUptime's WhatsApp Log, plain or with their types beside the values
    #[value(name = "oneuptime")]
    OneUptime,
}

/// How one dialect's files are read.
trait Form {
    type Entry: Entry;

    /// The key of an answer that holds its list, and the key that everything in the list has.
    const KEYS: (&'static str, &'static str);
    /// What one of the list is called.
    const WORD: &'static str;
    const LONGEST: usize;

    /// Reads one; gives how many of its fields are not documented, too.
    fn read(&self, text: &str) -> Result<(Self::Entry, usize), String>;
}

/// Items of a tenant.
struct Items(TenantId);

impl Form for Items {
    type Entry = Event;
    const KEYS: (&'static str, &'static str) = ("content", "messageId");
    const WORD: &'static str = "message";
    const LONGEST: usize = LONGEST_ITEM;

    fn read(&self, text: &str) -> Result<(Event, usize), String> {
        let item = Item::parse(text, self.0).map_err(|error| error.to_string())?;
        let unknown_fields = item.extra().len();
        let provenance = Provenance { source: Source::Import, received_at: Some(Clock::Machine.now()) };
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
    const LONGEST: usize = LONGEST_ROW;

    fn read(&self, text: &str) -> Result<(WhatsAppLog, usize), String> {
        let parsed = row::parse(text, &self.project_id).map_err(|error| error.to_string())?;
        Ok((parsed.log, parsed.unknown_fields))
    }
}

/// What came of an import.
#[derive(Default)]
pub struct ImportStats {
    pub recorded: OutcomeCounts,
    pub rejected: u64,
    /// Fields that are not documented: an item's are kept as they came (docs/edna.md 6.6), a row's are left out.
    pub unknown_fields: usize,
}

impl Import {
    pub async fn run(self, store: &Store) -> Result<u8, Failure> {
        let sum = files(store, TenantId(self.tenant), self.format, &self.files).await?;
        let (count, whose) = (sum.unknown_fields, self.format);
        match whose {
            _ if count == 0 => {}
            Format::Edna => print_note(format_args!("Note: {count} fields that edna does not document were kept.")),
            Format::OneUptime => {
                print_note(format_args!("Note: {count} fields that OneUptime does not document were left out."));
            }
        }
        let OutcomeCounts { imported, updated, unchanged } = sum.recorded;
        // Written by hand for the order of its keys, which readers see.
        let counts =
            [("imported", imported), ("updated", updated), ("unchanged", unchanged), ("rejected", sum.rejected)];
        let counts = counts.map(|(name, count)| format!("{}:{count}", json!(name)));
        print(&format!("{{{}}}\n", counts.join(",")))?;
        Ok(u8::from(sum.rejected > 0))
    }
}

/// Imports files in their order; every one of them can be opened before the first is read.
pub async fn files(store: &Store, tenant: TenantId, format: Format, paths: &[PathBuf]) -> Result<ImportStats, Failure> {
    let project_id = store.read(move |connection| tenants::project_id(connection, tenant)).await?;
    match format {
        Format::Edna => files_of(store, tenant, &Items(tenant), paths).await,
        Format::OneUptime => files_of(store, tenant, &Rows { project_id }, paths).await,
    }
}

async fn files_of<F: Form>(
    store: &Store,
    tenant: TenantId,
    form: &F,
    paths: &[PathBuf],
) -> Result<ImportStats, Failure> {
    let bar = progress_bar();
    for path in paths.iter().filter(|path| !is_standard_input(path)) {
        let metadata = metadata(path)?;
        bar.inc_length(metadata.len());
        // What can be read only once, as a pipe, is looked at when its turn comes.
        if metadata.is_file() {
            open(path, &ProgressBar::hidden(), F::WORD)?;
        }
    }
    let mut sum = ImportStats::default();
    for path in paths {
        let (name, reader) = (path.display().to_string(), open(path, &bar, F::WORD)?);
        let pipeline = Pipeline::new(store, tenant);
        let mut reading = Reading { form, bar: &bar, name: &name, pipeline, rejected: 0, unknown_fields: 0 };
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
struct Reading<'a, F: Form> {
    form: &'a F,
    bar: &'a ProgressBar,
    name: &'a str,
    pipeline: Pipeline<F::Entry>,
    rejected: u64,
    unknown_fields: usize,
}

impl<F: Form> Reading<'_, F> {
    async fn all(&mut self, reader: Box<dyn BufRead>) -> Result<ImportStats, Failure> {
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
                    return Err(Failure::message(format!("'{name}' cannot be read to its end: {error}; {before}")));
                }
            }
        }
        let recorded = self.pipeline.finish().await?;
        Ok(ImportStats { recorded, rejected: self.rejected, unknown_fields: self.unknown_fields })
    }

    /// Takes one entry, or an answer full of them.
    async fn take(&mut self, line: u64, text: &str) -> Result<(), StoreError> {
        let reason = match self.entry(text) {
            Ok(entry) => return self.push(entry).await,
            Err(reason) => reason,
        };
        let Some(entries) = answer(text, F::KEYS) else {
            self.reject(line, &reason);
            return Ok(());
        };
        for (place, raw) in entries.iter().enumerate() {
            match self.entry(raw.get()) {
                Ok(entry) => self.push(entry).await?,
                Err(reason) => self.reject(line, &format!("{} {} of the answer: {reason}", F::WORD, place + 1)),
            }
        }
        Ok(())
    }

    fn entry(&self, text: &str) -> Result<(F::Entry, usize), String> {
        if text.len() > F::LONGEST {
            return Err("it is longer than 1 MiB".into());
        }
        self.form.read(text)
    }

    async fn push(&mut self, (entry, unknown_fields): (F::Entry, usize)) -> Result<(), StoreError> {
        self.unknown_fields += unknown_fields;
        self.pipeline.push(entry).await
    }

    /// Names what is wrong and where; never what stands there, which is private.
    fn reject(&mut self, line: u64, reason: &str) {
        self.rejected += 1;
        self.bar.suspend(|| print_note(format_args!("{}:{line}: rejected: {reason}", self.name)));
    }
}

/// What a whole answer holds, such as `{"content":[…]}`. What has an id of its own is an entry, if a wrong one.
fn answer<'a>(text: &'a str, (list, id): (&str, &str)) -> Option<Vec<&'a serde_json::value::RawValue>> {
    let fields = wire::object(text).ok()?;
    let named = |wanted: &str| fields.0.iter().find(|(name, _)| name == wanted).map(|(_, raw)| *raw);
    match named(id) {
        Some(_) => None,
        None => wire::array(named(list)?.get()),
    }
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

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::message(format!("'{}' cannot be read: {error}", path.display()))
}

/// What a file is that can be opened.
fn metadata(path: &Path) -> Result<Metadata, Failure> {
    let metadata = File::open(path).and_then(|file| file.metadata()).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::message(format!("'{}' cannot be read: it is a directory", path.display())));
    }
    Ok(metadata)
}

fn open(path: &Path, bar: &ProgressBar, word: &str) -> Result<Box<dyn BufRead>, Failure> {
    let raw: Box<dyn Read> = if is_standard_input(path) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| unreadable(path, &error))?)
    };
    let mut raw = bar.wrap_read(raw);
    // gzip says what it is in its first two bytes.
    let mut first = Vec::new();
    raw.by_ref().take(2).read_to_end(&mut first).map_err(|error| unreadable(path, &error))?;
    let is_gzip = first == [0x1f, 0x8b];
    let reader = BufReader::with_capacity(1 << 20, io::Cursor::new(first).chain(raw));
    let mut unpacked: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    let mut head = Vec::new();
    let ended = unpacked.by_ref().take(SNIFFED_BYTES).read_to_end(&mut head).map(|_| ());
    if lines::is_binary(&head) {
        let name = path.display();
        return Err(Failure::message(format!(
            "'{name}' is no text, and nothing of it was imported; a file holds JSON in UTF-8, one {word} a line, gzipped or not"
        )));
    }
    Ok(Box::new(BufReader::with_capacity(1 << 20, io::Cursor::new(head).chain(DeferredError(ended)).chain(unpacked))))
}

/// Gives the error that ended reading ahead, if one did, when what was read ahead has been used.
struct DeferredError(io::Result<()>);

impl Read for DeferredError {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        std::mem::replace(&mut self.0, Ok(())).map(|()| 0)
    }
}
