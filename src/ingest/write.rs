//! One transaction of the door: a tenant's events become messages, or wait; knows no queue.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::event::{Caps, Event, Fate, Told};
use super::logs;
use crate::model::{Heard, Item, MessageCopy, Property, StatusNotice, TenantId, merge};
use crate::store::messages::pending;
use crate::store::messages::pending::Counts;
use crate::store::messages::status_events::{self, Events, Known};
use crate::store::messages::{self, Change, Stored};
use crate::store::{Connection, StoreError, subjects};

/// What became of a tenant's events, in their order.
pub struct Written {
    pub fates: Vec<Fate>,
    /// Whether a subject became known that messages may wait for.
    pub subject_became_known: bool,
}

/// A message while the copies and statuses of a batch come to it.
#[derive(Default)]
struct Progress {
    before: Option<Stored>,
    copies: Vec<MessageCopy>,
    /// Copies that came and are not among those any more.
    dropped: Vec<MessageCopy>,
}

/// The copies of messages in a batch, each with its place there.
struct Incoming<'a> {
    place: usize,
    item: Arc<Item>,
    heard: Heard,
    senders: Option<&'a Arc<BTreeSet<i64>>>,
}

/// Writes a tenant's events. The tenant is locked, and there is room for its messages.
pub fn write(
    connection: &mut Connection,
    tenant: TenantId,
    events: &[&Event],
    caps: Caps,
) -> Result<Written, StoreError> {
    let mut fates = vec![Fate::Unchanged; events.len()];
    let items = items(connection, tenant, events, caps, &mut fates)?;
    let statuses: Vec<(usize, &Event, &StatusNotice)> = (0..)
        .zip(events)
        .filter_map(|(place, event)| match &event.told {
            Told::Status(notice) => Some((place, *event, &**notice)),
            _ => None,
        })
        .collect();
    let sendings = statuses.iter().filter(|(_, _, notice)| notice.message_id.is_none());
    let sendings = sendings.filter_map(|(_, _, notice)| notice.sending());
    let sendings = sendings.map(|(request, subject)| (request.to_owned(), subject)).collect();
    let mut ids = status_events::tied(connection, tenant, &sendings)?;
    ids.extend(items.iter().map(|incoming| incoming.item.message_id()));
    ids.extend(statuses.iter().filter_map(|(_, _, notice)| notice.message_id));
    let stored = messages::load(connection, tenant, &ids)?;
    let mut progress: BTreeMap<i64, Progress> = stored.into_iter().map(|(id, stored)| (id, begun(stored))).collect();
    for Incoming { place, item, heard, senders } in items {
        let message = progress.entry(item.message_id()).or_default();
        fates[place] = message.take(MessageCopy { item, heard }, senders);
    }
    let accepted = accepted(&statuses, &progress, &mut fates);
    let brought: Vec<_> = accepted.iter().map(|brought| (brought.notice, brought.digest.clone())).collect();
    let mut known = status_events::load(connection, tenant, &ids, &brought)?;
    let (new, repeated): (Vec<Brought>, Vec<Brought>) =
        accepted.into_iter().partition(|brought| known.insert(brought.notice, &brought.digest));
    for repeated in repeated {
        fates[repeated.place] = Fate::Unchanged;
    }
    let kept: Vec<_> = new.iter().map(|new| (new.notice, new.digest.clone())).collect();
    status_events::keep(connection, tenant, &kept)?;
    keep_dropped(connection, tenant, &progress, &known)?;
    if !new.is_empty() {
        let applied = applied(&progress, &known);
        for new in new.iter().filter(|new| applied.contains(&(new.notice.message_id, new.digest.as_str()))) {
            fates[new.place] = Fate::Updated;
        }
    }
    let change = |(id, message): (i64, Progress)| message.change(known.of(id));
    let changes: Vec<Change> = progress.into_iter().filter_map(change).collect();
    let subject_became_known = messages::apply(connection, tenant, &changes)?;
    logs::follow(connection, tenant, &changes)?;
    Ok(Written { fates, subject_became_known })
}

/// The events that count for a message there is, each as its message and its digest.
fn applied<'a>(progress: &BTreeMap<i64, Progress>, known: &'a Events) -> HashSet<(Option<i64>, &'a str)> {
    let mut applied = HashSet::new();
    for (id, events) in known.of_messages() {
        let Some(item) = progress.get(&id).and_then(|message| merge::merged(&message.copies)) else { continue };
        let count = merge::that_count(&item, events);
        applied.extend(count.into_iter().map(|event| (event.notice.message_id, event.digest.as_str())));
    }
    applied
}

/// A status event of the batch.
struct Brought<'a> {
    place: usize,
    notice: &'a StatusNotice,
    digest: String,
}

/// The messages among events. Those of a subject that nobody has told of wait; events of other kinds are just kept.
fn items<'a>(
    connection: &mut Connection,
    tenant: TenantId,
    events: &[&'a Event],
    caps: Caps,
    fates: &mut [Fate],
) -> Result<Vec<Incoming<'a>>, StoreError> {
    let subject = |event: &&Event| match &event.told {
        Told::Unplaced(message) => Some(message.subject_id()),
        _ => None,
    };
    let channels = subjects::channels(connection, tenant, &events.iter().filter_map(subject).collect())?;
    let may_wait = events.iter().any(|event| matches!(event.told, Told::Unplaced(_) | Told::Other(_)));
    let known = if may_wait { pending::counts(connection, tenant)? } else { Counts::default() };
    let (mut counts, mut items) = (known, Vec::new());
    for (place, event) in (0..).zip(events) {
        let item = match &event.told {
            Told::Status(_) => continue,
            Told::Message(item) => Arc::clone(item),
            Told::Unplaced(message) => {
                let Some(channel_type) = channels.get(&message.subject_id()) else {
                    let has_room = counts.messages < caps.waiting_messages;
                    let is_new = if has_room {
                        pending::keep(connection, tenant, message, event.heard)?
                    } else {
                        !pending::is_kept(connection, tenant, message)?
                    };
                    counts.messages += i64::from(is_new && has_room);
                    fates[place] = fate_of_kept(is_new, has_room, Fate::Waiting);
                    continue;
                };
                Arc::new(message.as_ref().clone().placed(channel_type))
            }
            Told::Other(body) => {
                let has_room = counts.other_events < caps.other_events;
                let is_new = if has_room {
                    pending::keep_event(connection, tenant, body, event.heard.at)?
                } else {
                    !pending::is_event_kept(connection, tenant, body)?
                };
                counts.other_events += i64::from(is_new && has_room);
                fates[place] = fate_of_kept(is_new, has_room, Fate::Imported);
                continue;
            }
        };
        items.push(Incoming { place, item, heard: event.heard, senders: event.senders.as_ref() });
    }
    if counts != known {
        pending::keep_counts(connection, tenant, counts)?;
    }
    Ok(items)
}

/// What became of an event that is kept as it is: a repeat is one also where there is no room for anything new.
fn fate_of_kept(is_new: bool, has_room: bool, kept: Fate) -> Fate {
    match (is_new, has_room) {
        (false, _) => Fate::Unchanged,
        (true, true) => kept,
        (true, false) => Fate::NoRoom,
    }
}

/// The status events that are not about a message outside of the senders that they may touch.
fn accepted<'a>(
    statuses: &[(usize, &'a Event, &'a StatusNotice)],
    progress: &BTreeMap<i64, Progress>,
    fates: &mut [Fate],
) -> Vec<Brought<'a>> {
    let mut accepted = Vec::new();
    for (place, event, notice) in statuses.iter().copied() {
        let message = notice.message_id.and_then(|id| progress.get(&id));
        if message.is_some_and(|message| !message.is_within(event.senders.as_ref(), notice.subject_id)) {
            fates[place] = Fate::Refused;
        } else {
            fates[place] = Fate::Waiting;
            accepted.push(Brought { place, notice, digest: notice.digest() });
        }
    }
    accepted
}

/// Keeps the status events of copies that are not kept themselves, for the trails of their messages.
fn keep_dropped(
    connection: &mut Connection,
    tenant: TenantId,
    progress: &BTreeMap<i64, Progress>,
    known: &Events,
) -> Result<(), StoreError> {
    let mut notices: BTreeMap<(i64, String), StatusNotice> = BTreeMap::new();
    for (id, message) in progress {
        for copy in &message.dropped {
            let says_the_same = |other: &MessageCopy| {
                other.heard.source == copy.heard.source
                    && other.subject() == copy.subject()
                    && other.item.status() == copy.item.status()
            };
            if message.copies.iter().any(says_the_same) {
                continue;
            }
            let Some(notice) = StatusNotice::of_item(&copy.item, copy.heard) else { continue };
            let digest = notice.digest();
            let is_known = known.of(*id).iter().any(|other| other.digest == digest);
            if !is_known {
                notices.entry((*id, digest)).or_insert(notice);
            }
        }
    }
    let notices: Vec<_> = notices.iter().map(|((_, digest), notice)| (notice, digest.clone())).collect();
    status_events::keep(connection, tenant, &notices)
}

/// Whether a webhook's message came again after its subject's channel, which it does not tell itself, was corrected.
fn is_placed_again(known: &MessageCopy, copy: &MessageCopy) -> bool {
    let elsewhere = |copy: &MessageCopy| {
        let mut item = Item::clone(&copy.item);
        item.set(Property::ChannelType, known.item.get(Property::ChannelType).cloned());
        item
    };
    known.is_placed() && copy.is_placed() && elsewhere(copy) == *known.item
}

fn begun(stored: Stored) -> Progress {
    Progress { copies: stored.copies.clone(), before: Some(stored), dropped: Vec::new() }
}

impl Progress {
    /// Takes one copy more.
    fn take(&mut self, copy: MessageCopy, senders: Option<&Arc<BTreeSet<i64>>>) -> Fate {
        if self.copies.is_empty() {
            self.copies.push(copy);
            return Fate::Imported;
        }
        if !self.is_within(senders, copy.subject()) {
            return Fate::Refused;
        }
        if self.copies.iter().any(|known| *known == copy || is_placed_again(known, &copy)) {
            // That another feed says the same belongs to the trail.
            self.dropped.push(copy);
            return Fate::Unchanged;
        }
        let before = std::mem::take(&mut self.copies);
        let seen = before.iter().cloned().chain([copy]).collect::<Vec<_>>();
        self.copies = merge::contributing(seen.clone());
        self.dropped.extend(seen.into_iter().filter(|copy| !self.copies.contains(copy)));
        // A copy may be worth keeping for what comes later, and change nothing now.
        if merge::merged(&self.copies) == merge::merged(&before) { Fate::Unchanged } else { Fate::Updated }
    }

    /// Whether its message belongs to some senders, and is of the subject that is named, as far as it is known.
    fn is_within(&self, senders: Option<&Arc<BTreeSet<i64>>>, named: Option<i64>) -> bool {
        let Some(senders) = senders.filter(|_| !self.copies.is_empty()) else { return true };
        let subject = merge::merged(&self.copies).and_then(|item| item.integer(Property::SubjectId));
        subject == named && subject.is_some_and(|subject| senders.contains(&subject))
    }

    /// What is to be written of it, if anything.
    fn change(self, known: &[Known]) -> Option<Change> {
        let item = merge::message(&self.copies, known)?;
        let is_as_before = |before: &Stored| before.item == item && before.copies == self.copies;
        if self.before.as_ref().is_some_and(is_as_before) {
            return None;
        }
        Some(Change { item, copies: self.copies, before: self.before })
    }
}
