//! Whether the last entries of the audit log are linked as they were written; knows no record.

use super::Viewer;
use crate::model::TenantId;
use crate::model::audit::{AuditRecord, ChainHash};
use crate::store::StoreError;
use crate::store::audit::{self, EntryFilter, Head, StoredEntry};

/// How many entries are verified when somebody looks at the log. `audit verify` verifies all.
const VERIFIED: u8 = 20;

/// The records of an entry without a user are read if they have at most so many bytes.
const MAX_READ: usize = 16 * 1024;

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// What was written last.
    pub head: Head,
    pub links: Links,
}

/// The links of the last entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// So many are as they were written.
    Whole(usize),
    /// The greatest sequence of an entry that is missing or was changed.
    BrokenAt(i64),
}

impl Viewer {
    /// The end of the tenant's chain.
    pub(super) async fn chain_end(&self) -> Result<ChainEnd, StoreError> {
        let tenant = self.tenant();
        let load = move |connection: &mut _, _: &_| {
            let head = audit::stored_head(connection, tenant)?.unwrap_or(Head::EMPTY);
            // One more, to which the last of them is linked. Later entries are the next look's.
            let filter = EntryFilter { before: head.sequence.checked_add(1), ..EntryFilter::default() };
            let last = audit::last(connection, tenant, &filter, i64::from(VERIFIED) + 1)?;
            Ok(ChainEnd { head, links: links(tenant, head, &last) })
        };
        self.query(load).await
    }
}

/// The links of entries in descending order, the first of which should be the head.
fn links(tenant: TenantId, head: Head, entries: &[StoredEntry]) -> Links {
    let (mut wanted, mut hash, mut number) = (head.sequence, head.hash, 0);
    if wanted < 0 {
        return Links::BrokenAt(wanted);
    }
    while wanted > 0 && number < usize::from(VERIFIED) {
        let Some(entry) = entries.get(number).filter(|entry| entry.sequence == wanted) else {
            return Links::BrokenAt(wanted);
        };
        let previous = match entries.get(number + 1) {
            Some(previous) => previous.chain_hash(),
            None => (wanted == 1).then_some(ChainHash::BEFORE_FIRST),
        };
        let Some(previous) = previous else { return Links::BrokenAt(wanted - 1) };
        if entry.hash != hash.0 || entry.recomputed(tenant, previous) != hash || !has_own_user(entry) {
            return Links::BrokenAt(wanted);
        }
        (wanted, hash, number) = (wanted - 1, previous, number + 1);
    }
    Links::Whole(number)
}

/// Whether an entry is that of the user who has done what its records say: by this column, users find their own records.
fn has_own_user(entry: &StoredEntry) -> bool {
    // So many records were queued, and are no user's own. Reading them takes longer than a page may.
    if entry.user.is_none() && entry.records.len() > MAX_READ {
        return true;
    }
    let records: Result<Vec<AuditRecord>, _> = serde_json::from_str(&entry.records);
    records.is_ok_and(|records| audit::user_of(&records) == entry.user)
}

#[cfg(test)]
mod tests {
    use super::{Links, VERIFIED, links};
    use crate::model::audit::{Action, AuditRecord, ChainHash, Who, as_array};
    use crate::model::{Instant, TenantId};
    use crate::store::audit::{Head, StoredEntry};

    const TENANT: TenantId = TenantId(1);

    /// A chain of so many entries, the last first.
    fn chain(number: i64) -> (Head, Vec<StoredEntry>) {
        let (mut head, mut entries) = (Head::EMPTY, Vec::new());
        for sequence in 1..=number {
            let who = Who::Key { key: sequence };
            let records = as_array(&[AuditRecord::new(Instant(sequence), who, Action::ApiRead)]);
            let recorded_at = Instant(sequence);
            let mut entry = StoredEntry { sequence, recorded_at, user: None, records, hash: Vec::new() };
            head = Head { sequence, hash: entry.recomputed(TENANT, head.hash) };
            entry.hash = head.hash.0.to_vec();
            entries.insert(0, entry);
        }
        entries.truncate(usize::from(VERIFIED) + 1);
        (head, entries)
    }

    #[test]
    fn whole_chains_are_whole() {
        for number in [0, 1, 2, 20, 21, 22, 50] {
            let (head, entries) = chain(number);
            assert_eq!(links(TENANT, head, &entries), Links::Whole(entries.len().min(VERIFIED.into())), "{number}");
        }
    }

    #[test]
    fn last_broken_link_is_found() {
        let (head, entries) = chain(5);
        let after = |change: fn(&mut Vec<StoredEntry>)| {
            let mut changed = entries.clone();
            change(&mut changed);
            links(TENANT, head, &changed)
        };
        assert_eq!(after(|entries| entries[2].records = "[]".into()), Links::BrokenAt(3));
        assert_eq!(after(|entries| entries[2].recorded_at = Instant(0)), Links::BrokenAt(3));
        assert_eq!(after(|entries| entries[2].hash = vec![0; 32]), Links::BrokenAt(4));
        assert_eq!(after(|entries| entries[2].hash.clear()), Links::BrokenAt(3));
        assert_eq!(after(|entries| entries[2].user = Some(1)), Links::BrokenAt(3));
        assert_eq!(after(|entries| drop(entries.remove(0))), Links::BrokenAt(5));
        assert_eq!(after(|entries| drop(entries.pop())), Links::BrokenAt(1));
        assert_eq!(after(Vec::clear), Links::BrokenAt(5));
        let beyond = Head { sequence: 5, hash: ChainHash([7; 32]) };
        assert_eq!(links(TENANT, beyond, &entries), Links::BrokenAt(5));
    }
}
