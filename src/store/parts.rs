//! Loads the values of a page's ids in parts, so that a page of long texts is never in memory as a whole; knows no
//! table.

use std::collections::HashMap;
use std::hash::Hash;

use crate::store::error::StoreError;

/// How many bytes of a page are read at first; the rest is read while the page is sent.
pub const PAGE_BYTES: usize = 1024 * 1024;

/// How many bytes each later part has.
pub const PART_BYTES: usize = 256 * 1024;

/// How many ids one statement looks up: at first, and at most.
const FIRST_IDS: usize = 64;
const MAX_IDS: usize = 512;

/// Values by id, and whether the byte limit was reached before all of them were read.
pub type Loaded<K, V> = (HashMap<K, V>, bool);

/// Loads the values of the first ids, in the order of the ids, until they total `max_bytes`. Returns them and how many
/// ids they cover. An id whose row has been deleted meanwhile has no value.
pub fn load_first<K: Copy + Eq + Hash, V>(
    ids: &[K],
    max_bytes: usize,
    mut load: impl FnMut(&[K]) -> Result<Loaded<K, V>, StoreError>,
    length: impl Fn(&V) -> usize,
) -> Result<(Vec<(K, V)>, usize), StoreError> {
    let (mut values, mut bytes, mut read, mut at_once) = (Vec::new(), 0, 0, FIRST_IDS);
    while read < ids.len() && bytes < max_bytes {
        let part = &ids[read..ids.len().min(read + at_once)];
        let (mut found, is_cut) = load(part)?;
        // The values are in order only up to the first id that was not read.
        let in_order = part.iter().take_while(|id| !is_cut || found.contains_key(id)).count();
        for id in &part[..in_order] {
            if let Some(value) = found.remove(id) {
                bytes += length(&value);
                values.push((*id, value));
            }
        }
        read += in_order;
        // A single value is always read as a whole.
        at_once = if is_cut { (at_once / 8).max(1) } else { (at_once * 2).min(MAX_IDS) };
    }
    Ok((values, read))
}

/// Collects rows by id until they exceed `max_bytes`; `wanted` is the number of rows that are requested.
pub fn collect_rows<K: Eq + Hash, V>(
    wanted: usize,
    max_bytes: usize,
    rows: impl Iterator<Item = Result<(K, V), StoreError>>,
    length: impl Fn(&V) -> usize,
) -> Result<Loaded<K, V>, StoreError> {
    let (mut found, mut bytes) = (HashMap::new(), 0);
    for row in rows {
        let (id, value) = row?;
        bytes += length(&value);
        found.insert(id, value);
        if bytes > max_bytes && found.len() < wanted {
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
            max_bytes in 1_usize..5000,
        ) {
            let ids: Vec<usize> = (0..lengths.len()).rev().collect();
            let exists = |id: &usize| !deleted.contains(id);
            let (mut all, mut read) = (Vec::new(), 0);
            while read < ids.len() {
                let load = |part: &[usize]| {
                    // A database returns rows in the order of their ids, not of the page.
                    let mut part: Vec<usize> = part.iter().copied().filter(exists).collect();
                    part.sort_unstable();
                    let wanted = part.len();
                    collect_rows(wanted, max_bytes, part.into_iter().map(|id| Ok((id, lengths[id]))), |length| *length)
                };
                let (values, taken) = load_first(&ids[read..], max_bytes, load, |length| *length).unwrap();
                prop_assert!(taken > 0);
                all.extend(values);
                read += taken;
            }
            let expected: Vec<(usize, usize)> = ids.into_iter().filter(exists).map(|id| (id, lengths[id])).collect();
            prop_assert_eq!(all, expected);
        }
    }
}
