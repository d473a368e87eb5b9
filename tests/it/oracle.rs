//! The rules of docs/edna.md on a plain list in memory, without regard to speed: what property tests compare with.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Value, json};

pub const FIELDS: [&str; 26] = [
    "messageId",
    "tenantId",
    "channelType",
    "direction",
    "address",
    "content",
    "deliveryStatus",
    "deliveryStatusAt",
    "deliveryStatusMessage",
    "sentOrReceivedAt",
    "subjectId",
    "subjectName",
    "cascadeId",
    "cascadeName",
    "matcherId",
    "matcherName",
    "cascadeStageUuid",
    "broadcastId",
    "broadcastName",
    "trafficType",
    "segments",
    "subscriberId",
    "comment",
    "replyInMessageId",
    "replyOutMessageId",
    "replyOutMessageExternalRequestId",
];

/// A copy of a message: its fields in the order and the form of a response.
pub type MessageCopy = Vec<(String, Value)>;

pub fn get<'a>(copy: &'a MessageCopy, name: &str) -> Option<&'a Value> {
    copy.iter().find(|(field, _)| field == name).map(|(_, value)| value)
}

pub fn render(copy: &MessageCopy) -> String {
    let fields: Vec<String> = copy.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!("{{{}}}", fields.join(","))
}

#[derive(Default)]
pub struct Oracle {
    copies: Vec<MessageCopy>,
}

#[derive(Clone, Debug, Default)]
pub struct Query {
    pub tenant: i64,
    pub recipient: Option<(&'static str, &'static str)>,
    pub address_only: bool,
    pub window: (Option<&'static str>, Option<&'static str>),
    pub channel_types: Vec<&'static str>,
    pub direction: Option<&'static str>,
    pub traffic_types: Vec<&'static str>,
    pub message_id: Option<i64>,
    pub subject_id: Option<i64>,
    pub senders: Vec<i64>,
    pub sort: Vec<(&'static str, &'static str)>,
    pub offset: usize,
    pub limit: usize,
}

impl Query {
    pub fn body(&self) -> Value {
        let recipient = self.recipient.map(|(address, kind)| json!({"address": address, "type": kind}));
        let sort: Vec<Value> = self
            .sort
            .iter()
            .map(|(property, direction)| json!({"property": property, "direction": direction}))
            .collect();
        json!({
            "subscriberFilter": recipient, "dateFrom": self.window.0, "dateTo": self.window.1,
            "channelTypes": self.channel_types, "direction": self.direction, "trafficTypes": self.traffic_types,
            "messageId": self.message_id, "subjectId": self.subject_id, "sort": sort, "offset": self.offset,
            "limit": self.limit,
        })
    }
}

impl Oracle {
    pub fn import(&mut self, copy: MessageCopy) {
        self.copies.push(copy);
    }

    /// The merged messages of a tenant, by ascending id.
    pub fn messages(&self, tenant: i64) -> Vec<MessageCopy> {
        let of_tenant = || self.copies.iter().filter(|copy| get(copy, "tenantId") == Some(&json!(tenant)));
        let ids: BTreeSet<i64> = of_tenant().map(|copy| get(copy, "messageId").unwrap().as_i64().unwrap()).collect();
        ids.into_iter()
            .map(|id| merge(of_tenant().filter(|copy| get(copy, "messageId") == Some(&json!(id))).cloned().collect()))
            .collect()
    }

    /// The status and the body, or the title of an error, with the clock stopped at 2026-03-01T12:00:00Z.
    pub fn answer(&self, query: &Query) -> String {
        let all = self.messages(query.tenant);
        let knows = |subject: i64| all.iter().any(|message| get(message, "subjectId") == Some(&json!(subject)));
        if let Some(subject) = query.subject_id {
            if !knows(subject) {
                return "400 message-matcher-subject-not-found".into();
            }
            if !query.senders.is_empty() && !query.senders.contains(&subject) {
                return "403 access-denied".into();
            }
        }
        let mut found: Vec<&MessageCopy> = all.iter().filter(|message| matches(message, &all, query)).collect();
        found.sort_by(|left, right| compare(left, right, &query.sort));
        let page: Vec<String> = found.iter().skip(query.offset).take(query.limit).map(|m| render(m)).collect();
        let has_next = found.len() > query.offset + query.limit;
        format!("200 {{\"content\":[{}],\"hasNext\":{has_next}}}", page.join(","))
    }
}

fn rank(word: &str) -> u8 {
    match word {
        "ACCEPTED" => 1,
        "ENQUEUED" => 2,
        "DELAYED" => 3,
        "INVALID" | "UNDELIVERED" | "FAILED" | "CANCELLED" | "EXPIRED" => 5,
        "DELIVERED" => 6,
        "READ" => 7,
        _ => 4,
    }
}

fn merge(mut copies: Vec<MessageCopy>) -> MessageCopy {
    copies.sort_by_key(|copy| {
        let text = |name| get(copy, name).map(|value| value.as_str().unwrap().to_owned());
        let word = text("deliveryStatus");
        let rank = word.as_deref().map_or(0, rank);
        (rank, text("deliveryStatusAt"), word, text("deliveryStatusMessage"), render(copy))
    });
    copies.reverse();
    let value = |name: &str| match name {
        "deliveryStatus" | "deliveryStatusAt" | "deliveryStatusMessage" => get(&copies[0], name).cloned(),
        name => copies.iter().find_map(|copy| get(copy, name).cloned()),
    };
    let mut merged: MessageCopy = FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect();
    for (name, value) in copies.iter().flatten() {
        if get(&merged, name).is_none() && !FIELDS.contains(&name.as_str()) {
            merged.push((name.clone(), value.clone()));
        }
    }
    merged
}

fn matches(message: &MessageCopy, all: &[MessageCopy], query: &Query) -> bool {
    let text = |name| get(message, name).and_then(Value::as_str);
    let is = |name, value: Option<i64>| value.is_none_or(|value| get(message, name) == Some(&json!(value)));
    let sent_at = text("sentOrReceivedAt").unwrap();
    let (from, to) = query.window;
    let outgoing = query.direction != Some("IN") && !query.traffic_types.is_empty();
    let subject = get(message, "subjectId").and_then(Value::as_i64);
    sent_at >= from.unwrap_or("2026-01-30T12:00:00.000+0000")
        && sent_at <= to.unwrap_or("2026-03-01T12:00:00.000+0000")
        && (query.channel_types.is_empty() || query.channel_types.contains(&text("channelType").unwrap()))
        && query.direction.is_none_or(|direction| text("direction") == Some(direction))
        && (!outgoing
            || text("direction") == Some("OUT")
                && text("trafficType").is_some_and(|word| query.traffic_types.contains(&word)))
        && is("messageId", query.message_id)
        && is("subjectId", query.subject_id)
        && (query.senders.is_empty() || subject.is_some_and(|subject| query.senders.contains(&subject)))
        && query.recipient.is_none_or(|recipient| matches_recipient(message, all, recipient, query.address_only))
}

pub fn matches_recipient(
    message: &MessageCopy,
    all: &[MessageCopy],
    (address, kind): (&str, &str),
    address_only: bool,
) -> bool {
    let address_of = |message: &MessageCopy| get(message, "address").unwrap().as_str().unwrap().to_owned();
    let subscriber = |message: &MessageCopy| get(message, "subscriberId").and_then(Value::as_i64);
    let linked = |address: &str| -> BTreeSet<i64> {
        all.iter().filter(|other| address_of(other) == address).filter_map(subscriber).collect()
    };
    let subscribers = |message: &MessageCopy| match subscriber(message) {
        Some(one) => BTreeSet::from([one]),
        None => linked(&address_of(message)),
    };
    if kind == "EDNA_ID" {
        return subscribers(message).contains(&address.parse().unwrap_or(-1));
    }
    let has_address = |message: &MessageCopy| match kind {
        "EMAIL" => address_of(message).to_lowercase() == address.to_lowercase(),
        _ => address_of(message) == address,
    };
    let has_named_address = |message: &MessageCopy| {
        let channel = get(message, "channelType").unwrap().as_str().unwrap();
        let phone = ["SMS", "WHATSAPP", "VIBER", "VK_NOTIFY", "OK_NOTIFY"].contains(&channel);
        has_address(message) && phone == (kind == "PHONE")
    };
    let named: BTreeSet<i64> = all.iter().filter(|other| has_named_address(other)).flat_map(&subscribers).collect();
    let own_subscribers = subscribers(message);
    let found = !own_subscribers.is_disjoint(&named) || (own_subscribers.is_empty() && has_named_address(message));
    found && (!address_only || has_address(message))
}

fn compare(left: &MessageCopy, right: &MessageCopy, sort: &[(&str, &str)]) -> Ordering {
    let last = sort.last().map_or("DESC", |(_, direction)| direction);
    for (property, direction) in sort.iter().copied().chain([("messageId", last)]) {
        let order = match (get(left, property), get(right, property)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => {
                let order = match (left.as_i64(), right.as_i64()) {
                    (Some(left), Some(right)) => left.cmp(&right),
                    _ => left.as_str().unwrap().chars().cmp(right.as_str().unwrap().chars()),
                };
                if direction == "DESC" { order.reverse() } else { order }
            }
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}
