//! Answers a `HistoryQuery` with one page; chooses the walk itself, because the database's own choice can be a
//! thousand times slower.
//!
//! | the query names | the walk | index |
//! |---|---|---|
//! | a message id | that one message | primary key |
//! | a recipient | the messages of its recipients, by id; on a server in one statement (`person`) | `messages_by_recipient` |
//! | subjects | their messages between the window's ids | `messages_by_subject` |
//! | neither, sorted by `messageId` | all messages between the window's ids | primary key |
//! | neither, any other sort | all messages of the window, by time | `messages_by_time` |
//!
//! `column + 0` takes a column's index out of the database's choice, so each statement has one index left
//! (`fragments::Pinned`).

use diesel::prelude::*;

use crate::model::Property;
use crate::model::history::{HistoryQuery, SortKey};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::db::explain::{self, Counting, Messages, explain};
use crate::store::db::fragments::{self, Along, any_of};
use crate::store::db::text::{all_kept, kept};
use crate::store::error::StoreError;
use crate::store::messages::daily_counts::{self, Days};
use crate::store::messages::items::{self, Found};
use crate::store::messages::order::OrderBy;
use crate::store::parts::PAGE_BYTES;
use crate::store::recipients::people::{self, People};
use crate::store::recipients::person::{EachFound, PersonPage};
use crate::store::schema::messages;

/// How many walks are merged here rather than sorted there.
const MERGED_WALKS: usize = 8;

/// Up to how many messages a page's items are read from each walk rather than fetched once their order is known.
const SMALL_PAGE: i64 = 100;

/// Rendered items, and whether a message follows the last of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub items: Vec<String>,
    /// The messages that follow the items, where these are so long that no more were read.
    pub rest: Vec<i64>,
    pub has_next: bool,
}

/// Begins a statement about messages.
type Start<'s, 'a> = &'s dyn Fn() -> Messages<'a>;

/// Which messages a statement looks at, in what order.
#[derive(Clone, Debug)]
enum Walk {
    One(i64),
    Recipients(Vec<i64>),
    /// One recipient at a time of those that the statement around it finds.
    EachFound,
    Subjects(Vec<i64>, (i64, i64)),
    Ids((i64, i64)),
    Time,
}

/// The page that a query asks for, read from one state of the store; fails where it costs more than its budget.
pub fn page(connection: &mut Connection, query: &HistoryQuery, budget: &Budget) -> Result<Page, StoreError> {
    let is_server = connection.is_server();
    page_from(connection, query, budget, &|| explain::messages(is_server))
}

/// The same page, and the exact number of message rows that were looked at to find it.
///
/// For tests and benchmarks: the counting costs a call for each row.
pub fn page_counted(connection: &mut Connection, query: &HistoryQuery) -> Result<(Page, u64), StoreError> {
    let counting = Counting::start(connection)?;
    let page = page_from(connection, query, &Budget::default(), &|| counting.messages())?;
    Ok((page, counting.rows(connection)?))
}

/// How the database would run each statement that looks for the page, in its own words.
pub fn plan(connection: &mut Connection, query: &HistoryQuery) -> Result<Vec<String>, StoreError> {
    let mut plan = Vec::new();
    for walk in walks(connection, query, &Budget::default())? {
        let statement = ordered(query, &walk, messages::table.into_boxed(), (query.offset, query.limit + 1));
        if gives_the_order(&walk, query) {
            plan.extend(explain(connection, statement.select(messages::item))?);
        } else {
            plan.extend(explain(connection, statement.select(messages::message_id))?);
        }
    }
    Ok(plan)
}

fn page_from<'a>(
    connection: &mut Connection,
    query: &'a HistoryQuery,
    budget: &Budget,
    start: Start<'_, 'a>,
) -> Result<Page, StoreError> {
    if let Some(people) = people_in_one_statement(connection, query) {
        let walk = Walk::EachFound;
        let of_each =
            ordered(query, &walk, start(), (0, query.limit + 1)).select((messages::message_id, messages::item));
        let page = PersonPage { people, of_each, descending: descending(query), limit: query.limit + 1 };
        let rows: Vec<(i64, String)> = page.load(connection)?;
        return Ok(page_of(query, rows.into_iter().map(|(id, item)| (id, Some(item))).collect()));
    }
    let walks = walks(connection, query, budget)?;
    let page = (query.offset, query.limit + 1);
    let found = match walks.as_slice() {
        [] => Vec::new(),
        [only] if gives_the_order(only, query) => in_order(connection, query, only, start)?,
        [only] => {
            // Only ids go through the sorter; the items, which are long, are fetched for the page alone.
            let ids = ordered(query, only, start(), page).select(messages::message_id).load(connection)?;
            items::of_ids(connection, query, ids)?
        }
        several => merged(connection, query, several, budget, start)?,
    };
    Ok(page_of(query, found))
}

/// A page that a walk gives in its order.
fn in_order<'a>(
    connection: &mut Connection,
    query: &'a HistoryQuery,
    walk: &Walk,
    start: Start<'_, 'a>,
) -> Result<Found, StoreError> {
    let statement = |page| ordered(query, walk, start(), page);
    let page = (query.offset, query.limit + 1);
    let (mut found, is_cut) = {
        let rows = statement(page).select((messages::message_id, messages::item));
        items::read(rows.load_iter::<(i64, String), _>(connection)?)?
    };
    if is_cut {
        let read = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let rest = statement((page.0.saturating_add(read), page.1 - read)).select(messages::message_id);
        found.extend(rest.load::<i64>(connection)?.into_iter().map(|id| (id, None)));
    }
    Ok(found)
}

/// The page of one message more than is asked for, if there are so many.
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

/// Whether one statement finds the page where statements can do what a server's can.
pub fn is_one_statement(query: &HistoryQuery) -> bool {
    let names_a_person = query.recipient.is_some() && query.message_id.is_none();
    names_a_person && by_message_id(query) && is_small(query)
}

/// Whether the page is short and the first. Else ids are found first, and items fetched for the page alone.
fn is_small(query: &HistoryQuery) -> bool {
    query.offset == 0 && query.limit <= SMALL_PAGE
}

fn people_in_one_statement(connection: &Connection, query: &HistoryQuery) -> Option<People> {
    let asked = query.recipient.as_ref().filter(|_| connection.is_server() && is_one_statement(query))?;
    People::new(query.tenant(), asked)
}

/// How to find a query's messages; no walk at all where it is known that there are none.
fn walks(connection: &mut Connection, query: &HistoryQuery, budget: &Budget) -> Result<Vec<Walk>, StoreError> {
    if query.window.from > query.window.to {
        return Ok(Vec::new());
    }
    // A walk for each of a few gives them in order; more of them are sorted by the database.
    let parts = |count: usize| if by_message_id(query) && count <= MERGED_WALKS { 1 } else { count.max(1) };
    if let Some(recipient) = &query.recipient {
        let recipients = people::resolve(connection, query.tenant(), recipient)?;
        if let Some(id) = query.message_id {
            let of_message: Option<i64> = messages::table
                .filter(messages::tenant_id.eq(query.tenant().0).and(messages::message_id.eq(id)))
                .filter(fragments::sent_at(Along::Nothing).between(query.window.from.0, query.window.to.0))
                .select(messages::recipient_id)
                .first(connection)
                .optional()?;
            let is_theirs = of_message.is_some_and(|recipient| recipients.contains(&recipient));
            return Ok(is_theirs.then_some(Walk::One(id)).into_iter().collect());
        }
        return Ok(recipients.chunks(parts(recipients.len())).map(|part| Walk::Recipients(part.to_vec())).collect());
    }
    if let Some(id) = query.message_id {
        return Ok(vec![Walk::One(id)]);
    }
    let Some(days) = daily_counts::of_window(connection, query)? else { return Ok(Vec::new()) };
    if query.offset >= days.messages {
        return Ok(Vec::new());
    }
    budget.expect_rows(least_rows(connection, query, &days, budget)?)?;
    let bounds = days.bounds;
    Ok(match query.subjects() {
        Some(subjects) => {
            subjects.chunks(parts(subjects.len())).map(|part| Walk::Subjects(part.to_vec(), bounds)).collect()
        }
        None if by_message_id(query) => vec![Walk::Ids(bounds)],
        None => vec![Walk::Time],
    })
}

/// How many messages are looked at, as far as the counts tell before any is.
fn least_rows(
    connection: &mut Connection,
    query: &HistoryQuery,
    days: &Days,
    budget: &Budget,
) -> Result<i64, StoreError> {
    let page = query.offset.saturating_add(query.limit + 1);
    let is_filtered = query.filters_kinds();
    // A file's rows are counted as they are looked at, so nothing that may be cheap need be taken for expensive.
    let is_counted = !connection.is_server();
    if !by_message_id(query) {
        let in_order = query.subjects().is_none() && gives_the_order(&Walk::Time, query);
        return Ok(match (in_order, query.subjects()) {
            (true, _) => page.min(days.messages),
            (false, Some(_)) if is_counted => 0,
            _ => days.messages,
        });
    }
    if is_counted || query.subjects().is_some() || !is_filtered || budget.covers(days.messages) {
        return Ok(page.min(days.messages));
    }
    // As many as it takes to meet a page of those that match, where they lie evenly.
    let matching = i128::from(daily_counts::matching(connection, query)?.max(1));
    let looked_at = i128::from(days.messages) * i128::from(page) / matching;
    Ok(i64::try_from(looked_at).unwrap_or(i64::MAX).min(days.messages))
}

fn descending(query: &HistoryQuery) -> bool {
    query.sort.keys().iter().any(|key| key.descending)
}

fn by_message_id(query: &HistoryQuery) -> bool {
    matches!(query.sort.keys(), [SortKey { property: Property::MessageId, .. }])
}

/// Whether a walk gives its messages in the order that was asked for, so that nothing need be sorted.
fn gives_the_order(walk: &Walk, query: &HistoryQuery) -> bool {
    match walk {
        Walk::One(_) | Walk::EachFound => true,
        Walk::Recipients(list) | Walk::Subjects(list, _) => list.len() == 1 && by_message_id(query),
        Walk::Ids(_) => by_message_id(query),
        Walk::Time => match query.sort.keys() {
            [time, id] => time.property == Property::SentOrReceivedAt && time.descending == id.descending,
            _ => false,
        },
    }
}

/// Whose order the answer's is.
fn order_of(walk: &Walk, query: &HistoryQuery) -> Along {
    match walk {
        _ if !gives_the_order(walk, query) => Along::Nothing,
        Walk::Recipients(_) | Walk::EachFound | Walk::Subjects(..) => Along::List,
        Walk::One(_) | Walk::Ids(_) => Along::Ids,
        Walk::Time => Along::Time,
    }
}

/// `SELECT … FROM messages WHERE … ORDER BY … LIMIT … OFFSET …`, its columns still to be named.
fn ordered<'a>(query: &'a HistoryQuery, walk: &Walk, start: Messages<'a>, page: (i64, i64)) -> Messages<'a> {
    statement(query, walk, start)
        .order(OrderBy::new(query.sort.clone(), order_of(walk, query)))
        .offset(page.0)
        .limit(page.1)
}

/// The messages of a walk that a query asks for.
fn statement<'a>(query: &'a HistoryQuery, walk: &Walk, start: Messages<'a>) -> Messages<'a> {
    let mut found = start.filter(messages::tenant_id.eq(query.tenant().0));
    let (from, to) = (query.window.from.0, query.window.to.0);
    found = found.filter(fragments::sent_at(Along::Nothing).between(from, to));
    found = match walk {
        Walk::One(id) => found.filter(messages::message_id.eq(*id)),
        Walk::Recipients(list) => match list.as_slice() {
            [only] => found.filter(messages::recipient_id.eq(*only)),
            list => found.filter(any_of(messages::recipient_id, list)),
        },
        Walk::EachFound => found.filter(EachFound),
        Walk::Subjects(list, (least, greatest)) => match list.as_slice() {
            [only] => found.filter(messages::subject_id.eq(*only)),
            list => found.filter(any_of(messages::subject_id, list)),
        }
        .filter(fragments::message_id(Along::List).between(*least, *greatest)),
        Walk::Ids((least, greatest)) => found.filter(messages::message_id.between(*least, *greatest)),
        Walk::Time => found.filter(fragments::sent_at(Along::Time).between(from, to)),
    };
    if let (Some(subjects), Walk::One(_) | Walk::Recipients(_) | Walk::EachFound) = (query.subjects(), walk) {
        found = match subjects {
            [only] => found.filter(fragments::subject_id().eq(*only)),
            several => found.filter(any_of(fragments::subject_id(), several)),
        };
    }
    found = match query.channel_types.as_slice() {
        [] => found,
        [only] => found.filter(messages::channel_type.eq(kept(only))),
        several => found.filter(any_of(messages::channel_type, &all_kept(several))),
    };
    if let Some(direction) = query.direction {
        found = found.filter(messages::direction.eq(direction.word()));
    }
    match query.traffic_types.as_slice() {
        [] => found,
        [only] => found.filter(messages::traffic_type.eq(kept(only))),
        several => found.filter(any_of(messages::traffic_type, &all_kept(several))),
    }
}

/// The page of several walks by id, each of which is read as far as the page can reach into it.
fn merged<'a>(
    connection: &mut Connection,
    query: &'a HistoryQuery,
    walks: &[Walk],
    budget: &Budget,
    start: Start<'_, 'a>,
) -> Result<Found, StoreError> {
    let reach = (0, query.offset.saturating_add(query.limit + 1));
    let descending = descending(query);
    let skipped = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let taken = usize::try_from(query.limit + 1).unwrap_or_default();
    let statements = || walks.iter().map(|walk| ordered(query, walk, start(), reach));
    if is_small(query) {
        // Each walk's first rows may be the page: one look at each is less than two, where they are few.
        let (mut rows, mut is_cut) = (Vec::new(), false);
        for statement in statements() {
            let statement = statement.select((messages::message_id, messages::item));
            let (read, cut) = items::read(statement.load_iter::<(i64, String), _>(connection)?)?;
            is_cut |= cut;
            rows.extend(read);
        }
        if !is_cut {
            rows.sort_unstable_by_key(|(id, _)| *id);
            if descending {
                rows.reverse();
            }
            rows.truncate(taken);
            return Ok(rows);
        }
    }
    let mut ids: Vec<i64> = Vec::new();
    for statement in statements() {
        ids.extend(statement.select(messages::message_id).load::<i64>(connection)?);
        budget.check()?;
    }
    ids.sort_unstable();
    if descending {
        ids.reverse();
    }
    let page = ids.into_iter().skip(skipped).take(taken).collect();
    items::of_ids(connection, query, page)
}
