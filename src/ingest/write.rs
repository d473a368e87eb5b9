//! Writes a tenant's events in a transaction, as messages, status events or pending messages; knows no queue.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::event::{Event, Outcome, Payload, TenantLimits};
use super::logs;
use crate::model::{Item, MessageCopy, Property, Provenance, StatusEvent, TenantId, merge};
use crate::store::messages::pending;
use crate::store::messages::pending::PendingCounts;
use crate::store::messages::status_events::{self, MessageEvents, StoredEvent};
use crate::store::messages::{self, Applied, MessageChange, StoredMessage};
use crate::store::{Connection, StoreError, subjects};

/// The outcomes of a tenant's events, in their order.
pub struct BatchOutcome {
    pub outcomes: Vec<Outcome>,
    /// Whether a subject became known for which messages may be pending.
    pub subject_became_known: bool,
    /// The sequence of the last change; `None` if no message changed.
    pub last_change: Option<i64>,
}

/// The state of a message while the copies of a batch are added to it.
#[derive(Default)]
struct MessageState {
    before: Option<StoredMessage>,
    copies: Vec<MessageCopy>,
    /// Copies that are not kept: repeats in the batch, and copies that no longer contribute.
    dropped: Vec<MessageCopy>,
}

/// A copy of a message in a batch, and its index there.
struct Incoming<'a> {
    index: usize,
    item: Arc<Item>,
    provenance: Provenance,
    senders: Option<&'a Arc<BTreeSet<i64>>>,
}

/// Writes a tenant's events. The tenant is locked, and the partitions of its messages exist.
pub fn write(
    connection: &mut Connection,
    tenant: TenantId,
    events: &[&Event],
    tenant_limits: TenantLimits,
) -> Result<BatchOutcome, StoreError> {
    let mut outcomes = vec![Outcome::Unchanged; events.len()];
    let items = items(connection, tenant, events, tenant_limits, &mut outcomes)?;
    let statuses: Vec<(usize, &Event, &StatusEvent)> = (0..)
        .zip(events)
        .filter_map(|(index, event)| match &event.payload {
            Payload::Status(status) => Some((index, *event, &**status)),
            _ => None,
        })
        .collect();
    let request_keys = statuses.iter().filter(|(_, _, status)| status.message_id.is_none());
    let request_keys = request_keys.filter_map(|(_, _, status)| status.request_key());
    let request_keys = request_keys.map(|(request, subject)| (request.to_owned(), subject)).collect();
    let mut ids = status_events::messages_of_requests(connection, tenant, &request_keys)?;
    ids.extend(items.iter().map(|incoming| incoming.item.message_id()));
    ids.extend(statuses.iter().filter_map(|(_, _, status)| status.message_id));
    let stored = messages::load(connection, tenant, &ids)?;
    let mut states: BTreeMap<i64, MessageState> =
        stored.into_iter().map(|(id, stored)| (id, state_of(stored))).collect();
    for Incoming { index, item, provenance, senders } in items {
        let message = states.entry(item.message_id()).or_default();
        outcomes[index] = message.add_copy(MessageCopy { item, provenance }, senders);
    }
    let accepted = accepted(&statuses, &states, &mut outcomes);
    let incoming_statuses: Vec<_> = accepted.iter().map(|new| (new.status, new.digest.clone())).collect();
    let mut message_events = status_events::load(connection, tenant, &ids, &incoming_statuses)?;
    let (new, repeated): (Vec<NewStatus>, Vec<NewStatus>) =
        accepted.into_iter().partition(|new| message_events.insert(new.status, &new.digest));
    for repeated in repeated {
        outcomes[repeated.index] = Outcome::Unchanged;
    }
    let to_insert: Vec<_> = new.iter().map(|new| (new.status, new.digest.clone())).collect();
    status_events::insert(connection, tenant, &to_insert)?;
    insert_dropped(connection, tenant, &states, &message_events)?;
    if !new.is_empty() {
        let applied = applied(&states, &message_events);
        for new in new.iter().filter(|new| applied.contains(&(new.status.message_id, new.digest.as_str()))) {
            outcomes[new.index] = Outcome::Updated;
        }
    }
    let change = |(id, message): (i64, MessageState)| message.change(message_events.of(id));
    let changes: Vec<MessageChange> = states.into_iter().filter_map(change).collect();
    let Applied { subject_became_known, last_change } = messages::apply(connection, tenant, &changes)?;
    logs::update_rows_of_messages(connection, tenant, &changes)?;
    Ok(BatchOutcome { outcomes, subject_became_known, last_change })
}

/// The status events that count for a known message: the message id that each names, and its digest.
fn applied<'a>(
    states: &BTreeMap<i64, MessageState>,
    message_events: &'a MessageEvents,
) -> HashSet<(Option<i64>, &'a str)> {
    let mut applied = HashSet::new();
    for (id, events) in message_events.of_messages() {
        let Some(item) = states.get(&id).and_then(|message| merge::merged(&message.copies)) else { continue };
        let counting = merge::counting_events(&item, events);
        applied.extend(counting.into_iter().map(|event| (event.event.message_id, event.digest.as_str())));
    }
    applied
}

/// A status event of the batch.
struct NewStatus<'a> {
    index: usize,
    status: &'a StatusEvent,
    digest: String,
}

/// The messages among the events. Those of an unknown subject are stored as pending, events of other kinds as they are.
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
    let may_be_pending = events.iter().any(|event| matches!(event.payload, Payload::Pending(_) | Payload::Other(_)));
    let stored_counts = if may_be_pending { pending::counts(connection, tenant)? } else { PendingCounts::default() };
    let (mut counts, mut items) = (stored_counts, Vec::new());
    for (index, event) in (0..).zip(events) {
        let item = match &event.payload {
            Payload::Status(_) => continue,
            Payload::Message(item) => Arc::clone(item),
            Payload::Pending(message) => {
                let Some(channel_type) = channels.get(&message.subject_id()) else {
                    let is_below_limit = counts.messages < tenant_limits.pending_messages;
                    let is_new = if is_below_limit {
                        pending::insert(connection, tenant, message, event.provenance)?
                    } else {
                        !pending::is_pending(connection, tenant, message)?
                    };
                    counts.messages += i64::from(is_new && is_below_limit);
                    outcomes[index] = outcome_of_insert(is_new, is_below_limit, Outcome::Pending);
                    continue;
                };
                Arc::new(message.as_ref().clone().with_channel_type(channel_type))
            }
            Payload::Other(body) => {
                let is_below_limit = counts.other_events < tenant_limits.other_events;
                let is_new = if is_below_limit {
                    pending::insert_event(connection, tenant, body, event.provenance.received_at)?
                } else {
                    !pending::event_exists(connection, tenant, body)?
                };
                counts.other_events += i64::from(is_new && is_below_limit);
                outcomes[index] = outcome_of_insert(is_new, is_below_limit, Outcome::Imported);
                continue;
            }
        };
        items.push(Incoming { index, item, provenance: event.provenance, senders: event.senders.as_ref() });
    }
    if counts != stored_counts {
        pending::update_counts(connection, tenant, counts)?;
    }
    Ok(items)
}

/// The outcome of an event that is stored as it is. A repeat is unchanged even if the limit is reached.
fn outcome_of_insert(is_new: bool, is_below_limit: bool, inserted: Outcome) -> Outcome {
    match (is_new, is_below_limit) {
        (false, _) => Outcome::Unchanged,
        (true, true) => inserted,
        (true, false) => Outcome::LimitReached,
    }
}

/// The status events, except those about a message of a subject that is not among their senders.
fn accepted<'a>(
    statuses: &[(usize, &'a Event, &'a StatusEvent)],
    states: &BTreeMap<i64, MessageState>,
    outcomes: &mut [Outcome],
) -> Vec<NewStatus<'a>> {
    let mut accepted = Vec::new();
    for (index, event, status) in statuses.iter().copied() {
        let message = status.message_id.and_then(|id| states.get(&id));
        if message.is_some_and(|message| !message.is_allowed(event.senders.as_ref(), status.subject_id)) {
            outcomes[index] = Outcome::Forbidden;
        } else {
            outcomes[index] = Outcome::Pending;
            accepted.push(NewStatus { index, status, digest: status.digest() });
        }
    }
    accepted
}

/// Stores the status events of copies that are not kept, for the trails of their messages.
fn insert_dropped(
    connection: &mut Connection,
    tenant: TenantId,
    states: &BTreeMap<i64, MessageState>,
    message_events: &MessageEvents,
) -> Result<(), StoreError> {
    let mut events: BTreeMap<(i64, String), StatusEvent> = BTreeMap::new();
    for (id, message) in states {
        for copy in &message.dropped {
            let is_equivalent = |other: &MessageCopy| {
                other.provenance.source == copy.provenance.source
                    && other.subject() == copy.subject()
                    && other.item.status() == copy.item.status()
            };
            if message.copies.iter().any(is_equivalent) {
                continue;
            }
            let Some(event) = StatusEvent::of_item(&copy.item, copy.provenance) else { continue };
            let digest = event.digest();
            let is_stored = message_events.of(*id).iter().any(|other| other.digest == digest);
            if !is_stored {
                events.entry((*id, digest)).or_insert(event);
            }
        }
    }
    let events: Vec<_> = events.iter().map(|((_, digest), event)| (event, digest.clone())).collect();
    status_events::insert(connection, tenant, &events)
}

/// Whether a webhook's message is a repeat after the channel of its subject, from which it is inferred, was corrected.
fn differs_in_inferred_channel(known: &MessageCopy, copy: &MessageCopy) -> bool {
    let with_known_channel = |copy: &MessageCopy| {
        let mut item = Item::clone(&copy.item);
        item.set(Property::ChannelType, known.item.get(Property::ChannelType).cloned());
        item
    };
    known.has_channel_of_subject() && copy.has_channel_of_subject() && with_known_channel(copy) == *known.item
}

fn state_of(stored: StoredMessage) -> MessageState {
    MessageState { copies: stored.copies.clone(), before: Some(stored), dropped: Vec::new() }
}

impl MessageState {
    /// Adds a copy.
    fn add_copy(&mut self, copy: MessageCopy, senders: Option<&Arc<BTreeSet<i64>>>) -> Outcome {
        if self.copies.is_empty() {
            self.copies.push(copy);
            return Outcome::Imported;
        }
        if !self.is_allowed(senders, copy.subject()) {
            return Outcome::Forbidden;
        }
        if self.copies.iter().any(|known| *known == copy || differs_in_inferred_channel(known, &copy)) {
            // That another feed reports the same belongs in the trail.
            self.dropped.push(copy);
            return Outcome::Unchanged;
        }
        let before = std::mem::take(&mut self.copies);
        let all = before.iter().cloned().chain([copy]).collect::<Vec<_>>();
        self.copies = merge::contributing(all.clone());
        self.dropped.extend(all.into_iter().filter(|copy| !self.copies.contains(copy)));
        // A copy may be kept because it can contribute to a later merge, and change nothing now.
        if merge::merged(&self.copies) == merge::merged(&before) { Outcome::Unchanged } else { Outcome::Updated }
    }

    /// Whether the message's subject is the one that the event names, and is among the senders. Without senders, and
    /// while the message is not known, everything is allowed.
    fn is_allowed(&self, senders: Option<&Arc<BTreeSet<i64>>>, named_subject: Option<i64>) -> bool {
        let Some(senders) = senders.filter(|_| !self.copies.is_empty()) else { return true };
        let subject = merge::merged(&self.copies).and_then(|item| item.integer(Property::SubjectId));
        subject == named_subject && subject.is_some_and(|subject| senders.contains(&subject))
    }

    /// The change to write; `None` if there is none.
    fn change(self, events: &[StoredEvent]) -> Option<MessageChange> {
        let item = merge::message(&self.copies, events)?;
        let is_unchanged = |before: &StoredMessage| before.item == item && before.copies == self.copies;
        if self.before.as_ref().is_some_and(is_unchanged) {
            return None;
        }
        Some(MessageChange { item, copies: self.copies, before: self.before })
    }
}
