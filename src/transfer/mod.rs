//! Copies tenants from one store into another through the ingest path, so that it may be repeated at any time: what the
//! target already has is not written again, and what both received is merged. Knows no SQL.

mod compare;
mod messages;
mod pages;
mod rest;
mod verify;

use crate::model::TenantId;
use crate::model::tenant::Tenant;
use crate::store::{Store, StoreError, tenants};

pub use verify::Verification;

/// A copy of a tenant from one store into another.
pub struct Transfer<'a> {
    pub from: &'a Store,
    pub to: &'a Store,
    pub tenant: TenantId,
}

/// What a copy has written into the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// New messages.
    pub copied: u64,
    /// Messages that the target had, and that were changed.
    pub updated: u64,
    /// Status events.
    pub statuses: u64,
    /// Rows of the WhatsApp log that were imported.
    pub logs: u64,
    /// API keys, new ones and changed ones.
    pub keys: u64,
    /// Users of the console, new ones and changed ones.
    pub users: u64,
}

/// The tenants of a store by id, or one of them.
pub async fn tenants_of(store: &Store, only: Option<TenantId>) -> Result<Vec<Tenant>, StoreError> {
    let all = store.read_primary(tenants::list).await?;
    match only {
        None => Ok(all),
        Some(id) => match all.into_iter().find(|tenant| tenant.id == id) {
            Some(tenant) => Ok(vec![tenant]),
            None => Err(StoreError::UnknownTenant(id)),
        },
    }
}

impl Transfer<'_> {
    /// Copies everything of the tenant. Calls `progress` with the number of messages compared so far.
    pub async fn run(&self, tenant: &Tenant, progress: &mut impl FnMut(u64)) -> Result<Written, StoreError> {
        self.create(tenant).await?;
        let mut written = Written::default();
        // Subjects first, because they decide what becomes of messages without a channel.
        self.copy_subjects().await?;
        written.keys = self.copy_keys().await?;
        written.users = self.copy_users().await?;
        self.copy_messages(&mut written, progress).await?;
        self.copy_pending().await?;
        self.copy_other_events().await?;
        written.logs = self.copy_imported_logs().await?;
        self.copy_pulls().await?;
        Ok(written)
    }

    /// Creates the tenant in the target, unless it is there with the same project.
    async fn create(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let (id, new) = (tenant.id, tenant.clone());
        let created_at = self.from.read_primary(move |connection| tenants::created_at(connection, id)).await?;
        if self.to.write(move |connection| tenants::create(connection, &new, created_at)).await? {
            return Ok(());
        }
        match self.to.read_primary(tenants::list).await?.into_iter().find(|known| known.id == tenant.id) {
            Some(known) if known.project_id == tenant.project_id => Ok(()),
            _ => Err(StoreError::TakenProject { tenant: tenant.id, project_id: tenant.project_id.clone() }),
        }
    }
}
