//! The order of a query's messages, inside a block by ranks and between blocks by values; knows no statement.

use std::cmp::{Ordering, Reverse};

use crate::model::history::{Sort, SortKey};
use crate::model::{Instant, Property, Value};
use crate::store::messages::blocks::encoding::{NO_VALUE, Ranks};

/// The values by which a message is sorted, without its id.
pub type Key = Vec<Option<Value>>;

/// The keys of a sort before `messageId`.
pub fn keys(sort: &Sort) -> &[SortKey] {
    sort.keys().split_last().map_or(&[], |(_, keys)| keys)
}

/// Compares two values of a key; a missing one comes last in both directions (docs/edna.md 4.2).
pub fn compare_values(key: SortKey, a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if key.descending => b.cmp(a),
        (a, b) => a.is_none().cmp(&b.is_none()).then_with(|| a.cmp(&b)),
    }
}

/// Compares two messages by their values and ids.
pub fn compare(sort: &Sort, (a, a_id): (&Key, i64), (b, b_id): (&Key, i64)) -> Ordering {
    let values = keys(sort).iter().zip(a.iter().zip(b));
    let by_values = values.map(|(key, (a, b))| compare_values(*key, a.as_ref(), b.as_ref()));
    let in_id_order = if is_id_descending(sort) { b_id.cmp(&a_id) } else { a_id.cmp(&b_id) };
    by_values.fold(Ordering::Equal, Ordering::then).then(in_id_order)
}

fn is_id_descending(sort: &Sort) -> bool {
    sort.keys().last().is_none_or(|key| key.descending)
}

/// The values of one key in a block.
pub enum Column {
    Times(Vec<i64>),
    Ranks(Ranks),
}

impl Column {
    /// A number by which the messages of the block are in the key's order.
    fn number(&self, position: u16, descending: bool) -> u64 {
        let position = usize::from(position);
        match self {
            Self::Times(times) => {
                let ascending = times[position].cast_unsigned() ^ (1 << 63);
                if descending { !ascending } else { ascending }
            }
            Self::Ranks(ranks) => match ranks.ranks[position] {
                NO_VALUE => u64::MAX,
                rank if descending => u64::from(u16::MAX - rank),
                rank => u64::from(rank),
            },
        }
    }

    /// A message's value; `None` if the block does not keep it.
    pub fn value(&self, position: u16) -> Option<Option<Value>> {
        let position = usize::from(position);
        match self {
            Self::Times(times) => Some(Some(Value::Instant(Instant(times[position])))),
            Self::Ranks(ranks) => ranks.value(ranks.ranks[position]).map(Option::<&Value>::cloned),
        }
    }

    /// Whether two messages have the same value.
    pub fn are_equal(&self, a: u16, b: u16) -> bool {
        self.number(a, false) == self.number(b, false)
    }
}

/// The first positions of a block in a query's order. The columns are those of the keys before `messageId`.
pub fn first(sort: &Sort, columns: &[Column], positions: &[u16], limit: usize) -> Vec<u16> {
    let is_id_descending = is_id_descending(sort);
    let number = |index: usize, position: u16| {
        let key = keys(sort).get(index).zip(columns.get(index));
        key.map_or(0, |(key, column)| column.number(position, key.descending))
    };
    let mut numbered: Vec<(u64, u16)> = positions.iter().map(|position| (number(0, *position), *position)).collect();
    let compare = |a: &(u64, u16), b: &(u64, u16)| {
        let others = (1..columns.len()).map(|index| number(index, a.1).cmp(&number(index, b.1)));
        let by_id = if is_id_descending { Reverse(a.1).cmp(&Reverse(b.1)) } else { a.1.cmp(&b.1) };
        a.0.cmp(&b.0).then_with(|| others.fold(Ordering::Equal, Ordering::then)).then(by_id)
    };
    if let Some(last) = limit.checked_sub(1).filter(|_| numbered.len() > limit) {
        numbered.select_nth_unstable_by(last, compare);
    }
    numbered.truncate(limit);
    numbered.sort_unstable_by(compare);
    numbered.into_iter().map(|(_, position)| position).collect()
}

/// The property that a page is sorted by first.
pub fn first_property(sort: &Sort) -> Option<Property> {
    keys(sort).first().map(|key| key.property)
}
