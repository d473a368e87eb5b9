//! One transaction of the door: a tenant's events become messages, or wait; knows no queue.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::event::{Event, Outcome, Payload, TenantLimits};
use super::logs;
use crate::model::{Item, MessageCopy, Property, Provenance, StatusEvent, TenantId, merge};
use crate::store::messages::pending;
use crate::store::messages::pending::PendingCounts;
use crate::store::messages::status_events::{self, MessageEvents, StoredEvent};
use crate::store::messages::{self, MessageChange, StoredMessage};
use crate::store::{Connection, StoreError, subjects};

/// What became of a tenant's events, in their order.
pub struct Written {
    pub outcomes: Vec<Outcome>,
    /// Whether a subject became known that messages may wait for.
    pub subject_became_known: bool,
}

/// A message while the copies and statuses of a batch come to it.
#[derive(Default)]
struct MessageState {
    before: Option<StoredMessage>,
    copies: Vec<MessageCopy>,
    /// Copies that came and are not among those any more.
    dropped: Vec<MessageCopy>,
}

/// The copies of messages in a batch, each with its place there.
struct Incoming<'a> {
    place: usize,
    item: Arc<Item>,
    provenance: Provenance,
    senders: Option<&'a Arc<BTreeSet<i64>>>,
}

/// Writes a tenant's events. The tenant is locked, and there is room for its messages.
pub fn write(
    connection: &mut Connection,
    tenant: TenantId,
    events: &[&Event],
    tenant_limits: TenantLimits,
) -> Result<Written, StoreError> {
    let mut outcomes = vec![Outcome::Unchanged; events.len()];
    let items = items(connection, tenant, events, tenant_limits, &mut outcomes)?;
    let statuses: Vec<(usize, &Event, &StatusEvent)> = (0..)
        .zip(events)
        .filter_map(|(place, event)| match &event.payload {
            Payload::Status(notice) => Some((place, *event, &**notice)),
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
    let mut progress: BTreeMap<i64, MessageState> =
        stored.into_iter().map(|(id, stored)| (id, begun(stored))).collect();
    for Incoming { place, item, provenance, senders } in items {
        let message = progress.entry(item.message_id()).or_default();
        outcomes[place] = message.take(MessageCopy { item, provenance }, senders);
    }
    let accepted = accepted(&statuses, &progress, &mut outcomes);
    let incoming_events: Vec<_> =
        accepted.iter().map(|incoming_events| (incoming_events.notice, incoming_events.digest.clone())).collect();
    let mut known = status_events::load(connection, tenant, &ids, &incoming_events)?;
    let (new, repeated): (Vec<NewStatus>, Vec<NewStatus>) =
        accepted.into_iter().partition(|incoming_events| known.insert(incoming_events.notice, &incoming_events.digest));
    for repeated in repeated {
        outcomes[repeated.place] = Outcome::Unchanged;
    }
    let kept: Vec<_> = new.iter().map(|new| (new.notice, new.digest.clone())).collect();
    status_events::insert(connection, tenant, &kept)?;
    keep_dropped(connection, tenant, &progress, &known)?;
    if !new.is_empty() {
        let applied = applied(&progress, &known);
        for new in new.iter().filter(|new| applied.contains(&(new.notice.message_id, new.digest.as_str()))) {
            outcomes[new.place] = Outcome::Updated;
        }
    }
    let change = |(id, message): (i64, MessageState)| message.change(known.of(id));
    let changes: Vec<MessageChange> = progress.into_iter().filter_map(change).collect();
    let subject_became_known = messages::apply(connection, tenant, &changes)?;
    logs::follow(connection, tenant, &changes)?;
    Ok(Written { outcomes, subject_became_known })
}

/// The events that count for a message there is, each as its message and its digest.
fn applied<'a>(progress: &BTreeMap<i64, MessageState>, known: &'a MessageEvents) -> HashSet<(Option<i64>, &'a str)> {
    let mut applied = HashSet::new();
    for (id, events) in known.of_messages() {
        let Some(item) = progress.get(&id).and_then(|message| merge::merged(&message.copies)) else { continue };
        let count = merge::counting_events(&item, events);
        applied.extend(count.into_iter().map(|event| (event.notice.message_id, event.digest.as_str())));
    }
    applied
}

/// A status event of the batch.
struct NewStatus<'a> {
    place: usize,
    notice: &'a StatusEvent,
    digest: String,
}

/// The messages among events. Those of a subject that nobody has told of wait; events of other kinds are just kept.
fn items<'a>(
    connection: &mut Connection,
    tenant: TenantId,
    events: &[&'a Event],
    tenant_limits: TenantLimits,
    outcomes: &mut [Outcome],
) -> Result<Vec<Incoming<'a>>, StoreError> {
    let subject = |event: &&Event| match &event.payload {
        Payload::Pending(message) => Some(message.subject_id()),
        _ => None,
    };
    let channels = subjects::channels(connection, tenant, &events.iter().filter_map(subject).collect())?;
    let may_wait = events.iter().any(|event| matches!(event.payload, Payload::Pending(_) | Payload::Other(_)));
    let known = if may_wait { pending::counts(connection, tenant)? } else { PendingCounts::default() };
    let (mut counts, mut items) = (known, Vec::new());
    for (place, event) in (0..).zip(events) {
        let item = match &event.payload {
            Payload::Status(_) => continue,
            Payload::Message(item) => Arc::clone(item),
            Payload::Pending(message) => {
                let Some(channel_type) = channels.get(&message.subject_id()) else {
                    let has_room = counts.messages < tenant_limits.pending_messages;
                    let is_new = if has_room {
                        pending::insert(connection, tenant, message, event.provenance)?
                    } else {
                        !pending::exists_already(connection, tenant, message)?
                    };
                    counts.messages += i64::from(is_new && has_room);
                    outcomes[place] = fate_of_kept(is_new, has_room, Outcome::Pending);
                    continue;
                };
                Arc::new(message.as_ref().clone().with_channel_type(channel_type))
            }
            Payload::Other(body) => {
                let has_room = counts.other_events < tenant_limits.other_events;
                let is_new = if has_room {
                    pending::insert_event(connection, tenant, body, event.provenance.received_at)?
                } else {
                    !pending::event_exists(connection, tenant, body)?
                };
                counts.other_events += i64::from(is_new && has_room);
                outcomes[place] = fate_of_kept(is_new, has_room, Outcome::Imported);
                continue;
            }
        };
        items.push(Incoming { place, item, provenance: event.provenance, senders: event.senders.as_ref() });
    }
    if counts != known {
        pending::update_counts(connection, tenant, counts)?;
    }
    Ok(items)
}

/// What became of an event that is kept as it is: a repeat is one also where there is no room for anything new.
fn fate_of_kept(is_new: bool, has_room: bool, kept: Outcome) -> Outcome {
    match (is_new, has_room) {
        (false, _) => Outcome::Unchanged,
        (true, true) => kept,
        (true, false) => Outcome::LimitReached,
    }
}

/// The status events that are not about a message outside of the senders that they may touch.
fn accepted<'a>(
    statuses: &[(usize, &'a Event, &'a StatusEvent)],
    progress: &BTreeMap<i64, MessageState>,
    outcomes: &mut [Outcome],
) -> Vec<NewStatus<'a>> {
    let mut accepted = Vec::new();
    for (place, event, notice) in statuses.iter().copied() {
        let message = notice.message_id.and_then(|id| progress.get(&id));
        if message.is_some_and(|message| !message.is_allowed(event.senders.as_ref(), notice.subject_id)) {
            outcomes[place] = Outcome::Forbidden;
        } else {
            outcomes[place] = Outcome::Pending;
            accepted.push(NewStatus { place, notice, digest: notice.digest() });
        }
    }
    accepted
}

/// Keeps the status events of copies that are not kept themselves, for the trails of their messages.
fn keep_dropped(
    connection: &mut Connection,
    tenant: TenantId,
    progress: &BTreeMap<i64, MessageState>,
    known: &MessageEvents,
) -> Result<(), StoreError> {
    let mut notices: BTreeMap<(i64, String), StatusEvent> = BTreeMap::new();
    for (id, message) in progress {
        for copy in &message.dropped {
            let says_the_same = |other: &MessageCopy| {
                other.provenance.source == copy.provenance.source
                    && other.subject() == copy.subject()
                    && other.item.status() == copy.item.status()
            };
            if message.copies.iter().any(says_the_same) {
                continue;
            }
            let Some(notice) = StatusEvent::of_item(&copy.item, copy.provenance) else { continue };
            let digest = notice.digest();
            let is_known = known.of(*id).iter().any(|other| other.digest == digest);
            if !is_known {
                notices.entry((*id, digest)).or_insert(notice);
            }
        }
    }
    let notices: Vec<_> = notices.iter().map(|((_, digest), notice)| (notice, digest.clone())).collect();
    status_events::insert(connection, tenant, &notices)
}

/// Whether a webhook's message came again after its subject's channel, which it does not tell itself, was corrected.
fn differs_in_inferred_channel(known: &MessageCopy, copy: &MessageCopy) -> bool {
    let elsewhere = |copy: &MessageCopy| {
        let mut item = Item::clone(&copy.item);
        item.set(Property::ChannelType, known.item.get(Property::ChannelType).cloned());
        item
    };
    known.has_channel_of_subject() && copy.has_channel_of_subject() && elsewhere(copy) == *known.item
}

fn begun(stored: StoredMessage) -> MessageState {
    MessageState { copies: stored.copies.clone(), before: Some(stored), dropped: Vec::new() }
}

impl MessageState {
    /// Takes one copy more.
    fn take(&mut self, copy: MessageCopy, senders: Option<&Arc<BTreeSet<i64>>>) -> Outcome {
        if self.copies.is_empty() {
            self.copies.push(copy);
            return Outcome::Imported;
        }
        if !self.is_allowed(senders, copy.subject()) {
            return Outcome::Forbidden;
        }
        if self.copies.iter().any(|known| *known == copy || differs_in_inferred_channel(known, &copy)) {
            // That another feed says the same belongs to the trail.
            self.dropped.push(copy);
            return Outcome::Unchanged;
        }
        let before = std::mem::take(&mut self.copies);
        let seen = before.iter().cloned().chain([copy]).collect::<Vec<_>>();
        self.copies = merge::contributing(seen.clone());
        self.dropped.extend(seen.into_iter().filter(|copy| !self.copies.contains(copy)));
        // A copy may be worth keeping for what comes later, and change nothing now.
        if merge::merged(&self.copies) == merge::merged(&before) { Outcome::Unchanged } else { Outcome::Updated }
    }

    /// Whether its message belongs to some senders, and is of the subject that is named, as far as it is known.
    fn is_allowed(&self, senders: Option<&Arc<BTreeSet<i64>>>, named: Option<i64>) -> bool {
        let Some(senders) = senders.filter(|_| !self.copies.is_empty()) else { return true };
        let subject = merge::merged(&self.copies).and_then(|item| item.integer(Property::SubjectId));
        subject == named && subject.is_some_and(|subject| senders.contains(&subject))
    }

    /// What is to be written of it, if anything.
    fn change(self, known: &[StoredEvent]) -> Option<MessageChange> {
        let item = merge::message(&self.copies, known)?;
        let is_as_before = |before: &StoredMessage| before.item == item && before.copies == self.copies;
        if self.before.as_ref().is_some_and(is_as_before) {
            return None;
        }
        Some(MessageChange { item, copies: self.copies, before: self.before })
    }
}
