//! Reads what a page's ids stand for part by part, so that a page of long texts is never in memory as a whole; knows no table.

use std::collections::HashMap;
use std::hash::Hash;

use crate::store::error::StoreError;

/// How many bytes of a page are read at once; what goes beyond is read as it is sent.
pub const PAGE_BYTES: usize = 1024 * 1024;

/// How many bytes are read at a time after that.
pub const PART_BYTES: usize = 256 * 1024;

/// How many ids one statement looks up: the first one, and at the most.
const FIRST: usize = 64;
const MOST: usize = 512;

/// What some ids stand for, and whether not all of them were read because that was long.
pub type Loaded<K, V> = (HashMap<K, V>, bool);

/// What the first ids stand for, in their order, until that is so long; and how many ids these are. What was deleted
/// meanwhile stands for nothing.
pub fn first_of<K: Copy + Eq + Hash, V>(
    ids: &[K],
    most_bytes: usize,
    mut load: impl FnMut(&[K]) -> Result<Loaded<K, V>, StoreError>,
    length: impl Fn(&V) -> usize,
) -> Result<(Vec<(K, V)>, usize), StoreError> {
    let (mut values, mut bytes, mut read, mut at_once) = (Vec::new(), 0, 0, FIRST);
    while read < ids.len() && bytes < most_bytes {
        let part = &ids[read..ids.len().min(read + at_once)];
        let (mut found, is_cut) = load(part)?;
        // Only what comes before the first that was not read is in order.
        let in_order = part.iter().take_while(|id| !is_cut || found.contains_key(id)).count();
        for id in &part[..in_order] {
            if let Some(value) = found.remove(id) {
                bytes += length(&value);
                values.push((*id, value));
            }
        }
        read += in_order;
        // A single one is always read whole.
        at_once = if is_cut { (at_once / 8).max(1) } else { (at_once * 2).min(MOST) };
    }
    Ok((values, read))
}

/// Gathers rows by their ids, until they are longer than is wanted.
pub fn gather<K: Eq + Hash, V>(
    wanted: usize,
    most_bytes: usize,
    rows: impl Iterator<Item = Result<(K, V), StoreError>>,
    length: impl Fn(&V) -> usize,
) -> Result<Loaded<K, V>, StoreError> {
    let (mut found, mut bytes) = (HashMap::new(), 0);
    for row in rows {
        let (id, value) = row?;
        bytes += length(&value);
        found.insert(id, value);
        if bytes > most_bytes && found.len() < wanted {
            return Ok((found, true));
        }
    }
    Ok((found, false))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_reassemble_to_the_whole_for_any_lengths(
            lengths in proptest::collection::vec(0_usize..600, 0..700),
            deleted in proptest::collection::hash_set(0_usize..700, 0..50),
            most_bytes in 1_usize..5000,
        ) {
            let ids: Vec<usize> = (0..lengths.len()).rev().collect();
            let there = |id: &usize| !deleted.contains(id);
            let (mut all, mut read) = (Vec::new(), 0);
            while read < ids.len() {
                let load = |part: &[usize]| {
                    // A database gives rows in the order of their ids, not of the page.
                    let mut part: Vec<usize> = part.iter().copied().filter(there).collect();
                    part.sort_unstable();
                    let wanted = part.len();
                    gather(wanted, most_bytes, part.into_iter().map(|id| Ok((id, lengths[id]))), |length| *length)
                };
                let (values, taken) = first_of(&ids[read..], most_bytes, load, |length| *length).unwrap();
                prop_assert!(taken > 0);
                all.extend(values);
                read += taken;
            }
            let expected: Vec<(usize, usize)> = ids.into_iter().filter(there).map(|id| (id, lengths[id])).collect();
            prop_assert_eq!(all, expected);
        }
    }
}
