//! What several copies of one message, and all that is known of its status, come to, in whatever order they arrived;
//! knows no store.

use super::feed::{Heard, StatusNotice};
use super::{Item, Property, StatusEvent, Value, delivery};

/// A copy of a message as some feed had it. Two are the same where they say the same, whoever said it first.
#[derive(Clone)]
pub struct MessageCopy {
    pub item: Item,
    pub heard: Heard,
}

impl PartialEq for MessageCopy {
    fn eq(&self, other: &Self) -> bool {
        self.item == other.item
    }
}

/// The copies that contribute to their message, the greatest first (docs/edna.md 6.6).
///
/// Greater is the copy with the greater own status event, then with the greater bytes. A copy all of whose
/// fields stand in greater ones can never contribute again, so it is dropped; the rest is kept, because
/// what two copies came to does not tell where a third one belongs.
pub fn contributing(mut copies: Vec<MessageCopy>) -> Vec<MessageCopy> {
    copies.sort_by_cached_key(|copy| std::cmp::Reverse((copy.item.status(), copy.item.render())));
    let mut kept: Vec<MessageCopy> = Vec::new();
    for copy in copies {
        if kept.is_empty() || contributes(&copy.item, &kept) {
            kept.push(copy);
        }
    }
    kept
}

fn contributes(copy: &Item, greater: &[MessageCopy]) -> bool {
    let known = Property::ALL.iter().any(|property| {
        !property.is_status()
            && copy.get(*property).is_some()
            && greater.iter().all(|other| other.item.get(*property).is_none())
    });
    let lacks = |other: &MessageCopy, name: &str| other.item.extra().iter().all(|(known, _)| known != name);
    known || copy.extra().iter().any(|(name, _)| greater.iter().all(|other| lacks(other, name)))
}

/// The message that its copies, the greatest first, come to: the greatest's status and fields,
/// and what it lacks from the next.
pub fn merged(copies: &[MessageCopy]) -> Option<Item> {
    let (greatest, rest) = copies.split_first()?;
    let mut item = greatest.item.clone();
    for copy in rest {
        for property in Property::ALL {
            if !property.is_status() && item.get(*property).is_none() {
                item.set(*property, copy.item.get(*property).cloned());
            }
        }
        for (name, json) in copy.item.extra() {
            if item.extra().iter().all(|(known, _)| known != name) {
                item.push_extra(name.clone(), json.clone());
            }
        }
    }
    Some(item)
}

/// The message that its copies and the status events known for it come to.
///
/// Its status is the greatest event of all, the copies' own included (docs/edna.md 6.3): the copies that were dropped
/// had lesser ones. The greatest event that has them fills what the message lacks of cascade and comment.
pub fn message(copies: &[MessageCopy], notices: &[StatusNotice]) -> Option<Item> {
    let mut item = merged(copies)?;
    let mut notices: Vec<&StatusNotice> = notices.iter().filter(|notice| notice.counts_for(&item)).collect();
    if notices.is_empty() {
        return Some(item);
    }
    // Where two say the same of the status, their other fields decide, so that the order of arrival does not.
    notices.sort_by_cached_key(|notice| std::cmp::Reverse((notice.event.clone(), notice.digest())));
    let own = item.status();
    let status = delivery::greatest(notices.iter().map(|notice| &notice.event).chain([&own])).cloned();
    set_status(&mut item, status.unwrap_or_default());
    for property in [Property::CascadeId, Property::CascadeStageUuid, Property::Comment] {
        if item.get(property).is_none() {
            item.set(property, notices.iter().find_map(|notice| notice.told(property)));
        }
    }
    Some(item)
}

fn set_status(item: &mut Item, status: StatusEvent) {
    item.set(Property::DeliveryStatus, status.word.map(Value::Text));
    item.set(Property::DeliveryStatusAt, status.at.map(Value::Instant));
    item.set(Property::DeliveryStatusMessage, status.message.map(Value::Text));
}
