//! The audit log as users see it: agents their own looks, auditors and administrators all; knows no page.

use super::{ViewError, Viewer};
use crate::model::audit::{Action, AuditRecord, Filter};
use crate::model::user::Role;
use crate::model::{Instant, subscriber};
use crate::store::StoreError;
use crate::store::audit::{self, EntryFilter, Head, StoredEntry};

/// How many records a page has.
pub const PAGE: usize = 50;

/// How many entries are read at once: one may have a thousand records.
const CHUNK: i64 = 100;

/// How many times that are looked through for a page.
const CHUNKS: usize = 50;

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// A login, or a part of one.
    pub login: String,
    /// An address in any spelling, or its digest.
    pub person: String,
    pub from: Option<Instant>,
    pub to: Option<Instant>,
    /// Where the page begins; at the newest record if there is nothing.
    pub at: Option<LogPosition>,
}

/// A place in the log: an entry, of which some of the wanted records have been shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    pub entry: i64,
    pub shown: usize,
}

/// A page of the audit log, the newest record first.
pub struct LogPage {
    /// With the sequence of the entry of each.
    pub records: Vec<(i64, AuditRecord)>,
    /// Where the log goes on.
    pub next: Option<LogPosition>,
    /// The last entry of the whole chain.
    pub head: Head,
}

impl Viewer {
    /// Whether the user sees what others have looked at.
    pub fn sees_all_records(&self) -> bool {
        matches!(self.user.role, Role::Auditor | Role::Admin) && self.user.grants.senders.is_none()
    }

    /// Records of the audit log. That they were looked at is recorded too.
    pub async fn audit_log(&self, query: &LogQuery) -> Result<LogPage, ViewError> {
        if self.user.role == Role::Viewer {
            return Err(ViewError::NotAllowed);
        }
        let key = self.key()?;
        let mut record = self.record(Action::AuditLog);
        let digests: Vec<String> = match query.person.trim() {
            "" => Vec::new(),
            person => {
                let (forms, national) = subscriber::phone_forms(person);
                record.name_addresses(forms.iter().chain(&national).map(String::as_str), &key);
                let digests = forms.iter().chain(&national).map(|form| key.digest(form));
                digests.chain([person.to_ascii_lowercase()]).collect()
            }
        };
        let login = query.login.trim().to_lowercase();
        let is_wanted = |record: &AuditRecord| {
            let is_person = digests.is_empty() || record.addresses.iter().any(|one| digests.contains(one));
            is_person && (login.is_empty() || record.who.login().is_some_and(|known| known.contains(&login)))
        };
        let tenant = self.tenant();
        let head = self.query(move |connection, _| audit::stored_head(connection, tenant)).await?;
        let mut page = LogPage { records: Vec::new(), next: query.at, head: head.unwrap_or(Head::EMPTY) };
        for _ in 0..CHUNKS {
            let entries = self.entries(query, page.next).await?;
            let is_last = i64::try_from(entries.len()).is_ok_and(|found| found < CHUNK);
            for entry in entries {
                let shown = page.next.filter(|next| next.entry == entry.sequence).map_or(0, |next| next.shown);
                let room = PAGE - page.records.len();
                let wanted = wanted(&entry, &digests, is_wanted);
                page.records
                    .extend(wanted.iter().skip(shown).take(room).map(|record| (entry.sequence, record.clone())));
                page.next = if wanted.len() > shown.saturating_add(room) {
                    Some(LogPosition { entry: entry.sequence, shown: shown + room })
                } else {
                    Some(LogPosition { entry: entry.sequence - 1, shown: 0 })
                };
                if page.records.len() == PAGE {
                    break;
                }
            }
            if page.records.len() == PAGE {
                break;
            }
            if is_last {
                page.next = None;
                break;
            }
        }
        record.rows = Some(page.records.len() as u64);
        record.filter = Filter::default()
            .with("login", Some(login).filter(|login| !login.is_empty()))
            .with("from", query.from.map(Instant::iso))
            .with("to", query.to.map(Instant::iso));
        self.write(record).await?;
        Ok(page)
    }

    /// Entries in descending order, from a place on.
    async fn entries(&self, query: &LogQuery, at: Option<LogPosition>) -> Result<Vec<StoredEntry>, StoreError> {
        let user = (!self.sees_all_records()).then_some(self.user.id);
        let before = at.map(|at| at.entry.saturating_add(1));
        let filter = EntryFilter { user, from: query.from, to: query.to, before };
        let tenant = self.tenant();
        self.query(move |connection, _| audit::last(connection, tenant, &filter, CHUNK)).await
    }
}

/// The wanted records of an entry, the newest first.
fn wanted(entry: &StoredEntry, digests: &[String], is_wanted: impl Fn(&AuditRecord) -> bool) -> Vec<AuditRecord> {
    // Most entries are not about the person.
    if !digests.is_empty() && digests.iter().all(|digest| !entry.records.contains(digest.as_str())) {
        return Vec::new();
    }
    let records: Vec<AuditRecord> = serde_json::from_str(&entry.records).unwrap_or_default();
    records.into_iter().rev().filter(is_wanted).collect()
}
