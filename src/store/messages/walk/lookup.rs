//! Looks up messages by their ids for a query: each that matches, as it is now; knows no order and no page.

use std::collections::HashMap;

use crate::model::MessageQuery;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::fragments::InList;
use crate::store::db::pinned::RowCount;
use crate::store::db::row_texts;
use crate::store::error::StoreError;
use crate::store::messages::walk::condition::{ColumnFilters, ItemFilters};
use crate::store::messages::walk::people::{self, People};
use crate::store::messages::walk::source::Source;
use crate::store::messages::walk::statement::{LONG, NO_MATCH, NextMessages};
use crate::store::messages::{daily_counts, partitions, single_item};

/// How many ids one statement looks up at most.
const MAX_AT_ONCE: usize = 200;

/// What a query checks of each message.
pub struct Lookup<'q> {
    query: &'q MessageQuery,
    columns: ColumnFilters,
    items: ItemFilters<'q>,
}

impl<'q> Lookup<'q> {
    /// Resolves the people that the query names.
    pub fn new(connection: &mut Connection, query: &'q MessageQuery, budget: &Budget) -> Result<Self, StoreError> {
        let people = people::resolve(connection, query, budget)?;
        Ok(Self::of_people(query, &people))
    }

    /// The same if they are resolved.
    pub fn of_people(query: &'q MessageQuery, people: &People) -> Self {
        let columns = ColumnFilters::new(query, people.recipients.as_deref(), None);
        Self { query, columns, items: ItemFilters::new(query) }
    }

    /// Those of some messages that are in the store and match, and `None` for the others. Once the items that were read
    /// exceed `max_bytes`, the rest of the ids is left out.
    pub fn matching(
        &self,
        connection: &mut Connection,
        ids: &[i64],
        max_bytes: usize,
        budget: &Budget,
    ) -> Result<HashMap<i64, Option<Vec<u8>>>, StoreError> {
        let (mut found, mut bytes) = (HashMap::with_capacity(ids.len()), 0);
        for ids in ids.chunks(MAX_AT_ONCE) {
            let mut items = self.passing(connection, ids, budget)?;
            for id in ids {
                if bytes >= max_bytes {
                    return Ok(found);
                }
                let item = match items.remove(id) {
                    Some(item) if item == LONG => single_item(connection, self.query.tenant(), *id)?,
                    item => item,
                };
                bytes += item.as_ref().map_or(0, Vec::len);
                let item = item.map_or(Ok(None), |item| self.items.accept(item))?;
                found.insert(*id, item);
            }
        }
        Ok(found)
    }

    /// The items that pass the filters in columns.
    fn passing(
        &self,
        connection: &mut Connection,
        ids: &[i64],
        budget: &Budget,
    ) -> Result<HashMap<i64, Vec<u8>>, StoreError> {
        let mut items = HashMap::with_capacity(ids.len());
        let range = ids.iter().min().copied().zip(ids.iter().max().copied());
        let Some(range) = range else { return Ok(items) };
        let times = daily_counts::of_ids(connection, self.query.tenant(), range)?;
        let statement = NextMessages {
            tenant: self.query.tenant(),
            source: &Source::Ids(Vec::new()),
            listed: InList::new(ids),
            filters: &self.columns,
            ids: range,
            times: times.map(partitions::times_of_partitions),
            descending: true,
            limit: 0,
            count: RowCount::None,
        };
        row_texts::for_each(connection, statement, |id, text| {
            budget.count_row()?;
            if text != NO_MATCH {
                items.insert(id, text.to_vec());
            }
            Ok(true)
        })?;
        Ok(items)
    }
}
