//! One page of a walk: merges the streams of a query in the order of ids, until the page is full, the messages are at
//! their end, or the budget is; knows no SQL.

use std::time::Instant;

use crate::model::MessageQuery;
use crate::model::history::Window;
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::explain::{RowCounter, explain};
use crate::store::db::fragments::InList;
use crate::store::db::pinned::RowCount;
use crate::store::error::StoreError;
use crate::store::messages::items::Items;
use crate::store::messages::walk::condition::{ColumnFilters, ItemFilters, window};
use crate::store::messages::walk::people::{self, People};
use crate::store::messages::walk::result::{WalkLimits, WalkPage};
use crate::store::messages::walk::searched;
use crate::store::messages::walk::source::{Index, Source, sources};
use crate::store::messages::walk::statement::NextMessages;
use crate::store::messages::walk::stream::{ReadItem, Shared, Stream, ids_left};
use crate::store::messages::{daily_counts, partitions, single_item};

/// What a walk reads, as planned.
struct Plan {
    people: People,
    sources: Vec<Source>,
    filters: ColumnFilters,
    ids: (i64, i64),
    times: Option<Window>,
}

/// The page of a query, read from one snapshot of the store; fails if it costs more than its budget.
pub fn page(
    connection: &mut Connection,
    query: &MessageQuery,
    limits: WalkLimits,
    budget: &Budget,
) -> Result<WalkPage, StoreError> {
    let Some(plan) = plan(connection, query, budget)? else { return Ok(empty(query)) };
    match &query.filters.text {
        Some(search) if !plan.has_few_messages() => {
            searched::page(connection, query, (search, plan.people, plan.ids), (limits, budget))
        }
        _ => walk(connection, query, plan, (limits, budget, RowCount::None)),
    }
}

/// The page without the text index, and the exact number of message rows that were examined to find it: for tests and
/// benchmarks.
pub fn page_counted(
    connection: &mut Connection,
    query: &MessageQuery,
    limits: WalkLimits,
) -> Result<(WalkPage, u64), StoreError> {
    let counter = RowCounter::start(connection)?;
    let budget = Budget::default();
    let page = match plan(connection, query, &budget)? {
        Some(plan) => walk(connection, query, plan, (limits, &budget, counter.row_count()))?,
        None => empty(query),
    };
    Ok((page, counter.rows(connection)?))
}

/// The database's own plan of each statement that reads the first messages: for tests.
pub fn database_plan(connection: &mut Connection, query: &MessageQuery) -> Result<Vec<String>, StoreError> {
    let Some(plan) = plan(connection, query, &Budget::default())? else { return Ok(Vec::new()) };
    let mut steps = Vec::new();
    for source in &plan.sources {
        let statement = NextMessages {
            tenant: query.tenant(),
            source,
            listed: InList::new(&query.filters.message_ids),
            filters: &plan.filters,
            ids: plan.ids,
            times: plan.times,
            descending: query.descending,
            limit: query.limit + 1,
            count: RowCount::None,
        };
        steps.extend(explain(connection, statement)?);
    }
    Ok(steps)
}

fn empty(query: &MessageQuery) -> WalkPage {
    let national = query.position.as_ref().map(|position| position.national.clone()).unwrap_or_default();
    WalkPage { complete: true, national, ..WalkPage::default() }
}

/// Plans a query; `None` if no message can match.
fn plan(connection: &mut Connection, query: &MessageQuery, budget: &Budget) -> Result<Option<Plan>, StoreError> {
    let window = window(query);
    if window.is_some_and(|window| window.from > window.to) {
        return Ok(None);
    }
    let people = people::resolve(connection, query, budget)?;
    let sources = sources(query, people.recipients.as_deref());
    let mut ids = (i64::MIN, i64::MAX);
    let mut times = window.map(partitions::times_of_partitions);
    if let Some(window) = window {
        match daily_counts::ids_of_window(connection, query.tenant(), window)? {
            Some(bounds) => ids = bounds,
            None => return Ok(Some(Plan::empty(people, query))),
        }
    } else if let [Source::Ids(listed)] = sources.as_slice() {
        // On PostgreSQL, an id that may be in any partition is looked up in all of them.
        let range = (listed.first().copied().unwrap_or_default(), listed.last().copied().unwrap_or_default());
        times = daily_counts::of_ids(connection, query.tenant(), range)?.map(partitions::times_of_partitions);
    }
    let filters = ColumnFilters::new(query, people.recipients.as_deref(), sources.first().and_then(Source::index));
    let (ids, is_filtered) = (ids_left(query, ids), !filters.is_empty() || !ItemFilters::new(query).is_empty());
    budget.expect_small(expected_rows(query, &sources, is_filtered))?;
    Ok(Some(Plan { people, sources, filters, ids, times }))
}

/// How many rows a page is expected to examine; `None` if it may be any number.
fn expected_rows(query: &MessageQuery, sources: &[Source], is_filtered: bool) -> Option<i64> {
    let streams = i64::try_from(sources.len()).unwrap_or(i64::MAX);
    match sources {
        [Source::All] if is_filtered => None,
        _ if is_filtered => Some(query.limit.saturating_mul(4).saturating_add(streams)),
        _ => Some((query.limit + 1).saturating_add(streams.saturating_mul(2))),
    }
}

impl Plan {
    /// Whether its sources have so few messages that reading them takes less time than the text index.
    fn has_few_messages(&self) -> bool {
        let is_few = |source: &Source| match source {
            Source::Ids(_) => true,
            source => matches!(source.index(), Some(Index::Comment | Index::Recipient)),
        };
        self.sources.iter().all(is_few)
    }

    /// The plan of a query that no message matches.
    fn empty(people: People, query: &MessageQuery) -> Self {
        let filters = ColumnFilters::new(query, None, None);
        Self { people, sources: Vec::new(), filters, ids: (0, 0), times: None }
    }
}

fn walk(
    connection: &mut Connection,
    query: &MessageQuery,
    plan: Plan,
    (limits, budget, count): (WalkLimits, &Budget, RowCount),
) -> Result<WalkPage, StoreError> {
    let (started, limit) = (Instant::now(), usize::try_from(query.limit).unwrap_or_default());
    let shared = Shared {
        tenant: query.tenant(),
        filters: &plan.filters,
        times: plan.times,
        descending: query.descending,
        count,
    };
    let item_filters = ItemFilters::new(query);
    let at_once = match i64::try_from(plan.sources.len()).unwrap_or(i64::MAX) {
        0 | 1 => query.limit + 1,
        streams => (query.limit + 1) / streams + 2,
    };
    let mut streams: Vec<Stream> =
        plan.sources.into_iter().map(|source| Stream::new(source, plan.ids, at_once)).collect();
    let mut page = WalkPage { items: Items::with_capacity(query.limit), complete: true, ..WalkPage::default() };
    page.national = plan.people.national;
    let (mut rows, mut last) = (0, None);
    loop {
        for stream in &mut streams {
            // Of listed ids, none of the next ones may exist.
            while stream.must_read() {
                // A page gets ahead before it ends early, or a walk would not end.
                if last.is_some() && (rows >= limits.rows || started.elapsed() >= limits.time) {
                    return Ok(page.cut(last));
                }
                rows += stream.read(connection, &shared, (limits.rows.saturating_sub(rows), budget))?;
            }
        }
        let with_next = streams.iter_mut().filter(|stream| stream.next_id().is_some());
        let next = if query.descending {
            with_next.max_by_key(|stream| stream.next_id())
        } else {
            with_next.min_by_key(|stream| stream.next_id())
        };
        // A stream without a next message is at its end.
        let Some(read) = next.and_then(Stream::take) else { return Ok(page) };
        // Searching in a long text takes a while.
        if query.filters.text.is_some() && last.is_some() && started.elapsed() >= limits.time {
            return Ok(page.cut(last));
        }
        let item = match read.item {
            ReadItem::NoMatch => None,
            ReadItem::Text(item) => Some(item),
            ReadItem::Long => single_item(connection, query.tenant(), read.id)?,
        };
        if let Some(item) = item.map_or(Ok(None), |item| item_filters.accept(item))?
            && !page.take(read.id, &item, limit)
        {
            return Ok(page);
        }
        last = Some(read.id);
    }
}
