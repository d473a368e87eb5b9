//! A tenant of a sandbox: its keys, the store that it began with, and its current instance, which a reset replaces;
//! knows no request.

use std::sync::{Arc, PoisonError, RwLock};

use super::fixtures::Fixtures;
use super::instance::{InitialState, Instance, InstanceContext};
use super::keys::TenantKey;
use super::seed::{Seed, StoreFile, options};
use super::sending::callbacks::Destinations;
use crate::clock::ClockMode;
use crate::config::Config;
use crate::model::{Instant, TenantId};
use crate::store::StoreError;

/// A tenant to be created.
pub struct NewTenant {
    pub id: TenantId,
    pub keys: Vec<TenantKey>,
    pub fixtures: Fixtures,
    /// Whether it has the users of the console.
    pub has_users: bool,
    pub initial: InitialState,
    /// The time at its creation, by its clock.
    pub now: Instant,
}

pub struct Tenant {
    pub id: TenantId,
    pub project_id: String,
    pub keys: Vec<TenantKey>,
    seed: StoreFile,
    initial: InitialState,
    instance: RwLock<Arc<Instance>>,
}

impl Tenant {
    /// Must be called on the runtime that is to run the tenant's commits, as `reset` must be.
    pub async fn create(
        template: &StoreFile,
        config: &Config,
        destinations: &Destinations,
        new: NewTenant,
    ) -> Result<Self, StoreError> {
        let NewTenant { id, keys, fixtures, has_users, initial, now } = new;
        let seed = Seed { tenant: id, keys: keys.clone(), fixtures, has_users, now };
        let seed = template.with(seed, options(config)).await?;
        let webhook_key = key_in(&keys, "webhook");
        let instance = Instance::open(&seed, InstanceContext { config, destinations, webhook_key }, initial).await?;
        let project_id = id.derived_project_id().to_string();
        Ok(Self { id, project_id, keys, seed, initial, instance: RwLock::new(Arc::new(instance)) })
    }

    /// The current instance. A request keeps the one that it began with.
    pub fn instance(&self) -> Arc<Instance> {
        Arc::clone(&self.instance.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Brings everything back to what it was at the tenant's creation.
    pub async fn reset(&self, config: &Config, destinations: &Destinations) -> Result<(), StoreError> {
        let context = InstanceContext { config, destinations, webhook_key: self.key("webhook") };
        let instance = Arc::new(Instance::open(&self.seed, context, self.initial).await?);
        let old = {
            let mut current = self.instance.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, instance)
        };
        old.sending.end();
        // Closing a store waits for its last checkpoint.
        tokio::task::spawn_blocking(move || drop(old));
        Ok(())
    }

    /// The value of a key.
    pub fn key(&self, name: &str) -> &str {
        key_in(&self.keys, name)
    }
}

fn key_in<'a>(keys: &'a [TenantKey], name: &str) -> &'a str {
    keys.iter().find(|key| key.spec.name == name).map_or("", |key| key.secret.reveal())
}

/// The clock of a tenant that is created with a time, which stops it there, or without one.
pub fn clock_mode(now: Option<Instant>) -> ClockMode {
    now.map_or(ClockMode::Machine, ClockMode::Stopped)
}
