//! A person's messages, on all channels, page by page; knows no page's form.

use std::sync::Arc;

use super::reveal::ShownPerson;
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
    /// The id before which others are, and the one after which others are.
    pub older_before: Option<i64>,
    pub newer_after: Option<i64>,
    /// Whether these are the first messages after the day that was asked for, because there are none up to its end.
    pub is_after_day: bool,
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
        let found = self.part(&shown, part).await?;
        let ids = found.items.iter().map(Item::message_id).collect();
        let trails = self.trails_by_time(ids, shown.grants.clone()).await?;
        let mut record = self.record(Action::Conversation);
        record.message = Some(id);
        record.rows = Some(trails.len() as u64);
        record.filter = filter(part);
        self.record_person(&mut record, &shown)?;
        self.write(record).await?;
        let is_masked = shown.grants.sight == Sight::Masked;
        Ok(Conversation {
            trails,
            older_before: found.older_before,
            newer_after: found.newer_after,
            is_after_day: found.is_after_day,
            addresses: shown.addresses(),
            subscriber: shown.person.subscriber,
            is_masked,
            revealed_until: shown.revealed_until,
        })
    }

    /// The messages of a part, and where others are.
    async fn part(&self, shown: &ShownPerson, part: Part) -> Result<FoundPart, ViewError> {
        let found = match part {
            Part::Newest => {
                let (items, older_before) = self.of_person(shown, (true, PAGE), None, ALWAYS).await?;
                FoundPart { items, older_before, ..FoundPart::default() }
            }
            Part::Before(id) => {
                let (items, older_before) = self.of_person(shown, (true, PAGE), Some(id), ALWAYS).await?;
                let newer_after = Some(newest(&items).unwrap_or(id.saturating_sub(1)));
                FoundPart { items, older_before, newer_after, ..FoundPart::default() }
            }
            Part::After(id) => {
                let (items, newer_after) = self.of_person(shown, (false, PAGE), Some(id), ALWAYS).await?;
                let oldest = items.iter().map(Item::message_id).min();
                let older_before = Some(oldest.unwrap_or(id.saturating_add(1)));
                FoundPart { items, older_before, newer_after, ..FoundPart::default() }
            }
            Part::Around(id) => {
                let (mut items, newer_after) = self.of_person(shown, (false, AFTER), Some(id), ALWAYS).await?;
                let before = Some(id.saturating_add(1));
                let (older, older_before) = self.of_person(shown, (true, PAGE - AFTER), before, ALWAYS).await?;
                items.extend(older);
                FoundPart { items, older_before, newer_after, ..FoundPart::default() }
            }
            Part::UpTo(at) => self.part_up_to(shown, at).await?,
        };
        Ok(found)
    }

    /// The last messages up to an instant or, if there are none, the first ones after it.
    async fn part_up_to(&self, shown: &ShownPerson, at: Instant) -> Result<FoundPart, ViewError> {
        let (items, older_before) = self.of_person(shown, (true, PAGE), None, (None, Some(at))).await?;
        if items.is_empty() && older_before.is_none() {
            let after = (Some(Instant(at.0.saturating_add(1))), None);
            let (items, newer_after) = self.of_person(shown, (false, PAGE), None, after).await?;
            let is_after_day = !items.is_empty();
            return Ok(FoundPart { items, newer_after, is_after_day, ..FoundPart::default() });
        }
        let before = older_before.map(|id| id.saturating_sub(1));
        let newest = newest(&items).or(before).unwrap_or(i64::MIN);
        let (newer, more) = self.of_person(shown, (false, 1), Some(newest), ALWAYS).await?;
        let has_newer = !newer.is_empty() || more.is_some();
        Ok(FoundPart { items, older_before, newer_after: has_newer.then_some(newest), ..FoundPart::default() })
    }

    /// Messages of a person beyond one, from a time to another, and the id beyond which others may follow.
    pub(super) async fn of_person(
        &self,
        shown: &ShownPerson,
        order: (bool, i64),
        beyond: Option<i64>,
        (from, to): (Option<Instant>, Option<Instant>),
    ) -> Result<(Vec<Item>, Option<i64>), ViewError> {
        let mut query =
            self.messages(MessageFilters { from, to, ..MessageFilters::default() }, order, &shown.grants)?;
        query.person = Some(shown.person.recipients.clone());
        query.position = beyond.map(|message_id| WalkPosition { message_id, national: Vec::new() });
        let walked = self.walk(Arc::new(query)).await?;
        Ok((walked.items, walked.next.map(|next| next.message_id)))
    }
}

/// Messages of a part of a conversation, and where others are.
#[derive(Default)]
struct FoundPart {
    items: Vec<Item>,
    older_before: Option<i64>,
    newer_after: Option<i64>,
    is_after_day: bool,
}

fn newest(items: &[Item]) -> Option<i64> {
    items.iter().map(Item::message_id).max()
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
