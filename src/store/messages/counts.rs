//! How many messages of a window have which channel, direction and status, and why some failed; knows no page.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::model::history::Window;
use crate::model::{Grants, Instant, TenantId, mask};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::fragments::InList;
use crate::store::db::pinned::RowCount;
use crate::store::db::row_texts;
use crate::store::error::StoreError;
use crate::store::messages::walk::condition::ColumnFilters;
use crate::store::messages::walk::source::Source;
use crate::store::messages::walk::statement::{LONG, NO_MATCH, NextMessages};
use crate::store::messages::{daily_counts, partitions, single_item};

/// How many messages one statement reads.
const BATCH: i64 = 5000;

/// What messages are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    pub channel_type: String,
    pub is_incoming: bool,
    /// Empty if there is none.
    pub status: String,
    /// The reason of the status, masked; empty if there is none.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow)]
    channel_type: Cow<'a, str>,
    #[serde(borrow)]
    direction: Cow<'a, str>,
    #[serde(borrow, default)]
    delivery_status: Cow<'a, str>,
    #[serde(borrow, default)]
    delivery_status_message: Cow<'a, str>,
}

/// What counts depend on: a tenant, the senders of the grants, a window.
pub type CountsKey = (TenantId, Option<BTreeSet<i64>>, Window);

/// The counts of a window, as they were at some time.
pub struct WindowCounts {
    pub counts: BTreeMap<Counted, u64>,
    pub at: Instant,
}

/// The counts of the messages of a window that the grants show.
pub fn of_window(
    connection: &mut Connection,
    tenant: TenantId,
    (grants, window): (&Grants, Window),
    budget: &Budget,
) -> Result<BTreeMap<Counted, u64>, StoreError> {
    let mut counts = Raw::default();
    let Some((mut first, last)) = daily_counts::ids_of_window(connection, tenant, window)? else {
        return Ok(BTreeMap::new());
    };
    budget.expect_rows(daily_counts::most_of_window(connection, tenant, window)?)?;
    let filters = ColumnFilters::of_window(window, grants);
    loop {
        let statement = NextMessages {
            tenant,
            source: &Source::All,
            listed: InList::new::<&i64>([]),
            filters: &filters,
            ids: (first, last),
            times: Some(partitions::times_of_partitions(window)),
            descending: false,
            limit: BATCH,
            count: RowCount::None,
        };
        let (mut rows, mut end, mut long) = (0, None, Vec::new());
        row_texts::for_each(connection, statement, |id, text| {
            budget.count_row()?;
            (rows, end) = (rows + 1, Some(id));
            if text == LONG {
                long.push(id);
            } else if text != NO_MATCH {
                count(&mut counts, text)?;
            }
            Ok(true)
        })?;
        for id in long {
            if let Some(item) = single_item(connection, tenant, id)? {
                count(&mut counts, &item)?;
            }
        }
        match end.and_then(|end| end.checked_add(1)) {
            Some(next) if rows == BATCH => first = next,
            _ => return Ok(counts.into_counts()),
        }
    }
}

/// Counts by channel type, status and reason, of outgoing and incoming messages. Most items add to one that is there.
#[derive(Default)]
struct Raw(BTreeMap<String, BTreeMap<String, BTreeMap<String, [u64; 2]>>>);

impl Raw {
    fn add(&mut self, head: &Head<'_>) {
        with(&mut self.0, &head.channel_type, |of_channel| {
            with(of_channel, &head.delivery_status, |of_status| {
                with(of_status, &head.delivery_status_message, |[outgoing, incoming]| {
                    *if head.direction == "IN" { incoming } else { outgoing } += 1;
                });
            });
        });
    }

    fn into_counts(self) -> BTreeMap<Counted, u64> {
        let mut counts = BTreeMap::new();
        for (channel_type, of_channel) in self.0 {
            for (status, of_status) in of_channel {
                for (reason, [outgoing, incoming]) in of_status {
                    let reason = mask::reason(&reason);
                    for (is_incoming, number) in
                        [(false, outgoing), (true, incoming)].into_iter().filter(|one| one.1 > 0)
                    {
                        let (channel_type, status, reason) = (channel_type.clone(), status.clone(), reason.clone());
                        *counts.entry(Counted { channel_type, is_incoming, status, reason }).or_default() += number;
                    }
                }
            }
        }
        counts
    }
}

/// Changes what is under a key; allocates only for a new key.
fn with<T: Default>(map: &mut BTreeMap<String, T>, key: &str, change: impl FnOnce(&mut T)) {
    if let Some(known) = map.get_mut(key) {
        change(known);
    } else {
        change(map.entry(key.to_owned()).or_default());
    }
}

fn count(counts: &mut Raw, item: &[u8]) -> Result<(), StoreError> {
    let head: Head<'_> = serde_json::from_slice(item)
        .map_err(|error| StoreError::DamagedRow(format!("an item cannot be read: {}", error.line())))?;
    counts.add(&head);
    Ok(())
}
