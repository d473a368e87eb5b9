//! The order of a query's messages, inside a block by ranks and between blocks by values; knows no statement.

use std::cmp::Ordering;

use crate::model::history::{Sort, SortKey};
use crate::model::{Instant, Value};
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
    /// Times, and their ranks.
    Times(Vec<i64>, Vec<u16>),
    Ranks(Ranks),
}

impl Column {
    pub fn of_times(times: Vec<i64>) -> Self {
        let ranks = dense_ranks(&times);
        Self::Times(times, ranks.into_iter().map(|rank| rank + 1).collect())
    }

    /// Numbers in the key's order.
    fn numbers(&self, descending: bool) -> impl Fn(u16) -> u16 {
        let (Self::Times(_, ranks) | Self::Ranks(Ranks { ranks, .. })) = self;
        move |position| match ranks[usize::from(position)] {
            NO_VALUE => u16::MAX,
            rank if descending => u16::MAX - rank,
            rank => rank,
        }
    }

    /// A message's value; `None` if the block does not keep it.
    pub fn value(&self, position: u16) -> Option<Option<Value>> {
        let position = usize::from(position);
        match self {
            Self::Times(times, _) => Some(Some(Value::Instant(Instant(times[position])))),
            Self::Ranks(ranks) => ranks.value(ranks.ranks[position]).map(Option::<&Value>::cloned),
        }
    }
}

/// The rank of each number, from 0 on.
fn dense_ranks<T: Copy + Ord>(numbers: &[T]) -> Vec<u16> {
    let mut distinct = numbers.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let rank = |number: &T| distinct.binary_search(number).map_or(0, |index| u16::try_from(index).unwrap_or(u16::MAX));
    numbers.iter().map(rank).collect()
}

/// The messages of a block in a query's order, sorted no further than they are asked for.
pub struct Ordered {
    /// Of each sorted message, the rank of its values, and below it its position or, in descending order, its complement.
    sorted: Vec<u32>,
    /// Those that come after them, in any order.
    rest: Vec<u32>,
    is_id_descending: bool,
}

impl Ordered {
    /// The first messages of some, no more than `reach`. The columns are those of the keys before `messageId`.
    pub fn new(sort: &Sort, columns: &[Column], positions: &[u16], reach: usize) -> Self {
        let is_id_descending = is_id_descending(sort);
        let mut ranks: Vec<u16> = vec![0; positions.len()];
        for (index, (column, key)) in columns.iter().zip(keys(sort)).enumerate() {
            let number = column.numbers(key.descending);
            if index == 0 {
                ranks = positions.iter().map(|position| number(*position)).collect();
                continue;
            }
            let both = |(rank, position): (&u16, &u16)| (u32::from(*rank) << 16) | u32::from(number(*position));
            ranks = dense_ranks(&ranks.iter().zip(positions).map(both).collect::<Vec<u32>>());
        }
        let last = |position: u16| if is_id_descending { !position } else { position };
        let packed = |(rank, position): (u16, &u16)| (u32::from(rank) << 16) | u32::from(last(*position));
        let mut rest: Vec<u32> = ranks.into_iter().zip(positions).map(packed).collect();
        if reach > 0 && reach < rest.len() {
            rest.select_nth_unstable(reach - 1);
            rest.truncate(reach);
            rest.shrink_to_fit();
        }
        Self { sorted: Vec::new(), rest, is_id_descending }
    }

    /// Sorts some more messages; returns their positions.
    pub fn next(&mut self, count: usize) -> Vec<u16> {
        if let Some(last) = count.checked_sub(1).filter(|_| count < self.rest.len()) {
            self.rest.select_nth_unstable(last);
        }
        let first = self.sorted.len();
        self.sorted.extend(self.rest.drain(..count.min(self.rest.len())));
        self.sorted[first..].sort_unstable();
        (first..self.sorted.len()).map(|index| self.position(index)).collect()
    }

    /// How many messages it has.
    pub fn messages(&self) -> usize {
        self.sorted.len() + self.rest.len()
    }

    /// The position of a sorted message.
    pub fn position(&self, index: usize) -> u16 {
        let last = (self.sorted[index] & 0xffff) as u16;
        if self.is_id_descending { !last } else { last }
    }

    /// Whether a sorted message has the same values as the one before.
    pub fn repeats(&self, index: usize) -> bool {
        index > 0 && self.sorted[index - 1] >> 16 == self.sorted[index] >> 16
    }
}
