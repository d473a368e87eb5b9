//! What may be seen of a tenant's messages; knows neither keys nor people, who both have grants.

use std::collections::BTreeSet;

use super::TenantId;

/// How much of a message may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All of it.
    Whole,
    /// What the mask leaves ([`super::mask`]). Texts are searched as they are shown, so that a search does not tell what is
    /// masked.
    Masked,
}

/// Which messages may be seen, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    pub tenant: TenantId,
    /// The subjects whose messages may be seen; `None` for all of the tenant's.
    pub senders: Option<BTreeSet<i64>>,
    pub sight: Sight,
}

impl Grants {
    /// All messages of a tenant.
    pub fn all(tenant: TenantId) -> Self {
        Self { tenant, senders: None, sight: Sight::Whole }
    }

    pub fn sees_subject(&self, subject: i64) -> bool {
        self.senders.as_ref().is_none_or(|senders| senders.contains(&subject))
    }

    /// Whether a message of a subject may be seen: with senders, none without a subject.
    pub fn sees_message_of(&self, subject: Option<i64>) -> bool {
        self.senders.is_none() || subject.is_some_and(|subject| self.sees_subject(subject))
    }
}
