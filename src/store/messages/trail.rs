//! Loads what is known of one message; knows no caller.

use super::status_events;
use crate::model::trail::Trail;
use crate::model::{StatusEvent, TenantId};
use crate::store::Connection;
use crate::store::error::StoreError;

/// `None` if there is no such message.
pub fn load(connection: &mut Connection, tenant: TenantId, id: i64) -> Result<Option<Trail>, StoreError> {
    let ids = [id].into();
    let Some(message) = super::load(connection, tenant, &ids)?.remove(&id) else { return Ok(None) };
    let known = status_events::load(connection, tenant, &ids, &[])?;
    let events: Vec<StatusEvent> = known.of(id).iter().map(|event| event.event.clone()).collect();
    Ok(Some(Trail::new(message.item, &message.copies, &events)))
}
