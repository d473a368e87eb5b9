//! Checks that the pages of a window match; knows no store and no upstream.
//!
//! The endpoint has offsets and no cursor, so a message that is added, removed or moved while a window is read shifts
//! the rest of the window. Each page is therefore requested so that it begins with the last message of the previous
//! one. If it does not, something has shifted.

use super::upstream::{PageRequest, UpstreamPage};
use crate::model::instant::DAY;
use crate::model::{Instant, Property};

/// How far outside its window a message may be. An upstream may filter by another of a message's times; one that
/// ignores the dates is off by more.
const MAX_STRAY: i64 = 7 * DAY;

/// The position of the next page in a window.
#[derive(Clone, Copy, Default)]
pub(super) struct Cursor {
    pub offset: u64,
    /// The id of the message that the next page must begin with.
    pub expected_first_id: Option<i64>,
    /// The greatest id so far.
    greatest: i64,
}

impl Cursor {
    pub fn at(offset: u64, expected_first_id: i64) -> Self {
        Self { offset, expected_first_id: Some(expected_first_id), greatest: expected_first_id }
    }

    /// What is wrong with a page that was requested at this position.
    pub fn fault(&self, page: &UpstreamPage, request: &PageRequest) -> Option<&'static str> {
        let entries = &page.entries;
        if entries.len() > request.limit {
            return Some("a page was longer than what was asked for");
        }
        if entries.is_empty() && page.has_next {
            return Some("an empty page said that more follows");
        }
        if self.expected_first_id.is_some() && self.expected_first_id != entries.first().and_then(|entry| entry.id) {
            return Some("its pages do not match");
        }
        let is_whole = self.offset == 0 && !page.has_next;
        let ids: Vec<i64> = entries.iter().filter_map(|entry| entry.id).collect();
        // If the window has only one page, the order of its messages makes no difference.
        if !is_whole && !ids.is_sorted_by(|previous, next| previous < next) {
            return Some("its messages are not in the order of their ids");
        }
        let times = entries.iter().filter_map(|entry| entry.item.as_ref().ok()?.instant(Property::SentOrReceivedAt));
        let (first, last) = (Instant(request.from.0 - MAX_STRAY), Instant(request.to.0 + MAX_STRAY));
        if times.into_iter().any(|at| at < first || at > last) {
            return Some("it holds messages of other dates than were asked for");
        }
        if page.has_next && Self::last_with_id(page).is_none_or(|index| index == 0) {
            return Some("a page said that more follows, and brought nothing to go on from");
        }
        None
    }

    /// The position after a page; `None` if nothing follows or, in a window whose pages do not match, if the page
    /// contained nothing new.
    pub fn after(&self, page: &UpstreamPage) -> Option<Self> {
        let greatest = page.entries.iter().filter_map(|entry| entry.id).max().unwrap_or(0);
        if !page.has_next || greatest <= self.greatest {
            return None;
        }
        Some(match Self::last_with_id(page) {
            Some(index) if index > 0 => {
                Self { offset: self.offset + index as u64, expected_first_id: page.entries[index].id, greatest }
            }
            _ => Self { offset: self.offset + page.entries.len() as u64, expected_first_id: None, greatest },
        })
    }

    /// The index of the last message that has an id, with which the next page is to begin.
    fn last_with_id(page: &UpstreamPage) -> Option<usize> {
        page.entries.iter().rposition(|entry| entry.id.is_some())
    }
}
