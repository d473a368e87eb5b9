//! The subjects of a tenant, added by hand or learned from messages; knows no request.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::model::subject::Subject;
use crate::model::{Item, Property, Source, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::db::pinned::{IndexHint, message_id};
use crate::store::db::text::{decode, encode};
use crate::store::error::StoreError;
use crate::store::messages::{daily_counts, item};
use crate::store::schema::{messages, subjects};

/// Adds a subject, or overwrites the one that has its id.
pub fn add(connection: &mut Connection, tenant: TenantId, subject: &Subject) -> Result<(), StoreError> {
    crate::store::tenants::lock(connection, tenant)?;
    put(connection, tenant, subject, None)
}

/// Lists all subjects of a tenant by id.
pub fn list(connection: &mut Connection, tenant: TenantId) -> Result<Vec<Subject>, StoreError> {
    Ok(all(connection, tenant)?.into_iter().map(|(subject, _)| subject).collect())
}

/// Every subject of a tenant by id, with the message that it was learned from; `None` if it was added by hand.
pub fn all(connection: &mut Connection, tenant: TenantId) -> Result<Vec<(Subject, Option<i64>)>, StoreError> {
    let rows: Vec<(i64, Option<String>, String, Option<i64>)> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0))
        .select((subjects::id, subjects::name, subjects::channel_type, subjects::learned_from))
        .order(subjects::id)
        .load(connection)?;
    let subject = |(id, name, channel_type, learned_from): (i64, Option<String>, String, Option<i64>)| {
        (Subject { id, name: name.map(decode), channel_type: decode(channel_type) }, learned_from)
    };
    Ok(rows.into_iter().map(subject).collect())
}

pub fn exists(connection: &mut Connection, tenant: TenantId, id: i64) -> Result<bool, StoreError> {
    Ok(diesel::select(diesel::dsl::exists(subjects::table.find((tenant.0, id)))).get_result(connection)?)
}

/// Whether all of some subjects exist.
pub fn all_exist(connection: &mut Connection, tenant: TenantId, ids: &[i64]) -> Result<bool, StoreError> {
    let ids: BTreeSet<i64> = ids.iter().copied().collect();
    Ok(channels(connection, tenant, &ids)?.len() == ids.len())
}

/// The channel types of the known subjects among some ids.
pub fn channels(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, String>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, String)> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0))
        .filter(any_of(subjects::id, ids))
        .select((subjects::id, subjects::channel_type))
        .load(connection)?;
    Ok(rows.into_iter().map(|(id, channel_type)| (id, decode(channel_type))).collect())
}

/// Every channel type of the tenant's subjects and messages (docs/edna.md 6.4).
pub fn channel_types(connection: &mut Connection, tenant: TenantId) -> Result<BTreeSet<String>, StoreError> {
    let of_subjects: Vec<String> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0))
        .select(subjects::channel_type)
        .distinct()
        .load(connection)?;
    let of_messages = daily_counts::channel_types(connection, tenant)?;
    Ok(of_subjects.into_iter().map(decode).chain(of_messages).collect())
}

/// Learns subjects from written messages, except subjects that were added by hand. The message with the greatest id
/// decides on name and channel, so the order of arrival does not matter. Returns whether a subject became known.
pub fn learn(
    connection: &mut Connection,
    tenant: TenantId,
    written: &[&Item],
    replaced: &[&Item],
) -> Result<bool, StoreError> {
    let subject = |item: &Item| item.integer(Property::SubjectId);
    let mut evidence_by_subject: BTreeMap<i64, Option<&Item>> =
        replaced.iter().filter_map(|item| Some((subject(item)?, None))).collect();
    for item in written {
        if let Some(id) = subject(item) {
            let evidence = evidence_by_subject.entry(id).or_default();
            *evidence = (*evidence).filter(|known| known.message_id() > item.message_id()).or(Some(item));
        }
    }
    let ids = evidence_by_subject.keys();
    let rows: Vec<(i64, Option<i64>)> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0))
        .filter(any_of(subjects::id, ids))
        .select((subjects::id, subjects::learned_from))
        .load(connection)?;
    let known: BTreeMap<i64, Option<i64>> = rows.into_iter().collect();
    let mut became_known = false;
    for (id, evidence) in evidence_by_subject {
        let source = match known.get(&id) {
            // Added by hand.
            Some(None) => continue,
            Some(Some(source)) => Some(*source),
            None => None,
        };
        let evidence = evidence.filter(|evidence| source.is_none_or(|source| evidence.message_id() >= source));
        let was_replaced = || replaced.iter().any(|item| Some(item.message_id()) == source);
        if let Some(item) = evidence {
            put(connection, tenant, &subject_of(item, id), Some(item.message_id()))?;
            became_known |= !known.contains_key(&id);
        } else if was_replaced() {
            learn_again(connection, tenant, id)?;
        }
    }
    Ok(became_known)
}

/// Learns a subject again from all its messages, because the message that it was learned from turned out to belong to
/// another subject.
fn learn_again(connection: &mut Connection, tenant: TenantId, id: i64) -> Result<(), StoreError> {
    // SELECT … FROM messages WHERE tenant_id = ? AND subject_id = ? ORDER BY message_id DESC LIMIT 1
    let evidence: Option<String> = messages::table
        .filter(messages::tenant_id.eq(tenant.0).and(messages::subject_id.eq(id)))
        .filter(messages::source.ne(Source::Webhook.number()))
        .select(messages::item)
        .order(message_id(IndexHint::ById).desc())
        .first(connection)
        .optional()?;
    let Some(item) = evidence else {
        diesel::delete(subjects::table.find((tenant.0, id))).execute(connection)?;
        return Ok(());
    };
    let item = item::parse(&item, tenant)?;
    put(connection, tenant, &subject_of(&item, id), Some(item.message_id()))
}

/// The subject that a message is evidence for.
fn subject_of(item: &Item, id: i64) -> Subject {
    let name = item.text(Property::SubjectName).map(str::to_owned);
    let channel_type = item.text(Property::ChannelType).unwrap_or_default().to_owned();
    Subject { id, name, channel_type }
}

fn put(
    connection: &mut Connection,
    tenant: TenantId,
    subject: &Subject,
    learned_from: Option<i64>,
) -> Result<(), StoreError> {
    let name = subject.name.as_deref().map(encode);
    let columns = (
        subjects::name.eq(&name),
        subjects::channel_type.eq(encode(&subject.channel_type)),
        subjects::learned_from.eq(learned_from),
    );
    let upsert = diesel::insert_into(subjects::table)
        .values((subjects::tenant_id.eq(tenant.0), subjects::id.eq(subject.id), columns.clone()))
        .on_conflict((subjects::tenant_id, subjects::id))
        .do_update()
        .set(columns);
    on_each!(connection, |connection| upsert.execute(connection)?);
    Ok(())
}
