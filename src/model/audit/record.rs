//! One record of the audit log: who did what, when, from where, and what was shown; knows no store.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{AuditKey, Filter};
use crate::model::user::{Role, User};
use crate::model::{Instant, history::Recipient};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    SignedIn,
    SignInFailed,
    SignedOut,
    /// Looked for a person or a message in the console.
    Find,
    /// Looked at a list of messages.
    List,
    /// Saw the people whom the user has looked at last, on the start page.
    RecentPeople,
    /// Looked at the counts of the start page.
    Summary,
    /// Looked at a person's messages.
    Conversation,
    /// Looked at one message.
    Message,
    /// Had what is masked shown.
    Reveal,
    /// Looked at an evidence sheet.
    Evidence,
    /// Downloaded an evidence sheet.
    EvidenceFile,
    /// Looked at the audit log.
    AuditLog,
    /// Looked at the users.
    Users,
    UserCreated,
    UserDisabled,
    UserEnabled,
    PasswordChanged,
    SessionsEnded,
    /// A request of an API key for messages, or many such requests together.
    ApiRead,
    /// The same for a count.
    ApiCount,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Who {
    /// A user of the console.
    User { user: i64, login: String, role: String },
    /// An API key, by its number.
    Key { key: i64 },
    /// A command on the server.
    Command { command: String },
}

/// A record. What does not apply is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    pub at: String,
    pub who: Who,
    pub action: Action,
    /// The client's IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub filter: Filter,
    /// The message that was shown, or that names the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<i64>,
    /// The digests of the addresses of the person who was asked for or shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Which key the digests were made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_key: Option<String>,
    /// Whether nothing was masked, because it had been revealed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmasked: bool,
    /// How many messages, users or records were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How many requests the record is about, if it is about several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Why what is masked was shown, as the user has written it, without long numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The user whom an administrator has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The SHA-256 of the file that was downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Who {
    pub fn user(user: &User) -> Self {
        Self::User { user: user.id, login: user.login.clone(), role: user.role.word().into() }
    }

    /// The number of a user of the console.
    pub fn user_id(&self) -> Option<i64> {
        if let Self::User { user, .. } = self { Some(*user) } else { None }
    }

    /// The login of a user of the console.
    pub fn login(&self) -> Option<&str> {
        if let Self::User { login, .. } = self { Some(login) } else { None }
    }
}

impl AuditRecord {
    pub fn new(at: Instant, who: Who, action: Action) -> Self {
        Self {
            at: at.iso(),
            who,
            action,
            from: None,
            filter: Filter::default(),
            message: None,
            addresses: Vec::new(),
            digest_key: None,
            unmasked: false,
            rows: None,
            requests: None,
            reason: None,
            login: None,
            sha256: None,
        }
    }

    /// Adds what a new user may do and see.
    #[must_use]
    pub fn of_user(mut self, role: Role, senders: Option<&BTreeSet<i64>>) -> Self {
        let senders: Vec<i64> = senders.into_iter().flatten().copied().collect();
        self.filter = self.filter.with("role", role.word()).with("senders", senders);
        self
    }

    /// Adds the digests of addresses in their stored forms.
    pub fn name_addresses<'a>(&mut self, addresses: impl IntoIterator<Item = &'a str>, key: &AuditKey) {
        self.addresses.extend(addresses.into_iter().map(|address| key.digest_of_address(address)));
        self.addresses.sort_unstable();
        self.addresses.dedup();
        self.mark_digests(key);
    }

    /// Adds what a query has asked for, in each form in which it may be stored.
    pub fn name_recipients<'a>(&mut self, recipients: impl IntoIterator<Item = &'a Recipient>, key: &AuditKey) {
        self.name_addresses(recipients.into_iter().map(|recipient| recipient.address.as_str()), key);
    }

    /// Records which key its digests were made with.
    pub fn mark_digests(&mut self, key: &AuditKey) {
        self.digest_key = Some(key.id().to_owned());
    }
}

/// Records as the JSON array that is stored.
pub fn as_array(records: &[AuditRecord]) -> String {
    // Strings, numbers and lists can always be serialized.
    serde_json::to_string(records).unwrap_or_default()
}
