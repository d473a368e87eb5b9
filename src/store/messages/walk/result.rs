//! What a page of a walk contains, and when it ends; knows no source.

use std::time::Duration;

use crate::model::message_query::WalkPosition;
use crate::store::messages::items::Items;
use crate::store::parts::PAGE_BYTES;
use crate::store::search::SearchState;

/// How much one page may cost before it ends early.
#[derive(Clone, Copy, Debug)]
pub struct WalkLimits {
    /// How many messages are read at most.
    pub rows: u64,
    pub time: Duration,
}

/// A page of a walk.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WalkPage {
    pub items: Items,
    /// Where the walk goes on; `None` at its end.
    pub next: Option<WalkPosition>,
    /// Whether the page is as long as the query wants, or the last one. If not, the budget ended before.
    pub complete: bool,
    /// For each named address of the query, whether its national form counts.
    pub national: Vec<bool>,
    /// The last message of the page.
    pub last_taken: Option<i64>,
    /// How far the text index has come, if the page was found with it.
    pub index: Option<SearchState>,
}

impl WalkPage {
    /// Takes a message that matches; `false` if the page ends before it.
    pub fn take(&mut self, id: i64, item: &[u8], limit: usize) -> bool {
        let is_full = self.items.len() == limit;
        if is_full || self.items.bytes() >= PAGE_BYTES {
            // The last message of the page: one that was examined after it may be none that the caller sees.
            self.next = self.position_after(self.last_taken);
            self.complete = is_full;
            return false;
        }
        self.items.push(item);
        self.last_taken = Some(id);
        true
    }

    pub fn position_after(&self, last: Option<i64>) -> Option<WalkPosition> {
        last.map(|message_id| WalkPosition { message_id, national: self.national.clone() })
    }

    /// The page, ended early after a message.
    #[must_use]
    pub fn cut(mut self, last: Option<i64>) -> Self {
        self.next = self.position_after(last);
        self.complete = false;
        self
    }
}
