//! Plans a `HistoryQuery`: which scans find its page, and how they are combined; reads no item. The gateway plans
//! queries itself, because the database's own choice can be a thousand times slower.
//!
//! | the query names | the scans |
//! |---|---|
//! | a message id | that one message |
//! | an address | the messages of the recipients it resolves to; on PostgreSQL, a small first page takes one statement (`person_page`) |
//! | subjects | their messages between the window's ids |
//! | none of these, sorted by `messageId` | all messages between the window's ids |
//! | none of these, any other sort | all messages of the window, by time |
//!
//! Where there are blocks, queries of the last three kinds read these instead if they filter by kind, skip many messages,
//! or sort by another property, unless their subjects are rare. A page of all messages by id begins where the blocks say.

use diesel::prelude::*;

use crate::model::Property;
use crate::model::history::{HistoryQuery, Recipient};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::pinned::{self, IndexHint};
use crate::store::error::StoreError;
use crate::store::messages::blocks::by_id::{Reader, Start};
use crate::store::messages::blocks::{columns, ranges, selection};
use crate::store::messages::daily_counts::{self, WindowTotals};
use crate::store::messages::scan::{Scan, ScanTarget, Values, is_by_message_id, is_by_time};
use crate::store::messages::statement::CountRows;
use crate::store::recipients::resolve::{self, RecipientsQuery};
use crate::store::schema::messages;

/// Up to this number, the gateway merges scans; beyond it, the database sorts the rows.
const MAX_MERGED_SCANS: usize = 8;

/// Up to this limit, the items of a first page are read with the ids; beyond it, after the ids were found.
const MAX_SMALL_PAGE: i64 = 100;

/// The most days whose counts are read on an async thread.
const MAX_SMALL_WINDOW: i64 = 400;

/// How many rows a scan is expected to examine for each that has the requested kinds.
const EXPECTED_PER_MATCH: i64 = 8;

/// Up to how many rows an index that has the query's order is scanned, rather than the blocks.
const MAX_INDEX_ROWS: i64 = 1100;

/// The same for the index of subjects on a server, where each column of a block is a round trip, in rows of all subjects.
const MAX_SUBJECT_ROWS_ON_SERVER: i64 = 8800;

/// Up to this offset, blocks are merged by values.
const MAX_VALUE_OFFSET: i64 = 100_000;

/// Subjects are rare if a block has one message of theirs in more than so many: then their index is faster.
const RARE: usize = 256;

/// How to find a page.
pub enum QueryPlan<'q> {
    /// The page is empty: no message can match, or the offset is beyond the last one.
    Empty,
    /// A person's first page in one statement, which scans the messages of each recipient it resolves.
    Person(RecipientsQuery, Scan<'q>),
    /// One scan that is in the query's order, and how many of its messages come before the page.
    Ordered(Scan<'q>, i64),
    /// One scan whose rows are sorted by the database. Only ids are sorted; items are read only for the page.
    Sorted(Scan<'q>),
    /// Scans by id, which the gateway merges. For a small page, each reads the items too.
    Merged(Vec<Scan<'q>>),
    /// The blocks and the other messages between two ids.
    Blocks((i64, i64)),
}

/// Whether PostgreSQL finds the page in one statement (`CROSS JOIN LATERAL`).
pub fn takes_one_statement_on_server(query: &HistoryQuery) -> bool {
    let has_recipient = query.recipient.is_some() && query.message_id.is_none();
    has_recipient && is_by_message_id(query) && is_small_first_page(query)
}

/// Whether the page is the first, and short. Otherwise ids are found first, and items are read only for the page.
pub fn is_small_first_page(query: &HistoryQuery) -> bool {
    query.offset == 0 && query.limit <= MAX_SMALL_PAGE
}

/// Plans a query; fails if it is known in advance that it costs more than its budget.
pub fn plan<'q>(
    connection: &mut Connection,
    query: &'q HistoryQuery,
    budget: &Budget,
    count: CountRows<'_>,
) -> Result<QueryPlan<'q>, StoreError> {
    if query.window.from > query.window.to {
        return Ok(QueryPlan::Empty);
    }
    match (&query.recipient, query.message_id) {
        (Some(recipient), _) => plan_recipient(connection, query, recipient, budget),
        (None, Some(id)) => combine(query, vec![ScanTarget::Listed(Values::One(id))], budget),
        (None, None) => plan_window(connection, query, budget, count),
    }
}

/// Plans a query that names an address.
fn plan_recipient<'q>(
    connection: &mut Connection,
    query: &'q HistoryQuery,
    recipient: &Recipient,
    budget: &Budget,
) -> Result<QueryPlan<'q>, StoreError> {
    if connection.is_server()
        && takes_one_statement_on_server(query)
        && let Some(people) = RecipientsQuery::new(query.tenant(), recipient)
    {
        return Ok(QueryPlan::Person(people, Scan::new(query, ScanTarget::CurrentRecipient)));
    }
    let recipients = resolve::resolve(connection, query.tenant(), recipient, budget)?;
    if let Some(id) = query.message_id {
        let matches = recipient_of(connection, query, id)?.is_some_and(|found| recipients.contains(&found));
        let target = matches.then_some(ScanTarget::Listed(Values::One(id)));
        return combine(query, target.into_iter().collect(), budget);
    }
    let scans = recipients.chunks(values_per_scan(query, recipients.len()));
    let targets = scans.map(|list| ScanTarget::Recipients(Values::numbers(list))).collect();
    combine(query, targets, budget)
}

/// Plans a query that names neither an address nor a message.
fn plan_window<'q>(
    connection: &mut Connection,
    query: &'q HistoryQuery,
    budget: &Budget,
    count: CountRows<'_>,
) -> Result<QueryPlan<'q>, StoreError> {
    if reads_many_counts(query) {
        budget.expect_small(None)?;
    }
    let Some(totals) = daily_counts::of_window(connection, query)? else { return Ok(QueryPlan::Empty) };
    if query.offset >= totals.messages {
        return Ok(QueryPlan::Empty);
    }
    if is_by_message_id(query) && query.subjects().is_none() && !query.filters_kinds() {
        budget.expect_small(Some(query.limit + 1))?;
        let start = if begins_before_blocks(query, &totals) {
            Some(Start { bounds: totals.bounds, offset: query.offset })
        } else {
            Reader { connection, query, budget, count }.start(totals.bounds)?
        };
        let Some(start) = start else { return plan_blocks(query, &totals, budget) };
        let rows = start.offset.saturating_add(query.limit + 1);
        budget.expect_rows(rows.min(totals.messages))?;
        return Ok(QueryPlan::Ordered(Scan::new(query, ScanTarget::Ids(start.bounds)), start.offset));
    }
    if reads_blocks(connection, query, &totals, budget)? {
        return plan_blocks(query, &totals, budget);
    }
    budget.expect_rows(expected_rows(connection, query, &totals, budget)?)?;
    let targets = match query.subjects() {
        Some(subjects) => {
            let scans = subjects.chunks(values_per_scan(query, subjects.len()));
            scans.map(|list| ScanTarget::Subjects(Values::numbers(list), totals.bounds)).collect()
        }
        None if is_by_message_id(query) => vec![ScanTarget::Ids(totals.bounds)],
        None => vec![ScanTarget::Time],
    };
    combine(query, targets, budget)
}

/// The plan of a query that is answered from blocks. The items of a large page are read by their ids, each from
/// elsewhere.
fn plan_blocks<'q>(query: &HistoryQuery, totals: &WindowTotals, budget: &Budget) -> Result<QueryPlan<'q>, StoreError> {
    budget.expect_small((is_by_message_id(query) && query.limit <= MAX_SMALL_PAGE).then_some(query.limit + 1))?;
    Ok(QueryPlan::Blocks(totals.bounds))
}

/// Whether the first messages of a query's order, and so the page, have no blocks.
fn begins_before_blocks(query: &HistoryQuery, totals: &WindowTotals) -> bool {
    let is_in_newest = query.offset == 0 && query.sort.descending();
    totals.last_block.is_none_or(|last| is_in_newest && totals.bounds.1 > last)
}

/// Whether a query is answered from blocks, rather than from the index of its subjects, of the ids or of the time.
fn reads_blocks(
    connection: &mut Connection,
    query: &HistoryQuery,
    totals: &WindowTotals,
    budget: &Budget,
) -> Result<bool, StoreError> {
    let has_index = is_by_message_id(query) || (is_by_time(query) && query.subjects().is_none());
    let page = query.offset.saturating_add(query.limit + 1);
    if has_index && !query.filters_kinds() && page <= MAX_INDEX_ROWS {
        return Ok(false);
    }
    // Beyond it, reading the values of all messages that come before the page takes longer than one scan.
    let reads_values = !has_index && !is_by_time(query) && query.offset > MAX_VALUE_OFFSET;
    if reads_values || totals.last_block.is_none_or(|last| last < totals.bounds.0) {
        return Ok(false);
    }
    let (tenant, descending) = (query.tenant(), query.sort.descending());
    let first = ranges::first_block(connection, tenant, totals.bounds, descending, budget)?;
    let Some(block) = first else { return Ok(false) };
    // If the rows of the block are typical, an index scan examines so many.
    let examined = page.saturating_mul(block.messages) / selection::count_kinds(query, &block)?.max(1);
    if has_index && examined <= MAX_INDEX_ROWS {
        return Ok(false);
    }
    let Some(subjects) = query.subjects() else { return Ok(true) };
    budget.check()?;
    let ranks = columns::ranks(connection, tenant, &block, Property::SubjectId)?;
    let wanted = selection::wanted_subjects(&ranks, subjects);
    let found = ranks.ranks.iter().filter(|rank| wanted[usize::from(**rank)]).count();
    if found.saturating_mul(RARE) < ranks.ranks.len() {
        return Ok(false);
    }
    let scans_index = connection.is_server() && is_by_message_id(query) && examined <= MAX_SUBJECT_ROWS_ON_SERVER;
    Ok(!scans_index)
}

/// With few values, one scan for each gives rows in order; with many, one scan reads all, and the database sorts.
fn values_per_scan(query: &HistoryQuery, values: usize) -> usize {
    if is_by_message_id(query) && values <= MAX_MERGED_SCANS { 1 } else { values.max(1) }
}

/// The plan of scans; the page is known to be empty if there are none.
fn combine<'q>(
    query: &'q HistoryQuery,
    targets: Vec<ScanTarget>,
    budget: &Budget,
) -> Result<QueryPlan<'q>, StoreError> {
    let mut scans: Vec<Scan<'q>> = targets.into_iter().map(|target| Scan::new(query, target)).collect();
    // Of each scan, the page takes at most so many rows; where kinds are filtered, the scan rejects others on the way.
    let page = query.offset.saturating_add(query.limit + 1);
    let rejects = query.recipient.is_none() && query.filters_kinds();
    let page = if rejects { page.saturating_mul(EXPECTED_PER_MATCH) } else { page };
    let plan = match (scans.len(), scans.pop()) {
        (_, None) => QueryPlan::Empty,
        (1, Some(only)) if only.is_in_order => QueryPlan::Ordered(only, query.offset),
        (1, Some(only)) => QueryPlan::Sorted(only),
        (_, Some(last)) => {
            scans.push(last);
            QueryPlan::Merged(scans)
        }
    };
    budget.expect_small(match &plan {
        QueryPlan::Empty => Some(0),
        QueryPlan::Ordered(..) => Some(page),
        QueryPlan::Merged(scans) => {
            let scans = i64::try_from(scans.len()).unwrap_or(i64::MAX);
            let items = if is_small_first_page(query) { 0 } else { query.limit };
            Some(page.saturating_mul(scans).saturating_add(items))
        }
        _ => None,
    })?;
    Ok(plan)
}

/// Whether planning may read the counts of more days than an async thread should wait for: those of a long window, or,
/// where a kind is not named by its channel type and direction, those of all days.
fn reads_many_counts(query: &HistoryQuery) -> bool {
    let names_kinds = !query.channel_types.is_empty() && query.direction.is_some();
    query.window.days() > MAX_SMALL_WINDOW || (query.filters_kinds() && !names_kinds)
}

/// The recipient of a message, if the message is in the window.
fn recipient_of(connection: &mut Connection, query: &HistoryQuery, id: i64) -> Result<Option<i64>, StoreError> {
    let recipient = messages::table
        .filter(messages::tenant_id.eq(query.tenant().0).and(messages::message_id.eq(id)))
        .filter(pinned::sent_at(IndexHint::None).between(query.window.from.0, query.window.to.0))
        .select(messages::recipient_id)
        .first(connection)
        .optional()?;
    Ok(recipient)
}

/// An estimate, from the daily counts, of how many messages the scans examine. On SQLite it may be too low: a query
/// that turns out to be expensive is stopped while it runs.
fn expected_rows(
    connection: &mut Connection,
    query: &HistoryQuery,
    totals: &WindowTotals,
    budget: &Budget,
) -> Result<i64, StoreError> {
    let page = query.offset.saturating_add(query.limit + 1);
    let is_filtered = query.filters_kinds();
    // On SQLite, rows are counted while they are examined, so a query that may be cheap can be tried as a cheap one.
    let counts_rows_while_running = !connection.is_server();
    if !is_by_message_id(query) {
        return Ok(match query.subjects() {
            None if is_by_time(query) => page.min(totals.messages),
            Some(_) if counts_rows_while_running => 0,
            _ => totals.messages,
        });
    }
    if counts_rows_while_running || query.subjects().is_some() || !is_filtered || budget.allows_rows(totals.messages) {
        return Ok(page.min(totals.messages));
    }
    // As many as it takes to find a page of matching messages, if these are evenly distributed.
    let matching = i128::from(daily_counts::matching(connection, query)?.max(1));
    let examined = i128::from(totals.messages) * i128::from(page) / matching;
    Ok(i64::try_from(examined).unwrap_or(i64::MAX).min(totals.messages))
}
