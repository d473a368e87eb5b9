//! A running sandbox: its tenants by id and by key; knows no request.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::directory::Directory;
use super::faults::Fault;
use super::fixtures::Fixtures;
use super::instance::InitialState;
use super::journal::Journal;
use super::keys::{self, TenantKey};
use super::seed::{StoreFile, options};
use super::sending::callbacks::Destinations;
use super::tenant::{NewTenant, Tenant, clock_mode};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::key::{KeyDigest, Secret};
use crate::model::{Instant, TenantId};
use crate::store::{Store, StoreError};

/// The tenant that every sandbox begins with, which has made-up data.
pub const DEMO: TenantId = TenantId(3193);

/// The id of the first tenant that is created.
const FIRST_ID: i64 = 100_001;

/// What a tenant has unless its creation says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults {
    /// Where its clock is stopped.
    pub now: Option<Instant>,
    pub strict: bool,
}

/// How a sandbox is started.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub defaults: Defaults,
    /// The host names, beside those of the machine itself, under which control requests may address it.
    pub hosts: Vec<String>,
    /// Where callbacks may go.
    pub destinations: Destinations,
}

/// A running sandbox.
pub struct Registry {
    pub config: Config,
    pub settings: Settings,
    template: StoreFile,
    tenants: RwLock<Tenants>,
    next_id: AtomicI64,
    /// The requests whose key belongs to no tenant.
    unmatched: Mutex<Journal>,
    directory: Arc<Directory>,
}

#[derive(Default)]
struct Tenants {
    by_id: BTreeMap<i64, Arc<Tenant>>,
    by_key: HashMap<KeyDigest, Owner>,
    /// Every key that ever was a tenant's.
    issued: HashSet<KeyDigest>,
}

/// Whose key a request has.
#[derive(Clone)]
pub struct Owner {
    pub tenant: Arc<Tenant>,
    /// The key's name.
    pub key: &'static str,
    /// What every request with the key is answered with.
    pub fault: Option<Fault>,
}

impl Tenants {
    fn insert(&mut self, key: KeyDigest, owner: Owner) {
        self.issued.insert(key);
        self.by_key.insert(key, owner);
    }
}

impl Registry {
    /// A sandbox without tenants, and a store for requests whose key belongs to none.
    pub async fn start(config: Config, settings: Settings) -> Result<(Self, Store), StoreError> {
        let failed = |error| StoreError::Failed(format!("a temporary directory was not created: {error}"));
        let directory = Arc::new(Directory::create().map_err(failed)?);
        let template = StoreFile::empty(&directory, options(&config)).await?;
        let base = template.open(options(&config)).await?;
        let registry = Self {
            config,
            settings,
            template,
            tenants: RwLock::default(),
            next_id: AtomicI64::new(FIRST_ID),
            unmatched: Mutex::default(),
            directory,
        };
        Ok((registry, base))
    }

    /// Creates the demo tenant, with its fixed keys.
    pub async fn create_demo(&self, fixtures: Fixtures) -> Result<Arc<Tenant>, StoreError> {
        let tenant = self.add(DEMO, TenantKey::demo(), fixtures, self.settings.defaults).await?;
        let mut tenants = self.write();
        for (name, value, fault) in keys::fault_keys() {
            if let Some(secret) = Secret::parse(value) {
                let owner = Owner { tenant: Arc::clone(&tenant), key: name, fault: Some(fault) };
                tenants.insert(secret.digest(), owner);
            }
        }
        drop(tenants);
        Ok(tenant)
    }

    /// The id of a tenant to be created.
    pub fn new_id(&self) -> TenantId {
        TenantId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// Creates a tenant with random keys.
    pub async fn create_tenant(
        &self,
        id: TenantId,
        fixtures: Fixtures,
        defaults: Defaults,
    ) -> Result<Arc<Tenant>, StoreError> {
        self.add(id, TenantKey::random(), fixtures, defaults).await
    }

    async fn add(
        &self,
        id: TenantId,
        keys: Vec<TenantKey>,
        fixtures: Fixtures,
        Defaults { now, strict }: Defaults,
    ) -> Result<Arc<Tenant>, StoreError> {
        let initial = InitialState { clock: clock_mode(now), strict };
        let now = now.unwrap_or_else(|| Clock::System.now());
        let new = NewTenant { id, keys, fixtures, has_users: id == DEMO, initial, now };
        let tenant = Arc::new(Tenant::create(&self.template, &self.config, &self.settings.destinations, new).await?);
        let mut tenants = self.write();
        for key in &tenant.keys {
            let owner = Owner { tenant: Arc::clone(&tenant), key: key.spec.name, fault: None };
            tenants.insert(key.secret.digest(), owner);
        }
        tenants.by_id.insert(id.0, Arc::clone(&tenant));
        drop(tenants);
        Ok(tenant)
    }

    /// Deletes a tenant; `false` if there is none with this id. Its keys are unknown from then on.
    pub fn delete(&self, id: i64) -> bool {
        let mut tenants = self.write();
        let Some(tenant) = tenants.by_id.remove(&id) else { return false };
        tenants.by_key.retain(|_, owner| owner.tenant.id != tenant.id);
        drop(tenants);
        tenant.instance().sending.end();
        tokio::task::spawn_blocking(move || drop(tenant));
        true
    }

    pub fn tenant(&self, id: i64) -> Option<Arc<Tenant>> {
        self.read().by_id.get(&id).cloned()
    }

    /// All tenants by id.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.read().by_id.values().cloned().collect()
    }

    pub fn owner(&self, key: &Secret) -> Option<Owner> {
        self.read().by_key.get(&key.digest()).cloned()
    }

    pub fn unmatched(&self) -> MutexGuard<'_, Journal> {
        self.unmatched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes all files.
    pub fn remove_files(&self) {
        self.directory.remove();
    }

    fn read(&self) -> RwLockReadGuard<'_, Tenants> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tenants> {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text without the keys that the sandbox knows.
    pub fn without_keys(&self, text: String) -> String {
        keys::redact(text, |secret| self.read().issued.contains(&secret.digest()))
    }
}
