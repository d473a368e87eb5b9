//! How the values of a block's messages are encoded as bytes; knows no table and no query.
//!
//! | column | bytes |
//! |---|---|
//! | numbers | the least (8 bytes), the width of an offset (0, 1, 2, 4 or 8), an offset from the least for each message |
//! | ranks | the number of distinct values (2), the width of a rank (0, 1 or 2), a rank for each message, then the distinct values in ascending order, if they are short |
//! | kinds | the width of an index (0, 1 or 2), for each message the index of its kind |
//!
//! The kinds themselves belong to the block: for each the number of its messages (4), and its three words, each as its
//! length (4) and its bytes; a missing traffic type is an empty word.
//!
//! All numbers are little-endian. A rank of 0 means no value; the least value has the rank 1.

use std::collections::BTreeMap;

use crate::model::property::ValueType;
use crate::model::{Instant, Property, Value};
use crate::store::error::StoreError;

/// The most messages of a block, so that a rank and a position have two bytes.
pub const MAX_MESSAGES: i64 = 60_000;

/// Up to how many bytes a block keeps the distinct values of a property; beyond it, they are read from the messages.
const MAX_VALUE_BYTES: usize = 4096;

/// The rank of a message without a value.
pub const NO_VALUE: u16 = 0;

/// Encodes a number for each message.
pub fn encode_numbers(numbers: &[i64]) -> Vec<u8> {
    let least = numbers.iter().min().copied().unwrap_or(0);
    let offsets: Vec<u64> = numbers.iter().map(|number| number.abs_diff(least)).collect();
    let mut out = least.to_le_bytes().to_vec();
    push_packed(&mut out, &offsets);
    out
}

/// Decodes the numbers of a block of so many messages.
pub fn decode_numbers(data: &[u8], messages: usize) -> Result<Vec<i64>, StoreError> {
    let mut bytes = Bytes(data);
    let least = i64::from_le_bytes(bytes.take()?);
    bytes.packed(messages, |offset| least.wrapping_add_unsigned(offset))
}

/// The ranks of a property's values among those of its block, and the values themselves unless they are long.
pub struct Ranks {
    pub ranks: Vec<u16>,
    values: Option<Vec<Value>>,
}

impl Ranks {
    /// Encodes a property's value of each message; `None` if no message has one.
    pub fn encode(property: Property, values: &[Option<&Value>]) -> Option<Vec<u8>> {
        let mut distinct: Vec<&Value> = values.iter().copied().flatten().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.is_empty() {
            return None;
        }
        let rank = |value: &Option<&Value>| match value {
            None => u64::from(NO_VALUE),
            Some(value) => distinct.binary_search(value).map_or(0, |index| index as u64 + 1),
        };
        let ranks: Vec<u64> = values.iter().map(rank).collect();
        let mut out = u16::try_from(distinct.len()).unwrap_or(u16::MAX).to_le_bytes().to_vec();
        push_packed(&mut out, &ranks);
        if is_filtered(property) || distinct.iter().map(|value| length(value)).sum::<usize>() <= MAX_VALUE_BYTES {
            for value in distinct {
                push_value(&mut out, value);
            }
        }
        Some(out)
    }

    /// Decodes the ranks of a block of so many messages.
    pub fn decode(property: Property, data: &[u8], messages: usize) -> Result<Self, StoreError> {
        let mut bytes = Bytes(data);
        let distinct = u16::from_le_bytes(bytes.take()?);
        let ranks: Vec<u16> = bytes.packed(messages, |rank| u16::try_from(rank).unwrap_or(u16::MAX))?;
        if ranks.iter().any(|rank| *rank > distinct) {
            return Err(damaged());
        }
        let values = if bytes.0.is_empty() {
            None
        } else {
            Some((0..distinct).map(|_| bytes.value(property.kind())).collect::<Result<Vec<Value>, StoreError>>()?)
        };
        if values.is_none() && is_filtered(property) { Err(damaged()) } else { Ok(Self { ranks, values }) }
    }

    /// Those of a property that no message of a block has.
    pub fn none(messages: usize) -> Self {
        Self { ranks: vec![NO_VALUE; messages], values: Some(Vec::new()) }
    }

    /// The value of a rank, itself `None` for `NO_VALUE`; `None` if the block does not keep the values.
    pub fn value(&self, rank: u16) -> Option<Option<&Value>> {
        match usize::from(rank).checked_sub(1) {
            None => Some(None),
            Some(index) => self.values.as_ref().map(|values| values.get(index)),
        }
    }

    /// For each rank of a property that is filtered, whether its value is wanted.
    pub fn wanted(&self, is_wanted: impl Fn(&Value) -> bool) -> Vec<bool> {
        std::iter::once(false).chain(self.values.iter().flatten().map(is_wanted)).collect()
    }
}

/// Whether queries filter by a property, so that a block has to keep its values.
fn is_filtered(property: Property) -> bool {
    property == Property::SubjectId
}

/// The words of a message that queries filter by; an empty traffic type is a missing one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub channel_type: String,
    pub direction: String,
    pub traffic_type: String,
}

/// Encodes the kind of each message: the kinds that occur, and the column.
pub fn encode_kinds(kinds: &[Kind]) -> (Vec<u8>, Vec<u8>) {
    let mut counts: BTreeMap<&Kind, u32> = BTreeMap::new();
    for kind in kinds {
        *counts.entry(kind).or_default() += 1;
    }
    let mut occurring = Vec::new();
    for (kind, count) in &counts {
        occurring.extend(count.to_le_bytes());
        for word in [&kind.channel_type, &kind.direction, &kind.traffic_type] {
            push_text(&mut occurring, word);
        }
    }
    let sorted: Vec<&Kind> = counts.into_keys().collect();
    let indexes: Vec<u64> = kinds.iter().map(|kind| sorted.binary_search(&kind).unwrap_or(0) as u64).collect();
    let mut column = Vec::new();
    push_packed(&mut column, &indexes);
    (occurring, column)
}

/// Decodes the kinds that occur in a block, each with the number of its messages.
pub fn decode_kinds(data: &[u8]) -> Result<Vec<(Kind, i64)>, StoreError> {
    let (mut bytes, mut kinds) = (Bytes(data), Vec::new());
    while !bytes.0.is_empty() {
        let count = i64::from(u32::from_le_bytes(bytes.take()?));
        let kind = Kind { channel_type: bytes.text()?, direction: bytes.text()?, traffic_type: bytes.text()? };
        kinds.push((kind, count));
    }
    Ok(kinds)
}

/// Decodes the index of each message's kind among the kinds that occur.
pub fn decode_kind_indexes(data: &[u8], messages: usize, kinds: usize) -> Result<Vec<u16>, StoreError> {
    let indexes = Bytes(data).packed(messages, |index| u16::try_from(index).unwrap_or(u16::MAX))?;
    if indexes.iter().all(|index| usize::from(*index) < kinds) { Ok(indexes) } else { Err(damaged()) }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Integer(_) | Value::Instant(_) => 8,
        Value::Text(text) => 4 + text.len(),
    }
}

fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Integer(number) | Value::Instant(Instant(number)) => out.extend(number.to_le_bytes()),
        Value::Text(text) => push_text(out, text),
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    // An item, and with it any of its texts, has at most 1 MiB.
    out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Appends numbers, each in as few bytes as the greatest needs.
fn push_packed(out: &mut Vec<u8>, numbers: &[u64]) {
    let width = match numbers.iter().max().copied().unwrap_or(0) {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    out.push(width);
    for number in numbers {
        out.extend(&number.to_le_bytes()[..usize::from(width)]);
    }
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn slice(&mut self, length: usize) -> Result<&'a [u8], StoreError> {
        let (front, rest) = self.0.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(front)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.slice(N)?.try_into().map_err(|_| damaged())
    }

    /// The numbers of so many messages.
    fn packed<T: Clone>(&mut self, messages: usize, convert: impl Fn(u64) -> T) -> Result<Vec<T>, StoreError> {
        let [width] = self.take()?;
        let data = self.slice(messages.checked_mul(usize::from(width)).ok_or_else(damaged)?)?;
        Ok(match width {
            0 => vec![convert(0); messages],
            1 => data.iter().map(|byte| convert(u64::from(*byte))).collect(),
            2 => data.as_chunks().0.iter().map(|bytes| convert(u64::from(u16::from_le_bytes(*bytes)))).collect(),
            4 => data.as_chunks().0.iter().map(|bytes| convert(u64::from(u32::from_le_bytes(*bytes)))).collect(),
            8 => data.as_chunks().0.iter().map(|bytes| convert(u64::from_le_bytes(*bytes))).collect(),
            _ => return Err(damaged()),
        })
    }

    fn value(&mut self, kind: ValueType) -> Result<Value, StoreError> {
        Ok(match kind {
            ValueType::Integer => Value::Integer(i64::from_le_bytes(self.take()?)),
            ValueType::Instant => Value::Instant(Instant(i64::from_le_bytes(self.take()?))),
            ValueType::Text => Value::Text(self.text()?),
        })
    }

    fn text(&mut self) -> Result<String, StoreError> {
        let length = usize::try_from(u32::from_le_bytes(self.take()?)).map_err(|_| damaged())?;
        Ok(std::str::from_utf8(self.slice(length)?).map_err(|_| damaged())?.to_owned())
    }
}

fn damaged() -> StoreError {
    StoreError::DamagedRow("the columns of a block of messages cannot be read".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Option<Value>> {
        prop::option::of("[a-c]{0,2}|\\PC{0,3}|x{900}").prop_map(|text| text.map(Value::Text))
    }

    proptest! {
        #[test]
        fn numbers_round_trip(numbers in prop_oneof![
            prop::collection::vec(any::<i64>(), 0..20),
            prop::collection::vec(-70_000_i64..70_000, 0..20),
            prop::collection::vec(7_i64..250, 0..20),
        ]) {
            prop_assert_eq!(decode_numbers(&encode_numbers(&numbers), numbers.len()).unwrap(), numbers);
        }

        #[test]
        fn ranks_order_as_their_values_and_short_values_are_kept(values in prop::collection::vec(value(), 0..300)) {
            let given: Vec<Option<&Value>> = values.iter().map(Option::as_ref).collect();
            let ranks = match Ranks::encode(Property::Content, &given) {
                Some(data) => Ranks::decode(Property::Content, &data, values.len()).unwrap(),
                None => Ranks::none(values.len()),
            };
            for (a, rank_a) in given.iter().zip(&ranks.ranks) {
                prop_assert!(ranks.value(*rank_a).is_none_or(|value| value == *a));
                for (b, rank_b) in given.iter().zip(&ranks.ranks) {
                    prop_assert_eq!(a.cmp(b), rank_a.cmp(rank_b));
                }
            }
        }

        #[test]
        fn kinds_round_trip(words in prop::collection::vec(("[a-c]?", "IN|OUT", "(AD)?"), 0..50)) {
            let kind = |(channel_type, direction, traffic_type)| Kind { channel_type, direction, traffic_type };
            let kinds: Vec<Kind> = words.into_iter().map(kind).collect();
            let (occurring, column) = encode_kinds(&kinds);
            let occurring = decode_kinds(&occurring).unwrap();
            let indexes = decode_kind_indexes(&column, kinds.len(), occurring.len()).unwrap();
            for (kind, index) in kinds.iter().zip(indexes) {
                prop_assert_eq!(&occurring[usize::from(index)].0, kind);
            }
            for (kind, count) in occurring {
                prop_assert_eq!(kinds.iter().filter(|other| **other == kind).count(), usize::try_from(count).unwrap());
            }
        }

        #[test]
        fn any_bytes_are_read_or_rejected(data in prop::collection::vec(any::<u8>(), 0..40), messages in 0_usize..9) {
            let _ = decode_numbers(&data, messages);
            let _ = decode_kinds(&data);
            let _ = decode_kind_indexes(&data, messages, 3);
            for property in [Property::Content, Property::Segments, Property::SubjectId] {
                if let Ok(ranks) = Ranks::decode(property, &data, messages) {
                    for rank in &ranks.ranks {
                        let _ = ranks.value(*rank);
                    }
                }
            }
        }
    }

    #[test]
    fn values_of_a_filtered_property_are_kept_however_long() {
        let values: Vec<Value> = (0..2000).map(Value::Integer).collect();
        let given: Vec<Option<&Value>> = values.iter().map(Some).collect();
        let data = Ranks::encode(Property::SubjectId, &given).unwrap();
        let ranks = Ranks::decode(Property::SubjectId, &data, 2000).unwrap();
        assert_eq!(ranks.value(1500), Some(Some(&Value::Integer(1499))));
        let data = Ranks::encode(Property::CascadeId, &given).unwrap();
        assert_eq!(Ranks::decode(Property::CascadeId, &data, 2000).unwrap().value(1500), None);
    }
}
