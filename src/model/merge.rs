//! What several copies of one message, and all that is known of its status, come to, in whatever order they arrived;
//! knows no store.

use std::collections::HashSet;
use std::sync::Arc;

use super::feed::{Provenance, Source, StatusEvent};
use super::{DeliveryStatus, Item, Property, Value, delivery};

/// A copy of a message as some feed had it. Two are the same where they say the same with the same right to, whoever
/// said it first.
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
    /// Whether it came with a key that may touch messages of some subjects only.
    fn is_restricted(&self) -> bool {
        self.provenance.source == Source::RestrictedApi
    }

    pub fn subject(&self) -> Option<i64> {
        self.item.integer(Property::SubjectId)
    }

    /// Whether it came by a webhook, and so has its channel from its subject.
    pub fn has_channel_of_subject(&self) -> bool {
        self.provenance.source == Source::Webhook
    }

    /// Whether another copy is of no use beside it: it counts for the message whenever the other does, and does not owe
    /// its channel to what the other teaches.
    fn supersedes(&self, other: &Self) -> bool {
        if self.is_restricted() {
            return other.is_restricted() && self.subject() == other.subject();
        }
        !self.has_channel_of_subject() || other.has_channel_of_subject() || other.is_restricted()
    }
}

/// The copies that contribute to their message, the greatest first (docs/edna.md 6.6).
///
/// Greater is the copy with the greater own status event, then with the greater bytes. A copy all of whose
/// fields stand in greater ones can never contribute again, so it is dropped; the rest is kept, because
/// what two copies came to does not tell where a third one belongs. Only such count against a copy as count for the
/// message whenever it does.
pub fn contributing(mut copies: Vec<MessageCopy>) -> Vec<MessageCopy> {
    let precedence = |copy: &MessageCopy| (copy.item.status(), copy.item.render(), !copy.is_restricted());
    copies.sort_by_cached_key(|copy| std::cmp::Reverse(precedence(copy)));
    let mut kept: Vec<MessageCopy> = Vec::new();
    for copy in copies {
        let greater: Vec<&Item> =
            kept.iter().filter(|greater| greater.supersedes(&copy)).map(|copy| &*copy.item).collect();
        if greater.is_empty() || contributes(&copy.item, &greater) {
            kept.push(copy);
        }
    }
    kept
}

/// Parts copies into those that count for their message and those that do not. Whoever may speak for some subjects only
/// is not heard where others name another subject; that is judged by all copies, so their order makes no difference.
pub fn partition_counting(copies: Vec<MessageCopy>) -> (Vec<MessageCopy>, Vec<MessageCopy>) {
    if !copies.iter().any(MessageCopy::is_restricted) {
        return (copies, Vec::new());
    }
    let free = copies.iter().filter(|copy| !copy.is_restricted()).cloned().collect();
    let Some(subject) = merge_all(&contributing(free)).and_then(|item| item.integer(Property::SubjectId)) else {
        return (copies, Vec::new());
    };
    copies.into_iter().partition(|copy| !copy.is_restricted() || copy.subject() == Some(subject))
}

fn contributes(copy: &Item, greater: &[&Item]) -> bool {
    let known = Property::ALL.iter().any(|property| {
        !property.is_status()
            && copy.get(*property).is_some()
            && greater.iter().all(|other| other.get(*property).is_none())
    });
    if known || copy.extra().is_empty() {
        return known;
    }
    let names: HashSet<&str> = greater.iter().flat_map(|other| other.extra()).map(|(name, _)| name.as_str()).collect();
    copy.extra().iter().any(|(name, _)| !names.contains(name.as_str()))
}

/// The message that its copies, the greatest first, come to: the greatest's status and fields,
/// and what it lacks from the next.
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

/// The message that its copies and the status events known for it come to.
///
/// Its status is the greatest event of all, the copies' own included (docs/edna.md 6.3): the copies that were dropped
/// had lesser ones. The greatest event that has them fills what the message lacks of cascade and comment.
pub fn message<'a, N: AsRef<StatusEvent> + 'a>(
    copies: &[MessageCopy],
    notices: impl IntoIterator<Item = &'a N>,
) -> Option<Arc<Item>> {
    let merged = merged(copies)?;
    let mut notices: Vec<&StatusEvent> = counting_events(&merged, notices).into_iter().map(N::as_ref).collect();
    if notices.is_empty() {
        return Some(merged);
    }
    let mut item = Arc::unwrap_or_clone(merged);
    // Where two say the same of the status, their other fields decide, so that the order of arrival does not.
    notices.sort_by_cached_key(|notice| std::cmp::Reverse((notice.status.clone(), notice.digest())));
    let own = item.status();
    let status = delivery::greatest(notices.iter().map(|notice| &notice.status).chain([&own])).cloned();
    set_status(&mut item, status.unwrap_or_default());
    for property in [Property::CascadeId, Property::CascadeStageUuid, Property::Comment] {
        if item.get(property).is_none() {
            item.set(property, notices.iter().find_map(|notice| notice.value(property)));
        }
    }
    Some(Arc::new(item))
}

/// The events among some that count for a message. What does not count does not tie another to it either.
pub fn counting_events<'a, N: AsRef<StatusEvent> + 'a>(
    item: &Item,
    notices: impl IntoIterator<Item = &'a N>,
) -> Vec<&'a N> {
    let counts = |notice: &&N| notice.as_ref().counts_for(item);
    let (named, unnamed): (Vec<&N>, Vec<&N>) =
        notices.into_iter().filter(counts).partition(|notice| notice.as_ref().message_id.is_some());
    let sendings: HashSet<(&str, i64)> = named.iter().filter_map(|notice| notice.as_ref().sending()).collect();
    let is_tied = |notice: &&N| notice.as_ref().sending().is_some_and(|sending| sendings.contains(&sending));
    let tied: Vec<&N> = unnamed.into_iter().filter(is_tied).collect();
    named.into_iter().chain(tied).collect()
}

fn set_status(item: &mut Item, status: DeliveryStatus) {
    item.set(Property::DeliveryStatus, status.word.map(Value::Text));
    item.set(Property::DeliveryStatusAt, status.at.map(Value::Instant));
    item.set(Property::DeliveryStatusMessage, status.message.map(Value::Text));
}
