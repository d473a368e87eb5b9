//! The one door through which messages and WhatsApp log rows get in: safe to repeat, in any order, durable before it
//! returns.

pub mod logs;
mod pipeline;

use std::collections::{BTreeMap, BTreeSet};

pub use pipeline::{Entry, Pipeline};

use crate::model::{Item, Property, TenantId, merge};
use crate::store::messages::{self, Change, Stored};
use crate::store::partitions::{self, Month};
use crate::store::{Connection, Store, StoreError, tenants};

/// What became of the items of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Messages that were new.
    pub imported: u64,
    /// Copies that changed a message the store had.
    pub updated: u64,
    /// Copies that told nothing new.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Recorded {
    fn add_assign(&mut self, other: Self) {
        self.imported += other.imported;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// Records a batch of a tenant's items: all of them, durable, or none.
pub async fn record(store: &Store, tenant: TenantId, items: Vec<Item>) -> Result<Recorded, StoreError> {
    let mut items = items;
    loop {
        let outcome = store.write(move |connection| write(connection, tenant, items)).await?;
        match outcome {
            Outcome::Recorded(recorded) => return Ok(recorded),
            Outcome::NoRoom(months, not_yet) => {
                store.make_room(months).await?;
                items = not_yet;
            }
        }
    }
}

/// What became of a batch.
enum Outcome {
    Recorded(Recorded),
    /// Nothing yet: there is no place for messages of these months.
    NoRoom(BTreeSet<Month>, Vec<Item>),
}

/// A message while the copies of a batch come to it.
struct Progress {
    before: Option<Stored>,
    copies: Vec<Item>,
    changed: bool,
}

fn write(connection: &mut Connection, tenant: TenantId, items: Vec<Item>) -> Result<Outcome, StoreError> {
    tenants::lock(connection, tenant)?;
    let times = items.iter().filter_map(|item| item.instant(Property::SentOrReceivedAt));
    let missing = partitions::missing(connection, &partitions::months(times))?;
    if !missing.is_empty() {
        return Ok(Outcome::NoRoom(missing, items));
    }
    let ids: BTreeSet<i64> = items.iter().map(Item::message_id).collect();
    let mut stored = messages::load(connection, tenant, &ids)?;
    let mut recorded = Recorded::default();
    let mut progress: BTreeMap<i64, Progress> = BTreeMap::new();
    for item in items {
        let id = item.message_id();
        let message = progress.entry(id).or_insert_with(|| {
            let before = stored.remove(&id);
            let copies = before.as_ref().map(|stored| stored.copies.clone()).unwrap_or_default();
            Progress { before, copies, changed: false }
        });
        if message.copies.is_empty() {
            message.copies.push(item);
            message.changed = true;
            recorded.imported += 1;
            continue;
        }
        match with_copy(&message.copies, item) {
            None => recorded.unchanged += 1,
            Some(copies) => {
                // A copy may be worth keeping for what comes later, and change nothing now.
                let changes_now = merge::merged(&copies) != merge::merged(&message.copies);
                recorded.updated += u64::from(changes_now);
                recorded.unchanged += u64::from(!changes_now);
                message.copies = copies;
                message.changed = true;
            }
        }
    }
    let changes: Vec<Change> = progress.into_values().filter(|message| message.changed).filter_map(change).collect();
    messages::apply(connection, tenant, &changes)?;
    logs::follow(connection, tenant, &changes)?;
    Ok(Outcome::Recorded(recorded))
}

/// What a message is made of with one copy more; `None` where that copy adds nothing.
fn with_copy(copies: &[Item], copy: Item) -> Option<Vec<Item>> {
    if copies.contains(&copy) {
        return None;
    }
    let with_copy = merge::contributing(copies.iter().cloned().chain([copy]).collect());
    (with_copy != copies).then_some(with_copy)
}

fn change(mut message: Progress) -> Option<Change> {
    let before = message.before;
    if message.copies.len() > 1 {
        let item = merge::merged(&message.copies)?;
        return Some(Change { item, copies: message.copies, before });
    }
    Some(Change { item: message.copies.pop()?, copies: Vec::new(), before })
}
