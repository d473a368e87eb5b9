//! One page of a search: reads the candidates of the text index, and keeps the messages that match; knows no SQL.

use std::time::Instant;

use crate::model::search::Query;
use crate::model::{MessageQuery, Sight};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::error::StoreError;
use crate::store::messages::walk::lookup::Lookup;
use crate::store::messages::walk::people::People;
use crate::store::messages::walk::result::{WalkLimits, WalkPage};
use crate::store::parts::PAGE_BYTES;
use crate::store::search;
use crate::store::search::candidates::Candidates;

/// How many candidates are looked up at a time at most.
const MAX_AT_ONCE: i64 = 1001;

/// The page, with message ids of a range.
pub fn page(
    connection: &mut Connection,
    query: &MessageQuery,
    (search, people, ids): (&Query, People, (i64, i64)),
    (limits, budget): (WalkLimits, &Budget),
) -> Result<WalkPage, StoreError> {
    // How long the index takes is not known before.
    budget.expect_small(None)?;
    let (started, limit) = (Instant::now(), usize::try_from(query.limit).unwrap_or_default());
    let lookup = Lookup::of_people(query, &people);
    let index = Some(search::state(connection, query.tenant())?);
    let mut page = WalkPage { complete: true, national: people.national, index, ..WalkPage::default() };
    // What a masked text does not have, the text itself may have.
    let without_negatives = (query.sight() == Sight::Masked).then(|| search.without_negatives());
    let mut candidates = Candidates::new(query.tenant(), without_negatives.as_ref().unwrap_or(search), ids.1);
    let (mut rows, mut last, mut at_once) = (0, None, query.limit + 1);
    while !candidates.is_at_end() {
        if last.is_some() && (rows >= limits.rows || started.elapsed() >= limits.time) {
            return Ok(page.cut(last));
        }
        let found = candidates.next(connection, at_once)?;
        budget.count_rows(found.len() as u64)?;
        rows += found.len() as u64;
        if found.is_empty() {
            // Where no candidate is, the index has been read all the same.
            last = candidates.position().or(last);
        }
        let is_past = |id: &&i64| **id < ids.0;
        let is_at_end = found.iter().any(|id| is_past(&id));
        let found: Vec<i64> = found.into_iter().filter(|id| !is_past(&id)).collect();
        let mut left = found.as_slice();
        while !left.is_empty() {
            if last.is_some() && started.elapsed() >= limits.time {
                return Ok(page.cut(last));
            }
            let mut items = lookup.matching(connection, left, PAGE_BYTES, budget)?;
            // Those that did not fit are looked up once more.
            let covered = left.iter().take_while(|id| items.contains_key(id)).count().max(1);
            for id in &left[..covered] {
                if let Some(item) = items.remove(id).flatten()
                    && !page.take(*id, &item, limit)
                {
                    return Ok(page);
                }
                last = Some(*id);
            }
            left = &left[covered..];
        }
        if is_at_end {
            break;
        }
        at_once = (at_once * 2).min(MAX_AT_ONCE);
    }
    Ok(page)
}
