//! Finds the page of a `HistoryQuery` by running its plan; knows no index.

use diesel::prelude::*;

use crate::model::history::HistoryQuery;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::explain::{self, Messages, RowCounter, explain};
use crate::store::error::StoreError;
use crate::store::messages::items::{self, Found};
use crate::store::messages::plan::{self, QueryPlan, is_small_first_page};
use crate::store::messages::scan::Scan;
use crate::store::parts::PAGE_BYTES;
use crate::store::recipients::person_page::PersonPage;
use crate::store::recipients::resolve::RecipientsQuery;
use crate::store::schema::messages;

/// The rendered items of a page, and whether another message follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub items: Vec<String>,
    /// The ids of the page's other messages, if the items are so long that no more were read.
    pub rest: Vec<i64>,
    pub has_next: bool,
}

/// Starts a statement about messages.
type NewStatement<'s, 'q> = &'s dyn Fn() -> Messages<'q>;

/// The page of a query, read from one snapshot of the store; fails if it costs more than its budget.
pub fn page(connection: &mut Connection, query: &HistoryQuery, budget: &Budget) -> Result<Page, StoreError> {
    let is_server = connection.is_server();
    page_from(connection, query, budget, &|| explain::messages(is_server))
}

/// The same page, and the exact number of message rows that were examined to find it.
///
/// For tests and benchmarks: counting costs a call for each row.
pub fn page_counted(connection: &mut Connection, query: &HistoryQuery) -> Result<(Page, u64), StoreError> {
    let counter = RowCounter::start(connection)?;
    let page = page_from(connection, query, &Budget::default(), &|| counter.messages())?;
    Ok((page, counter.rows(connection)?))
}

/// The database's own plan of each statement that finds the page.
pub fn database_plan(connection: &mut Connection, query: &HistoryQuery) -> Result<Vec<String>, StoreError> {
    let scans = match plan::plan(connection, query, &Budget::default())? {
        QueryPlan::Empty => Vec::new(),
        QueryPlan::Person(people, scan) => {
            let page = person_page(query, people, &scan, messages::table.into_boxed());
            return explain(connection, page);
        }
        QueryPlan::Ordered(scan) | QueryPlan::Sorted(scan) => vec![scan],
        QueryPlan::Merged(scans) => scans,
    };
    let mut plan = Vec::new();
    for scan in scans {
        let statement = scan.statement(messages::table.into_boxed(), (query.offset, query.limit + 1));
        if scan.is_in_order {
            plan.extend(explain(connection, statement.select(messages::item))?);
        } else {
            plan.extend(explain(connection, statement.select(messages::message_id))?);
        }
    }
    Ok(plan)
}

fn page_from<'q>(
    connection: &mut Connection,
    query: &'q HistoryQuery,
    budget: &Budget,
    start: NewStatement<'_, 'q>,
) -> Result<Page, StoreError> {
    // One message more than the page has shows whether there is a next page.
    let limit = query.limit + 1;
    let found = match plan::plan(connection, query, budget)? {
        QueryPlan::Empty => Vec::new(),
        QueryPlan::Person(people, scan) => {
            let rows: Vec<(i64, String)> = person_page(query, people, &scan, start()).load(connection)?;
            rows.into_iter().map(|(id, item)| (id, Some(item))).collect()
        }
        QueryPlan::Ordered(scan) => ordered(connection, &scan, (query.offset, limit), start)?,
        QueryPlan::Sorted(scan) => {
            let ids = scan.statement(start(), (query.offset, limit)).select(messages::message_id).load(connection)?;
            items::of_ids(connection, query, ids)?
        }
        QueryPlan::Merged(scans) => merged(connection, query, &scans, budget, start)?,
    };
    Ok(page_of(query, found))
}

/// The statement that finds a person's page.
fn person_page<'q>(
    query: &HistoryQuery,
    people: RecipientsQuery,
    scan: &Scan<'q>,
    start: Messages<'q>,
) -> PersonPage<'q> {
    let limit = query.limit + 1;
    let per_recipient = scan.statement(start, (0, limit)).select((messages::message_id, messages::item));
    PersonPage { people, per_recipient, descending: query.sort.descending(), limit }
}

/// The page of a scan that is in the query's order.
fn ordered<'q>(
    connection: &mut Connection,
    scan: &Scan<'q>,
    (offset, limit): (i64, i64),
    start: NewStatement<'_, 'q>,
) -> Result<Found, StoreError> {
    let (mut found, is_cut) = {
        let rows = scan.statement(start(), (offset, limit)).select((messages::message_id, messages::item));
        items::read(rows.load_iter::<(i64, String), _>(connection)?)?
    };
    if is_cut {
        let read = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let rest = scan.statement(start(), (offset.saturating_add(read), limit - read)).select(messages::message_id);
        found.extend(rest.load::<i64>(connection)?.into_iter().map(|id| (id, None)));
    }
    Ok(found)
}

/// The page of several scans by id. Each is read only as far as the page can reach into it.
fn merged<'q>(
    connection: &mut Connection,
    query: &'q HistoryQuery,
    scans: &[Scan<'q>],
    budget: &Budget,
    start: NewStatement<'_, 'q>,
) -> Result<Found, StoreError> {
    let bounds = (0, query.offset.saturating_add(query.limit + 1));
    let limit = usize::try_from(query.limit + 1).unwrap_or_default();
    if is_small_first_page(query) {
        // With few rows, reading the items together with the ids saves a statement.
        let (mut rows, mut is_cut) = (Vec::new(), false);
        for scan in scans {
            let statement = scan.statement(start(), bounds).select((messages::message_id, messages::item));
            let (read, cut) = items::read(statement.load_iter::<(i64, String), _>(connection)?)?;
            is_cut |= cut;
            rows.extend(read);
        }
        if !is_cut {
            rows.sort_unstable_by_key(|(id, _)| *id);
            if query.sort.descending() {
                rows.reverse();
            }
            rows.truncate(limit);
            return Ok(rows);
        }
    }
    let mut ids: Vec<i64> = Vec::new();
    for scan in scans {
        ids.extend(scan.statement(start(), bounds).select(messages::message_id).load::<i64>(connection)?);
        budget.check()?;
    }
    ids.sort_unstable();
    if query.sort.descending() {
        ids.reverse();
    }
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    items::of_ids(connection, query, ids.into_iter().skip(offset).take(limit).collect())
}

/// Makes the page from the messages found, of which there may be one more than requested.
fn page_of(query: &HistoryQuery, mut found: Found) -> Page {
    let limit = usize::try_from(query.limit).unwrap_or_default();
    let has_next = found.len() > limit;
    found.truncate(limit);
    let mut page = Page { has_next, ..Page::default() };
    let mut bytes = 0;
    for (id, item) in found {
        match item {
            Some(item) if page.rest.is_empty() && bytes < PAGE_BYTES => {
                bytes += item.len();
                page.items.push(item);
            }
            _ => page.rest.push(id),
        }
    }
    page
}
