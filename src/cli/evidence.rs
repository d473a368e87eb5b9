//! `evidence verify`: whether a file of evidence is what was downloaded; knows no SQL.

use std::path::PathBuf;

use clap::Subcommand;
use sha2::{Digest, Sha256};

use super::common::Common;
use super::failure::{Failure, print_note};
use crate::model::audit::{Action, AuditRecord, Who};
use crate::model::{TenantId, hexadecimal};
use crate::store::audit::{self, EntryFilter, StoredEntry};
use crate::store::{Store, tenants, users};

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
            if let Some((sequence, record)) = find(&store, tenant.id, &digest).await? {
                let who = if let Who::User { login, .. } = &record.who { login.as_str() } else { "?" };
                print_note(format_args!(
                    "'{}' is unchanged: {who} of tenant {} downloaded it at {} (entry {sequence} of the audit log).",
                    file.display(),
                    tenant.id,
                    record.at
                ));
                return Ok(());
            }
        }
        for tenant in &tenants {
            if let Some(sequence) = find_in_all(&store, tenant.id, &digest).await? {
                return Err(Failure::message(format!(
                    "'{}' has the SHA-256 of a download in entry {sequence} of the audit log of tenant {}, but that entry was \
                     changed in the database; see 'history-gateway audit verify'",
                    file.display(),
                    tenant.id
                )));
            }
        }
        Err(Failure::message(format!(
            "'{}' is not what was downloaded: no audit log of this store has its SHA-256, {digest}; it was changed, or comes \
             from another store",
            file.display()
        )))
    }
}

/// The record of a download with a digest, and the sequence of its entry. Only users download evidence, so the records of
/// API keys, which may be far more, are not read.
async fn find(store: &Store, tenant: TenantId, digest: &str) -> Result<Option<(i64, AuditRecord)>, Failure> {
    for user in store.read_primary(move |connection| users::ids(connection, tenant)).await? {
        let mut filter = EntryFilter { user: Some(user), ..EntryFilter::default() };
        loop {
            let wanted = filter.clone();
            let page = store.read_primary(move |connection| audit::last(connection, tenant, &wanted, PAGE)).await?;
            if let Some(found) = page.iter().find_map(|entry| download(entry, digest)) {
                return Ok(Some(found));
            }
            let Some(first) = page.last() else { break };
            filter.before = Some(first.sequence);
        }
    }
    Ok(None)
}

/// The entry of a download in the whole log, also if it is not that of a user any more.
async fn find_in_all(store: &Store, tenant: TenantId, digest: &str) -> Result<Option<i64>, Failure> {
    let mut last = 0;
    loop {
        let page = store.read_primary(move |connection| audit::after(connection, tenant, last, PAGE)).await?;
        if let Some((sequence, _)) = page.iter().find_map(|entry| download(entry, digest)) {
            return Ok(Some(sequence));
        }
        let Some(end) = page.last() else { return Ok(None) };
        last = end.sequence;
    }
}

fn download(entry: &StoredEntry, digest: &str) -> Option<(i64, AuditRecord)> {
    if !entry.records.contains(digest) {
        return None;
    }
    let records: Vec<AuditRecord> = serde_json::from_str(&entry.records).unwrap_or_default();
    let is_wanted =
        |record: &AuditRecord| record.action == Action::EvidenceFile && record.sha256.as_deref() == Some(digest);
    records.into_iter().find(is_wanted).map(|record| (entry.sequence, record))
}
