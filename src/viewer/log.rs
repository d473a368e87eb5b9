//! The audit log as users see it: agents their own looks, auditors and administrators all; knows no page.

use super::{ViewError, Viewer};
use crate::model::audit::{Action, AuditRecord, Filter};
use crate::model::user::Role;
use crate::model::{Instant, subscriber};
use crate::store::audit::{self, EntryFilter, Head};

/// How many records a page has.
pub const PAGE: usize = 50;

/// How many entries are looked through for a page.
const ENTRIES: i64 = 5000;

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// A login, or a part of one.
    pub login: String,
    /// An address in any spelling, or its digest.
    pub person: String,
    pub from: Option<Instant>,
    pub to: Option<Instant>,
    /// Only entries before this one.
    pub before: Option<i64>,
}

/// A page of the audit log, the newest record first.
pub struct LogPage {
    /// With the sequence of the entry of each.
    pub records: Vec<(i64, AuditRecord)>,
    /// The entry before which the log goes on.
    pub next: Option<i64>,
    /// The last entry of the whole chain.
    pub head: Head,
}

impl Viewer {
    /// Whether the user sees what others have looked at.
    pub fn sees_all_records(&self) -> bool {
        matches!(self.user.role, Role::Auditor | Role::Admin)
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
        let filter = EntryFilter {
            user: (!self.sees_all_records()).then_some(self.user.id),
            from: query.from,
            to: query.to,
            before: query.before,
        };
        let tenant = self.tenant();
        let load = move |connection: &mut _, _: &_| {
            let head = audit::stored_head(connection, tenant)?.unwrap_or(Head::EMPTY);
            Ok((audit::last(connection, tenant, &filter, ENTRIES)?, head))
        };
        let (entries, head) = self.query(load).await?;
        let is_full = i64::try_from(entries.len()).is_ok_and(|found| found >= ENTRIES);
        let mut page = LogPage { records: Vec::new(), next: None, head };
        let last = entries.last().map(|entry| entry.sequence);
        let login = query.login.trim().to_lowercase();
        for entry in entries {
            if page.records.len() >= PAGE {
                page.next = Some(entry.sequence + 1);
                break;
            }
            // Most entries are not about the person.
            if !digests.is_empty() && digests.iter().all(|digest| !entry.records.contains(digest.as_str())) {
                continue;
            }
            let records: Vec<AuditRecord> = serde_json::from_str(&entry.records).unwrap_or_default();
            let matching = records.into_iter().rev().filter(|record| {
                let is_person = digests.is_empty() || record.addresses.iter().any(|one| digests.contains(one));
                is_person && (login.is_empty() || record.who.login().is_some_and(|known| known.contains(&login)))
            });
            page.records.extend(matching.map(|record| (entry.sequence, record)));
        }
        if page.next.is_none() && is_full {
            page.next = last;
        }
        record.rows = Some(page.records.len() as u64);
        record.filter = Filter::default()
            .with("login", Some(login).filter(|login| !login.is_empty()))
            .with("from", query.from.map(Instant::iso))
            .with("to", query.to.map(Instant::iso));
        self.write(record).await?;
        Ok(page)
    }
}
