//! The filters of a walk besides its source: those that a statement checks in columns, and those that are checked in the
//! item; knows no order.

use crate::model::history::{Direction, Window};
use crate::model::{Grants, Instant, Item, MessageQuery, Property, Sight, TenantId, mask};
use crate::store::db::fragments::InList;
use crate::store::error::StoreError;
use crate::store::messages::item;
use crate::store::messages::items;
use crate::store::messages::scan::Values;
use crate::store::messages::walk::found;
use crate::store::messages::walk::source::Index;

/// The filters that are checked in columns.
pub struct ColumnFilters {
    pub window: Option<Window>,
    pub subjects: Option<Values<i64>>,
    pub channel_types: Option<Values<String>>,
    pub direction: Option<&'static str>,
    pub traffic_types: Option<Values<String>>,
    pub recipients: Option<InList>,
}

impl ColumnFilters {
    /// What the index that is read ensures is not checked again.
    pub fn new(query: &MessageQuery, recipients: Option<&[i64]>, index: Option<Index>) -> Self {
        let filters = &query.filters;
        Self {
            window: window(query),
            subjects: query.subjects().filter(|_| index != Some(Index::Subject)).map(Values::numbers),
            channel_types: Values::texts(&filters.channel_types),
            direction: filters.direction.map(Direction::word),
            traffic_types: Values::texts(&filters.traffic_types),
            recipients: recipients.filter(|_| index != Some(Index::Recipient)).map(InList::new),
        }
    }

    /// Only by subject.
    pub fn of_subjects(subjects: &[i64]) -> Self {
        Self {
            window: None,
            subjects: Some(Values::numbers(subjects)),
            channel_types: None,
            direction: None,
            traffic_types: None,
            recipients: None,
        }
    }

    /// By time and, if the grants are limited, by subject.
    pub fn of_window(window: Window, grants: &Grants) -> Self {
        let senders = grants.senders.as_ref().map(|senders| senders.iter().copied().collect::<Vec<_>>());
        let subjects = senders.map(|senders| Values::numbers(&senders));
        Self { window: Some(window), subjects, ..Self::of_subjects(&[]) }
    }

    /// How many filters there are.
    pub fn count(&self) -> usize {
        let Self { window, subjects, channel_types, direction, traffic_types, recipients } = self;
        let given = [
            window.is_some(),
            subjects.is_some(),
            channel_types.is_some(),
            direction.is_some(),
            traffic_types.is_some(),
            recipients.is_some(),
        ];
        given.into_iter().filter(|given| *given).count()
    }

    /// Whether every message passes.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// The times of the wanted messages; `None` for any.
pub fn window(query: &MessageQuery) -> Option<Window> {
    let (from, to) = (query.filters.from, query.filters.to);
    (from.is_some() || to.is_some())
        .then(|| Window { from: from.unwrap_or(Instant(i64::MIN)), to: to.unwrap_or(Instant(i64::MAX)) })
}

/// The filters that are checked in the item.
pub struct ItemFilters<'q> {
    tenant: TenantId,
    query: &'q MessageQuery,
    is_empty: bool,
}

impl<'q> ItemFilters<'q> {
    pub fn new(query: &'q MessageQuery) -> Self {
        let filters = &query.filters;
        let is_empty = filters.delivery_statuses.is_empty()
            && filters.cascade_ids.is_empty()
            && filters.broadcast_ids.is_empty()
            && filters.matcher_ids.is_empty()
            && filters.comment.is_none()
            && filters.message_ids.is_empty()
            && filters.delivery_error.is_none()
            && filters.reply_to.is_none();
        Self { tenant: query.tenant(), query, is_empty }
    }

    /// Whether every item passes.
    pub fn is_empty(&self) -> bool {
        self.is_empty && self.query.filters.text.is_none()
    }

    /// What a page contains of an item that passes; `None` if it does not. With a search, it tells the places that were
    /// found.
    pub fn accept(&self, text: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
        if self.query.sight() == Sight::Masked {
            return self.accept_masked(&text);
        }
        match &self.query.filters.text {
            None => Ok(self.matches(&text)?.then_some(text)),
            Some(_) if !self.matches(&text)? => Ok(None),
            Some(search) => {
                let item = item::parse(utf8(&text)?, self.tenant)?;
                Ok(found::found(search, &item).map(|hits| found::render(&text, &hits)))
            }
        }
    }

    /// The same for a query whose caller sees messages masked: an item passes by what the mask leaves of it.
    fn accept_masked(&self, text: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let masked = mask::masked(&item::parse(utf8(text)?, self.tenant)?).item;
        if !self.item_matches(&masked) {
            return Ok(None);
        }
        let shown = masked.render().into_bytes();
        Ok(match &self.query.filters.text {
            None => Some(shown),
            Some(search) => found::found(search, &masked).map(|hits| found::render(&shown, &hits)),
        })
    }

    fn matches(&self, item: &[u8]) -> Result<bool, StoreError> {
        if self.is_empty {
            return Ok(true);
        }
        Ok(self.item_matches(&item::parse(utf8(item)?, self.tenant)?))
    }

    fn item_matches(&self, item: &Item) -> bool {
        let filters = &self.query.filters;
        let number_is_in = |list: &[i64], property| {
            list.is_empty() || item.integer(property).is_some_and(|value| list.binary_search(&value).is_ok())
        };
        let status = item.text(Property::DeliveryStatus);
        let has_status = filters.delivery_statuses.is_empty()
            || status.is_some_and(|status| filters.delivery_statuses.iter().any(|wanted| wanted == status));
        let has_comment =
            filters.comment.as_ref().is_none_or(|comment| item.text(Property::Comment) == Some(comment.as_str()));
        let error = filters.delivery_error.as_deref();
        let has_error = error.is_none_or(|error| item.text(Property::DeliveryStatusMessage) == Some(error));
        let quotes = |property| filters.reply_to == item.integer(property);
        has_status
            && has_comment
            && has_error
            && number_is_in(&filters.cascade_ids, Property::CascadeId)
            && number_is_in(&filters.broadcast_ids, Property::BroadcastId)
            && number_is_in(&filters.matcher_ids, Property::MatcherId)
            && number_is_in(&filters.message_ids, Property::MessageId)
            && (filters.reply_to.is_none() || quotes(Property::ReplyInMessageId) || quotes(Property::ReplyOutMessageId))
    }
}

fn utf8(item: &[u8]) -> Result<&str, StoreError> {
    std::str::from_utf8(item).map_err(|_| items::no_text())
}
