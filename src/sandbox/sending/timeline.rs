//! What is to happen at which time of a tenant's clock, in order; knows no clock and no message's form.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::SentMessage;
use super::posts::Post;
use super::request::Scheduled;
use crate::model::Instant;

/// A change of the history.
pub enum Change {
    Send(Box<Scheduled>),
    /// The step of a message's life with this number.
    Step(Arc<SentMessage>, usize),
}

/// Changes and posts by time, and by the order in which they were added. A post that nobody answers delays no change.
#[derive(Default)]
pub struct Timeline {
    changes: BTreeMap<(Instant, u64), Change>,
    posts: BTreeMap<(Instant, u64), Post>,
    added: u64,
}

impl Timeline {
    pub fn change(&mut self, at: Instant, change: Change) {
        self.added += 1;
        self.changes.insert((at, self.added), change);
    }

    pub fn post(&mut self, at: Instant, post: Post) {
        self.added += 1;
        self.posts.insert((at, self.added), post);
    }

    pub fn next_change(&mut self, now: Instant) -> Option<(Instant, Change)> {
        let entry = self.changes.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), change) = entry.remove_entry();
        Some((at, change))
    }

    pub fn next_post(&mut self, now: Instant) -> Option<(Instant, Post)> {
        let entry = self.posts.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), post) = entry.remove_entry();
        Some((at, post))
    }

    /// Whether a post is due.
    pub fn has_post(&self, now: Instant) -> bool {
        self.posts.first_key_value().is_some_and(|((at, _), _)| *at <= now)
    }

    /// When something is due next.
    pub fn next_at(&self) -> Option<Instant> {
        let change = self.changes.first_key_value().map(|((at, _), _)| *at);
        let post = self.posts.first_key_value().map(|((at, _), _)| *at);
        change.into_iter().chain(post).min()
    }
}
