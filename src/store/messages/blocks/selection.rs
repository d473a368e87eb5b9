//! Selects the messages of a block that a query's filters accept; knows no order.

use crate::model::history::{HistoryQuery, Window};
use crate::model::{Property, Value};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::error::StoreError;
use crate::store::messages::blocks::columns;
use crate::store::messages::blocks::encoding::{self, Kind, Ranks};
use crate::store::messages::blocks::ranges::Block;

/// As how many rows a column of a block counts: reading it takes as long.
pub const ROWS_PER_COLUMN: u64 = 16;

/// The messages of a block that a query selects.
pub struct Selection {
    /// Their positions among the block's messages, ascending.
    pub positions: Vec<u16>,
    /// The ids of the block's messages, if they have been read.
    ids: Option<Vec<i64>>,
}

/// Selects the messages of a block, without those that were written since it was built: whether the query selects these is
/// not known. Their ids are in ascending order.
pub fn select(
    connection: &mut Connection,
    query: &HistoryQuery,
    block: &Block,
    changed: &[i64],
    budget: &Budget,
) -> Result<Selection, StoreError> {
    let mut selection = Selection { positions: Vec::new(), ids: None };
    let Window { from, to } = query.window;
    if block.latest < from.0 || block.earliest > to.0 {
        budget.check()?;
        return Ok(selection);
    }
    selection.positions = (0..u16::try_from(block.messages).unwrap_or(u16::MAX)).collect();
    if block.earliest < from.0 || block.latest > to.0 {
        budget.count_rows(ROWS_PER_COLUMN)?;
        let times = columns::times(connection, query.tenant(), block)?;
        selection.retain(|position| (from.0..=to.0).contains(&times[position]));
    }
    if query.filters_kinds() {
        let kinds = encoding::decode_kinds(&block.kinds)?;
        let wanted: Vec<bool> = kinds.iter().map(|(kind, _)| is_wanted(query, kind)).collect();
        if !wanted.contains(&true) {
            selection.positions.clear();
        } else if wanted.contains(&false) {
            budget.count_rows(ROWS_PER_COLUMN)?;
            let indexes = columns::kinds(connection, query.tenant(), block, kinds.len())?;
            selection.retain(|position| wanted[usize::from(indexes[position])]);
        }
    }
    if let Some(subjects) = query.subjects().filter(|_| !selection.positions.is_empty()) {
        budget.count_rows(ROWS_PER_COLUMN)?;
        let ranks = columns::ranks(connection, query.tenant(), block, Property::SubjectId)?;
        let wanted = wanted_subjects(&ranks, subjects);
        selection.retain(|position| wanted[usize::from(ranks.ranks[position])]);
    }
    if !changed.is_empty() {
        selection.read_ids(connection, query, block, budget)?;
        let ids = selection.ids.take().unwrap_or_default();
        selection.retain(|position| changed.binary_search(&ids[position]).is_err());
        selection.ids = Some(ids);
    }
    Ok(selection)
}

/// How many messages of a block a query selects, if that is known without its columns.
pub fn count(query: &HistoryQuery, block: &Block) -> Result<Option<i64>, StoreError> {
    let covers = query.window.from.0 <= block.earliest && block.latest <= query.window.to.0;
    if !covers || block.changes > 0 || query.subjects().is_some() {
        return Ok(None);
    }
    if query.filters_kinds() { count_kinds(query, block).map(Some) } else { Ok(Some(block.messages)) }
}

/// How many messages of a block have the kinds that a query asks for.
pub fn count_kinds(query: &HistoryQuery, block: &Block) -> Result<i64, StoreError> {
    let kinds = encoding::decode_kinds(&block.kinds)?;
    Ok(kinds.iter().filter(|(kind, _)| is_wanted(query, kind)).map(|(_, count)| count).sum())
}

fn is_wanted(query: &HistoryQuery, kind: &Kind) -> bool {
    let is_in = |list: &[String], word| list.is_empty() || list.contains(word);
    is_in(&query.channel_types, &kind.channel_type)
        && query.direction.is_none_or(|direction| direction.word() == kind.direction)
        // An empty word stands for none, which no query asks for.
        && is_in(&query.traffic_types, &kind.traffic_type)
}

/// For each rank of a block's subjects, whether it is among some.
pub fn wanted_subjects(ranks: &Ranks, subjects: &[i64]) -> Vec<bool> {
    ranks.wanted(|value| matches!(value, Value::Integer(id) if subjects.binary_search(id).is_ok()))
}

impl Selection {
    fn retain(&mut self, is_selected: impl Fn(usize) -> bool) {
        self.positions.retain(|position| is_selected(usize::from(*position)));
    }

    /// The ids of the block's messages.
    pub fn read_ids(
        &mut self,
        connection: &mut Connection,
        query: &HistoryQuery,
        block: &Block,
        budget: &Budget,
    ) -> Result<&[i64], StoreError> {
        if self.ids.is_none() {
            budget.count_rows(ROWS_PER_COLUMN)?;
            self.ids = Some(columns::ids(connection, query.tenant(), block)?);
        }
        Ok(self.ids.as_deref().unwrap_or_default())
    }

    /// The ids of the messages at some positions, in the order of these.
    pub fn ids_at(
        &mut self,
        connection: &mut Connection,
        query: &HistoryQuery,
        block: &Block,
        positions: &[u16],
        budget: &Budget,
    ) -> Result<Vec<i64>, StoreError> {
        let ids = self.read_ids(connection, query, block, budget)?;
        Ok(positions.iter().map(|position| ids[usize::from(*position)]).collect())
    }
}
