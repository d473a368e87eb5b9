//! A tenant between two resets: its store, clock, journal and fault rules. A reset replaces them all at once, so a request
//! that is still running cannot write into the new state; knows no request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faults::Faults;
use super::journal::Journal;
use super::seed::{StoreFile, options};
use super::sending::callbacks::Destinations;
use super::sending::state::Sending;
use crate::app::App;
use crate::clock::{Clock, ClockMode, MovableClock};
use crate::config::Config;
use crate::model::{Item, TenantId};
use crate::store::{Connection, LookupFor, StoreError, messages};

/// What a tenant's instances begin with.
#[derive(Clone, Copy, Debug)]
pub struct InitialState {
    pub clock: ClockMode,
    pub strict: bool,
}

/// What an instance gets from its sandbox and its tenant.
pub struct InstanceContext<'a> {
    pub config: &'a Config,
    pub destinations: &'a Destinations,
    pub webhook_key: &'a str,
}

/// The state of a tenant between two resets.
pub struct Instance {
    app: Arc<App>,
    pub clock: Arc<MovableClock>,
    journal: Mutex<Journal>,
    faults: Mutex<Faults>,
    strict: AtomicBool,
    pub sending: Sending,
    /// Declared after the app: fields are dropped in order, and the app's store has this file open.
    _file: StoreFile,
}

impl Instance {
    /// Opens a copy of a tenant's file. Must be called on the runtime that is to run the tenant's commits.
    pub async fn open(
        seed: &StoreFile,
        InstanceContext { config, destinations, webhook_key }: InstanceContext<'_>,
        initial: InitialState,
    ) -> Result<Self, StoreError> {
        let file = seed.copy().await?;
        let store = file.open(options(config)).await?;
        let clock = Arc::new(MovableClock::new(initial.clock));
        let sending = Sending::new(destinations.clone());
        sending.set_authorization(format!("Token {webhook_key}"));
        Ok(Self {
            sending,
            app: Arc::new(App::new(config, store, Clock::Movable(Arc::clone(&clock)))),
            clock,
            journal: Mutex::default(),
            faults: Mutex::default(),
            strict: AtomicBool::new(initial.strict),
            _file: file,
        })
    }

    /// The app that handles the tenant's requests.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// A message of the tenant.
    pub async fn message(&self, tenant: TenantId, id: i64) -> Result<Option<Arc<Item>>, StoreError> {
        let load = move |connection: &mut Connection| messages::load(connection, tenant, &[id].into());
        let found = self.app.store.quick_read(LookupFor::Gateway, load).await?.remove(&id);
        Ok(found.map(|message| message.item))
    }

    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_strict(&self) -> bool {
        self.strict.load(Ordering::Relaxed)
    }

    pub fn set_strict(&self, strict: bool) {
        self.strict.store(strict, Ordering::Relaxed);
    }
}
