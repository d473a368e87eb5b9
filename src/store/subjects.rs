//! The subjects of a tenant, added by hand or learned from messages; knows no message.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::connection::Connection;
use super::days;
use super::dialect::any_of;
use super::error::StoreError;
use super::schema::subjects;
use crate::model::TenantId;
use crate::model::subject::Subject;

/// What a message says of its subject: ordered, so that the greatest message id has the last word
/// and the order of arrival does not matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lesson {
    pub message_id: i64,
    pub name: Option<String>,
    pub channel_type: String,
}

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

/// Takes over what messages say of their subjects, except where a subject was added by hand.
pub fn learn(connection: &mut Connection, tenant: TenantId, lessons: &BTreeMap<i64, Lesson>) -> Result<(), StoreError> {
    type Row = (i64, Option<String>, String, Option<i64>);
    let known: Vec<Row> = subjects::table
        .filter(subjects::tenant_id.eq(tenant.0))
        .filter(any_of(subjects::id, lessons.keys()))
        .select((subjects::id, subjects::name, subjects::channel_type, subjects::learned_from))
        .load(connection)?;
    for (id, lesson) in lessons {
        let is_news = match known.iter().find(|row| row.0 == *id) {
            None => true,
            Some((_, _, _, None)) => false,
            Some((_, name, channel_type, Some(message_id))) => {
                *lesson > Lesson { message_id: *message_id, name: name.clone(), channel_type: channel_type.clone() }
            }
        };
        if is_news {
            let (name, channel_type) = (lesson.name.clone(), lesson.channel_type.clone());
            put(connection, tenant, &Subject { id: *id, name, channel_type }, Some(lesson.message_id))?;
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
