//! Parses stored items; knows no table.

use crate::model::{Item, TenantId};
use crate::store::error::StoreError;

/// Parses an item that the gateway itself rendered.
pub fn parse(text: &str, tenant: TenantId) -> Result<Item, StoreError> {
    Item::parse_stored(text, tenant)
        .map_err(|error| StoreError::DamagedRow(format!("a stored item cannot be read: {error}")))
}
