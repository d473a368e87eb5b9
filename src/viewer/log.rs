//! The audit log as users see it: agents their own looks, auditors and administrators all; knows no page.

use std::time::{Duration, Instant as Monotonic};

use super::chain::ChainEnd;
use super::{ViewError, Viewer};
use crate::model::audit::{Action, AuditKey, AuditRecord, DIGEST_LENGTH, Filter};
use crate::model::user::Role;
use crate::model::{Instant, subscriber};
use crate::store::StoreError;
use crate::store::audit::{self, EntryFilter, StoredEntry};

/// How many records a page has.
pub const PAGE: usize = 50;

/// How many entries are read at once, the first time and at most: one may have a thousand records, which are enough for a page.
const FIRST_CHUNK: i64 = 10;
const MAX_CHUNK: i64 = 100;

/// For how long a page is looked for. What is rare may be further back: then the next page goes on there.
const SEARCH_TIME: Duration = Duration::from_secs(1);

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
    /// The end of the whole chain.
    pub end: ChainEnd,
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
        let wanted = Wanted::new(query, &key, &mut record);
        let mut page = LogPage { records: Vec::new(), next: query.at, end: self.chain_end().await? };
        let (mut chunk, began) = (FIRST_CHUNK, Monotonic::now());
        loop {
            let found = self.wanted_entries((query, page.next), chunk, &wanted).await?;
            let is_last = i64::try_from(found.len()).is_ok_and(|found| found < chunk);
            chunk = (2 * chunk).min(MAX_CHUNK);
            for (entry, records) in found {
                let shown = page.next.filter(|next| next.entry == entry).map_or(0, |next| next.shown);
                let (number, room) = (records.len(), PAGE - page.records.len());
                page.records.extend(records.into_iter().skip(shown).take(room).map(|record| (entry, record)));
                page.next = if number > shown.saturating_add(room) {
                    Some(LogPosition { entry, shown: shown + room })
                } else {
                    Some(LogPosition { entry: entry - 1, shown: 0 })
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
            if began.elapsed() >= SEARCH_TIME {
                break;
            }
        }
        record.rows = Some(page.records.len() as u64);
        // It is a digest if the log has it.
        let is_known = |given: &String| page.records.iter().any(|(_, found)| found.addresses.contains(given));
        record.addresses.extend(wanted.given.filter(is_known));
        record.filter = Filter::default()
            .with("login", Some(wanted.login).filter(|login| !login.is_empty()))
            .with("from", query.from.map(Instant::iso))
            .with("to", query.to.map(Instant::iso));
        self.write(record).await?;
        Ok(page)
    }

    /// Entries in descending order, from a place on, each with its wanted records.
    async fn wanted_entries(
        &self,
        (query, at): (&LogQuery, Option<LogPosition>),
        chunk: i64,
        wanted: &Wanted,
    ) -> Result<Vec<(i64, Vec<AuditRecord>)>, StoreError> {
        let user = (!self.sees_all_records()).then_some(self.user.id);
        let before = at.map(|at| at.entry.saturating_add(1));
        let filter = EntryFilter { user, from: query.from, to: query.to, before };
        let (tenant, wanted) = (self.tenant(), wanted.clone());
        // An entry may hold a thousand records: they are read here, not where requests are received.
        let load = move |connection: &mut _, _: &_| {
            let entries = audit::last(connection, tenant, &filter, chunk)?;
            Ok(entries.into_iter().map(|entry| (entry.sequence, wanted.of_entry(&entry))).collect())
        };
        self.query(load).await
    }
}

/// Which records of an entry are wanted.
#[derive(Clone)]
struct Wanted {
    /// Of the person, in each form in which the address may be stored; `None` for all persons.
    digests: Option<Vec<String>>,
    /// What was typed, if it may be a digest or an address that looks like one.
    given: Option<String>,
    /// A part of a login; empty for all.
    login: String,
}

impl Wanted {
    /// What a query looks for. Adds the person to the record of the look.
    fn new(query: &LogQuery, key: &AuditKey, record: &mut AuditRecord) -> Self {
        let (person, login) = (query.person.trim(), query.login.trim().to_lowercase());
        if person.is_empty() {
            return Self { digests: None, given: None, login };
        }
        let (forms, national) = subscriber::phone_forms(person);
        record.name_addresses(forms.iter().chain(&national).map(String::as_str), key);
        let is_digest = person.len() == DIGEST_LENGTH && person.bytes().all(|byte| byte.is_ascii_hexdigit());
        let given = is_digest.then(|| person.to_ascii_lowercase());
        let digests = record.addresses.iter().cloned().chain(given.clone()).collect();
        Self { digests: Some(digests), given, login }
    }

    /// The wanted records of an entry, the newest first.
    fn of_entry(&self, entry: &StoredEntry) -> Vec<AuditRecord> {
        let contains = |text: &String| entry.records.contains(text.as_str());
        // Most entries are not about the person or the user.
        let has_person = self.digests.as_ref().is_none_or(|digests| digests.iter().any(contains));
        if !has_person || !contains(&self.login) {
            return Vec::new();
        }
        let records: Vec<AuditRecord> = serde_json::from_str(&entry.records).unwrap_or_default();
        records.into_iter().rev().filter(|record| self.is_wanted(record)).collect()
    }

    fn is_wanted(&self, record: &AuditRecord) -> bool {
        let digests = self.digests.as_ref();
        let is_person = digests.is_none_or(|digests| record.addresses.iter().any(|one| digests.contains(one)));
        let mut logins = record.who.login().into_iter().chain(record.login.as_deref());
        is_person && (self.login.is_empty() || logins.any(|login| login.contains(&self.login)))
    }
}
