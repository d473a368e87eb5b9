//! Copies what is no message: subjects, keys, pending messages, other events, imported rows and pulls; knows no SQL.

use super::Transfer;
use crate::ingest::{self, Event};
use crate::model::{Provenance, Source};
use crate::store::messages::pending;
use crate::store::{StoreError, api_keys, pulls, subjects, whatsapp_logs};

/// How many rows are read and written at a time.
pub const PAGE: i64 = 500;

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
        self.to
            .write(move |connection| {
                let mut changed = 0;
                for key in &keys {
                    changed += u64::from(api_keys::put(connection, tenant, key)?);
                }
                Ok(changed)
            })
            .await
    }

    pub(super) async fn copy_pending(&self) -> Result<(), StoreError> {
        let (tenant, mut after) = (self.tenant, (i64::MIN, i64::MIN, String::new()));
        loop {
            let key = after.clone();
            let page =
                self.from.read_primary(move |connection| pending::page_after(connection, tenant, &key, PAGE)).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.key);
            let events = page.into_iter().map(|stored| Event::pending(stored.message, stored.provenance)).collect();
            ingest::record_all(self.to, tenant, events).await?;
        }
    }

    pub(super) async fn copy_other_events(&self) -> Result<(), StoreError> {
        let (tenant, mut after) = (self.tenant, String::new());
        loop {
            let digest = after.clone();
            let page = self
                .from
                .read_primary(move |connection| pending::events_after(connection, tenant, &digest, PAGE))
                .await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            let event =
                |(_, received_at, body)| Event::other(body, Provenance { source: Source::Webhook, received_at });
            ingest::record_all(self.to, tenant, page.into_iter().map(event).collect()).await?;
        }
    }

    /// Returns how many rows were added or changed.
    pub(super) async fn copy_imported_logs(&self) -> Result<u64, StoreError> {
        let (tenant, mut after, mut written) = (self.tenant, None, 0);
        loop {
            let page = self
                .from
                .read_primary(move |connection| whatsapp_logs::imported_after(connection, tenant, after, PAGE))
                .await?;
            let Some(last) = page.last() else { return Ok(written) };
            after = Some(last.id);
            let counts = ingest::logs::record(self.to, tenant, page).await?;
            written += counts.imported + counts.updated;
        }
    }

    /// A pull of the target that has come further than the source's stays as it is.
    pub(super) async fn copy_pulls(&self) -> Result<(), StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| pulls::all(connection, tenant)).await?;
        self.to
            .write(move |connection| {
                for (upstream, progress) in &all {
                    let known = pulls::load(connection, tenant, upstream)?;
                    let is_further = known.is_some_and(|known| known.complete_up_to >= progress.complete_up_to);
                    if !is_further {
                        pulls::save(connection, tenant, upstream, progress)?;
                    }
                }
                Ok(())
            })
            .await
    }
}
