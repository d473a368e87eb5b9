//! Copies messages with their copies and their status events, a range of ids at a time; knows no SQL.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Transfer, Written};
use crate::ingest::{self, Event, OutcomeCounts};
use crate::model::{MessageCopy, TenantId};
use crate::store::messages::raw::{self, Content, RangeLimits, RawCopy, RawMessage, Wanted};
use crate::store::messages::status_events::{self, StoredEvent};
use crate::store::messages::{item, provenance};
use crate::store::{Store, StoreError};

/// How much is compared, and written, at a time.
const LIMITS: RangeLimits = RangeLimits { messages: 2000, events: 5000, bytes: 16 * 1024 * 1024 };

/// A range of message ids, the first one excluded, and what the source contains in it.
pub struct SourceRange {
    pub ids: (i64, i64),
    pub content: Content,
}

/// Reads the range of the source that begins after an id; `None` if nothing is left.
pub async fn next_range(store: &Store, tenant: TenantId, after: i64) -> Result<Option<SourceRange>, StoreError> {
    // A range that reaches to the end of the store is the last one.
    if after == i64::MAX {
        return Ok(None);
    }
    store
        .read_primary(move |connection| {
            let Some(end) = raw::range_end(connection, tenant, after, LIMITS)? else { return Ok(None) };
            let ids = (after, end);
            let content = raw::content(connection, tenant, &Wanted::Range(ids.0, ids.1))?;
            Ok(Some(SourceRange { ids, content }))
        })
        .await
}

impl Transfer<'_> {
    pub(super) async fn copy_messages(
        &self,
        written: &mut Written,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), StoreError> {
        let (mut compared, mut next) = (0, next_range(self.from, self.tenant, i64::MIN).await?);
        while let Some(SourceRange { ids, content }) = next {
            compared += content.messages.len() as u64;
            // The next range is read while this one is written.
            let following = next_range(self.from, self.tenant, ids.1);
            let (copied, following) = tokio::join!(self.copy_range(ids, &content, written), following);
            copied?;
            next = following?;
            progress(compared);
        }
        Ok(())
    }

    /// What the target has of the source's messages.
    pub(super) async fn target_content(&self, source: &Content) -> Result<Content, StoreError> {
        let (tenant, wanted) = (self.tenant, Wanted::Ids(source.ids()));
        self.to.read_primary(move |connection| raw::content(connection, tenant, &wanted)).await
    }

    /// Writes what the target lacks of a range, or has otherwise.
    async fn copy_range(&self, ids: (i64, i64), source: &Content, written: &mut Written) -> Result<(), StoreError> {
        let tenant = self.tenant;
        let target = self.target_content(source).await?;
        let differs = |id: &i64| target.messages.get(id) != source.messages.get(id);
        let mut events = Vec::new();
        for (_, message) in source.messages.iter().filter(|(id, _)| differs(id)) {
            let copies = copies_of(message, tenant)?.into_iter();
            events.extend(copies.map(|copy| Event::message(Arc::unwrap_or_clone(copy.item), copy.provenance)));
        }
        // The copies of a message that the target has may add nothing; its status events still may.
        let missing: BTreeSet<(i64, String)> = source.events.difference(&target.events).cloned().collect();
        if !missing.is_empty() {
            let stored =
                self.from.read_primary(move |connection| status_events::between(connection, tenant, ids)).await?;
            let stored = stored.into_iter().filter(|stored: &StoredEvent| missing.contains(&stored.key()));
            events.extend(stored.map(|stored| Event::status(stored.event)));
            written.statuses += missing.len() as u64;
        }
        if events.is_empty() {
            return Ok(());
        }
        let is_known = |id: &&i64| target.messages.contains_key(id);
        let known = source.messages.keys().filter(|id| differs(id)).filter(is_known).count() as u64;
        let OutcomeCounts { imported, updated, .. } = ingest::record_all(self.to, tenant, events).await?;
        written.copied += imported;
        // Several copies and events may change one message.
        written.updated += updated.min(known);
        Ok(())
    }
}

/// The copies that a message was merged from; the message itself if there is only one.
pub fn copies_of(message: &RawMessage, tenant: TenantId) -> Result<Vec<MessageCopy>, StoreError> {
    let copies = if message.copies.is_empty() { std::slice::from_ref(&message.message) } else { &message.copies };
    let parse = |copy: &RawCopy| {
        let item = Arc::new(item::parse(&copy.item, tenant)?);
        Ok(MessageCopy { item, provenance: provenance(copy.source, copy.received_at)? })
    };
    copies.iter().map(parse).collect()
}
