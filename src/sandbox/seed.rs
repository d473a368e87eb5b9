//! A tenant's store as it was at its creation: a file that every instance of the tenant begins with a
//! copy of; knows no request.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::Directory;
use super::fixtures::{Fixtures, subjects};
use super::keys::TenantKey;
use super::users::{self, USERS};
use crate::config::Config;
use crate::model::tenant::Tenant;
use crate::model::{Instant, TenantId};
use crate::store::{DatabaseUrl, Options, Store, StoreError, api_keys, backup, tenants};

/// A closed store file in a sandbox's directory, which is removed when this is dropped.
pub struct StoreFile {
    path: PathBuf,
    /// Keeps the directory until the last file of it is closed.
    directory: Arc<Directory>,
}

/// What a file's store begins with.
pub struct Seed {
    pub tenant: TenantId,
    pub keys: Vec<TenantKey>,
    pub fixtures: Fixtures,
    /// Whether it has the users of the console.
    pub has_users: bool,
    pub now: Instant,
}

/// How a sandbox's stores are opened: nothing in them has to survive.
pub fn options(config: &Config) -> Options {
    Options { durable: false, ..config.store_options() }
}

impl StoreFile {
    /// An empty store of the current version.
    pub async fn empty(directory: &Arc<Directory>, options: Options) -> Result<Self, StoreError> {
        let file = Self { path: directory.new_file(), directory: Arc::clone(directory) };
        // Nothing but migrations has been written, on a connection that is closed now.
        drop(file.open(options).await?);
        Ok(file)
    }

    /// A copy of the file as it is.
    pub async fn copy(&self) -> Result<Self, StoreError> {
        let copy = Self { path: self.directory.new_file(), directory: Arc::clone(&self.directory) };
        let (from, to) = (self.path.clone(), copy.path.clone());
        blocking(move || {
            std::fs::copy(&from, &to).map_err(|error| StoreError::Failed(format!("a store was not copied: {error}")))
        })
        .await?;
        Ok(copy)
    }

    /// A copy of the file, into which a tenant was put.
    pub async fn with(&self, seed: Seed, options: Options) -> Result<Self, StoreError> {
        let working = self.copy().await?;
        let store = working.open(options).await?;
        fill(&store, seed).await?;
        let seeded = Self { path: self.directory.new_file(), directory: Arc::clone(&self.directory) };
        // Not a copy of the file, which lacks what is in the write-ahead log.
        let (url, into) = (working.url()?, seeded.path.clone());
        blocking(move || {
            let copied = backup::copy(&url, &into, options.wait, |_| {});
            drop(store);
            copied.map_err(|error| StoreError::Failed(format!("a store was not copied: {error}")))
        })
        .await?;
        Ok(seeded)
    }

    pub async fn open(&self, options: Options) -> Result<Store, StoreError> {
        let url = self.url()?;
        blocking(move || Store::open(&url, options)).await
    }

    fn url(&self) -> Result<DatabaseUrl, StoreError> {
        DatabaseUrl::parse(&format!("sqlite://{}", self.path.display()))
    }
}

impl Drop for StoreFile {
    fn drop(&mut self) {
        let with_suffix = |suffix: &str| {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            PathBuf::from(path)
        };
        for path in ["", "-wal", "-shm", "-turn", "-next"].map(with_suffix) {
            remove(&path);
        }
    }
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::debug!(cause = %error, "a file of the sandbox was not removed");
        }
        _ => {}
    }
}

async fn fill(store: &Store, Seed { tenant, keys, fixtures, has_users, now }: Seed) -> Result<(), StoreError> {
    let project_id = tenant.derived_project_id().to_string();
    let row = Tenant { id: tenant, name: format!("Sandbox {tenant}"), project_id };
    store
        .write(move |connection| {
            tenants::create(connection, &row, now)?;
            for subject in subjects() {
                crate::store::subjects::add(connection, tenant, &subject)?;
            }
            for key in &keys {
                let id = api_keys::issue(connection, &key.for_store(tenant), now)?;
                if let Some(id) = id.filter(|_| key.spec.is_revoked) {
                    api_keys::revoke(connection, tenant, id, now)?;
                }
            }
            for user in USERS.iter().filter(|_| has_users) {
                users::create(connection, tenant, user, now)?;
            }
            Ok(())
        })
        .await?;
    fixtures.record(store, tenant, now).await
}

/// Runs work that waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let failed = |error| StoreError::Failed(format!("work of the sandbox was cut short: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}
