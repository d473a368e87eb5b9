//! Finds the page of a `HistoryQuery` by running its plan; knows no index.

use std::ops::Range;

use crate::model::history::HistoryQuery;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::explain::{RowCounter, explain};
use crate::store::db::pinned::RowCount;
use crate::store::db::row_texts;
use crate::store::error::StoreError;
use crate::store::messages::blocks::by_id::Reader;
use crate::store::messages::blocks::sorted;
use crate::store::messages::items::{self, Items, Page};
use crate::store::messages::plan::{self, QueryPlan, is_small_first_page};
use crate::store::messages::scan::{Scan, is_by_message_id};
use crate::store::messages::statement::{CountRows, Ids, IdsAndItems, count_passed_on};
use crate::store::parts::PAGE_BYTES;
use crate::store::recipients::person_page::PersonPage;
use crate::store::recipients::resolve::RecipientsQuery;

/// The page of a query, read from one snapshot of the store; fails if it costs more than its budget.
pub fn page(connection: &mut Connection, query: &HistoryQuery, budget: &Budget) -> Result<Page, StoreError> {
    let is_server = connection.is_server();
    page_from(connection, query, budget, &|skipped| match skipped {
        _ if is_server => RowCount::None,
        // Each row is either rejected or passed on, and counted then.
        0 => RowCount::Rejected,
        _ => RowCount::Every,
    })
}

/// The same page, and the exact number of message rows that were examined to find it.
///
/// For tests and benchmarks: counting costs a call for each row.
pub fn page_counted(connection: &mut Connection, query: &HistoryQuery) -> Result<(Page, u64), StoreError> {
    let counter = RowCounter::start(connection)?;
    let page = page_from(connection, query, &Budget::default(), &|_| counter.row_count())?;
    Ok((page, counter.rows(connection)?))
}

/// The database's own plan of each statement that finds the page.
pub fn database_plan(connection: &mut Connection, query: &HistoryQuery) -> Result<Vec<String>, StoreError> {
    let budget = Budget::default();
    let scans = match plan::plan(connection, query, &budget, &|_| RowCount::None)? {
        // Columns of blocks are found by their primary key.
        QueryPlan::Empty | QueryPlan::Blocks(_) => Vec::new(),
        QueryPlan::Person(people, scan) => {
            return explain(connection, person_page(query, &people, &scan, RowCount::None));
        }
        QueryPlan::Ordered(scan, _) | QueryPlan::Sorted(scan) => vec![scan],
        QueryPlan::Merged(scans) => scans,
    };
    let mut plan = Vec::new();
    for scan in scans {
        let page = (query.offset, query.limit + 1);
        plan.extend(if scan.is_in_order {
            explain(connection, IdsAndItems::new(&scan, RowCount::None, page))?
        } else {
            explain(connection, Ids::new(&scan, RowCount::None, page))?
        });
    }
    Ok(plan)
}

fn page_from(
    connection: &mut Connection,
    query: &HistoryQuery,
    budget: &Budget,
    count: CountRows<'_>,
) -> Result<Page, StoreError> {
    // One message more than the page has shows whether there is a next page.
    let limit = query.limit + 1;
    match plan::plan(connection, query, budget, count)? {
        QueryPlan::Empty => Ok(Page::default()),
        QueryPlan::Person(people, scan) => {
            let statement = person_page(query, &people, &scan, count(0));
            let mut reader = PageReader::new(query);
            row_texts::for_each(connection, statement, |id, item| {
                // The server has sent all rows, so the ids of those that do not fit are at hand.
                Ok(reader.take(item) || (reader.is_cut && reader.take_id(id)))
            })?;
            Ok(reader.page)
        }
        QueryPlan::Ordered(scan, offset) => ordered(connection, query, (&scan, offset), budget, count),
        QueryPlan::Sorted(scan) => {
            let ids = Ids::new(&scan, count(i64::MAX), (query.offset, limit)).load_ids(connection, budget)?;
            items::page_of_ids(connection, query, ids)
        }
        QueryPlan::Merged(scans) => merged(connection, query, &scans, budget, count),
        QueryPlan::Blocks(bounds) => {
            let mut reader = Reader { connection, query, budget, count };
            let ids = if is_by_message_id(query) { reader.ids(bounds)? } else { sorted::ids(&mut reader, bounds)? };
            items::page_of_ids(connection, query, ids)
        }
    }
}

/// The statement that finds a person's page.
fn person_page<'s, 'q>(
    query: &HistoryQuery,
    people: &'s RecipientsQuery,
    scan: &'s Scan<'q>,
    count: RowCount,
) -> PersonPage<'s, 'q> {
    let limit = query.limit + 1;
    let per_recipient = IdsAndItems::new(scan, count, (0, limit));
    PersonPage { people, per_recipient, descending: query.sort.descending(), limit }
}

/// Takes the items of a page in their order.
struct PageReader {
    page: Page,
    limit: usize,
    /// Whether the page has more items than may be in memory.
    is_cut: bool,
}

impl PageReader {
    fn new(query: &HistoryQuery) -> Self {
        let page = Page { items: Items::with_capacity(query.limit), ..Page::default() };
        Self { page, limit: usize::try_from(query.limit).unwrap_or_default(), is_cut: false }
    }

    /// Returns whether the page needs more.
    fn take(&mut self, item: &[u8]) -> bool {
        if self.page.items.len() == self.limit {
            self.page.has_next = true;
            return false;
        }
        if self.page.items.bytes() >= PAGE_BYTES {
            self.is_cut = true;
            return false;
        }
        self.page.items.push(item);
        true
    }

    /// The same for a message whose item does not fit.
    fn take_id(&mut self, id: i64) -> bool {
        self.page.has_next = self.page.items.len() + self.page.rest.len() == self.limit;
        if !self.page.has_next {
            self.page.rest.push(id);
        }
        !self.page.has_next
    }
}

/// The page of a scan that is in the query's order.
fn ordered(
    connection: &mut Connection,
    query: &HistoryQuery,
    (scan, offset): (&Scan<'_>, i64),
    budget: &Budget,
    count: CountRows<'_>,
) -> Result<Page, StoreError> {
    let limit = query.limit + 1;
    let count = count(offset);
    let mut reader = PageReader::new(query);
    row_texts::for_each(connection, IdsAndItems::new(scan, count, (offset, limit)), |_, item| {
        count_passed_on(count, budget)?;
        Ok(reader.take(item))
    })?;
    if reader.is_cut {
        let read = i64::try_from(reader.page.items.len()).unwrap_or(i64::MAX);
        let rest = Ids::new(scan, count, (offset.saturating_add(read), limit - read));
        for id in rest.load_ids(connection, budget)? {
            reader.take_id(id);
        }
    }
    Ok(reader.page)
}

/// The page of several scans by id. Each is read only as far as the page can reach into it.
fn merged(
    connection: &mut Connection,
    query: &HistoryQuery,
    scans: &[Scan<'_>],
    budget: &Budget,
    count: CountRows<'_>,
) -> Result<Page, StoreError> {
    let bounds = (0, query.offset.saturating_add(query.limit + 1));
    let count = count(0);
    if is_small_first_page(query)
        && let Some(page) = merged_small(connection, query, scans, budget, count)?
    {
        return Ok(page);
    }
    let mut ids: Vec<i64> = Vec::new();
    for scan in scans {
        ids.extend(Ids::new(scan, count, bounds).load_ids(connection, budget)?);
        budget.check()?;
    }
    ids.sort_unstable();
    if query.sort.descending() {
        ids.reverse();
    }
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(query.limit + 1).unwrap_or_default();
    items::page_of_ids(connection, query, ids.into_iter().skip(offset).take(limit).collect())
}

/// The same for a page of few rows: reading the items together with the ids saves a statement. `None` if the items are
/// too long.
fn merged_small(
    connection: &mut Connection,
    query: &HistoryQuery,
    scans: &[Scan<'_>],
    budget: &Budget,
    count: RowCount,
) -> Result<Option<Page>, StoreError> {
    let limit = usize::try_from(query.limit).unwrap_or_default();
    let mut bytes: Vec<u8> = Vec::with_capacity(items::expected_bytes(query.limit + 1));
    let mut rows: Vec<(i64, Range<usize>)> = Vec::with_capacity(limit + 1);
    for scan in scans {
        row_texts::for_each(connection, IdsAndItems::new(scan, count, (0, query.limit + 1)), |id, item| {
            count_passed_on(count, budget)?;
            let start = bytes.len();
            bytes.extend_from_slice(item);
            rows.push((id, start..bytes.len()));
            Ok(bytes.len() < PAGE_BYTES)
        })?;
        if bytes.len() >= PAGE_BYTES {
            return Ok(None);
        }
    }
    rows.sort_unstable_by_key(|(id, _)| *id);
    if query.sort.descending() {
        rows.reverse();
    }
    let mut page = Page { has_next: rows.len() > limit, ..Page::default() };
    page.items = Items::with_capacity(query.limit);
    for (_, range) in rows.into_iter().take(limit) {
        page.items.push(&bytes[range]);
    }
    Ok(Some(page))
}
