//! Copies what is no message: subjects, keys, users, pending messages, other events, imported rows and pulls; knows no SQL.

use super::Transfer;
use crate::ingest::{self, Event};
use crate::model::{Provenance, Source, TenantId};
use crate::store::messages::pending::StoredPending;
use crate::store::{Connection, StoreError, api_keys, pulls, subjects, users};

impl Transfer<'_> {
    /// A subject that was added by hand replaces the target's; one that was learned is learned again from its messages.
    pub(super) async fn copy_subjects(&self) -> Result<(), StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| subjects::all(connection, tenant)).await?;
        let known = self.to.read_primary(move |connection| subjects::all(connection, tenant)).await?;
        let by_hand = all.into_iter().filter(|subject| subject.1.is_none() && !known.contains(subject));
        for (subject, _) in by_hand {
            // Messages that were pending for it are processed too.
            ingest::add_subject(self.to, tenant, subject).await?;
        }
        Ok(())
    }

    /// Returns how many keys were added or changed.
    pub(super) async fn copy_keys(&self) -> Result<u64, StoreError> {
        let tenant = self.tenant;
        let keys = self.from.read_primary(move |connection| api_keys::rows(connection, tenant)).await?;
        self.put_each(keys, api_keys::put).await
    }

    /// Users with their passwords, but not their sessions: they sign in again. Returns how many were added or changed.
    pub(super) async fn copy_users(&self) -> Result<u64, StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| users::rows(connection, tenant)).await?;
        self.put_each(all, users::put).await
    }

    /// Writes rows into the target in one transaction; returns how many of them changed it.
    async fn put_each<T: Send + 'static>(
        &self,
        rows: Vec<T>,
        put: fn(&mut Connection, TenantId, &T) -> Result<bool, StoreError>,
    ) -> Result<u64, StoreError> {
        let tenant = self.tenant;
        self.to
            .write(move |connection| {
                let mut changed = 0;
                for row in &rows {
                    changed += u64::from(put(connection, tenant, row)?);
                }
                Ok(changed)
            })
            .await
    }

    pub(super) async fn copy_pending(&self) -> Result<(), StoreError> {
        let event = |stored: StoredPending| Event::pending(stored.message, stored.provenance);
        self.each_page_of_pending(async |page| {
            ingest::record_all(self.to, self.tenant, page.into_iter().map(event).collect()).await.map(|_| ())
        })
        .await
    }

    pub(super) async fn copy_other_events(&self) -> Result<(), StoreError> {
        let event = |(_, received_at, body)| Event::other(body, Provenance { source: Source::Webhook, received_at });
        self.each_page_of_other_events(async |page| {
            ingest::record_all(self.to, self.tenant, page.into_iter().map(event).collect()).await.map(|_| ())
        })
        .await
    }

    /// Returns how many rows were added or changed.
    pub(super) async fn copy_imported_logs(&self) -> Result<u64, StoreError> {
        let mut written = 0;
        self.each_page_of_imported_logs(async |page| {
            let counts = ingest::logs::record(self.to, self.tenant, page).await?;
            written += counts.imported + counts.updated;
            Ok(())
        })
        .await?;
        Ok(written)
    }

    /// A pull of the target that has come further than the source's stays as it is.
    pub(super) async fn copy_pulls(&self) -> Result<(), StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| pulls::all(connection, tenant)).await?;
        self.to
            .write(move |connection| {
                for (upstream, progress) in &all {
                    let known = pulls::load(connection, tenant, upstream)?;
                    if !known.is_some_and(|known| known.has_reached(progress)) {
                        pulls::save(connection, tenant, upstream, progress)?;
                    }
                }
                Ok(())
            })
            .await
    }
}
