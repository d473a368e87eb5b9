//! A question about the history, from its request to the query that cannot be wrong; knows no wire form and no store.

use super::subscriber::{self, AddressType};
use super::{Caller, Instant, Property, TenantId};

pub const DEFAULT_LIMIT: i64 = 15;
pub const MAX_LIMIT: i64 = 1000;
const DEFAULT_WINDOW_DAYS: i64 = 30;
const MAX_RANGE: i64 = 366 * super::instant::DAY;

/// The channel types edna documents. The list is open: others count where the tenant has them (docs/edna.md 6.4).
pub const CHANNEL_TYPES: [&str; 6] = ["WHATSAPP", "SMS", "VIBER", "PUSH", "VK_NOTIFY", "OK_NOTIFY"];
pub const TRAFFIC_TYPES: [&str; 4] = ["AD", "SERVICE", "HSM", "CHAT"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "IN",
            Self::Out => "OUT",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::In, Self::Out].into_iter().find(|direction| direction.word() == word)
    }
}

/// One sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    pub property: Property,
    pub descending: bool,
}

/// What was asked, well-formed but not yet checked for its meaning. A field that was not given is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct HistoryRequest {
    pub recipient: Option<(String, AddressType)>,
    pub offset: i64,
    /// As given: 0 means not given, and any number may stand here.
    pub limit: Option<i64>,
    pub channel_types: Vec<String>,
    pub message_id: Option<i64>,
    pub direction: Option<Direction>,
    pub date_from: Option<Instant>,
    pub date_to: Option<Instant>,
    pub sort: Vec<SortKey>,
    pub traffic_types: Vec<String>,
    pub subject_id: Option<i64>,
}

/// How the installation reads two of edna's open questions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// Narrow an answer to the address that was asked for, instead of its subscriber's every address (docs/edna.md §3).
    pub address_only: bool,
    /// Hold the 366 days against the window that results, not only against two given ends (docs/edna.md 2.1).
    pub effective_range_check: bool,
}

/// Both ends inclusive; empty where the start is after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Instant,
    pub to: Instant,
}

/// Whom the question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// In stored form.
    pub address: String,
    pub address_type: AddressType,
    pub address_only: bool,
}

/// The order of an answer; `messageId` always ends it, so pages never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort(Vec<SortKey>);

/// A question with every default filled in. It cannot be wrong; it may still name a subject nobody knows.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    tenant: TenantId,
    pub recipient: Option<Recipient>,
    pub window: Window,
    pub channel_types: Vec<String>,
    pub direction: Option<Direction>,
    /// Empty for all; else OUT messages of these only.
    pub traffic_types: Vec<String>,
    pub message_id: Option<i64>,
    subjects: Option<Vec<i64>>,
    pub sort: Sort,
    pub offset: i64,
    pub limit: i64,
}

/// Why a well-formed request is no question, in the order of the checks (docs/edna.md 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    Address,
    Limit,
    DateRange,
    /// The subject that is named is not among the caller's senders; whether there is such a subject is told first.
    Subject(i64),
}

impl HistoryQuery {
    /// Checks what a request means and fills in what it leaves open.
    pub fn new(request: HistoryRequest, caller: &Caller, now: Instant, policy: Policy) -> Result<Self, QueryError> {
        let recipient = request.recipient.map(|(address, address_type)| recipient(&address, address_type, policy));
        let recipient = recipient.transpose()?;
        let limit = match request.limit {
            None | Some(0) => DEFAULT_LIMIT,
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(QueryError::Limit),
        };
        let window = window(request.date_from, request.date_to, now, policy)?;
        // Traffic types speak of OUT messages, so they say nothing where only IN ones are asked for.
        let (direction, traffic_types) = match request.direction {
            Some(Direction::In) => (request.direction, Vec::new()),
            _ if request.traffic_types.is_empty() => (request.direction, Vec::new()),
            _ => (Some(Direction::Out), request.traffic_types),
        };
        Ok(Self {
            tenant: caller.tenant,
            recipient,
            window,
            channel_types: request.channel_types,
            direction,
            traffic_types,
            message_id: request.message_id,
            subjects: match request.subject_id {
                Some(subject) if caller.sees_subject(subject) => Some(vec![subject]),
                Some(subject) => return Err(QueryError::Subject(subject)),
                None => caller.senders.as_ref().map(|senders| senders.iter().copied().collect()),
            },
            sort: Sort::new(&request.sort),
            offset: request.offset,
            limit,
        })
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The subjects whose messages the caller may see and asks for; `None` for all, and for messages without one.
    pub fn subjects(&self) -> Option<&[i64]> {
        self.subjects.as_deref()
    }

    /// Whether it asks for some channels, a direction or traffic types only.
    pub fn filters_kinds(&self) -> bool {
        !self.channel_types.is_empty() || self.direction.is_some() || !self.traffic_types.is_empty()
    }
}

fn recipient(address: &str, address_type: AddressType, policy: Policy) -> Result<Recipient, QueryError> {
    if subscriber::is_blank(address) {
        return Err(QueryError::Address);
    }
    // A subscriber's id is a number, not a phone: the marks of a phone's spelling have no place in it.
    let address = match address_type {
        AddressType::EdnaId => address.trim().to_owned(),
        _ => subscriber::stored_form(address),
    };
    Ok(Recipient { address, address_type, address_only: policy.address_only })
}

fn window(from: Option<Instant>, to: Option<Instant>, now: Instant, policy: Policy) -> Result<Window, QueryError> {
    let earliest = now.plus_days(-DEFAULT_WINDOW_DAYS);
    let window = Window { from: from.unwrap_or(earliest), to: to.unwrap_or(now) };
    let both_given = from.is_some() && to.is_some();
    let checked = both_given || policy.effective_range_check;
    if checked && window.to.0.saturating_sub(window.from.0) > MAX_RANGE {
        Err(QueryError::DateRange)
    } else {
        Ok(window)
    }
}

impl Sort {
    /// The first key decides, later ones break ties; `messageId` in the last key's direction ends the list.
    pub fn new(given: &[SortKey]) -> Self {
        let descending = given.last().is_none_or(|key| key.descending);
        let end = SortKey { property: Property::MessageId, descending };
        let mut keys: Vec<SortKey> = Vec::new();
        for key in given.iter().copied().chain([end]) {
            let repeats = keys.iter().any(|other| other.property == key.property);
            // All messages of an answer are of one tenant, so that key decides nothing.
            if !repeats && key.property != Property::TenantId {
                keys.push(key);
            }
            if key.property == Property::MessageId {
                break;
            }
        }
        Self(keys)
    }

    /// Whether a key is descending; with `messageId` alone, whether the newest message comes first.
    pub fn descending(&self) -> bool {
        self.0.iter().any(|key| key.descending)
    }

    /// The keys that decide, `messageId` the last of them.
    pub fn keys(&self) -> &[SortKey] {
        &self.0
    }
}
