//! How many messages of a window have which channel, direction and status, and why some failed; knows no page.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::history::Window;
use crate::model::{Grants, TenantId, mask};
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

/// The counts of the messages of a window that the grants show.
pub fn of_window(
    connection: &mut Connection,
    tenant: TenantId,
    (grants, window): (&Grants, Window),
    budget: &Budget,
) -> Result<BTreeMap<Counted, u64>, StoreError> {
    let mut counts = BTreeMap::new();
    let Some((mut first, last)) = daily_counts::ids_of_window(connection, tenant, window)? else { return Ok(counts) };
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
            _ => return Ok(counts),
        }
    }
}

fn count(counts: &mut BTreeMap<Counted, u64>, item: &[u8]) -> Result<(), StoreError> {
    let head: Head<'_> = serde_json::from_slice(item)
        .map_err(|error| StoreError::DamagedRow(format!("an item cannot be read: {}", error.line())))?;
    let counted = Counted {
        channel_type: head.channel_type.into_owned(),
        is_incoming: head.direction == "IN",
        status: head.delivery_status.into_owned(),
        reason: mask::text(&head.delivery_status_message),
    };
    *counts.entry(counted).or_default() += 1;
    Ok(())
}
