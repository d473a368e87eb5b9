//! `audit verify`, `audit export` and `audit head`: the chain of the audit log; knows no SQL.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::ProgressBar;

use super::common::Common;
use super::failure::{Failure, print, print_note};
use super::new_file::NewFile;
use super::signals::stop_signal;
use crate::model::TenantId;
use crate::model::audit::{AuditRecord, ChainHash};
use crate::store::audit::{self, Head, StoredEntry};
use crate::store::{Store, tenants};

/// How many entries are read at a time. One may hold 256 kB of records.
const PAGE: i64 = 100;

/// Verify, export or sum up the audit log: who has read what
#[derive(Subcommand)]
pub enum Audit {
    /// Recompute the hashes of the audit log; exits with 1 at the first broken link
    ///
    /// Somebody who may write to the database can compute a whole new chain. Keep what 'audit head' prints elsewhere, and
    /// give it with --head: it proves that nothing up to that entry was changed or removed.
    #[command(after_help = "Examples:
  history-gateway audit verify
  history-gateway audit verify --tenant 3193 --head 42:9f86d081…")]
    Verify {
        #[command(flatten)]
        tenant: OfTenant,
        /// An entry that must be in the chain, as 'audit head' has printed it
        #[arg(long, value_name = "SEQUENCE:HASH", value_parser = parse_head, requires = "tenant")]
        head: Option<(i64, ChainHash)>,
    },
    /// Write the audit log of a tenant as NDJSON, an entry a line, with its hash
    #[command(after_help = "Examples:
  history-gateway audit export --tenant 3193 > audit.ndjson
  history-gateway audit export --tenant 3193 --output audit.ndjson --after 1000")]
    Export {
        /// The tenant's id
        #[arg(long)]
        tenant: i64,
        /// The file to create, which only its owner can read; standard output if omitted
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Only entries after this one
        #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
        after: i64,
    },
    /// Print the last entry of each audit log, to be kept elsewhere: TENANT SEQUENCE:HASH
    Head {
        #[command(flatten)]
        tenant: OfTenant,
    },
}

#[derive(Args)]
pub struct OfTenant {
    /// Only of this tenant
    #[arg(long)]
    tenant: Option<i64>,
}

impl OfTenant {
    async fn ids(&self, store: &Store) -> Result<Vec<TenantId>, Failure> {
        let all = store.read_primary(tenants::list).await?.into_iter().map(|tenant| tenant.id);
        let wanted = self.tenant.map(TenantId);
        let ids: Vec<TenantId> = all.filter(|id| wanted.is_none_or(|wanted| wanted == *id)).collect();
        match wanted {
            Some(wanted) if ids.is_empty() => {
                Err(Failure::message(format!("there is no tenant {wanted}; see 'history-gateway tenant list'")))
            }
            _ => Ok(ids),
        }
    }
}

impl Audit {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let store = common.store().await?;
        match self {
            Self::Verify { tenant, head } => {
                for id in tenant.ids(&store).await? {
                    verify(&store, id, head).await?;
                }
                Ok(())
            }
            Self::Export { tenant, output, after } => {
                (OfTenant { tenant: Some(tenant) }).ids(&store).await?;
                let has_file = output.is_some();
                let export = export(&store, TenantId(tenant), output, after);
                if !has_file {
                    return export.await;
                }
                // On a signal, the incomplete file is removed.
                let stop = stop_signal()?;
                tokio::select! {
                    exported = export => exported,
                    () = stop => Err(Failure::message("the export was interrupted; its incomplete file was removed")),
                }
            }
            Self::Head { tenant } => {
                let mut lines = Vec::new();
                for id in tenant.ids(&store).await? {
                    let Head { sequence, hash } = head_of(&store, id).await?;
                    lines.push(format!("{id} {sequence}:{hash}\n"));
                }
                print(&lines.concat())
            }
        }
    }
}

fn parse_head(text: &str) -> Result<(i64, ChainHash), &'static str> {
    let parts = text.split_once(':').and_then(|(sequence, hash)| {
        Some((sequence.parse().ok().filter(|sequence| *sequence >= 0)?, ChainHash::parse(hash)?))
    });
    parts.ok_or("it must be a number, a colon and 64 hexadecimal digits, as 'history-gateway audit head' prints them")
}

async fn head_of(store: &Store, tenant: TenantId) -> Result<Head, Failure> {
    let head = move |connection: &mut _| audit::stored_head(connection, tenant);
    Ok(store.read_primary(head).await?.unwrap_or(Head::EMPTY))
}

/// The next entries after one.
async fn page(store: &Store, tenant: TenantId, after: i64) -> Result<Vec<StoredEntry>, Failure> {
    Ok(store.read_primary(move |connection| audit::after(connection, tenant, after, PAGE)).await?)
}

/// Verifies a chain up to the head that it has now; later entries are the next call's.
async fn verify(store: &Store, tenant: TenantId, known: Option<(i64, ChainHash)>) -> Result<(), Failure> {
    let stored = head_of(store, tenant).await?;
    let broken = |what: String| Failure::message(format!("the audit log of tenant {tenant} is broken: {what}"));
    let bar = ProgressBar::new(u64::try_from(stored.sequence).unwrap_or_default());
    let (mut last, mut records) = (Head::EMPTY, 0);
    let mut keys = BTreeSet::new();
    let matches_known =
        |head: Head| known.is_none_or(|(sequence, hash)| sequence != head.sequence || hash == head.hash);
    let differs = || broken("the entry of --head has another hash, so the log up to it was changed".into());
    while last.sequence < stored.sequence {
        let entries = page(store, tenant, last.sequence).await?;
        if entries.is_empty() {
            return Err(broken(format!("entry {} and those after it are missing", last.sequence + 1)));
        }
        for entry in entries.into_iter().filter(|entry| entry.sequence <= stored.sequence) {
            if entry.sequence != last.sequence + 1 {
                return Err(broken(format!("entry {} is missing", last.sequence + 1)));
            }
            let hash = check(&entry, tenant, last.hash, &mut keys).map_err(&broken)?;
            records += 1;
            last = Head { sequence: entry.sequence, hash };
            if !matches_known(last) {
                return Err(differs());
            }
        }
        bar.set_position(u64::try_from(last.sequence).unwrap_or_default());
    }
    bar.finish_and_clear();
    // What stands beyond the head was not written by a gateway, unless the head has moved on since.
    if let Some(beyond) = page(store, tenant, last.sequence).await?.last()
        && head_of(store, tenant).await?.sequence < beyond.sequence
    {
        return Err(broken(format!("its head is entry {}, but there is an entry {}", last.sequence, beyond.sequence)));
    }
    if last.hash != stored.hash {
        return Err(broken(format!("its last entry, {}, is not the one that was written last", last.sequence)));
    }
    if let Some((sequence, _)) = known.filter(|(sequence, _)| *sequence > last.sequence) {
        return Err(broken(format!("it ends with entry {}, before the entry {sequence} of --head", last.sequence)));
    }
    print_note(format_args!(
        "The audit log of tenant {tenant} is whole: {records} entries, the last is {}.",
        last.hash
    ));
    if keys.len() > 1 {
        let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
        print_note(format_args!("Note: its digests were made with several keys ({keys}), and cannot all be compared."));
    }
    Ok(())
}

/// The hash of an entry, if it is what it was when it was written.
pub fn check(
    entry: &StoredEntry,
    tenant: TenantId,
    previous: ChainHash,
    keys: &mut BTreeSet<String>,
) -> Result<ChainHash, String> {
    let (sequence, hash) = (entry.sequence, entry.recomputed(tenant, previous));
    let changed = || format!("entry {sequence} was changed");
    if entry.hash != hash.0 {
        return Err(changed());
    }
    let records: Vec<AuditRecord> = serde_json::from_str(&entry.records)
        .map_err(|_| format!("entry {sequence} cannot be read; use the newest version"))?;
    // By this column, users find their own records.
    if entry.user != audit::user_of(&records) {
        return Err(changed());
    }
    keys.extend(records.into_iter().filter_map(|record| record.digest_key));
    Ok(hash)
}

async fn export(store: &Store, tenant: TenantId, output: Option<PathBuf>, mut after: i64) -> Result<(), Failure> {
    let last = head_of(store, tenant).await?.sequence;
    let mut file = output.as_deref().map(NewFile::create).transpose()?;
    let mut written = 0_u64;
    while after < last {
        let entries = page(store, tenant, after).await?;
        let Some(end) = entries.last().map(|entry| entry.sequence) else { break };
        let lines: String =
            entries.iter().filter(|entry| entry.sequence <= last).map(|entry| line(tenant, entry)).collect();
        match &mut file {
            Some(file) => file.write(&lines)?,
            None => print(&lines)?,
        }
        written += lines.lines().count() as u64;
        after = end;
    }
    if let Some(file) = file {
        file.publish()?;
    }
    print_note(format_args!("{written} entries of the audit log of tenant {tenant} were exported."));
    Ok(())
}

/// `{"tenant":3193,"sequence":1,"recordedAt":1772366400000,"hash":"…","records":[…]}`
fn line(tenant: TenantId, entry: &StoredEntry) -> String {
    let (hash, records) = (crate::model::hexadecimal(&entry.hash), &entry.records);
    let (sequence, at) = (entry.sequence, entry.recorded_at.0);
    format!(
        "{{\"tenant\":{tenant},\"sequence\":{sequence},\"recordedAt\":{at},\"hash\":\"{hash}\",\"records\":{records}}}\n"
    )
}
