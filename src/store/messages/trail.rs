//! Loads what is known of messages; knows no caller.

use std::collections::{BTreeMap, BTreeSet};

use super::status_events;
use crate::model::trail::Trail;
use crate::model::{Grants, Property, Sight, StatusEvent, TenantId};
use crate::store::Connection;
use crate::store::error::StoreError;

/// One message as the grants show it; `None` if they show no such message.
pub fn load(
    connection: &mut Connection,
    tenant: TenantId,
    (id, grants): (i64, &Grants),
) -> Result<Option<Trail>, StoreError> {
    Ok(load_all(connection, tenant, (&[id].into(), grants))?.remove(&id))
}

/// Those of some messages that the grants show, as they show them.
pub fn load_all(
    connection: &mut Connection,
    tenant: TenantId,
    (ids, grants): (&BTreeSet<i64>, &Grants),
) -> Result<BTreeMap<i64, Trail>, StoreError> {
    let mut messages = super::load(connection, tenant, ids)?;
    messages.retain(|_, message| grants.sees_message_of(message.item.integer(Property::SubjectId)));
    if messages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let known = status_events::load(connection, tenant, ids, &[])?;
    let trail = |(id, message): (i64, super::StoredMessage)| {
        let events: Vec<StatusEvent> = known.of(id).iter().map(|event| event.event.clone()).collect();
        let trail = Trail::new(message.item, &message.copies, &events);
        (id, if grants.sight == Sight::Masked { trail.masked() } else { trail })
    };
    Ok(messages.into_iter().map(trail).collect())
}
