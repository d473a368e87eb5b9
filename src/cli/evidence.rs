//! `evidence verify`: whether a file of evidence is what was downloaded; knows no SQL.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use sha2::{Digest, Sha256};

use super::audit::check;
use super::common::Common;
use super::failure::{Failure, print_note};
use crate::model::audit::{Action, AuditRecord, ChainHash};
use crate::model::{TenantId, hexadecimal};
use crate::store::audit::{self, EntryFilter, Head, StoredEntry};
use crate::store::{Connection, Store, StoreError, tenants, users};

/// How many entries are read at a time.
const PAGE: i64 = 100;

/// Verify evidence that was downloaded from the console
#[derive(Subcommand)]
pub enum Evidence {
    /// Recompute a file's SHA-256 and find it in the audit log; exits with 1 if it is not there
    ///
    /// Whether the audit log itself is whole, 'audit verify' tells.
    #[command(after_help = "Examples:
  history-gateway evidence verify evidence-8270556.html")]
    Verify {
        /// The file, as it was downloaded
        file: PathBuf,
    },
}

impl Evidence {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        let Self::Verify { file } = self;
        let bytes = std::fs::read(&file)
            .map_err(|error| Failure::message(format!("'{}' cannot be read: {error}", file.display())))?;
        let digest = hexadecimal(&Sha256::digest(&bytes));
        let store = common.store().await?;
        let tenants = store.read_primary(tenants::list).await?;
        for tenant in &tenants {
            if let Some(found) = find(&store, tenant.id, &digest).await? {
                return report(&store, &file, tenant.id, found).await;
            }
        }
        // Somebody may have taken the user from the entry.
        for tenant in &tenants {
            if let Some(found) = find_in_all(&store, tenant.id, &digest).await? {
                return report(&store, &file, tenant.id, found).await;
            }
        }
        Err(Failure::message(format!(
            "'{}' is not what was downloaded: no audit log of this store has its SHA-256, {digest}; it was changed, or comes \
             from another store",
            file.display()
        )))
    }
}

/// Says who has downloaded a file, if the entry of the log is linked with those before and after it as it was written.
async fn report(
    store: &Store,
    file: &Path,
    tenant: TenantId,
    (entry, record): (StoredEntry, AuditRecord),
) -> Result<(), Failure> {
    let (file, sequence) = (file.display(), entry.sequence);
    let load = move |connection: &mut _| is_linked(connection, tenant, sequence);
    if !store.read_primary(load).await? {
        return Err(Failure::message(format!(
            "'{file}' has the SHA-256 of a download in entry {sequence} of the audit log of tenant {tenant}, but that entry \
             was changed in the database; see 'history-gateway audit verify'"
        )));
    }
    let (who, at) = (record.who.login().unwrap_or("?"), record.at);
    print_note(format_args!(
        "'{file}' is unchanged: {who} of tenant {tenant} downloaded it at {at} (entry {sequence} of the audit log)."
    ));
    Ok(())
}

/// Whether an entry has the hash of itself and the entry before, and the next one, or the head, has its hash.
fn is_linked(connection: &mut Connection, tenant: TenantId, sequence: i64) -> Result<bool, StoreError> {
    let near = audit::after(connection, tenant, sequence.saturating_sub(2), 3)?;
    let of = |sequence: i64| near.iter().find(|entry| entry.sequence == sequence);
    let previous =
        if sequence == 1 { Some(ChainHash::BEFORE_FIRST) } else { of(sequence - 1).and_then(StoredEntry::chain_hash) };
    let Some((entry, previous)) = of(sequence).zip(previous) else { return Ok(false) };
    let Ok(hash) = check(entry, tenant, previous, &mut BTreeSet::new()) else { return Ok(false) };
    Ok(match of(sequence + 1) {
        Some(next) => next.hash == next.recomputed(tenant, hash).0,
        None => audit::stored_head(connection, tenant)? == Some(Head { sequence, hash }),
    })
}

/// The entry of a download with a digest, and its record. Only users download evidence, so the records of API keys, which may
/// be far more, are not read.
async fn find(store: &Store, tenant: TenantId, digest: &str) -> Result<Option<(StoredEntry, AuditRecord)>, Failure> {
    for user in store.read_primary(move |connection| users::ids(connection, tenant)).await? {
        let mut filter = EntryFilter { user: Some(user), ..EntryFilter::default() };
        loop {
            let wanted = filter.clone();
            let page = store.read_primary(move |connection| audit::last(connection, tenant, &wanted, PAGE)).await?;
            let Some(first) = page.last() else { break };
            filter.before = Some(first.sequence);
            if let Some(found) = download(page, digest) {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// The same in the whole log.
async fn find_in_all(
    store: &Store,
    tenant: TenantId,
    digest: &str,
) -> Result<Option<(StoredEntry, AuditRecord)>, Failure> {
    let mut last = 0;
    loop {
        let page = store.read_primary(move |connection| audit::after(connection, tenant, last, PAGE)).await?;
        let Some(end) = page.last() else { return Ok(None) };
        last = end.sequence;
        if let Some(found) = download(page, digest) {
            return Ok(Some(found));
        }
    }
}

fn download(entries: Vec<StoredEntry>, digest: &str) -> Option<(StoredEntry, AuditRecord)> {
    entries.into_iter().filter(|entry| entry.records.contains(digest)).find_map(|entry| {
        let records: Vec<AuditRecord> = serde_json::from_str(&entry.records).unwrap_or_default();
        let is_wanted =
            |record: &AuditRecord| record.action == Action::EvidenceFile && record.sha256.as_deref() == Some(digest);
        records.into_iter().find(is_wanted).map(|record| (entry, record))
    })
}
