//! Merges the copies of a message and its status events, independently of the order of arrival; knows no store.

use std::collections::HashSet;
use std::sync::Arc;

use super::feed::{Provenance, Source, StatusEvent};
use super::{DeliveryStatus, Item, Property, Value, delivery};

/// A copy of a message, as received from one feed. Two copies are equal if their items are equal and both or neither
/// came with a restricted key, whichever feed and time they came from.
#[derive(Clone)]
pub struct MessageCopy {
    pub item: Arc<Item>,
    pub provenance: Provenance,
}

impl PartialEq for MessageCopy {
    fn eq(&self, other: &Self) -> bool {
        self.item == other.item && self.is_restricted() == other.is_restricted()
    }
}

impl MessageCopy {
    /// Whether it came with a key that is restricted to some subjects.
    fn is_restricted(&self) -> bool {
        self.provenance.source == Source::RestrictedApi
    }

    pub fn subject(&self) -> Option<i64> {
        self.item.integer(Property::SubjectId)
    }

    /// Whether it came from a webhook, so that its channel is that of its subject.
    pub fn has_channel_of_subject(&self) -> bool {
        self.provenance.source == Source::Webhook
    }

    /// Whether it can make another copy superfluous: it counts for the message whenever the other does, and its channel
    /// is not inferred from a subject for which the other is evidence.
    fn supersedes(&self, other: &Self) -> bool {
        if self.is_restricted() {
            return other.is_restricted() && self.subject() == other.subject();
        }
        !self.has_channel_of_subject() || other.has_channel_of_subject() || other.is_restricted()
    }
}

/// The copies that contribute to their message, in descending precedence (docs/edna.md 6.6).
///
/// Precedence is decided by a copy's own status, then by its rendered bytes. A copy is dropped if copies of higher
/// precedence have all of its fields, because it can never contribute again; only copies that supersede it are
/// considered for this. All others are kept, because the merge of two copies does not show where a third belongs.
pub fn contributing(mut copies: Vec<MessageCopy>) -> Vec<MessageCopy> {
    let precedence = |copy: &MessageCopy| (copy.item.status(), copy.item.render(), !copy.is_restricted());
    copies.sort_by_cached_key(|copy| std::cmp::Reverse(precedence(copy)));
    let mut retained: Vec<MessageCopy> = Vec::new();
    for copy in copies {
        let higher: Vec<&Item> =
            retained.iter().filter(|higher| higher.supersedes(&copy)).map(|copy| &*copy.item).collect();
        if higher.is_empty() || contributes(&copy.item, &higher) {
            retained.push(copy);
        }
    }
    retained
}

/// Partitions copies into those that count for their message and those that do not. A copy that came with a restricted
/// key does not count if the unrestricted copies name another subject. All copies are considered, so their order makes
/// no difference.
pub fn partition_counting(copies: Vec<MessageCopy>) -> (Vec<MessageCopy>, Vec<MessageCopy>) {
    if !copies.iter().any(MessageCopy::is_restricted) {
        return (copies, Vec::new());
    }
    let unrestricted = copies.iter().filter(|copy| !copy.is_restricted()).cloned().collect();
    let Some(subject) = merge_all(&contributing(unrestricted)).and_then(|item| item.integer(Property::SubjectId))
    else {
        return (copies, Vec::new());
    };
    copies.into_iter().partition(|copy| !copy.is_restricted() || copy.subject() == Some(subject))
}

fn contributes(copy: &Item, higher: &[&Item]) -> bool {
    let has_new_field = Property::ALL.iter().any(|property| {
        !property.is_status()
            && copy.get(*property).is_some()
            && higher.iter().all(|other| other.get(*property).is_none())
    });
    if has_new_field || copy.extra().is_empty() {
        return has_new_field;
    }
    let names: HashSet<&str> = higher.iter().flat_map(|other| other.extra()).map(|(name, _)| name.as_str()).collect();
    copy.extra().iter().any(|(name, _)| !names.contains(name.as_str()))
}

/// Merges a message's copies, which are in descending precedence: the status and the fields of the first, and the
/// fields that it lacks from the next.
pub fn merged(copies: &[MessageCopy]) -> Option<Arc<Item>> {
    if !copies.iter().any(MessageCopy::is_restricted) {
        return merge_all(copies);
    }
    merge_all(&partition_counting(copies.to_vec()).0)
}

fn merge_all(copies: &[MessageCopy]) -> Option<Arc<Item>> {
    let (first, rest) = copies.split_first()?;
    if rest.is_empty() {
        return Some(Arc::clone(&first.item));
    }
    let mut item = Item::clone(&first.item);
    let mut names: HashSet<String> = item.extra().iter().map(|(name, _)| name.clone()).collect();
    for copy in rest {
        for property in Property::ALL {
            if !property.is_status() && item.get(*property).is_none() {
                item.set(*property, copy.item.get(*property).cloned());
            }
        }
        for (name, json) in copy.item.extra() {
            if names.insert(name.clone()) {
                item.push_extra(name.clone(), json.clone());
            }
        }
    }
    Some(Arc::new(item))
}

/// Merges a message's copies and its known status events.
///
/// The status is that of the event with the highest precedence, the copies' own events included (docs/edna.md 6.3);
/// copies that were dropped had lower ones. A cascade or comment that the message lacks comes from the event with the
/// highest precedence that has it.
pub fn message<'a, N: AsRef<StatusEvent> + 'a>(
    copies: &[MessageCopy],
    events: impl IntoIterator<Item = &'a N>,
) -> Option<Arc<Item>> {
    let merged = merged(copies)?;
    let mut events: Vec<&StatusEvent> = counting_events(&merged, events).into_iter().map(N::as_ref).collect();
    if events.is_empty() {
        return Some(merged);
    }
    let mut item = Arc::unwrap_or_clone(merged);
    // If two events have the same status, their other fields decide, so that the order of arrival does not.
    events.sort_by_cached_key(|event| std::cmp::Reverse((event.status.clone(), event.digest())));
    let own = item.status();
    let status = delivery::highest(events.iter().map(|event| &event.status).chain([&own])).cloned();
    set_status(&mut item, status.unwrap_or_default());
    for property in [Property::CascadeId, Property::CascadeStageUuid, Property::Comment] {
        if item.get(property).is_none() {
            item.set(property, events.iter().find_map(|event| event.value(property)));
        }
    }
    Some(Arc::new(item))
}

/// The events that count for a message. An event that does not count does not tie others to the message either.
pub fn counting_events<'a, N: AsRef<StatusEvent> + 'a>(
    item: &Item,
    events: impl IntoIterator<Item = &'a N>,
) -> Vec<&'a N> {
    let counts = |event: &&N| event.as_ref().counts_for(item);
    let (named, unnamed): (Vec<&N>, Vec<&N>) =
        events.into_iter().filter(counts).partition(|event| event.as_ref().message_id.is_some());
    let request_keys: HashSet<(&str, i64)> = named.iter().filter_map(|event| event.as_ref().request_key()).collect();
    let is_tied =
        |event: &&N| event.as_ref().request_key().is_some_and(|request_key| request_keys.contains(&request_key));
    let tied: Vec<&N> = unnamed.into_iter().filter(is_tied).collect();
    named.into_iter().chain(tied).collect()
}

fn set_status(item: &mut Item, status: DeliveryStatus) {
    item.set(Property::DeliveryStatus, status.word.map(Value::Text));
    item.set(Property::DeliveryStatusAt, status.at.map(Value::Instant));
    item.set(Property::DeliveryStatusMessage, status.message.map(Value::Text));
}
