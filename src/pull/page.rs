//! Whether the pages of a window continue each other; knows no store and no upstream.
//!
//! The endpoint has offsets and no cursor, so a message that comes, goes or moves while a window is read shifts the
//! rest of it. Each page therefore begins with the last message of the one before: where it does not, something moved.

use super::upstream::{PageRequest, UpstreamPage};
use crate::model::instant::DAY;
use crate::model::{Instant, Property};

/// How far outside of its window a message may be. An upstream may file messages by another of their times; one that
/// does not look at the dates is off by more.
const STRAY: i64 = 7 * DAY;

/// Where in a window to read on.
#[derive(Clone, Copy, Default)]
pub(super) struct Cursor {
    pub offset: u64,
    /// The id that the next page must begin with.
    pub mark: Option<i64>,
    /// The greatest id so far.
    greatest: i64,
}

impl Cursor {
    pub fn at(offset: u64, mark: i64) -> Self {
        Self { offset, mark: Some(mark), greatest: mark }
    }

    /// What is wrong with a page that was asked for here.
    pub fn fault(&self, page: &UpstreamPage, request: &PageRequest) -> Option<&'static str> {
        let entries = &page.entries;
        if entries.len() > request.limit {
            return Some("a page was longer than what was asked for");
        }
        if entries.is_empty() && page.has_next {
            return Some("an empty page said that more follows");
        }
        if self.mark.is_some() && self.mark != entries.first().and_then(|entry| entry.id) {
            return Some("its pages do not continue each other");
        }
        let is_whole = self.offset == 0 && !page.has_next;
        let ids: Vec<i64> = entries.iter().filter_map(|entry| entry.id).collect();
        // The order of what came in one piece makes no difference.
        if !is_whole && !ids.is_sorted_by(|one, next| one < next) {
            return Some("its messages are not in the order of their ids");
        }
        let times = entries.iter().filter_map(|entry| entry.item.as_ref().ok()?.instant(Property::SentOrReceivedAt));
        let (first, last) = (Instant(request.from.0 - STRAY), Instant(request.to.0 + STRAY));
        if times.into_iter().any(|at| at < first || at > last) {
            return Some("it holds messages of other dates than were asked for");
        }
        if page.has_next && Self::last_with_id(page).is_none_or(|place| place == 0) {
            return Some("a page said that more follows, and brought nothing to go on from");
        }
        None
    }

    /// Where to read on after a page; `None` where nothing follows, or, in a window that does not fit together, where
    /// the page brought nothing new.
    pub fn after(&self, page: &UpstreamPage) -> Option<Self> {
        let greatest = page.entries.iter().filter_map(|entry| entry.id).max().unwrap_or(0);
        if !page.has_next || greatest <= self.greatest {
            return None;
        }
        Some(match Self::last_with_id(page) {
            Some(place) if place > 0 => {
                Self { offset: self.offset + place as u64, mark: page.entries[place].id, greatest }
            }
            _ => Self { offset: self.offset + page.entries.len() as u64, mark: None, greatest },
        })
    }

    /// The place of the last message that has an id: what the next page is to begin with.
    fn last_with_id(page: &UpstreamPage) -> Option<usize> {
        page.entries.iter().rposition(|entry| entry.id.is_some())
    }
}
