//! A person's messages, on all channels, page by page; knows no page's form.

use std::sync::Arc;

use super::reveal::Shown;
use super::{ViewError, Viewer};
use crate::model::audit::{Action, Filter};
use crate::model::message_query::WalkPosition;
use crate::model::trail::Trail;
use crate::model::{Instant, Item, MessageFilters, Sight};

/// How many messages a page of a conversation has.
pub const PAGE: i64 = 20;

/// How many messages after the one that is looked for a page shows.
const AFTER: i64 = 7;

/// Of messages that are wanted whenever they were sent.
const ALWAYS: (Option<Instant>, Option<Instant>) = (None, None);

/// Which part of a conversation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Newest,
    /// Around a message.
    Around(i64),
    /// The messages before one.
    Before(i64),
    /// The messages after one.
    After(i64),
    /// The messages up to the end of a day.
    UpTo(Instant),
}

/// A page of a conversation.
pub struct Conversation {
    /// By ascending time, then id.
    pub trails: Vec<Trail>,
    /// Whether there are messages before these, and after them.
    pub has_older: bool,
    pub has_newer: bool,
    /// The addresses of the person, as they are shown.
    pub addresses: Vec<String>,
    pub subscriber: Option<i64>,
    pub is_masked: bool,
    pub revealed_until: Option<Instant>,
}

impl Viewer {
    /// A part of the conversation of the person whose message `id` is. Recorded before it is returned.
    pub async fn conversation(&self, id: i64, part: Part) -> Result<Conversation, ViewError> {
        let shown = self.shown_person(id).await?;
        let (items, has_older, has_newer) = self.part(&shown, part).await?;
        let ids = items.iter().map(Item::message_id).collect();
        let trails = self.trails_by_time(ids, shown.grants.clone()).await?;
        let mut record = self.record(Action::Conversation);
        record.message = Some(id);
        record.rows = Some(trails.len() as u64);
        record.filter = filter(part);
        self.name(&mut record, &shown)?;
        self.write(record).await?;
        let is_masked = shown.grants.sight == Sight::Masked;
        Ok(Conversation {
            trails,
            has_older,
            has_newer,
            addresses: shown.addresses(),
            subscriber: shown.person.subscriber,
            is_masked,
            revealed_until: shown.revealed_until,
        })
    }

    /// The messages of a part, and whether there are others before and after them.
    async fn part(&self, shown: &Shown, part: Part) -> Result<(Vec<Item>, bool, bool), ViewError> {
        match part {
            Part::Newest => {
                let (items, has_older) = self.of_person(shown, (true, PAGE), None, ALWAYS).await?;
                Ok((items, has_older, false))
            }
            Part::Before(id) => {
                let (items, has_older) = self.of_person(shown, (true, PAGE), Some(id), ALWAYS).await?;
                Ok((items, has_older, true))
            }
            Part::After(id) => {
                let (items, has_newer) = self.of_person(shown, (false, PAGE), Some(id), ALWAYS).await?;
                Ok((items, true, has_newer))
            }
            Part::Around(id) => {
                let (mut items, has_newer) = self.of_person(shown, (false, AFTER), Some(id), ALWAYS).await?;
                let before = Some(id.saturating_add(1));
                let (older, has_older) = self.of_person(shown, (true, PAGE - AFTER), before, ALWAYS).await?;
                items.extend(older);
                Ok((items, has_older, has_newer))
            }
            Part::UpTo(at) => {
                let (items, has_older) = self.of_person(shown, (true, PAGE), None, (None, Some(at))).await?;
                let newest = items.iter().map(Item::message_id).max().unwrap_or(i64::MIN);
                let (newer, _) = self.of_person(shown, (false, 1), Some(newest), ALWAYS).await?;
                Ok((items, has_older, !newer.is_empty()))
            }
        }
    }

    /// Messages of a person beyond one, from a time to another, and whether others follow.
    pub(super) async fn of_person(
        &self,
        shown: &Shown,
        order: (bool, i64),
        beyond: Option<i64>,
        (from, to): (Option<Instant>, Option<Instant>),
    ) -> Result<(Vec<Item>, bool), ViewError> {
        let mut query =
            self.messages(MessageFilters { from, to, ..MessageFilters::default() }, order, &shown.grants)?;
        query.person = Some(shown.person.recipients.clone());
        query.position = beyond.map(|message_id| WalkPosition { message_id, national: Vec::new() });
        let walked = self.walk(Arc::new(query)).await?;
        Ok((walked.items, walked.next.is_some()))
    }
}

fn filter(part: Part) -> Filter {
    match part {
        Part::Newest => Filter::default(),
        Part::Around(id) => Filter::default().with("around", id),
        Part::Before(id) => Filter::default().with("before", id),
        Part::After(id) => Filter::default().with("after", id),
        Part::UpTo(at) => Filter::default().with("to", at.iso()),
    }
}
