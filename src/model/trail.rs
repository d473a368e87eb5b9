//! What is known of one message: the item, the status events that count for it, and where its copies came from; knows no
//! wire form and no store.

use std::sync::Arc;

use super::{DeliveryStatus, Item, MessageCopy, Provenance, StatusEvent, mask, merge};

/// A message with what is known of it.
pub struct Trail {
    pub item: Arc<Item>,
    /// Every status event that counts for the message, including those of its copies, the earliest first.
    pub events: Vec<StatusEvent>,
    /// The feeds whose copies the message is merged from, and when each copy was first received.
    pub sources: Vec<Provenance>,
}

impl Trail {
    /// Of a stored message, its copies, and the status events that name it.
    pub fn new(item: Arc<Item>, copies: &[MessageCopy], events: &[StatusEvent]) -> Self {
        let own: Vec<StatusEvent> =
            copies.iter().filter_map(|copy| StatusEvent::of_item(&copy.item, copy.provenance)).collect();
        let mut counting: Vec<StatusEvent> =
            merge::counting_events(&item, events.iter().chain(&own)).into_iter().cloned().collect();
        counting.sort_by_cached_key(|event| {
            (event.status.at, event.status.clone(), event.provenance.source, event.digest())
        });
        let mut sources: Vec<Provenance> =
            merge::partition_counting(copies.to_vec()).0.iter().map(|copy| copy.provenance).collect();
        sources.sort_by_key(|provenance| (provenance.received_at, provenance.source));
        sources.dedup();
        Self { item, events: counting, sources }
    }

    /// The same without what the mask hides.
    #[must_use]
    pub fn masked(self) -> Self {
        let event = |event: StatusEvent| {
            let text = |given: Option<String>| given.map(|given| mask::text(&given));
            let status =
                DeliveryStatus { message: event.status.message.map(|given| mask::reason(&given)), ..event.status };
            StatusEvent {
                status,
                request_id: text(event.request_id),
                comment: text(event.comment),
                body: None,
                ..event
            }
        };
        Self {
            item: Arc::new(mask::masked(&self.item).item),
            events: self.events.into_iter().map(event).collect(),
            sources: self.sources,
        }
    }
}
