//! A page of the changes that a reader has not seen: each changed message once, as it is now, or as removed; knows no
//! wire form.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use diesel::prelude::*;

use crate::model::{MessageQuery, TenantId};
use crate::store::Connection;
use crate::store::changes::{self, ChangeState};
use crate::store::db::budget::Budget;
use crate::store::error::StoreError;
use crate::store::messages::walk::{Lookup, WalkLimits};
use crate::store::parts::PAGE_BYTES;
use crate::store::schema::message_changes;

/// How many changes one statement reads at most.
const MAX_AT_ONCE: i64 = 1000;

/// From where on a reader wants the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    Now,
    Sequence { epoch: i64, sequence: i64 },
}

/// A message that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedMessage {
    pub message_id: i64,
    /// As it is now; `None` if it was deleted or does not match the query.
    pub item: Option<Vec<u8>>,
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePage {
    pub changes: Vec<ChangedMessage>,
    pub epoch: i64,
    /// The sequence up to which the page contains the changes.
    pub next: i64,
    /// Whether there are further changes.
    pub more: bool,
}

/// The page of a query, read from one snapshot of the store; `None` if the changes after `since` are not all stored.
pub fn page(
    connection: &mut Connection,
    query: &MessageQuery,
    since: Since,
    (limits, budget): (WalkLimits, &Budget),
) -> Result<Option<ChangePage>, StoreError> {
    let state = changes::state(connection, query.tenant())?;
    let sequence = match since {
        Since::Now => state.last,
        // A sequence beyond the last one is that of a store which has lost its latest changes.
        Since::Sequence { epoch, sequence } if epoch != state.epoch || sequence > state.last => return Ok(None),
        Since::Sequence { sequence, .. } if sequence < state.after => return Ok(None),
        Since::Sequence { sequence, .. } => sequence,
    };
    let mut page = ChangePage { changes: Vec::new(), epoch: state.epoch, next: sequence, more: false };
    if sequence == state.last {
        return Ok(Some(page));
    }
    let Some(read) = read(connection, query, (sequence, state), (limits, budget))? else { return Ok(None) };
    page.next = read.up_to;
    add_messages(connection, query, read, &mut page, budget)?;
    page.more = page.next < state.last;
    Ok(Some(page))
}

/// The changes that were read, of messages that the caller may be told of.
struct ReadChanges {
    /// Each message by the sequence of its first change.
    first: BTreeMap<i64, i64>,
    /// Everything up to this sequence was read.
    up_to: i64,
}

/// The next changes; `None` if some of them are not stored any more.
fn read(
    connection: &mut Connection,
    query: &MessageQuery,
    (since, state): (i64, ChangeState),
    (limits, budget): (WalkLimits, &Budget),
) -> Result<Option<ReadChanges>, StoreError> {
    let (started, limit) = (Instant::now(), usize::try_from(query.limit).unwrap_or_default());
    let senders: Option<HashSet<i64>> = query.senders().map(|senders| senders.iter().copied().collect());
    let is_visible = |subjects: [Option<i64>; 2]| {
        senders.as_ref().is_none_or(|senders| subjects.iter().flatten().any(|subject| senders.contains(subject)))
    };
    let (mut seen, mut first, mut up_to) = (HashSet::new(), BTreeMap::new(), since);
    let mut rows = 0;
    while up_to < state.last && rows < limits.rows && (rows == 0 || started.elapsed() < limits.time) {
        let wanted = i64::try_from(limit - seen.len()).unwrap_or(MAX_AT_ONCE);
        let at_once = if senders.is_some() { MAX_AT_ONCE } else { wanted.min(MAX_AT_ONCE) };
        let changes = after(connection, query.tenant(), up_to, at_once)?;
        // A gap was deleted.
        if changes.first().is_none_or(|next| next.sequence != up_to + 1) {
            return Ok(None);
        }
        for StoredChange { sequence, message_id, subject_id, previous_subject_id } in changes {
            budget.count_row()?;
            rows += 1;
            if is_visible([subject_id, previous_subject_id]) && !seen.contains(&message_id) {
                if seen.len() == limit {
                    return Ok(Some(ReadChanges { first, up_to }));
                }
                seen.insert(message_id);
                first.insert(sequence, message_id);
            }
            up_to = sequence;
        }
        if seen.len() == limit {
            break;
        }
    }
    Ok(Some(ReadChanges { first, up_to }))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = message_changes)]
struct StoredChange {
    sequence: i64,
    message_id: i64,
    subject_id: Option<i64>,
    previous_subject_id: Option<i64>,
}

/// The next changes.
fn after(
    connection: &mut Connection,
    tenant: TenantId,
    sequence: i64,
    limit: i64,
) -> Result<Vec<StoredChange>, StoreError> {
    let after = message_changes::tenant_id.eq(tenant.0).and(message_changes::sequence.gt(sequence));
    let changes = message_changes::table.filter(after).order(message_changes::sequence).limit(limit);
    Ok(changes.select(StoredChange::as_select()).load(connection)?)
}

/// Adds the messages to the page, as many as may be in memory.
fn add_messages(
    connection: &mut Connection,
    query: &MessageQuery,
    read: ReadChanges,
    page: &mut ChangePage,
    budget: &Budget,
) -> Result<(), StoreError> {
    let lookup = Lookup::new(connection, query, budget)?;
    let ids: Vec<i64> = read.first.values().copied().collect();
    let mut items = lookup.matching(connection, &ids, PAGE_BYTES, budget)?;
    for (sequence, message_id) in read.first {
        let Some(item) = items.remove(&message_id) else {
            // It did not fit: the next page begins with it.
            page.next = sequence - 1;
            return Ok(());
        };
        page.changes.push(ChangedMessage { message_id, item });
    }
    Ok(())
}
