//! The names of the latest broadcasts and cascades, from one message of each; knows no page.

use diesel::dsl::max;
use diesel::prelude::*;

use crate::model::{Property, TenantId};
use crate::store::Connection;
use crate::store::db::budget::Budget;
use crate::store::error::StoreError;
use crate::store::messages::item;
use crate::store::schema::messages;

/// How many broadcasts, and how many cascades, are looked at.
const LATEST: usize = 300;

/// Something with a name that messages belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Broadcast { id: i64, name: String },
    Cascade { id: i64, name: String },
}

impl Named {
    pub fn name(&self) -> &str {
        match self {
            Self::Broadcast { name, .. } | Self::Cascade { name, .. } => name,
        }
    }
}

/// Reads the ids of an index from the greatest on, each once, with the item of its newest message.
macro_rules! latest_of {
    ($connection:ident, $tenant:ident, $budget:ident, $column:ident, $property:expr, $make:expr) => {{
        let (mut found, mut last) = (Vec::new(), i64::MAX);
        while found.len() < LATEST {
            $budget.count_row()?;
            let below = messages::table.filter(messages::tenant_id.eq($tenant.0)).filter(messages::$column.lt(last));
            let next: Option<i64> = below.select(max(messages::$column)).first($connection)?;
            let Some(id) = next else { break };
            last = id;
            let newest = messages::table
                .filter(messages::tenant_id.eq($tenant.0))
                .filter(messages::$column.eq(id))
                .order(messages::message_id.desc())
                .select(messages::item);
            let text: Option<String> = newest.first($connection).optional()?;
            let name = text.map(|text| item::parse(&text, $tenant)).transpose()?;
            if let Some(name) = name.as_ref().and_then(|item| item.text($property)) {
                found.push($make(id, name.to_owned()));
            }
        }
        found
    }};
}

/// The latest broadcasts and cascades that have names, by descending id.
pub fn latest(connection: &mut Connection, tenant: TenantId, budget: &Budget) -> Result<Vec<Named>, StoreError> {
    let broadcast = |id, name| Named::Broadcast { id, name };
    let mut found = latest_of!(connection, tenant, budget, broadcast_id, Property::BroadcastName, broadcast);
    let cascade = |id, name| Named::Cascade { id, name };
    found.extend(latest_of!(connection, tenant, budget, cascade_id, Property::CascadeName, cascade));
    Ok(found)
}
