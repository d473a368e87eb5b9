//! Reads about all tenants that go on without those whose shard is away; knows no statement.
//!
//! A statement about all tenants fails as a whole on a database that is distributed by tenant if one of its servers is
//! away. Then each tenant is read by itself.

use std::collections::BTreeSet;

use super::messages::pending;
use super::stats::{self, StoreStats};
use super::{Connection, LookupFor, Store, StoreError, search, tenants};
use crate::model::TenantId;

impl Store {
    /// The tenants that have pending messages whose subject is known.
    pub async fn ready_tenants(&self) -> Result<BTreeSet<TenantId>, StoreError> {
        let of_tenant = |connection: &mut Connection, tenant| Ok((tenant, pending::is_ready(connection, tenant)?));
        let ready = self.of_all_tenants(pending::ready_tenants, of_tenant).await?;
        Ok(match ready {
            Read::AtOnce(tenants) => tenants,
            Read::Each(found) => {
                found.into_iter().filter(|(_, is_ready)| *is_ready).map(|(tenant, _)| tenant).collect()
            }
        })
    }

    /// The tenants with messages that have no WhatsApp log row yet.
    pub async fn tenants_missing_logs(&self) -> Result<Vec<TenantId>, StoreError> {
        let of_tenant = |connection: &mut Connection, tenant| Ok((tenant, tenants::logged_up_to(connection, tenant)?));
        Ok(match self.of_all_tenants(tenants::missing_logs, of_tenant).await? {
            Read::AtOnce(tenants) => tenants,
            Read::Each(found) => found.into_iter().filter_map(|(tenant, up_to)| up_to.map(|_| tenant)).collect(),
        })
    }

    /// The tenants whose text index is behind.
    pub async fn tenants_to_index(&self) -> Result<Vec<TenantId>, StoreError> {
        let of_tenant =
            |connection: &mut Connection, tenant| Ok((tenant, !search::state(connection, tenant)?.is_complete()));
        Ok(match self.of_all_tenants(search::tenants_behind, of_tenant).await? {
            Read::AtOnce(tenants) => tenants,
            Read::Each(found) => {
                found.into_iter().filter(|(_, is_behind)| *is_behind).map(|(tenant, _)| tenant).collect()
            }
        })
    }

    /// The counts of all tenants.
    pub async fn stats(&self) -> Result<StoreStats, StoreError> {
        Ok(match self.of_all_tenants(stats::read, stats::of_tenant).await? {
            Read::AtOnce(stats) => stats,
            Read::Each(found) => found.into_iter().fold(StoreStats::default(), |mut all, mut one| {
                all.pending.append(&mut one.pending);
                all.pull_progress.append(&mut one.pull_progress);
                all.search_behind.append(&mut one.search_behind);
                all
            }),
        })
    }

    async fn of_all_tenants<A: Send + 'static, T: Send + 'static>(
        &self,
        at_once: fn(&mut Connection) -> Result<A, StoreError>,
        of_tenant: impl Fn(&mut Connection, TenantId) -> Result<T, StoreError> + Copy + Send + 'static,
    ) -> Result<Read<A, T>, StoreError> {
        let error = match self.quick_read(LookupFor::Gateway, at_once).await {
            Ok(all) => return Ok(Read::AtOnce(all)),
            Err(error) => error,
        };
        let (mut found, mut missing) = (Vec::new(), 0);
        // If these cannot be read either, the whole store is away.
        for tenant in self.quick_read(LookupFor::Gateway, tenants::list).await.map_err(|_| error)? {
            match self.quick_read(LookupFor::Gateway, move |connection| of_tenant(connection, tenant.id)).await {
                Ok(one) => found.push(one),
                Err(error) => {
                    missing += 1;
                    tracing::debug!(tenant = %tenant.id, cause = %error, "a tenant's shard is away");
                }
            }
        }
        if missing > 0 {
            tracing::warn!(tenants = missing, "the data of some tenants cannot be read; the others are served");
        }
        Ok(Read::Each(found))
    }
}

/// What was read of all tenants: at once, or each by itself.
enum Read<A, T> {
    AtOnce(A),
    Each(Vec<T>),
}
