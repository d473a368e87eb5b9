//! Brings the text index of a tenant forward: first all messages in the order of their ids, then what changes; knows no
//! search.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use crate::model::search::{fields_of, index_terms};
use crate::model::{Instant, Item, TenantId};
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::messages::{item, octet_length};
use crate::store::schema::{message_changes, messages, search_states};
use crate::store::search::message_terms::MessageTerms;
use crate::store::search::term_tables;
use crate::store::search::{self, StoredState};
use crate::store::{Connection, changes};

/// How many bytes of messages one step indexes at most, unless it is a single one: other writers wait that long.
const MAX_BYTES: i64 = 256 * 1024;

/// How much of the index one step has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How many messages were looked at.
    pub messages: u64,
    /// Whether more is left; `false` also if another process is indexing the tenant.
    pub is_behind: bool,
}

/// Indexes the next messages of a tenant, at most `limit`. Does nothing while another
/// process indexes the tenant.
pub fn step(connection: &mut Connection, tenant: TenantId, limit: i64, now: Instant) -> Result<Step, StoreError> {
    let changes = changes::state(connection, tenant)?;
    let Some(state) = search::lock(connection, tenant)? else {
        if search::stored(connection, tenant)?.is_none() {
            search::begin(connection, tenant, changes)?;
            return Ok(Step { messages: 0, is_behind: true });
        }
        return Ok(Step::default());
    };
    let step = match state.built_up_to {
        Some(after) => Some(build(connection, tenant, (state, after), limit)?),
        None => follow(connection, tenant, state, (changes.last, limit))?,
    };
    let Some((next, indexed)) = step else {
        search::begin(connection, tenant, changes)?;
        return Ok(Step { messages: 0, is_behind: true });
    };
    let is_complete = next.built_up_to.is_none() && next.indexed_up_to == changes.last;
    let complete_at = if is_complete { Some(now.0) } else { state.complete_at };
    diesel::update(search_states::table.find(tenant.0))
        .set((
            search_states::indexed_up_to.eq(next.indexed_up_to),
            search_states::built_up_to.eq(next.built_up_to),
            search_states::complete_at.eq(complete_at),
        ))
        .execute(connection)?;
    Ok(Step { messages: indexed, is_behind: !is_complete })
}

/// Indexes the messages after an id.
fn build(
    connection: &mut Connection,
    tenant: TenantId,
    (state, after): (StoredState, i64),
    limit: i64,
) -> Result<(StoredState, u64), StoreError> {
    let of_tenant = || messages::table.filter(messages::tenant_id.eq(tenant.0));
    let lengths: Vec<(i64, i32)> = of_tenant()
        .filter(messages::message_id.gt(after))
        .order(messages::message_id)
        .limit(limit)
        .select((messages::message_id, octet_length(messages::item)))
        .load(connection)?;
    let read = fitting(&lengths).min(lengths.len());
    let Some((last, _)) = lengths[..read].last() else {
        return Ok((StoredState { built_up_to: None, ..state }, 0));
    };
    let texts: Vec<String> = of_tenant()
        .filter(messages::message_id.gt(after).and(messages::message_id.le(*last)))
        .order(messages::message_id)
        .select(messages::item)
        .load(connection)?;
    let items = parse(&texts, tenant);
    term_tables::write(connection, tenant, &items.iter().map(terms_of).collect::<Vec<_>>(), &[])?;
    Ok((StoredState { built_up_to: Some(*last), ..state }, read as u64))
}

/// Indexes the messages that have changed since; `None` if some of these changes are not known any more.
fn follow(
    connection: &mut Connection,
    tenant: TenantId,
    state: StoredState,
    (last_change, limit): (i64, i64),
) -> Result<Option<(StoredState, u64)>, StoreError> {
    if state.indexed_up_to == last_change {
        return Ok(Some((state, 0)));
    }
    let changed: Vec<(i64, i64)> = message_changes::table
        .filter(message_changes::tenant_id.eq(tenant.0).and(message_changes::sequence.gt(state.indexed_up_to)))
        .order(message_changes::sequence)
        .limit(limit)
        .select((message_changes::sequence, message_changes::message_id))
        .load(connection)?;
    if changed.first().is_none_or(|(sequence, _)| *sequence != state.indexed_up_to + 1) {
        return Ok(None);
    }
    let of_tenant = || messages::table.filter(messages::tenant_id.eq(tenant.0));
    let all: BTreeSet<i64> = changed.iter().map(|(_, id)| *id).collect();
    let lengths: HashMap<i64, i32> = of_tenant()
        .filter(any_of(messages::message_id, &all))
        .select((messages::message_id, octet_length(messages::item)))
        .load(connection)?
        .into_iter()
        .collect();
    let length = |(_, id): &(i64, i64)| (*id, lengths.get(id).copied().unwrap_or_default());
    let read = fitting(&changed.iter().map(length).collect::<Vec<_>>());
    let changed = &changed[..read.min(changed.len())];
    let mut ids: BTreeSet<i64> = changed.iter().map(|(_, id)| *id).collect();
    let texts: Vec<String> =
        of_tenant().filter(any_of(messages::message_id, &ids)).select(messages::item).load(connection)?;
    let mut items = parse(&texts, tenant);
    items.sort_unstable_by_key(Item::message_id);
    let looked_at = ids.len() as u64;
    for item in &items {
        ids.remove(&item.message_id());
    }
    let removed: Vec<i64> = ids.into_iter().collect();
    term_tables::write(connection, tenant, &items.iter().map(terms_of).collect::<Vec<_>>(), &removed)?;
    let indexed_up_to = changed.last().map_or(last_change, |(sequence, _)| *sequence);
    Ok(Some((StoredState { indexed_up_to, ..state }, looked_at)))
}

/// The items of some texts. One that cannot be read is left out, or nothing after it would ever be indexed.
fn parse(texts: &[String], tenant: TenantId) -> Vec<Item> {
    let readable = |text: &String| match item::parse(text, tenant) {
        Ok(item) => Some(item),
        Err(error) => {
            tracing::warn!(cause = %error, %tenant, "a message was left out of the text index");
            None
        }
    };
    texts.iter().filter_map(readable).collect()
}

/// How many of the first messages, of which there is at least one, have at most `MAX_BYTES`.
fn fitting(lengths: &[(i64, i32)]) -> usize {
    let total = lengths.iter().scan(0_i64, |total, (_, length)| {
        *total += i64::from(*length);
        Some(*total)
    });
    total.take_while(|total| *total <= MAX_BYTES).count().max(1)
}

fn terms_of(item: &Item) -> MessageTerms {
    let terms: BTreeSet<String> = index_terms(&fields_of(item)).iter().map(|(_, term)| term.to_owned()).collect();
    MessageTerms { message_id: item.message_id(), terms: terms.into_iter().collect() }
}
