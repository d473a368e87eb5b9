//! A history query, from the parsed request to the validated query; knows no wire form and no store.

use super::subscriber::{self, AddressType};
use super::{Grants, Instant, Property, TenantId};

pub const DEFAULT_LIMIT: i64 = 15;
pub const MAX_LIMIT: i64 = 1000;
const DEFAULT_WINDOW_DAYS: i64 = 30;
const MAX_RANGE: i64 = 366 * super::instant::DAY;

/// The channel types that edna documents. The list is open: others are valid if the tenant has them (docs/edna.md 6.4).
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

/// A field to sort by, and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    pub property: Property,
    pub descending: bool,
}

/// A well-formed request, not validated yet. A field that was not given is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct HistoryRequest {
    pub recipient: Option<(String, AddressType)>,
    pub offset: i64,
    /// As given: 0 means not given, and it may be out of range.
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

/// How the installation interprets two points that edna leaves open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// Narrow a response to the requested address, instead of all addresses of its subscriber (docs/edna.md §3).
    pub address_only: bool,
    /// Apply the limit of 366 days to the resulting window, not only to two given dates (docs/edna.md 2.1).
    pub effective_range_check: bool,
}

/// A range of time. Both ends are inclusive; it is empty if the start is after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub from: Instant,
    pub to: Instant,
}

impl Window {
    /// How many UTC days it has a part of.
    pub fn days(self) -> i64 {
        self.to.day().saturating_sub(self.from.day()).saturating_add(1)
    }
}

/// The recipient that a query names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// In the form in which addresses are stored.
    pub address: String,
    pub address_type: AddressType,
    pub address_only: bool,
}

/// The order of a response. `messageId` is always its last key, so pages never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort(Vec<SortKey>);

/// A validated query with every default filled in. It may still name a subject that does not exist.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    tenant: TenantId,
    pub recipient: Option<Recipient>,
    pub window: Window,
    /// Empty for all; each once, in ascending order, as are the traffic types.
    pub channel_types: Vec<String>,
    pub direction: Option<Direction>,
    /// Empty for all; otherwise only OUT messages of these types.
    pub traffic_types: Vec<String>,
    pub message_id: Option<i64>,
    subjects: Option<Vec<i64>>,
    pub sort: Sort,
    pub offset: i64,
    pub limit: i64,
}

/// Why a well-formed request is invalid, in the order of the checks (docs/edna.md 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    Address,
    Limit,
    DateRange,
    /// The requested subject is not among the caller's senders. Whether it exists at all is checked first.
    Subject(i64),
}

impl HistoryQuery {
    /// Validates a request and fills in the defaults.
    pub fn new(request: HistoryRequest, grants: &Grants, now: Instant, policy: Policy) -> Result<Self, QueryError> {
        let recipient = request.recipient.map(|(address, address_type)| recipient(&address, address_type, policy));
        let recipient = recipient.transpose()?;
        let limit = match request.limit {
            None | Some(0) => DEFAULT_LIMIT,
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(QueryError::Limit),
        };
        let window = window(request.date_from, request.date_to, now, policy)?;
        // Traffic types apply to OUT messages, so they are ignored if only IN messages are requested.
        let (direction, traffic_types) = match request.direction {
            Some(Direction::In) => (request.direction, Vec::new()),
            _ if request.traffic_types.is_empty() => (request.direction, Vec::new()),
            _ => (Some(Direction::Out), request.traffic_types),
        };
        Ok(Self {
            tenant: grants.tenant,
            recipient,
            window,
            channel_types: distinct(request.channel_types),
            direction,
            traffic_types: distinct(traffic_types),
            message_id: request.message_id,
            subjects: match request.subject_id {
                Some(subject) if grants.sees_subject(subject) => Some(vec![subject]),
                Some(subject) => return Err(QueryError::Subject(subject)),
                None => grants.senders.as_ref().map(|senders| senders.iter().copied().collect()),
            },
            sort: Sort::new(&request.sort),
            offset: request.offset,
            limit,
        })
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The requested subjects that the caller may see, in ascending order; `None` for all messages, including those
    /// without a subject.
    pub fn subjects(&self) -> Option<&[i64]> {
        self.subjects.as_deref()
    }

    /// Whether it filters by channel type, direction or traffic type.
    pub fn filters_kinds(&self) -> bool {
        !self.channel_types.is_empty() || self.direction.is_some() || !self.traffic_types.is_empty()
    }
}

fn distinct(mut words: Vec<String>) -> Vec<String> {
    words.sort_unstable();
    words.dedup();
    words
}

fn recipient(address: &str, address_type: AddressType, policy: Policy) -> Result<Recipient, QueryError> {
    if subscriber::is_blank(address) {
        return Err(QueryError::Address);
    }
    // A subscriber id is a number but not a phone number, so phone punctuation in it is not removed.
    let address = match address_type {
        AddressType::EdnaId => address.trim().to_owned(),
        _ => subscriber::stored_form(address),
    };
    Ok(Recipient { address, address_type, address_only: policy.address_only })
}

fn window(from: Option<Instant>, to: Option<Instant>, now: Instant, policy: Policy) -> Result<Window, QueryError> {
    let default_from = now.plus_days(-DEFAULT_WINDOW_DAYS);
    let window = Window { from: from.unwrap_or(default_from), to: to.unwrap_or(now) };
    let both_given = from.is_some() && to.is_some();
    let is_checked = both_given || policy.effective_range_check;
    if is_checked && window.to.0.saturating_sub(window.from.0) > MAX_RANGE {
        Err(QueryError::DateRange)
    } else {
        Ok(window)
    }
}

impl Sort {
    /// The first key decides, later ones break ties. `messageId`, in the direction of the last key, ends the list.
    pub fn new(requested: &[SortKey]) -> Self {
        let descending = requested.last().is_none_or(|key| key.descending);
        let last = SortKey { property: Property::MessageId, descending };
        let mut keys: Vec<SortKey> = Vec::new();
        for key in requested.iter().copied().chain([last]) {
            let is_duplicate = keys.iter().any(|other| other.property == key.property);
            // All messages of a response belong to one tenant, so sorting by it has no effect.
            if !is_duplicate && key.property != Property::TenantId {
                keys.push(key);
            }
            if key.property == Property::MessageId {
                break;
            }
        }
        Self(keys)
    }

    /// Whether any key is descending. If `messageId` is the only key: whether the newest message comes first.
    pub fn descending(&self) -> bool {
        self.0.iter().any(|key| key.descending)
    }

    /// The effective keys, `messageId` last.
    pub fn keys(&self) -> &[SortKey] {
        &self.0
    }
}
