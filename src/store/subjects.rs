//! The subjects of a tenant, added by hand or learned from messages.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::connection::Connection;
use super::days;
use super::error::StoreError;
use super::schema::{messages, subjects};
use crate::model::TenantId;
use crate::model::subject::Subject;

/// Adds a subject, or corrects the one that has its id.
pub fn add(connection: &mut Connection, tenant: TenantId, subject: &Subject) -> Result<(), StoreError> {
    super::tenants::require(connection, tenant)?;
    put(connection, tenant, subject, None)
}

/// All subjects of a tenant by id.
pub fn list(connection: &mut Connection, tenant: TenantId) -> Result<Vec<Subject>, StoreError> {
    let rows: Vec<(i64, Option<String>, String)> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0))
        .select((subjects::id, subjects::name, subjects::channel_type))
        .order(subjects::id)
        .load(connection)?;
    Ok(rows.into_iter().map(|(id, name, channel_type)| Subject { id, name, channel_type }).collect())
}

pub fn exists(connection: &mut Connection, tenant: TenantId, id: i64) -> Result<bool, StoreError> {
    Ok(diesel::select(diesel::dsl::exists(subjects::table.find((tenant.0, id)))).get_result(connection)?)
}

/// Every channel type that the tenant's subjects or messages have (docs/edna.md 6.4).
pub fn channel_types(connection: &mut Connection, tenant: TenantId) -> Result<BTreeSet<String>, StoreError> {
    let of_subjects: Vec<String> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0))
        .select(subjects::channel_type)
        .distinct()
        .load(connection)?;
    let of_messages = days::channel_types(connection, tenant)?;
    Ok(of_subjects.into_iter().chain(of_messages).collect())
}

/// Takes over what messages say of these subjects, except where a subject was added by hand: the name and the
/// channel of the message with the greatest id, so that the order of arrival does not matter.
pub fn learn(connection: &mut Connection, tenant: TenantId, ids: &BTreeSet<i64>) -> Result<(), StoreError> {
    for id in ids {
        let known: Option<Option<i64>> =
            subjects::table.find((tenant.0, id)).select(subjects::learned_from).first(connection).optional()?;
        if known == Some(None) {
            continue;
        }
        // SELECT … FROM messages WHERE tenant_id = ? AND subject_id = ? ORDER BY message_id DESC LIMIT 1
        let lesson: Option<(i64, Option<String>, String)> = messages::table
            .filter(messages::tenant_id.eq(tenant.0).and(messages::subject_id.eq(id)))
            .select((messages::message_id, messages::subject_name, messages::channel_type))
            .order(messages::message_id.desc())
            .first(connection)
            .optional()?;
        match lesson {
            Some((message_id, name, channel_type)) => {
                put(connection, tenant, &Subject { id: *id, name, channel_type }, Some(message_id))?;
            }
            // Its last message turned out to be another subject's.
            None => {
                diesel::delete(subjects::table.find((tenant.0, id))).execute(connection)?;
            }
        }
    }
    Ok(())
}

fn put(
    connection: &mut Connection,
    tenant: TenantId,
    subject: &Subject,
    learned_from: Option<i64>,
) -> Result<(), StoreError> {
    let values = (
        subjects::tenant_id.eq(tenant.0),
        subjects::id.eq(subject.id),
        subjects::name.eq(&subject.name),
        subjects::channel_type.eq(&subject.channel_type),
        subjects::learned_from.eq(learned_from),
    );
    diesel::replace_into(subjects::table).values(values).execute(connection)?;
    Ok(())
}
