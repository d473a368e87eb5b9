//! API keys: their format and their rights; knows no store and no header.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Grants, Instant, TenantId};

/// The method groups on edna's account pages (docs/edna.md §7).
pub const GROUPS: [&str; 8] =
    ["messaging", "read-receipts", "message-history", "templates", "webhooks", "channels", "cascades", "scenarios"];

/// What a key without the group lacks, in the words of the response.
pub const NEEDS_HISTORY: &str = "The key does not belong to the message-history group.";
pub const NEEDS_MESSAGING: &str = "The key does not belong to the messaging group.";

/// The OneUptime permissions that allow reading WhatsApp logs.
pub const PERMISSIONS: [&str; 6] =
    ["Project Owner", "Project Admin", "Project Member", "Viewer", "Read WhatsApp Log", "Read All Project Resources"];

/// A key in clear text. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Parses a key in the form of a UUID with hyphens, in any letter case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text.trim()).ok()?;
        (text.trim().len() == uuid::fmt::Hyphenated::LENGTH).then(|| Self(uuid.hyphenated().to_string()))
    }

    /// A new key, from a generator for cryptography that the system seeds.
    pub fn random() -> Self {
        Self(Uuid::new_v4().hyphenated().to_string())
    }

    /// The digest under which the key is stored and looked up.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.0.as_bytes())
    }

    /// The key in clear text, for the one time that it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub [u8; 32]);

impl KeyDigest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// All data of the tenant, no expiry.
    Master,
    /// What its groups, senders and permissions allow, until the end of its last day.
    Additional,
    /// For webhooks only; treated as an unknown key everywhere else.
    Webhook,
}

impl KeyKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Additional => "additional",
            Self::Webhook => "webhook",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Master, Self::Additional, Self::Webhook].into_iter().find(|kind| kind.word() == word)
    }
}

/// The form of OneUptime responses (docs/oneuptime.md 3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As on OneUptime's reference page: plain values, pages of at most 100 rows.
    Published,
    /// As OneUptime's own programs receive it: values that carry their type, pages of at most 10,000 rows.
    Live,
}

impl Profile {
    pub fn word(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Live => "live",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Published, Self::Live].into_iter().find(|profile| profile.word() == word)
    }
}

/// A tenant as OneUptime's clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: String,
    pub name: String,
}

/// Identifies a caller in fair queues and in the log: a tenant and the id of one of its keys; 0 for the gateway itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    pub tenant: TenantId,
    pub key: i64,
}

/// The caller that a valid key identifies, and its rights.
#[derive(Clone, Debug)]
pub struct Caller {
    pub key_id: i64,
    pub grants: Grants,
    /// The tenant as a OneUptime project.
    pub project: Project,
    pub kind: KeyKind,
    pub groups: BTreeSet<String>,
    /// The OneUptime permissions of an additional key.
    pub permissions: BTreeSet<String>,
    /// The form of OneUptime responses, if it is set for the key.
    pub profile: Option<Profile>,
    /// The first instant at which the key is no longer valid.
    pub valid_before: Option<Instant>,
}

impl Caller {
    /// A caller with a master key, for programs that embed the gateway.
    pub fn master(tenant: TenantId) -> Self {
        Self {
            key_id: 0,
            grants: Grants::all(tenant),
            project: Project { id: tenant.derived_project_id().to_string(), name: String::new() },
            kind: KeyKind::Master,
            groups: BTreeSet::new(),
            permissions: BTreeSet::new(),
            profile: None,
            valid_before: None,
        }
    }

    pub fn id(&self) -> CallerId {
        CallerId { tenant: self.grants.tenant, key: self.key_id }
    }

    /// Checks whether the key may read message history (docs/edna.md §7); otherwise returns what it lacks.
    pub fn may_read_history(&self) -> Result<(), &'static str> {
        self.has_group("message-history", NEEDS_HISTORY)
    }

    /// Checks whether the key may send messages and status events (docs/edna.md §7); otherwise returns what it lacks.
    pub fn may_send_messages(&self) -> Result<(), &'static str> {
        self.has_group("messaging", NEEDS_MESSAGING)
    }

    /// Checks whether the key belongs to a group, as a master key does to all; otherwise returns `error`.
    pub fn has_group(&self, group: &str, error: &'static str) -> Result<(), &'static str> {
        let is_member = match self.kind {
            KeyKind::Master => true,
            KeyKind::Additional => self.groups.contains(group),
            KeyKind::Webhook => false,
        };
        if is_member { Ok(()) } else { Err(error) }
    }

    /// Whether the key may read WhatsApp logs (docs/oneuptime.md §6).
    pub fn may_read_whatsapp_logs(&self) -> bool {
        match self.kind {
            KeyKind::Master => true,
            KeyKind::Additional => PERMISSIONS.iter().any(|permission| self.permissions.contains(*permission)),
            KeyKind::Webhook => false,
        }
    }

    pub fn is_valid_at(&self, now: Instant) -> bool {
        self.valid_before.is_none_or(|end| now < end)
    }
}
