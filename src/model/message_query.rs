//! A query of `/v1/messages`, from its filters to the validated query (docs/api.md §1); knows no wire form and no store.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::history::{Direction, Policy, QueryError, Recipient};
use super::subscriber::{self, AddressType};
use super::{Grants, Instant, Sight, TenantId, delivery, search};

pub const DEFAULT_LIMIT: i64 = 50;
pub const MAX_LIMIT: i64 = 1000;

/// Which messages are wanted. An empty list, and a value that is `None`, restrict nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilters {
    /// As they were typed.
    pub addresses: Vec<String>,
    pub address_type: Option<AddressType>,
    pub subscriber_ids: Vec<i64>,
    pub channel_types: Vec<String>,
    pub direction: Option<Direction>,
    pub traffic_types: Vec<String>,
    pub subject_ids: Vec<i64>,
    pub delivery_statuses: Vec<String>,
    /// The provider's explanation of the status.
    pub delivery_error: Option<String>,
    pub cascade_ids: Vec<i64>,
    pub broadcast_ids: Vec<i64>,
    pub matcher_ids: Vec<i64>,
    pub comment: Option<String>,
    pub message_ids: Vec<i64>,
    /// The message that the wanted ones quote.
    pub reply_to: Option<i64>,
    pub from: Option<Instant>,
    pub to: Option<Instant>,
    /// Words that their texts have.
    pub text: Option<search::Query>,
}

/// An address that a query names, in each form in which it may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAddress {
    pub forms: Vec<Recipient>,
    /// The international form of a Russian phone number that was typed without its country code. It counts only if no
    /// message that the caller may see has one of the other forms.
    pub national: Option<Recipient>,
}

/// Where a walk goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkPosition {
    /// The last message that was examined.
    pub message_id: i64,
    /// For each named address, whether its national form counts.
    pub national: Vec<bool>,
}

/// A validated query with every default filled in. It may still name a subject that does not exist.
#[derive(Clone, Debug)]
pub struct MessageQuery {
    tenant: TenantId,
    /// Each list in ascending order without repeats.
    pub filters: MessageFilters,
    pub addresses: Vec<NamedAddress>,
    /// One subscriber for each of `filters.subscriber_ids`.
    pub subscribers: Vec<Recipient>,
    /// The recipients of one person, if the query is about one and names no address; in ascending order.
    pub person: Option<Vec<i64>>,
    sight: Sight,
    subjects: Option<Vec<i64>>,
    senders: Option<Vec<i64>>,
    /// Whether the newest message comes first.
    pub descending: bool,
    pub limit: i64,
    pub position: Option<WalkPosition>,
}

impl MessageQuery {
    /// Validates filters for a caller. Whether the named subjects exist has to be checked before.
    pub fn new(
        filters: MessageFilters,
        (descending, limit): (bool, i64),
        grants: &Grants,
        policy: Policy,
    ) -> Result<Self, QueryError> {
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(QueryError::Limit);
        }
        let filters = filters.normalized();
        let address_type = filters.address_type.unwrap_or(AddressType::Phone);
        let named = |address: &String| NamedAddress::new(address, address_type, policy.address_only);
        let subscriber = |id: &i64| Recipient {
            address: id.to_string(),
            address_type: AddressType::EdnaId,
            address_only: policy.address_only,
        };
        let forbidden = filters.subject_ids.iter().find(|subject| !grants.sees_subject(**subject));
        if let Some(forbidden) = forbidden {
            return Err(QueryError::Subject(*forbidden));
        }
        let senders: Option<Vec<i64>> = grants.senders.as_ref().map(|senders| senders.iter().copied().collect());
        Ok(Self {
            tenant: grants.tenant,
            addresses: filters.addresses.iter().map(named).collect::<Result<_, _>>()?,
            subscribers: filters.subscriber_ids.iter().map(subscriber).collect(),
            subjects: match filters.subject_ids.as_slice() {
                [] => senders.clone(),
                wanted => Some(wanted.to_vec()),
            },
            senders,
            person: None,
            sight: grants.sight,
            filters,
            descending,
            limit,
            position: None,
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

    /// The subjects of all messages that the caller may see, in ascending order; `None` if it may see all messages.
    pub fn senders(&self) -> Option<&[i64]> {
        self.senders.as_deref()
    }

    /// How much of the messages may be seen.
    pub fn sight(&self) -> Sight {
        self.sight
    }

    /// Includes the national form of each address whatever messages there are, so that what matches does not depend on
    /// them. Sets a position whose message id is not used.
    pub fn include_national_forms(&mut self) {
        self.position = Some(WalkPosition { message_id: 0, national: vec![true; self.addresses.len()] });
    }

    /// Identifies the tenant, the filters and the order, so that a cursor is not used with others. The same for every
    /// version of the program.
    pub fn fingerprint(&self) -> [u8; 8] {
        let filters = &self.filters;
        let address_type = match filters.address_type {
            None | Some(AddressType::Phone) => None,
            Some(AddressType::Email) => Some("EMAIL"),
            Some(AddressType::EdnaId) => Some("EDNA_ID"),
            Some(AddressType::Other) => Some("other"),
        };
        let date = |date: Option<Instant>| json!(date.map(|date| date.0));
        let parts = [
            ("tenant", json!(self.tenant.0)),
            ("order", json!(if self.descending { "desc" } else { "asc" })),
            ("address", json!(filters.addresses)),
            ("addressType", json!(address_type)),
            ("subscriberId", json!(filters.subscriber_ids)),
            ("channelType", json!(filters.channel_types)),
            ("direction", json!(filters.direction.map(Direction::word))),
            ("trafficType", json!(filters.traffic_types)),
            ("subjectId", json!(filters.subject_ids)),
            ("deliveryStatus", json!(filters.delivery_statuses)),
            ("deliveryError", json!(filters.delivery_error)),
            ("cascadeId", json!(filters.cascade_ids)),
            ("broadcastId", json!(filters.broadcast_ids)),
            ("matcherId", json!(filters.matcher_ids)),
            ("comment", json!(filters.comment)),
            ("messageId", json!(filters.message_ids)),
            ("replyTo", json!(filters.reply_to)),
            ("from", date(filters.from)),
            ("to", date(filters.to)),
            ("text", json!(filters.text.as_ref().map(search::Query::text))),
        ];
        let mut digest = Sha256::new();
        // A filter that a later version adds must not change the fingerprint of queries without it.
        for (name, value) in parts {
            let is_given = !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
            if is_given {
                digest.update(format!("{name}={value}\n"));
            }
        }
        let mut first = [0; 8];
        first.copy_from_slice(&digest.finalize()[..8]);
        first
    }
}

impl MessageFilters {
    fn normalized(self) -> Self {
        Self {
            addresses: distinct(self.addresses),
            subscriber_ids: distinct(self.subscriber_ids),
            channel_types: distinct(self.channel_types),
            traffic_types: distinct(self.traffic_types),
            subject_ids: distinct(self.subject_ids),
            delivery_statuses: distinct(self.delivery_statuses.into_iter().map(delivery::canonical).collect()),
            cascade_ids: distinct(self.cascade_ids),
            broadcast_ids: distinct(self.broadcast_ids),
            matcher_ids: distinct(self.matcher_ids),
            message_ids: distinct(self.message_ids),
            ..self
        }
    }
}

fn distinct<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list.dedup();
    list
}

impl NamedAddress {
    fn new(typed: &str, address_type: AddressType, address_only: bool) -> Result<Self, QueryError> {
        if subscriber::is_blank(typed) {
            return Err(QueryError::Address);
        }
        let recipient = |address: String| Recipient { address, address_type, address_only };
        let (forms, national) = match address_type {
            AddressType::Phone => subscriber::phone_forms(typed),
            AddressType::EdnaId => (vec![typed.trim().to_owned()], None),
            AddressType::Email | AddressType::Other => (vec![subscriber::stored_form(typed)], None),
        };
        Ok(Self { forms: forms.into_iter().map(recipient).collect(), national: national.map(recipient) })
    }
}
